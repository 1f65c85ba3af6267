"""One writer at a time: the second is told who writes, and no reader or dead process is in the way."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import flowdb
from flowdb.errors import StoreBusy
from flowdb.lock import locked
from flowdb.store import Store
from flowdb.verification import verify
from tests.conftest import Run, all_rows, record, write_log
from tests.reliability.states import left_over

HOLD = """
import sys, pathlib
from flowdb.store import Store
with Store(pathlib.Path(sys.argv[1])).writer(sys.argv[2]):
    print("holding", flush=True)
    sys.stdin.read()
"""
DELETE = """
import pathlib, sys
path = pathlib.Path(sys.argv[1]) / "flowdb.duckdb"
while not pathlib.Path(sys.argv[2]).exists():
    path.unlink(missing_ok=True)
"""
REFRESH = """
import pathlib, sys, flowdb
count = 0
while not pathlib.Path(sys.argv[2]).exists():
    with flowdb.open(sys.argv[1]) as db:
        assert db.sql("SELECT count(*) FROM flows").fetchall()[0][0] >= 3
    count += 1
print(count)
"""


@contextmanager
def held(store: Path, verb: str = "ingest") -> Iterator[subprocess.Popen[str]]:
    """Have another process hold a store."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(store), verb],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "holding\n"
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def db(tmp_path: Path) -> Iterator[flowdb.FlowDB]:
    """Give a store with three records in it."""
    with flowdb.open(tmp_path / "flows") as opened:
        opened.ingest(write_log(tmp_path / "a.log", [record(n) for n in range(3)]))
        yield opened


@pytest.mark.parametrize(
    "argv",
    [
        ["ingest", "a.log"],
        ["ingest", "--replace", "a.log"],
        ["compact"],
        ["prune", "--before", "2024-01-01"],
        ["forget", "a.log"],
        ["verify", "--repair"],
    ],
    ids=lambda argv: " ".join(argv[:2]),
)
def test_a_second_writer_is_told_in_one_sentence_who_writes(
    db: flowdb.FlowDB, run: Run, argv: list[str]
) -> None:
    if argv[0] == "verify":  # which writes only where there is something to mend
        (db.path / "meta" / "generation.json").unlink()
        os.truncate(next(db.path.glob("meta/*-sources.parquet")), 10)
    with held(db.path, "compact") as process:
        ended = run(*argv)
    assert (ended.returncode, ended.stdout) == (3, "")
    assert re.fullmatch(
        rf"flowdb: error: \S+: process {process.pid} \(compact since [-0-9]+ [0-9:]+\+00:00\) is writing to"
        r" the store; try again when it has ended\n",
        ended.stderr,
    ), ended.stderr


def test_those_that_only_read_are_not_told_anything(db: flowdb.FlowDB, run: Run, tmp_path: Path) -> None:
    with held(db.path):
        for argv in (
            ["status"],
            ["sources"],
            ["history"],
            ["files"],
            ["prune", "--before", "2024-02-01", "--dry-run"],
            ["verify"],
            ["backup", "copy"],
            ["top-talkers"],
        ):
            ended = run(*argv)
            assert ended.returncode == 0, (argv, ended.stderr)
    with flowdb.open(tmp_path / "copy") as copy:
        assert all_rows(copy) == all_rows(db)


def test_a_process_that_is_stopped_still_writes(db: flowdb.FlowDB, run: Run) -> None:
    with held(db.path) as process:
        os.kill(process.pid, signal.SIGSTOP)
        ended = run("compact")
        assert ended.returncode == 3
        assert f"process {process.pid} (ingest since" in ended.stderr


def test_a_lock_that_a_dead_process_left_is_nobodys(db: flowdb.FlowDB, run: Run) -> None:
    with held(db.path, "prune"):
        pass
    assert json.loads((db.path / "writer.json").read_text())["verb"] == "prune"
    assert run("compact").returncode == 0
    assert left_over(db.path) == []


def test_who_has_only_just_taken_the_lock_is_not_taken_for_the_dead_one_before(db: flowdb.FlowDB) -> None:
    """A reader holds the lock for a moment, while the name of a dead writer is still there."""
    from filelock import FileLock

    with held(db.path, "prune"):
        pass
    moment = FileLock(db.path / "lock", thread_local=False)
    moment.acquire()
    threading.Timer(0.3, moment.release).start()
    began = time.monotonic()
    with locked(db.path, "check") as has_died:
        assert has_died
    assert time.monotonic() - began >= 0.25


def test_a_reader_that_finds_the_lock_taken_goes_on_at_once(db: flowdb.FlowDB) -> None:
    with locked(db.path, "refresh"):
        (db.path / "flowdb.duckdb").unlink()
        began = time.monotonic()
        flowdb.open(db.path).close()
        assert time.monotonic() - began < 1.0


