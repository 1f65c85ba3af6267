"""A real cluster on this machine: a Spark master and two workers as processes of their own, on loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_WAIT = 60
_MEMORY = "768m"
_HOST = "127.0.0.1"
# What starts soon, for tests that are over soon.
_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData"


@dataclass(slots=True)
class Cluster:
    """The cluster as a test sees it: its address, where its processes work, and their ids.

    There is room for two applications, of two executors each.
    """

    master: str
    folder: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def env(self) -> dict[str, str]:
        """The environment in which a driver of its own reaches the cluster."""
        return _environment(self.folder)

    @property
    def options(self) -> dict[str, str]:
        """What a session of this cluster is made with: two executors of one core."""
        return {
            "spark.master": self.master,
            "spark.driver.host": _HOST,
            "spark.driver.bindAddress": _HOST,
            "spark.driver.memory": _MEMORY,
            "spark.driver.extraJavaOptions": _JAVA,
            "spark.executor.memory": _MEMORY,
            "spark.executor.extraJavaOptions": _JAVA,
            "spark.executor.cores": "1",
            "spark.cores.max": "2",
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.sql.session.timeZone": "UTC",
            "spark.sql.shuffle.partitions": "2",
            "spark.sql.warehouse.dir": str(self.folder / "warehouse"),
            "spark.local.dir": str(self.folder / "local"),
            "spark.log.level": "ERROR",
        }

    def executors(self) -> list[int]:
        """Return the processes of the executors that run now."""
        found = []
        for worker in self.processes[1:]:
            children = subprocess.run(
                ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(worker.pid)],
                capture_output=True,
                text=True,
                check=False,
            )
            found += [
                int(line.split()[0])
                for line in children.stdout.splitlines()
                if "CoarseGrainedExecutorBackend" in line
            ]
        return found


def need_spark() -> None:
    """Skip the tests of a module where pyspark, deltalake or Java is missing."""
    for module in ("pyspark", "deltalake"):
        pytest.importorskip(module, reason=f"{module}, of the extra `spark`, is not installed")
    if _java() is None:
        pytest.skip("there is no Java, on which Spark runs", allow_module_level=True)


@contextmanager
def started(folder: Path) -> Iterator[Cluster]:
    """Give a cluster that runs until the end; its files lie in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    cluster = Cluster(f"spark://{_HOST}:{port}", folder)
    with ExitStack() as stack:
        master = ["Master", "--host", _HOST, "--port", str(port), "--webui-port", "0"]
        stack.callback(_end, cluster.processes)
        cluster.processes.append(_start(folder, "master", *master))
        _wait_for(port, cluster.processes[0], folder / "master.log")
        for number in range(2):
            name = f"worker{number}"
            cluster.processes.append(
                _start(
                    *(folder, name, "Worker", "--host", _HOST, "--port", "0", "--webui-port", "0"),
                    *("--cores", "2", "--memory", "2g", "--work-dir", str(folder / name), cluster.master),
                )
            )
        yield cluster


@contextmanager
def session(cluster: Cluster, **options: str) -> Iterator[SparkSession]:
    """Give the session of this process on the cluster, with options whose dots are written `__`."""
    from pyspark.sql import SparkSession

    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        # py4j and pyspark leave sockets and files for the collector to close.
        warnings.simplefilter("ignore", ResourceWarning)
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        for name, value in cluster.env.items():
            patch.setenv(name, value)
        builder = SparkSession.builder.appName("flowdb tests")
        for name, value in {
            **cluster.options,
            **{one.replace("__", "."): two for one, two in options.items()},
        }.items():
            builder = builder.config(name, value)
        spark = builder.getOrCreate()
        context = type(spark.sparkContext)
        gateway = context._gateway
        try:
            yield spark
        finally:
            spark.stop()
            # Stopping a context leaves its JVM, with the options of the first one, to the next.
            process = gateway.proc if gateway is not None else None
            if gateway is not None:
                gateway.shutdown()
            context._gateway = context._jvm = None
            if process is not None:
                process.stdin.close()
                process.wait(_WAIT)


def _java() -> str | None:
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")


def _environment(folder: Path) -> dict[str, str]:
    import pyspark

    return {
        **os.environ,
        "SPARK_HOME": str(Path(pyspark.__file__).parent),
        "SPARK_LOCAL_IP": _HOST,
        "SPARK_MASTER_HOST": _HOST,
        "SPARK_LOCAL_DIRS": str(folder / "local"),
        "SPARK_WORKER_DIR": str(folder),
        "SPARK_LOG_DIR": str(folder),
        "SPARK_PID_DIR": str(folder),
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_DAEMON_JAVA_OPTS": _JAVA,
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "TZ": "UTC",
    }


def _start(folder: Path, name: str, kind: str, *args: str) -> subprocess.Popen[bytes]:
    environment = _environment(folder)
    command = [
        f"{environment['SPARK_HOME']}/bin/spark-class",
        f"org.apache.spark.deploy.{kind.lower()}.{kind}",
    ]
    with open(folder / f"{name}.log", "wb") as log:
        return subprocess.Popen(
            [*command, *args], env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in reversed(processes):
        process.terminate()
    for process in processes:
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind((_HOST, 0))
        port: int = listening.getsockname()[1]
        return port


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _WAIT
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as asking:
            if not asking.connect_ex((_HOST, port)):
                return
        time.sleep(0.05)
    raise AssertionError(f"the master does not answer:\n{log.read_text(errors='replace')[-2000:]}")
