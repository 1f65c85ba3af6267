"""Stores that earlier versions wrote are read, and written, by this one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from contextlib import closing, suppress
from datetime import date, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import flowdb
from flowdb.errors import QueryError
from flowdb.rows import SCHEMA_VERSION
from flowdb.store import Store
from tests.conftest import ROOT, Run, data_files, live_files, record, write_log

STORES = sorted((ROOT / "tests" / "stores").glob("catalogue-*.tar.gz"))
ROWS = {
    1: [
        ("/srv/example/logs/a.log", date(2024, 1, 15), "10.0.0.1", 40000, "ACCEPT"),
        ("/srv/example/logs/a.log", date(2024, 1, 15), "10.0.0.1", 40001, "ACCEPT"),
        ("/srv/example/logs/a.log", date(2024, 1, 15), "10.0.0.1", 40002, "ACCEPT"),
        ("/srv/example/logs/b.log.gz", date(2024, 1, 15), "10.0.0.1", 40003, "REJECT"),
        ("/srv/example/logs/b.log.gz", date(2024, 1, 16), "10.0.0.1", 40004, "ACCEPT"),
        ("/srv/example/logs/c.log", date(2024, 1, 15), "10.0.0.1", 40005, "ACCEPT"),
        ("/srv/example/logs/c.log", date(2024, 1, 17), "10.0.0.1", 40006, "ACCEPT"),
        ("/srv/example/logs/new.log", date(2024, 1, 16), None, None, None),
    ]
}
QUERY = "SELECT uri, date, srcaddr, srcport, action FROM flows JOIN sources USING (source_id) ORDER BY ALL"
BAD = [("/srv/example/logs/a.log", 5, "3 fields, the layout has 14", "what is this")]


def unpacked(archive: Path, folder: Path) -> tuple[Path, int]:
    """Unpack a store, and tell the version of its catalogue."""
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    (store,) = folder.glob("store-*")
    return store, int(store.name.removeprefix("store-"))


def version_of(store: Path) -> int:
    connection = sqlite3.connect(store / "catalog.sqlite")
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    connection.close()
    return int(found)


def check(db: flowdb.FlowDB, version: int) -> None:
    """Compare what a store shows with what was put into it."""
    assert db.sql(QUERY).fetchall() == ROWS[version]
    assert db.sql("SELECT source, line_number, reason, line FROM bad_lines").fetchall() == BAD
    assert db.sql("SELECT count(*) FROM tgw_flows").fetchall() == [(1,)]
    facts = db.status()
    values = dict(zip(facts.columns, facts.fetchall()[0], strict=True))
    assert (values["records"], values["tgw_records"], values["sources"]) == (8, 1, 5)
    assert values["oldest_record"] == datetime(2023, 11, 14, 22, 13, 20)
    assert values["newest_record"] == datetime(2024, 1, 17)


def test_there_is_a_store_of_every_version_before_this_one() -> None:
    assert [path.name for path in STORES] == [f"catalogue-{n}.tar.gz" for n in range(1, SCHEMA_VERSION)]


@pytest.mark.parametrize("archive", STORES, ids=lambda path: path.stem)
def test_an_earlier_store_is_read_and_left_as_it_is(archive: Path, tmp_path: Path) -> None:
    store, version = unpacked(archive, tmp_path)
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    with flowdb.open(store) as db:
        check(db, version)
        assert db.verify().is_sound
        assert len(db.history().fetchall()) == 5
    assert {path: path.read_bytes() for path in store.rglob("*") if path.is_file()} == before
    assert version_of(store) == version


@pytest.mark.parametrize("archive", STORES, ids=lambda path: path.stem)
def test_an_earlier_store_is_asked_in_a_sandbox_that_opens_nothing_else(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    store, version = unpacked(archive, tmp_path)
    secrets = [tmp_path / "secret.parquet", tmp_path / "tmp" / "secret.parquet"]
    for secret in secrets:
        pq.write_table(pa.table({"a": [42]}), secret)
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    with flowdb.open(store, sandbox=True) as db:
        check(db, version)
        assert db.verify().is_sound
        (private,) = (tmp_path / "tmp").glob("*/meta")
        (private / "link.parquet").symlink_to(secrets[0])
        shown = [*secrets, store / "catalog.sqlite", *private.iterdir(), *store.rglob("*.parquet")]
        shut = [*map(str, shown), "flowdb://../secret.parquet", "flowdb://meta/link.parquet"]
        for path in shut:
            for query in (f"FROM '{path}'", f"FROM read_parquet('{path}')", f"FROM read_blob('{path}')"):
                found = []
                with suppress(QueryError, duckdb.Error):
                    found = db.sql(query).fetchall()
                assert found == [], query
        for target in (str(private / "w.parquet"), "flowdb://meta/w.parquet"):
            with pytest.raises((QueryError, duckdb.Error)):
                db.sql(f"COPY (SELECT 1) TO '{target}' (FORMAT parquet)")
        assert not (private / "w.parquet").exists()
    assert list((tmp_path / "tmp").iterdir()) == [secrets[1]]
    assert {path: path.read_bytes() for path in store.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("archive", STORES, ids=lambda path: path.stem)
def test_alarms_and_costs_of_an_earlier_store_are_those_of_the_upgraded_one(
    archive: Path, tmp_path: Path, run: Run
) -> None:
    store, version = unpacked(archive, tmp_path)
    asked = {
        "alert": ("rejects", "--when", "true", "--window", "3d"),
        "cost": ("SELECT srcaddr FROM flows WHERE date = '2024-01-16'", "-o", "json"),
    }

    def answers() -> dict[str, tuple[int, object, str]]:
        found = {}
        for verb, args in asked.items():
            done = run(verb, *args, "--store", str(store))
            rows = json.loads(done.stdout)
            for row in rows if isinstance(rows, list) else [rows]:
                row.pop("seconds", None)
            found[verb] = (done.returncode, rows, done.stderr)
        return found

    before = answers()
    assert (before["alert"][0], before["cost"][0]) == (4, 0)
    assert version_of(store) == version
    with closing(Store(store)) as opened, opened.writer("upgrade"):
        pass
    assert version_of(store) == SCHEMA_VERSION
    assert answers() == before


@pytest.mark.parametrize("archive", STORES, ids=lambda path: path.stem)
def test_the_first_writer_brings_it_to_this_version(archive: Path, tmp_path: Path) -> None:
    store, version = unpacked(archive, tmp_path)
    new = write_log(tmp_path / "new.log", [record(7)])
    with flowdb.open(store, grace="0s") as db:
        assert db.ingest(new).records == 1
        assert version_of(store) == SCHEMA_VERSION
        db.forget(new)
        check(db, version)
        assert db.verify().is_sound
        with duckdb.connect(str(store / "flowdb.duckdb"), read_only=True) as connection:
            assert connection.execute(QUERY).fetchall() == ROWS[version]
        assert db.forget("/srv/example/logs/b.log.gz").records == 2
        db.compact()
        db.compact()
        assert data_files(store) == live_files(db)
        assert db.sql("SELECT count(*) FROM flows").fetchall() == [(6,)]
        assert [path.name for path in (store / "meta").glob("*-*-*.parquet")] == []


@pytest.mark.parametrize("archive", STORES, ids=lambda path: path.stem)
def test_an_earlier_store_that_may_only_be_read_is_read(archive: Path, tmp_path: Path) -> None:
    store, version = unpacked(archive, tmp_path)
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("nothing is closed to root")
    privileges = [] if os.geteuid() else ["setpriv", "--inh-caps=-all", "--bounding-set=-all"]
    paths = [store, *store.rglob("*")]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        done = subprocess.run(
            [*privileges, sys.executable, "-m", "flowdb", "sql", QUERY, "-o", "csv", "--store", str(store)],
            capture_output=True,
            text=True,
        )
    finally:
        for path in paths:
            path.chmod(0o755 if path.is_dir() else 0o644)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1 + len(ROWS[version])
    assert version_of(store) == version


@pytest.mark.parametrize("archive", STORES, ids=lambda path: path.stem)
@pytest.mark.parametrize(
    "point", ["ledger.written", "ledger.done:3", "catalog.commit", "catalog.done", "generated.moved"]
)
def test_an_upgrade_that_is_killed_is_finished_by_the_next_writer(
    point: str, archive: Path, tmp_path: Path
) -> None:
    store, version = unpacked(archive, tmp_path)
    new = write_log(tmp_path / "new.log", [record(7)])
    args = [sys.executable, "-m", "flowdb", "ingest", str(new), "--store", str(store)]
    killed = subprocess.run(args, env={**os.environ, "FLOWDB_FAULT": point}, capture_output=True)
    assert killed.returncode == -signal.SIGKILL
    with flowdb.open(store) as db:
        check(db, version)
        assert db.ingest(new).records == 1
        db.forget(new)
        check(db, version)
        assert db.verify().is_sound