def test_a_reader_that_makes_the_file_anew_removes_what_a_dead_writer_left(db: flowdb.FlowDB) -> None:
    left = db.path / "meta" / "00000002-sources.parquet"
    left.write_bytes(b"half")
    (db.path / "writer.json").write_text("{}")
    (db.path / "flowdb.duckdb").unlink()
    flowdb.open(db.path).close()
    assert left_over(db.path) == []


@pytest.mark.parametrize(("count", "attempts"), [(2, 2), (5, 1)])
def test_processes_that_make_one_store_at_once_leave_it_whole(
    tmp_path: Path, count: int, attempts: int
) -> None:
    for n in range(count):
        write_log(tmp_path / f"{n}.log", [record(10 * n + k) for k in range(5)])
    for attempt in range(attempts):
        store = tmp_path / f"store{attempt}"
        commands = [
            [sys.executable, "-m", "flowdb", "ingest", str(tmp_path / f"{n}.log"), "--store", str(store)]
            for n in range(count)
        ]
        started = [subprocess.Popen(one, stderr=subprocess.PIPE, text=True) for one in commands]
        said = [process.communicate()[1] for process in started]
        codes = [process.returncode for process in started]
        assert set(codes) <= {0, 3}, said
        assert 0 in codes, said
        refused = [one for one, code in zip(said, codes, strict=True) if code]
        assert all(" is writing to the store; try again when it has ended\n" in one for one in refused), said
        with flowdb.open(store) as db:
            assert db.sql("SELECT count(*) FROM flows").fetchall() == [(5 * codes.count(0),)]
        for command, code in zip(commands, codes, strict=True):
            if code:
                subprocess.run(command, check=True, capture_output=True)
        with flowdb.open(store) as db:
            assert db.sql("SELECT count(*), count(DISTINCT srcport) FROM flows").fetchall() == [
                (5 * count, 5 * count)
            ]
        assert left_over(store) == []
        assert verify(store).is_sound


def test_threads_write_in_turn_or_are_told_that_this_process_does(db: flowdb.FlowDB, tmp_path: Path) -> None:
    told: list[StoreBusy] = []
    failed: list[BaseException] = []

    def write(number: int) -> None:
        path = write_log(tmp_path / f"{number}.log", [record(100 + number)])
        try:
            with flowdb.open(db.path) as own:
                while True:
                    try:
                        own.ingest(path)
                        break
                    except StoreBusy as error:
                        told.append(error)
                        time.sleep(0.05)
        except BaseException as error:  # noqa: BLE001 -- told to the test
            failed.append(error)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert {error.pid for error in told} <= {os.getpid(), None}
    assert db.sql("SELECT count(*) FROM flows").fetchall() == [(7,)]
    assert left_over(db.path) == []


def test_readers_that_make_the_file_anew_turn_no_writer_away(db: flowdb.FlowDB, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    others = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(db.path), str(stop)], stdout=subprocess.PIPE, text=True
        )
        for code in (DELETE, REFRESH, REFRESH)
    ]
    try:
        ends = time.monotonic() + 8
        count = 0
        while time.monotonic() < ends:
            db.ingest(write_log(tmp_path / f"{count}.log", [record(1000 + count)]))
            count += 1
    finally:
        stop.touch()
        said = [process.communicate()[0] for process in others]
    assert [process.returncode for process in others] == [0, 0, 0]
    assert min(int(one) for one in said[1:]) > 0
    assert count > 2
    assert db.sql("SELECT count(*) FROM flows").fetchall() == [(3 + count,)]
    flowdb.open(db.path).close()
    assert left_over(db.path) == []
    assert verify(db.path).is_sound


def test_a_reader_that_dies_while_it_makes_the_file_anew_turns_no_writer_away(
    db: flowdb.FlowDB, run: Run
) -> None:
    (db.path / "flowdb.duckdb").unlink()
    assert run("status", env={"FLOWDB_FAULT": "generated.log"}).returncode == -signal.SIGKILL
    with Store(db.path).writer("check"):
        pass
    flowdb.open(db.path).close()
    assert left_over(db.path) == []
    assert verify(db.path).is_sound


def test_a_writer_waits_for_a_reader_that_makes_the_file_anew(db: flowdb.FlowDB, tmp_path: Path) -> None:
    taken, done = threading.Event(), []

    def make_anew() -> None:
        with locked(db.path, "refresh"):
            taken.set()
            time.sleep(2)
            done.append(True)

    reader = threading.Thread(target=make_anew)
    reader.start()
    taken.wait()
    assert db.ingest(write_log(tmp_path / "b.log", [record(9)])).records == 1
    assert done == [True]
    reader.join()
