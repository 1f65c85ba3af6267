"""A full disk, a limit on the size of files, no permission: a clear error, and nothing lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

import flowdb
from flowdb.errors import SourceNotFound
from tests.conftest import HEADER, all_rows, data_files, live_files, record, write_log
from tests.forked import Forked

# Set by `make soak`: as many steps as there are.
IS_SOAK = bool(os.environ.get("FLOWDB_SOAK"))
MIDNIGHT = 1_705_363_200
VERBS = {
    "ingest": ["ingest", "more", "--no-compact"],
    "ingest and compact": ["ingest", "more"],
    "compact": ["compact"],
    "forget": ["forget", "logs/0.log"],
    "prune": ["prune", "--before", "2024-01-17", "--keep-rejects", "36500d"],
}
# In a name space of its own, where whoever runs the tests may mount a small disk.
SMALL_DISK = 'mount -t tmpfs -o size="$1" tmpfs "$2" && shift 2 && exec "$@"'


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with logs, more logs, and a store of the first in `seed`; tests leave it as it was."""
    tmp_path = tmp_path_factory.mktemp("world")
    for n in range(18):
        lines = [
            record(k, start=MIDNIGHT + 3600 * k, action="REJECT" if k % 3 else "ACCEPT") for k in range(48)
        ]
        write_log(tmp_path / "logs" / f"{n}.log", [HEADER, *lines, "no record"])
    for n in range(3):
        write_log(
            tmp_path / "more" / f"{n}.log",
            [
                HEADER,
                *(record(k, start=MIDNIGHT + k, interface=f"eni-{k * 7919 % 5000}") for k in range(5000)),
            ],
        )
    with flowdb.open(tmp_path / "seed") as db:
        for n in range(12):
            db.ingest(tmp_path / "logs" / f"{n}.log", compact=False)
    return tmp_path


def command(*args: str) -> list[str]:
    """Return what runs a command of flowdb."""
    return [sys.executable, "-m", "flowdb", *args]


