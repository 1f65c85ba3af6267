"""The promises of the store: one writer, all or nothing, readers that never wait."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb
import pytest

import flowdb
from flowdb import generated
from flowdb.catalog import Catalog
from flowdb.errors import (
    NotAStore,
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreMissing,
    StoreTooNew,
    UsageError,
)
from flowdb.store import Store
from tests.conftest import HEADER, SAMPLES, all_rows, data_files, live_files, record, write_log

HOLD_THE_STORE = """
import sys, pathlib
from flowdb.store import Store
with Store(pathlib.Path(sys.argv[1])).writer("ingest"):
    print("holding", flush=True)
    sys.stdin.read()
"""


def hold(store: Path) -> subprocess.Popen[str]:
    """Start a process that holds a store for writing until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD_THE_STORE, str(store)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "holding\n"
    return process


def finish(process: subprocess.Popen[str]) -> None:
    """End a process and its pipes."""
    process.kill()
    process.communicate()


def shell(store: Path, query: str) -> list[tuple[object, ...]]:
    """Answer a query as somebody would who opens the generated file alone."""
    with duckdb.connect(str(store / "flowdb.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_a_second_writer_is_told_who_holds_the_store(db: flowdb.FlowDB, logs: Path) -> None:
    db.ingest(logs / "a.log")
    process = hold(db.path)
    try:
        with pytest.raises(StoreBusy) as caught:
            db.ingest(logs)
    finally:
        finish(process)
    assert (caught.value.pid, caught.value.verb) == (process.pid, "ingest")
    assert str(caught.value) == (
        f"{db.path}: process {process.pid} (ingest since {caught.value.since}) is writing to the store;"
        " try again when it has ended"
    )
    assert db.ingest(logs).records == 3


def test_readers_do_not_wait_for_a_writer(db: flowdb.FlowDB, logs: Path) -> None:
    db.ingest(logs)
    process = hold(db.path)
    try:
        with flowdb.open(db.path) as other:
            assert other.sql("SELECT count(*) FROM flows").fetchall() == [(6,)]
        assert shell(db.path, "SELECT count(*) FROM flows") == [(6,)]
    finally:
        finish(process)


def test_a_lock_of_a_dead_process_does_not_count(db: flowdb.FlowDB, logs: Path) -> None:
    db.ingest(logs / "a.log")
    finish(hold(db.path))
    assert (db.path / "writer.json").exists()
    assert db.ingest(logs).records == 3
    assert not (db.path / "writer.json").exists()


def test_what_a_killed_ingest_left_is_removed_and_the_store_is_complete_in_the_end(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    for n in range(40):
        write_log(
            logs / f"{n:02}.log.gz", [HEADER, *(record(n, start=1_705_312_800 + 60 * k) for k in range(3000))]
        )
    with flowdb.open(tmp_path / "undisturbed") as undisturbed:
        undisturbed.ingest(logs)
        expected = all_rows(undisturbed)
    store = tmp_path / "flows"
    killed_in_the_middle = 0
    for attempt in range(8):
        process = subprocess.Popen(
            [sys.executable, "-m", "flowdb", "ingest", str(logs), "--store", str(store)]
        )
        time.sleep(0.15 + 0.1 * attempt)
        process.send_signal(signal.SIGKILL)
        killed_in_the_middle += process.wait() == -signal.SIGKILL
        if (store / "catalog.sqlite").exists():
            with flowdb.open(store) as db:
                assert db.sql("SELECT count(*) FROM flows").fetchall() in ([(0,)], [(120_000,)])
    assert killed_in_the_middle > 0
    with flowdb.open(store) as db:
        db.ingest(logs)
        assert all_rows(db) == expected
        assert data_files(store) == live_files(db)
        assert shell(store, "SELECT count(*) FROM flows") == [(120_000,)]
    assert not list(store.glob(".flowdb*"))


def test_files_of_a_commit_that_never_came_to_be_are_removed_and_others_are_not(
    db: flowdb.FlowDB, logs: Path
) -> None:
    db.ingest(logs / "a.log")
    kept, sums = sorted(data_files(db.path))
    left = db.path / "data" / "date=2024-01-17" / "00000002-00-00001.parquet"
    left.parent.mkdir()
    shutil.copy(db.path / kept, left)
    summed = db.path / "hourly" / "date=2024-01-17" / left.name
    summed.parent.mkdir()
    shutil.copy(db.path / sums, summed)
    own = db.path / "data" / "date=2024-01-15" / "notes.parquet"
    shutil.copy(db.path / kept, own)
    (db.path / "writer.json").write_text("{}")
    assert db.sql("SELECT count(*) FROM flows").fetchall() == [(3,)]
    db.ingest(logs / "c.log")
    assert not left.parent.exists()
    assert not summed.parent.exists()
    assert own.exists()
    assert db.sql("SELECT count(*) FROM flows").fetchall() == [(4,)]


def test_an_interrupted_ingest_leaves_the_store_as_it_was(
    db: flowdb.FlowDB, tmp_path: Path, logs: Path
) -> None:
    db.ingest(logs)
    before = all_rows(db)
    for n in range(60):
        write_log(
            tmp_path / "more" / f"{n}.log", [record(n, start=1_705_312_800 + 60 * k) for k in range(20000)]
        )
    process = subprocess.Popen(
        [sys.executable, "-m", "flowdb", "ingest", str(tmp_path / "more"), "--store", str(db.path)],
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (db.path / "writer.json").exists():
        time.sleep(0.01)
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert process.returncode == 130
    assert said.strip() == "flowdb: interrupted; nothing is left half done"
    assert all_rows(db) == before
    assert data_files(db.path) == live_files(db)


def test_an_interrupt_while_a_thread_is_started_leaves_no_file(
    db: flowdb.FlowDB, logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db.ingest(logs)
    before = all_rows(db)
    for n in range(8):
        write_log(
            tmp_path / "more" / f"{n}.log", [record(n, start=1_705_312_800 + 60 * k) for k in range(20000)]
        )
    start = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        start(thread)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            db.ingest(tmp_path / "more", workers=2)
    for thread in threading.enumerate():
        if thread.name.startswith("ThreadPool"):  # which may be about to end
            thread.join()
    assert all_rows(db) == before
    assert data_files(db.path) == live_files(db)
    assert db.ingest(tmp_path / "more", workers=2).sources_ingested == 8


def test_an_open_store_shows_the_commits_of_others(db: flowdb.FlowDB, logs: Path) -> None:
    db.ingest(logs / "a.log")
    with flowdb.open(db.path) as other:
        assert other.sql("SELECT count(*) FROM flows").fetchall() == [(3,)]
        db.ingest(logs)
        assert other.sql("SELECT count(*) FROM flows").fetchall() == [(6,)]


def test_a_shell_that_is_open_keeps_its_snapshot(db: flowdb.FlowDB, logs: Path) -> None:
    db.ingest(logs / "a.log")
    with duckdb.connect(str(db.path / "flowdb.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM flows").fetchall() == [(3,)]
        db.ingest(logs)
        assert connection.execute("SELECT count(*) FROM flows").fetchall() == [(3,)]
    assert shell(db.path, "SELECT count(*) FROM flows") == [(6,)]


def test_a_log_that_a_shell_left_beside_the_generated_file_breaks_nothing(
    db: flowdb.FlowDB, logs: Path
) -> None:
    db.ingest(logs / "a.log")
    leave = (
        "import duckdb, os; connection = duckdb.connect('flowdb.duckdb');"
        " connection.execute('CREATE TABLE t (i INT)'); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", leave], cwd=db.path, check=True)
    assert (db.path / "flowdb.duckdb.wal").exists()
    db.ingest(logs)
    assert not (db.path / "flowdb.duckdb.wal").exists()
    assert shell(db.path, "SELECT count(*) FROM flows") == [(6,)]


def test_a_store_that_was_moved_is_generated_again_when_it_is_opened(
    db: flowdb.FlowDB, tmp_path: Path, logs: Path
) -> None:
    db.ingest(logs)
    db.close()
    db.path.rename(tmp_path / "moved")
    with flowdb.open(tmp_path / "moved") as moved:
        assert moved.sql("SELECT count(*) FROM flows").fetchall() == [(6,)]
    assert shell(tmp_path / "moved", "SELECT count(*) FROM flows") == [(6,)]


def test_a_generated_file_that_is_gone_comes_back_when_the_store_is_opened(
    db: flowdb.FlowDB, logs: Path
) -> None:
    db.ingest(logs)
    (db.path / "flowdb.duckdb").unlink()
    flowdb.open(db.path).close()
    assert shell(db.path, "FROM top_talkers(top := 1)")[0][0] == "10.0.0.1"


@pytest.mark.parametrize(
    "name",
    [
        "plain",
        "it's; DROP",
        "a 'b' \"c\"",
        "we[i]rd*",
        "date=2020-01-01",
        "x=1/date=2021-02-03",
        "interface_id=eni-1/start_time=x",
        "ünï",
        "main",
    ],
)
def test_a_store_works_wherever_it_lies(tmp_path: Path, logs: Path, name: str) -> None:
    with flowdb.open(tmp_path / name) as db:
        db.ingest(logs)
        query = "SELECT date::VARCHAR, count(*) FROM flows GROUP BY ALL ORDER BY ALL"
        expected = [("2024-01-15", 5), ("2024-01-16", 1)]
        assert db.sql(query).fetchall() == expected
        assert shell(tmp_path / name, query) == expected


@pytest.mark.parametrize("name", ["[a]", "*", "?", "[!b]", "{a,b}"])
def test_a_store_whose_name_is_a_pattern_is_that_store_alone(tmp_path: Path, logs: Path, name: str) -> None:
    for sibling in ("a", "b", "c"):
        with flowdb.open(tmp_path / sibling) as db:
            db.ingest(logs)
    with flowdb.open(tmp_path / name) as db:
        report = db.ingest(logs / "a.log", logs / "c.log")
        assert (report.records, report.commit) == (4, 1)
        assert db.sql("SELECT count(*) FROM flows").fetchall() == [(4,)]
        assert db.sql("SELECT count(*) FROM sources").fetchall() == [(2,)]
    assert (tmp_path / name / "flowdb.duckdb").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="file names are text here")
def test_a_store_whose_path_is_not_text_is_refused(tmp_path: Path, logs: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    with flowdb.open(path) as db, pytest.raises(StoreError, match="its path is not UTF-8"):
        db.ingest(logs)
    assert not path.exists()


def test_a_store_that_the_system_will_not_look_at_is_a_store_error(tmp_path: Path, logs: Path) -> None:
    for path in (tmp_path / ("x" * 300), tmp_path / ("x" * 300) / "y"):
        with pytest.raises(StoreError, match="it cannot be used"), flowdb.open(path) as db:
            db.ingest(logs)
    with pytest.raises(UsageError, match="no such home folder"):
        flowdb.open("~nosuchuser/flows")


def test_a_lock_file_of_another_hand_names_nobody(db: flowdb.FlowDB, logs: Path) -> None:
    db.ingest(logs)
    with Store(db.path).writer("compact"):
        (db.path / "writer.json").write_text("[]")
        with pytest.raises(StoreBusy) as caught:
            db.ingest(SAMPLES)
    assert caught.value.pid is None


def test_an_interrupt_when_the_commit_is_made_leaves_it_made(
    db: flowdb.FlowDB, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for raised in (KeyboardInterrupt, RuntimeError("Query interrupted")):

        def connect(raised: BaseException = raised) -> None:  # type: ignore[assignment]
            raise raised

        with monkeypatch.context() as patch:
            patch.setattr("duckdb.connect", connect)
            patch.setattr(generated, "_kept", [])
            with pytest.raises(KeyboardInterrupt):
                db.ingest(logs / "a.log" if raised is KeyboardInterrupt else logs / "c.log")
    assert db.sql("SELECT count(*) FROM flows").fetchall() == [(4,)]
    flowdb.open(db.path).close()
    assert shell(db.path, "SELECT count(*) FROM flows") == [(4,)]


def test_the_generated_file_opens_in_every_duckdb_since_1_0(db: flowdb.FlowDB, logs: Path) -> None:
    db.ingest(logs)
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{db.path / 'flowdb.duckdb'}' AS f (READ_ONLY)")
        (tags,) = connection.execute(
            "SELECT tags FROM duckdb_databases() WHERE database_name = 'f'"
        ).fetchone() or ({},)
    assert tags["storage_version"].startswith("v1.0.0")


def test_attached_views_answer_and_analyses_do_after_use(db: flowdb.FlowDB, logs: Path) -> None:
    db.ingest(logs)
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{db.path / 'flowdb.duckdb'}' AS f (READ_ONLY)")
        assert connection.execute("SELECT count(*) FROM f.flows").fetchall() == [(6,)]
        connection.execute("USE f")
        assert connection.execute("SELECT srcaddr FROM top_talkers()").fetchall() == [("10.0.0.1",)]


def test_the_ledgers_equal_the_catalogue_and_have_few_files(db: flowdb.FlowDB, tmp_path: Path) -> None:
    for n in range(21):
        db.ingest(write_log(tmp_path / f"{n}.log", [record(n)]), compact=False)
    catalog = Catalog(db.path / "catalog.sqlite")
    try:
        sources = [(row.source_id, row.uri, row.fingerprint, row.commit_id) for row in catalog.sources()]
        commits = [(row.commit_id, row.verb, row.records) for row in catalog.commits()]
    finally:
        catalog.close()
    query = "SELECT source_id, uri, fingerprint, commit_id FROM sources ORDER BY ALL"
    assert db.sql(query).fetchall() == shell(db.path, query) == sources
    assert [row[3] for row in sources] == list(range(1, 22))
    assert db.sql("SELECT commit_id, verb, records FROM commits ORDER BY ALL").fetchall() == commits
    (view,) = db.sql("SELECT sql FROM duckdb_views() WHERE view_name = 'sources'").fetchall()[0]
    assert view.count(".parquet") <= 8
    listed = db.sql("SELECT path FROM files WHERE path NOT LIKE 'meta/%' ORDER BY ALL").fetchall()
    assert {path for (path,) in listed} == data_files(db.path) == live_files(db)


def test_the_catalogue_says_what_a_file_is(db: flowdb.FlowDB, logs: Path) -> None:
    import xxhash

    db.ingest(logs)
    with sqlite3.connect(db.path / "catalog.sqlite") as connection:
        files = connection.execute("SELECT path, records, bytes, checksum FROM files").fetchall()
        records = connection.execute("SELECT sum(records) FROM files WHERE kind = 'flows'").fetchone()
    connection.close()
    assert records == (6,)
    for path, _, size, checksum in files:
        content = (db.path / path).read_bytes()
        assert (len(content), xxhash.xxh3_128(content).hexdigest()) == (size, checksum)


def test_no_store_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(StoreMissing) as caught:
        flowdb.open(tmp_path / "nothing").sql("FROM flows")
    assert caught.value.path == str(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def test_a_directory_that_is_something_else_is_left_alone(tmp_path: Path, logs: Path) -> None:
    before = sorted(logs.rglob("*"))
    with pytest.raises(NotAStore):
        flowdb.open(logs)
    with pytest.raises(NotAStore):
        Store.create(logs)
    assert sorted(logs.rglob("*")) == before


def test_a_file_is_not_a_store(tmp_path: Path, logs: Path) -> None:
    with pytest.raises(NotAStore, match="it is a file"):
        flowdb.open(logs / "a.log").ingest(logs)


def test_an_empty_directory_becomes_a_store(tmp_path: Path, logs: Path) -> None:
    (tmp_path / "flows").mkdir()
    with flowdb.open(tmp_path / "flows") as db:
        assert db.ingest(logs).records == 6


def test_a_catalogue_that_is_damaged_is_said_to_be(db: flowdb.FlowDB, logs: Path) -> None:
    db.ingest(logs)
    db.close()
    (db.path / "catalog.sqlite").write_bytes(b"not a database" * 1000)
    with pytest.raises(StoreDamaged, match="its catalogue is damaged"):
        flowdb.open(db.path)


def test_a_store_of_a_later_version_is_refused(db: flowdb.FlowDB, logs: Path) -> None:
    db.ingest(logs)
    db.close()
    connection = sqlite3.connect(db.path / "catalog.sqlite")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreTooNew, match="version 99"):
        flowdb.open(db.path)


def test_another_database_is_not_taken_for_a_catalogue(tmp_path: Path) -> None:
    (tmp_path / "flows").mkdir()
    connection = sqlite3.connect(tmp_path / "flows" / "catalog.sqlite")
    connection.execute("CREATE TABLE t (i)")
    connection.close()
    with pytest.raises(StoreDamaged, match="not the catalogue of a flowdb store"):
        flowdb.open(tmp_path / "flows")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.name == "nt", reason="no limits on the size of files")
def test_a_store_that_cannot_grow_says_so_and_loses_nothing(db: flowdb.FlowDB, logs: Path) -> None:
    db.ingest(logs)
    before = all_rows(db)
    limited = (
        "import resource, signal, sys; from flowdb.cli import main;"
        " signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        " resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)); sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", limited, "ingest", str(SAMPLES), "--store", str(db.path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert done.stderr.startswith(f"flowdb: error: {db.path}: it cannot be written (")
    assert done.stderr.count("\n") == 1
    assert all_rows(db) == before
    assert db.ingest(SAMPLES).records == 12_000
    assert data_files(db.path) == live_files(db)


def test_the_holder_of_a_store_is_written_down(db: flowdb.FlowDB, logs: Path) -> None:
    db.ingest(logs)
    with Store(db.path).writer("compact"):
        known = json.loads((db.path / "writer.json").read_text())
        assert (known["pid"], known["verb"]) == (os.getpid(), "compact")
        with pytest.raises(StoreError, match="compact since"):
            db.ingest(logs)
