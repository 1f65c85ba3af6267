"""What flowdb makes belongs to the user: as the umask says, and never to everybody."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import flowdb
from tests.conftest import HEADER, SAMPLES, record, write_log

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a system without such permissions")
MADE_IN_PYTHON = "import sys, flowdb; db = flowdb.open(sys.argv[1]); db.ingest(*sys.argv[2:]); db.close()"


def permissions(store: Path) -> dict[str, str]:
    """Return the permissions of all that is in a store, and of its folder."""
    return {
        str(path.relative_to(store)): oct(stat.S_IMODE(path.lstat().st_mode))
        for path in [store, *sorted(store.rglob("*"))]
    }


def expected(store: Path, umask: int) -> dict[str, str]:
    return {
        str(path.relative_to(store)): oct((0o777 if path.is_dir() else 0o666) & ~umask)
        for path in [store, *sorted(store.rglob("*"))]
    }


@pytest.fixture
def sources(tmp_path: Path) -> list[str]:
    """Give sources of which something comes into every folder of a store."""
    bad = write_log(tmp_path / "bad.log", [HEADER, record(), "no record"])
    return [str(SAMPLES), str(bad)]


@pytest.mark.parametrize(
    ("folder", "umask"), [("store", 0o022), ("store", 0o002), ("store", 0o077), ("store?", 0o027)]
)
def test_all_of_a_store_has_the_permissions_of_the_umask(
    tmp_path: Path, sources: list[str], umask: int, folder: str
) -> None:
    store = tmp_path / folder
    subprocess.run([sys.executable, "-c", MADE_IN_PYTHON, str(store), *sources], umask=umask, check=True)
    assert {path.partition("/")[0] for path in permissions(store)} >= {"data", "quarantine", "meta", "."}
    assert permissions(store) == expected(store, umask)


def test_nothing_is_for_everybody_to_write_whatever_the_umask(tmp_path: Path, sources: list[str]) -> None:
    store = tmp_path / "store"
    command = [sys.executable, "-m", "flowdb", "ingest", *sources, "--store", str(store)]
    subprocess.run(command, umask=0, check=True, capture_output=True)
    assert permissions(store) == expected(store, 0o002)


def spilled(folder: Path) -> list[Path]:
    return sorted(folder.glob("flowdb-*"))


def test_what_does_not_fit_into_memory_goes_where_nobody_else_can_look(
    tmp_path: Path, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    with flowdb.open(tmp_path / "flows") as db:
        db.ingest(logs)
        assert spilled(place) == []
        db.sql("SET memory_limit = '60MB'")
        (folder,) = spilled(place)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        rows = "SELECT range AS a, md5(range::VARCHAR) AS b FROM range(1500000) ORDER BY b"
        assert db.sql(f"SELECT count(*) FROM ({rows} LIMIT 1400000)").fetchall() == [(1_400_000,)]
        db.sql(f"CREATE TABLE spilled AS {rows}")
        (size,) = db.sql("SELECT coalesce(sum(size), 0) FROM duckdb_temporary_files()").fetchall()[0]
        assert size > 0
        assert sum(path.stat().st_size for path in folder.rglob("*")) > 0
    assert spilled(place) == []


def test_nothing_is_left_by_a_process_that_closes_nothing(tmp_path: Path, logs: Path) -> None:
    place = tmp_path / "tmp"
    place.mkdir()
    code = (
        "import flowdb, os; db = flowdb.open('flows'); db.ingest('logs'); db.sql('FROM flows').fetchall();"
        " print(len(os.listdir(os.environ['TMPDIR'])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(place)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "1\n"
    assert list(place.iterdir()) == []


def test_a_folder_that_somebody_prepared_is_not_used(
    tmp_path: Path, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, trap = tmp_path / "tmp", tmp_path / "trap"
    place.mkdir()
    trap.mkdir()
    (place / f"flowdb-{os.getpid()}").symlink_to(trap)
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    with flowdb.open(tmp_path / "flows") as db:
        db.ingest(logs)
        db.sql("SET memory_limit = '60MB'")
        db.sql("CREATE TABLE t AS SELECT md5(range::VARCHAR) AS b FROM range(3000000) ORDER BY b")
        assert list(trap.iterdir()) == []
    assert [path.name for path in place.iterdir()] == [f"flowdb-{os.getpid()}"]
