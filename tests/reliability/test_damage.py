"""Damage by hand and by accident: it is named, nothing more is lost by it, and what can be mended is."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

import flowdb
from flowdb.errors import FlowdbError, NotAStore, StoreDamaged, StoreMissing
from tests.conftest import HEADER, Run, all_rows, data_files, live_files, record, write_log

MIDNIGHT = 1_705_363_200


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give six logs on three dates, one of them with a bad line, which no test changes."""
    folder = tmp_path_factory.mktemp("logs")
    for n in range(6):
        lines = [record(10 * n + k, start=MIDNIGHT + 43_200 * (n + k)) for k in range(4)]
        write_log(folder / f"{n}.log.gz", [HEADER, *lines, *(["no record at all"] if n == 2 else [])])
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, logs: Path) -> Path:
    """Give a store of these logs, ingested one after another, some dates compacted and one log forgotten."""
    write_log(logs / "gone.log", [record(99, start=MIDNIGHT)])
    with flowdb.open(tmp_path_factory.mktemp("made") / "flows") as opened:
        for path in sorted(logs.glob("[0-3].log.gz")):
            opened.ingest(path)
        opened.ingest(logs / "gone.log")
        opened.compact()
        opened.forget(logs / "gone.log")
        for path in sorted(logs.glob("[45].log.gz")):
            opened.ingest(path)
    return opened.path


@pytest.fixture
def db(tmp_path: Path, made: Path) -> Iterator[flowdb.FlowDB]:
    """Give a copy of that store."""
    with flowdb.open(shutil.copytree(made, tmp_path / "flows")) as opened:
        yield opened


def everything(db: flowdb.FlowDB) -> list[list[tuple[object, ...]]]:
    """Return all that a store says, whatever its commits are."""
    queries = (
        "FROM flows ORDER BY ALL",
        "FROM bad_lines ORDER BY ALL",
        # A ledger has microseconds of what the system says in nanoseconds.
        "SELECT * REPLACE (date_trunc('ms', modified) AS modified) FROM sources ORDER BY ALL",
        "SELECT * EXCLUDE (commit_id) FROM files WHERE path NOT LIKE 'meta/%' ORDER BY ALL",
    )
    return [db.sql(query).fetchall() for query in queries]


def kinds(report: flowdb.verification.VerifyReport) -> list[tuple[str, str]]:
    """Return what a report finds: the kind, and where."""
    return [(one.kind, one.path) for one in report.findings]