def finished(args: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command."""
    return subprocess.run(args, cwd=folder, capture_output=True, text=True, timeout=300)


def states(world: Path, verb: str, forked: Forked) -> list[list[tuple[object, ...]]]:
    """Return the rows of the store before a verb and after it."""
    with flowdb.open(world / "seed") as db:
        before = all_rows(db)
    done = world / f"{verb}-done"
    if not done.exists():
        shutil.copytree(world / "seed", done)
        assert forked.run(*VERBS[verb], "--store", str(done), cwd=world).returncode == 0
    with flowdb.open(done) as db:
        return [before, all_rows(db)]


@pytest.mark.parametrize("verb", VERBS)
def test_a_limit_on_the_size_of_files_is_an_error_and_loses_nothing(
    verb: str, world: Path, forked: Forked
) -> None:
    before, after = states(world, verb, forked)
    codes = set()
    for kilobytes in (0, 1, 3, 8, 20, 40, 100, 270, 300, 2000) if IS_SOAK else (40, 2000):
        store = world / f"{verb}-{kilobytes}"
        shutil.copytree(world / "seed", store)
        done = forked.run(*VERBS[verb], "--store", str(store), cwd=world, file_limit=kilobytes * 1024)
        codes.add(done.returncode)
        if done.returncode:
            assert "Traceback" not in done.stderr
            assert done.stderr.splitlines()[-1].startswith("flowdb: "), done.stderr
        with flowdb.open(store, grace="0s") as db:
            rows = all_rows(db)
            assert rows == after if done.returncode == 0 else rows in (before, after)
        assert forked.run(*VERBS[verb], "--store", str(store), cwd=world).returncode in (0, 2)
        with flowdb.open(store, grace="0s") as db:
            assert all_rows(db) == after
            with suppress(SourceNotFound):
                db.forget("nothing")  # a writer, which removes what was left
            assert data_files(store) == live_files(db)
            assert db.verify().is_sound
    assert codes == {0, 3}


@pytest.mark.parametrize("verb", VERBS)
def test_a_full_disk_is_an_error_and_loses_nothing(verb: str, world: Path, forked: Forked) -> None:
    disk = world / f"{verb}-disk"
    disk.mkdir()
    inside = ["unshare", "-rm", "sh", "-c", SMALL_DISK, "sh", "40m", str(disk)]
    try:
        can = finished([*inside, "true"], world).returncode == 0
    except FileNotFoundError:
        can = False
    if not can:
        pytest.skip("nobody here may mount a small disk")
    before, after = states(world, verb, forked)
    sizes = (0, 4, 12, 40, 100, 200, 400, 900, 3000) if IS_SOAK else (100, 3000)
    script = FILL_THE_DISK.format(args=VERBS[verb], sizes=sizes)
    done = finished([*inside, sys.executable, "-c", script, str(disk), str(world)], world)
    assert done.returncode == 0, done.stderr
    failed = 0
    for kilobytes, code, number in map(str.split, done.stdout.splitlines()):
        assert code in ("0", "3"), (kilobytes, code)
        failed += code == "3"
        assert int(number) in ((len(after),) if code == "0" else (len(before), len(after)))
    assert failed >= len(sizes) // 3


FILL_THE_DISK = """
import contextlib, io, os, pathlib, shutil, sys
import flowdb
from flowdb.cli import main
from tests.conftest import all_rows, data_files, live_files
disk, world = map(pathlib.Path, sys.argv[1:])
def run(verb):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as said:
        return main(verb), said.getvalue()
os.chdir(world)
for kilobytes in {sizes}:
    store = disk / "flows"
    shutil.copytree(world / "seed", store)
    ballast = disk / "ballast"
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize - kilobytes * 1024
    ballast.write_bytes(bytes(max(free, 0)))
    verb = [*{args}, "--store", str(store)]
    code, said = run(verb)
    assert code == 0 or said.splitlines()[-1].startswith("flowdb: "), said
    with flowdb.open(store) as db:
        rows = len(all_rows(db))
    ballast.unlink()
    print(kilobytes, code, rows, flush=True)
    code, said = run(verb)
    assert code in (0, 2), said
    with flowdb.open(store, grace="0s") as db:
        with contextlib.suppress(flowdb.errors.SourceNotFound):
            db.forget("nothing")
        assert data_files(store) == live_files(db)
        report = db.verify()
        assert report.is_sound, report
    shutil.rmtree(store)
"""


def without_privileges(args: list[str]) -> list[str]:
    """Return what runs a command for which the permissions of files count, even if it is root's."""
    if os.geteuid():
        return args
    if shutil.which("setpriv") is None:
        pytest.skip("nothing is closed to root")
    return ["setpriv", "--inh-caps=-all", "--bounding-set=-all", *args]


def test_a_store_that_may_only_be_read_answers_and_is_not_written(world: Path) -> None:
    paths = [world / "seed", *(world / "seed").rglob("*")]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        for args, code in {
            ("sql", "SELECT count(*) FROM flows"): 0,
            ("status",): 0,
            ("sources",): 0,
            ("verify",): 0,
            ("top-talkers",): 0,
            ("backup", "copy"): 0,
            ("ingest", "more"): 3,
            ("compact",): 3,
            ("forget", "logs/0.log"): 3,
            ("prune", "--before", "2030-01-01"): 3,
        }.items():
            done = finished(without_privileges(command(*args, "--store", "seed")), world)
            assert done.returncode == code, done.stderr
            assert "Traceback" not in done.stderr
            if code:
                assert done.stderr.count("\n") == 1
                assert "it cannot be written (Permission denied)" in done.stderr
        moved = (world / "seed").rename(world / "moved")
        done = finished(
            without_privileges(command("sql", "SELECT count(*) FROM flows", "--store", "moved")), world
        )
        assert (done.returncode, done.stdout.split()[-1]) == (0, "576")
        moved.rename(world / "seed")
    finally:
        for path in paths:
            path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.mark.parametrize("what", ["catalog.sqlite", "data", "a file", "flowdb.duckdb"])
def test_what_may_not_be_read_is_named(what: str, world: Path, forked: Forked) -> None:
    path = next((world / "seed" / "data").rglob("*.parquet")) if what == "a file" else world / "seed" / what
    path.chmod(0)
    try:
        done = finished(
            without_privileges(command("sql", "SELECT sum(bytes) FROM flows", "--store", "seed")), world
        )
        checked = finished(without_privileges(command("verify", "--store", "seed")), world)
    finally:
        path.chmod(0o755 if what == "data" else 0o644)
    assert "Traceback" not in done.stderr + checked.stderr
    if what == "flowdb.duckdb":
        assert done.returncode == 0
    else:
        assert done.returncode in (1, 3)
        assert done.stderr.count("\n") == 1
        assert checked.returncode in (1, 3)
    assert forked.run("verify", "--store", "seed", cwd=world).returncode == 0