def shell(store: Path, query: str) -> list[tuple[object, ...]]:
    """Answer a query as somebody would who opens the generated file alone."""
    with duckdb.connect(str(store / "flowdb.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


def flip(path: Path) -> None:
    """Change a byte in the middle of a file, and leave its size."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def cut(path: Path) -> None:
    """Cut a file short."""
    path.write_bytes(path.read_bytes()[:-7])


def halve(path: Path) -> None:
    """Leave the first half of a file."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def fill(path: Path) -> None:
    """Put something else in place of a file."""
    path.write_bytes(b"this is something else\n" * 100)


def empty(path: Path) -> None:
    """Leave nothing in a file."""
    path.write_bytes(b"")


DAMAGES = [flip, cut, fill, empty, Path.unlink]


def test_a_sound_store_is_sound(db: flowdb.FlowDB) -> None:
    report = db.verify()
    assert (kinds(report), report.records, report.is_sound) == ([], 24, True)
    assert report.files == len(db.sql("FROM files").fetchall()) + 1
    assert report.bytes == sum(path.stat().st_size for path in live_parquet(db))


def live_parquet(db: flowdb.FlowDB) -> list[Path]:
    connection = sqlite3.connect(db.path / "catalog.sqlite")
    paths = [db.path / path for (path,) in connection.execute("SELECT path FROM files")]
    connection.close()
    return paths


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("folder", ["data", "quarantine"])
def test_a_damaged_file_is_named_set_aside_and_its_sources_are_read_again(
    folder: str, damage: Callable[[Path], None], db: flowdb.FlowDB, logs: Path
) -> None:
    before = everything(db)[:2]
    path = sorted(path for path in live_files(db) if path.startswith(folder))[0]
    damage(db.path / path)
    found = kinds(db.verify())
    assert found == [("missing" if damage is Path.unlink else "damaged", path)]
    report = db.verify(repair=True)
    assert [kind for kind, _ in kinds(report)] == ["lost"]
    assert (db.path / "damaged" / Path(path).name).exists() == (damage is not Path.unlink)
    survived = db.sql("SELECT count(*) FROM flows").fetchall()[0][0]
    assert survived == db.verify().records == shell(db.path, "SELECT count(*) FROM flows")[0][0]
    again = db.ingest(logs / "*.log.gz")
    assert again.sources_ingested == again.sources_replaced > 0
    assert db.verify().is_sound
    rows = "SELECT * EXCLUDE (source_id) FROM {} ORDER BY ALL"
    assert all_rows(db) == [row[:-1] for row in before[0]]
    assert db.sql(rows.format("bad_lines")).fetchall() == [row[1:] for row in before[1]]
    assert db.ingest(logs / "*.log.gz").commit is None


def test_a_file_that_is_gone_fails_the_query_with_a_sentence_that_names_it(
    db: flowdb.FlowDB, run: Run
) -> None:
    path = sorted(path for path in live_files(db) if path.startswith("data"))[0]
    (db.path / path).unlink()
    done = run("sql", "SELECT count(*) FROM flows", "--store", str(db.path))
    assert (done.returncode, done.stdout) in ((1, ""), (3, ""))
    assert Path(path).name in done.stderr
    assert done.stderr.count("\n") == 1
    assert "verify" in done.stderr


@pytest.mark.parametrize("verb", ["compact", "forget", "prune", "backup"])
def test_damage_is_not_copied(verb: str, db: flowdb.FlowDB, logs: Path, tmp_path: Path) -> None:
    which = "NOT is_sorted" if verb == "compact" else "is_sorted"
    query = f"SELECT path FROM files WHERE kind = 'flows' AND {which} ORDER BY path LIMIT 1"
    ((path,),) = db.sql(query).fetchall()
    flip(db.path / path)
    before = sorted(data_files(db.path))
    verbs: dict[str, Callable[[], object]] = {
        "compact": db.compact,
        "forget": lambda: db.forget(logs / "0.log.gz"),
        "prune": lambda: db.prune(before="2024-01-28", keep_rejects="36500d"),
        "backup": lambda: db.backup(tmp_path / "copy"),
    }
    with pytest.raises(StoreDamaged, match=Path(path).name):
        verbs[verb]()
    assert sorted(data_files(db.path)) == before
    assert not (tmp_path / "copy").exists()
    assert kinds(db.verify()) == [("damaged", path)]


@pytest.mark.parametrize("damage", [fill, empty, Path.unlink, halve])
def test_the_catalogue_is_made_anew_from_the_ledgers(
    damage: Callable[[Path], None], db: flowdb.FlowDB, logs: Path
) -> None:
    before = everything(db)
    history = db.sql("FROM commits ORDER BY ALL").fetchall()
    db.close()
    damage(db.path / "catalog.sqlite")
    with pytest.raises(StoreDamaged, match=r"flowdb verify --repair|not the catalogue"):
        flowdb.open(db.path).sql("FROM flows")
    assert [kind for kind, _ in kinds(flowdb.verify(db.path))] == ["catalogue"]
    report = flowdb.verify(db.path, repair=True)
    assert kinds(report) == []
    with flowdb.open(db.path) as opened:
        assert everything(opened) == before
        assert opened.sql("FROM commits ORDER BY ALL").fetchall()[: len(history)] == history
        assert opened.ingest(logs / "*.log.gz").commit is None
        assert opened.ingest(logs / "gone.log").records == 1
        assert shell(db.path, "SELECT count(*) FROM flows") == [(25,)]
    assert (db.path / "damaged" / "catalog.sqlite").exists() == (damage is not Path.unlink)


@pytest.mark.parametrize("lost", ["everything", "the list of files", "the ledgers"])
def test_without_ledgers_the_catalogue_is_made_of_what_the_files_say(
    lost: str, db: flowdb.FlowDB, logs: Path
) -> None:
    before = everything(db)
    db.close()
    (db.path / "catalog.sqlite").unlink()
    patterns = {"everything": "*", "the list of files": "*-files*", "the ledgers": "*-[cs]o*"}
    for path in (db.path / "meta").glob(patterns[lost]):
        path.unlink()
    report = flowdb.verify(db.path, repair=True)
    names_are_lost = lost != "the list of files"
    assert [kind for kind, _ in kinds(report)] == ["lost"] * names_are_lost
    with flowdb.open(db.path) as opened:
        flows, bad_lines, _, files = everything(opened)
        assert [flows, bad_lines] == before[:2]
        assert files == before[3]
        assert opened.ingest(logs / "0.log.gz").records == (4 if names_are_lost else 0)


def test_files_that_wait_to_be_removed_are_not_taken_for_live_ones(db: flowdb.FlowDB) -> None:
    before = everything(db)
    assert len(data_files(db.path)) > len(live_files(db))
    db.close()
    for path in [db.path / "catalog.sqlite", *(db.path / "meta").iterdir()]:
        path.unlink()
    flowdb.verify(db.path, repair=True)
    with flowdb.open(db.path, grace="0s") as opened:
        assert everything(opened)[:2] == before[:2]
        opened.compact()
        opened.compact()
        assert data_files(db.path) == live_files(opened)


@pytest.mark.parametrize("kind", ["sources", "commits", "files"])
@pytest.mark.parametrize("damage", [flip, Path.unlink])
def test_a_damaged_ledger_is_written_anew(
    damage: Callable[[Path], None], kind: str, db: flowdb.FlowDB
) -> None:
    before = everything(db)
    path = max((db.path / "meta").glob(f"*-{kind}.parquet"))
    damage(path)
    assert kinds(db.verify()) == [("missing" if damage is Path.unlink else "ledger", f"meta/{path.name}")]
    assert kinds(db.verify(repair=True)) == []
    assert everything(db) == before


@pytest.mark.parametrize("damage", [flip, fill, empty, Path.unlink])
def test_a_damaged_generated_file_is_made_anew(damage: Callable[[Path], None], db: flowdb.FlowDB) -> None:
    damage(db.path / "flowdb.duckdb")
    assert kinds(db.verify()) == [("generated", "flowdb.duckdb")]
    assert kinds(db.verify(repair=True)) == []
    assert shell(db.path, "SELECT count(*) FROM flows") == [(24,)]


def test_a_generated_file_that_somebody_changed_is_found(db: flowdb.FlowDB) -> None:
    with duckdb.connect(str(db.path / "flowdb.duckdb")) as connection:
        connection.execute("DROP VIEW flows")
    (finding,) = db.verify().findings
    assert (finding.kind, finding.problem) == ("generated", "flows in it is not what flowdb put there")
    assert kinds(db.verify(repair=True)) == []
    assert shell(db.path, "SELECT count(*) FROM flows") == [(24,)]


def test_what_no_commit_has_is_named_and_left_alone(db: flowdb.FlowDB) -> None:
    own = db.path / "data" / "date=2024-01-16" / "notes.parquet"
    own.write_bytes(b"mine")
    left = db.path / "data" / "date=2024-01-16" / "00000999-00-00001.parquet"
    left.write_bytes(b"left")
    assert sorted(kinds(db.verify())) == [
        ("leftover", left.relative_to(db.path).as_posix()),
        ("unknown", own.relative_to(db.path).as_posix()),
    ]
    assert kinds(db.verify(repair=True)) == [("unknown", own.relative_to(db.path).as_posix())]
    assert own.exists()
    assert not left.exists()


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE files SET records = records + 1 WHERE kind = 'flows'",
        "DELETE FROM shares",
        "UPDATE commits SET records = records + 1",
        "DELETE FROM sources WHERE source_id = 1",
        "UPDATE files SET checksum = '00' WHERE kind = 'flows'",
        "UPDATE sources SET uri = '/elsewhere/a.log' WHERE source_id = 1",
    ],
)
def test_a_catalogue_that_does_not_fit_the_files_is_found_and_made_anew(
    tampering: str, db: flowdb.FlowDB
) -> None:
    before = everything(db)
    connection = sqlite3.connect(db.path / "catalog.sqlite")
    with connection:
        connection.execute(tampering)
    connection.close()
    report = db.verify()
    assert not report.is_sound
    assert {kind for kind, _ in kinds(report)} <= {"sums", "damaged"}
    db.close()
    assert kinds(flowdb.verify(db.path, repair=True)) == []
    with flowdb.open(db.path) as opened:
        assert everything(opened) == before


def test_verifying_says_what_is_wrong_on_standard_output_and_exits_with_1(
    db: flowdb.FlowDB, run: Run
) -> None:
    store = ("--store", str(db.path))
    sound = run("verify", *store)
    assert (sound.returncode, sound.stdout) == (0, "")
    assert " is sound: " in sound.stderr
    path = sorted(path for path in live_files(db) if path.startswith("data"))[0]
    (db.path / path).unlink()
    found = run("verify", *store, "-o", "csv")
    assert found.returncode == 1
    assert found.stdout.splitlines()[0] == "kind,path,problem,remedy"
    assert found.stdout.splitlines()[1].startswith(f"missing,{path},it is not there,")
    mended = run("verify", "--repair", *store)
    assert mended.returncode == 1
    assert "flowdb: repaired: 1 file with " in mended.stderr
    assert "ingest it again" in mended.stdout


def test_what_is_no_store_is_not_repaired(tmp_path: Path, logs: Path) -> None:
    with pytest.raises(StoreMissing):
        flowdb.verify(tmp_path / "nothing", repair=True)
    with pytest.raises(NotAStore):
        flowdb.verify(logs, repair=True)
    assert not (logs / "catalog.sqlite").exists()


def test_a_store_of_a_later_version_is_not_repaired(db: flowdb.FlowDB) -> None:
    db.close()
    connection = sqlite3.connect(db.path / "catalog.sqlite")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = (db.path / "catalog.sqlite").read_bytes()
    report = flowdb.verify(db.path, repair=True)
    assert [one.remedy for one in report.findings] == ["use a newer flowdb"]
    assert (db.path / "catalog.sqlite").read_bytes() == before


def test_a_store_that_was_moved_or_copied_is_whole(db: flowdb.FlowDB, tmp_path: Path, logs: Path) -> None:
    before = everything(db)
    db.close()
    copied = tmp_path / "elsewhere" / "copied"
    shutil.copytree(db.path, copied)
    moved = db.path.rename(tmp_path / "moved")
    for place in (copied, moved):
        assert flowdb.verify(place).is_sound
        with flowdb.open(place) as opened:
            assert everything(opened) == before
            assert opened.verify().is_sound
            assert opened.ingest(logs / "*.log.gz").commit is None
        assert shell(place, "SELECT count(*) FROM flows") == [(24,)]


def test_errors_of_verifying_are_of_the_tree(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(FlowdbError):
        flowdb.verify(tmp_path / "file")


@pytest.mark.parametrize("damage", [cut, Path.unlink])
def test_a_catalogue_and_a_data_file_that_are_lost_together_cost_no_row_in_the_end(
    damage: Callable[[Path], None], db: flowdb.FlowDB, logs: Path
) -> None:
    before = all_rows(db)
    path = sorted(path for path in live_files(db) if path.startswith("data"))[0]
    db.close()
    (db.path / "catalog.sqlite").unlink()
    damage(db.path / path)
    report = flowdb.verify(db.path, repair=True)
    assert [kind for kind, _ in kinds(report)] == ["lost"]
    with flowdb.open(db.path) as opened:
        assert opened.ingest(logs / "*.log.gz").sources_replaced > 0
        assert all_rows(opened) == before
        assert opened.verify().is_sound


def test_a_list_of_files_that_is_older_than_the_newest_commit_is_not_taken_for_the_newest(
    db: flowdb.FlowDB,
) -> None:
    before = everything(db)[:2]
    db.close()
    (db.path / "catalog.sqlite").unlink()
    max((db.path / "meta").glob("*-files.parquet")).unlink()
    report = flowdb.verify(db.path, repair=True)
    assert any("may be back" in sentence for sentence in report.repaired)
    with flowdb.open(db.path, grace="0s") as opened:
        assert everything(opened)[:2] == before
        opened.compact()
        assert everything(opened)[0] == before[0]


def test_a_source_that_lost_its_name_is_to_be_forgotten_before_it_is_read_again(
    db: flowdb.FlowDB, logs: Path
) -> None:
    before = all_rows(db)
    db.close()
    for path in [db.path / "catalog.sqlite", *(db.path / "meta").iterdir()]:
        path.unlink()
    (finding,) = flowdb.verify(db.path, repair=True).findings
    assert (finding.path, finding.remedy) == ("lost:1", "forget it before its log is ingested again")
    with flowdb.open(db.path) as opened:
        opened.forget("lost:*")
        assert opened.ingest(logs / "*.log.gz").records == 24
        assert all_rows(opened) == before
        assert opened.verify().is_sound
