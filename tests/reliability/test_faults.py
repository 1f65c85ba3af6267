"""Every verb, killed at every named step of its work: nothing is lost, nothing is there twice."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path

import duckdb
import pytest

import flowdb
from flowdb.errors import NotAStore
from flowdb.faults import POINTS
from flowdb.store import Store
from flowdb.verification import verify
from tests.conftest import HEADER, record, write_log
from tests.forked import Ended, Forked
from tests.reliability.states import DAMAGED, State, left_over, seen_by_python, seen_by_shell

NOON, MIDNIGHT = 1_705_312_800, 1_705_363_200
TGW_HEADER = "version resource-type account-id tgw-id srcaddr bytes start end packets-lost-no-route"


@dataclass
class Place:
    """Where a verb is tried: a store, logs, a place for a backup, and what runs commands."""

    folder: Path
    forked: Forked

    @property
    def store(self) -> Path:
        return self.folder / "store"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def target(self) -> Path:
        return self.folder / "backup"

    def ingest(self, *names: str, **options: object) -> None:
        with flowdb.open(self.store) as db:
            report = db.ingest(*(self.logs / name for name in names), **options)  # type: ignore[arg-type]
        assert not report.failures

    def run(self, *argv: str, env: dict[str, str] | None = None) -> Ended:
        return self.forked.run(*argv, "--store", str(self.store), env=env)


def write_logs(folder: Path) -> None:
    """Write logs of two dates, of both datasets, with refused flows and bad lines."""
    for name, number in (("a.log", 0), ("b.log.gz", 100), ("c.log", 200)):
        lines = [record(number + n, start=NOON + 60 * n) for n in range(5)]
        lines += [record(number + n, start=MIDNIGHT + n, action="REJECT") for n in range(5, 8)]
        write_log(folder / name, [HEADER, *lines, f"bad line {number}"])
    for name, number in (("tgw.log", 0), ("tgw2.log", 50)):
        lines = [
            f"6 TransitGateway 001234567890 tgw-1 2001:db8::{number + n} {n} {NOON + n} {NOON + n} {n}"
            for n in range(4)
        ]
        write_log(folder / name, [TGW_HEADER, *lines])


def first_ingest(place: Place) -> list[str]:
    """Ingest into a folder that is not there."""
    return ["ingest", str(place.logs), "--workers", "1"]


def further_ingest(place: Place) -> list[str]:
    """Ingest more into a store, in two threads, after one that retired files."""
    place.ingest("a.log", "tgw.log")
    place.ingest("b.log.gz")
    with flowdb.open(place.store) as db:
        db.compact()
    return ["ingest", str(place.logs), "--workers", "2", "--grace", "0s"]


def ingest_after_a_kill(place: Place) -> list[str]:
    """Ingest where another ingest was killed."""
    place.ingest("a.log", "tgw.log")
    ended = place.run("ingest", str(place.logs), env={"FLOWDB_FAULT": "catalog.commit"})
    assert ended.was_killed
    return ["ingest", str(place.logs), "--workers", "1"]


def replacing_ingest(place: Place) -> list[str]:
    """Take sources anew that have grown."""
    place.ingest("a.log", "b.log.gz", "tgw.log")
    place.ingest("c.log")
    for name in ("a.log", "c.log"):
        path = place.logs / name
        path.write_text(f"{path.read_text()}{record(700, start=NOON)}\nanother bad line\n")
    return ["ingest", str(place.logs), "--replace", "--workers", "1"]


def compacting_ingest(place: Place) -> list[str]:
    """Ingest one source more than a date may have files."""
    for n in range(16):
        name = f"{n}.log"
        write_log(place.logs / name, [record(1000 + n, start=NOON), "bad"])
        place.ingest(name, compact=False)
    write_log(place.logs / "16.log", [record(1016, start=NOON)])
    return ["ingest", str(place.logs / "16.log"), "--workers", "1"]


def compaction(place: Place) -> list[str]:
    """Compact files of both datasets and of bad lines."""
    place.ingest("a.log", "tgw.log")
    place.ingest("b.log.gz", "tgw2.log")
    place.ingest("c.log")
    return ["compact", "--grace", "0s"]


def pruning(place: Place) -> list[str]:
    """Prune a date, of which the refused flows stay, and one whole."""
    place.ingest("a.log", "tgw.log")
    lines = [record(n, start=NOON - 86_400 * n, action="REJECT" if n % 2 else "ACCEPT") for n in range(4)]
    write_log(place.logs / "old.log", [*lines, "bad"])
    place.ingest("b.log.gz", "old.log")
    return ["prune", "--before", "2024-01-16", "--keep-rejects", "20000d"]


def forgetting(place: Place) -> list[str]:
    """Forget sources that share their files with others."""
    place.ingest("a.log", "b.log.gz", "tgw.log")
    place.ingest("c.log")
    return ["forget", str(place.logs / "a.log"), str(place.logs / "c.log")]


def upgrading_ingest(place: Place) -> list[str]:
    """Ingest into a store of version 1."""
    place.ingest("a.log", "tgw.log")
    make_version_1(place.store)
    return ["ingest", str(place.logs), "--workers", "1"]


def repair_of_a_catalogue(place: Place) -> list[str]:
    """Make a catalogue anew that is damaged, where a writer was killed."""
    place.ingest("a.log", "tgw.log")
    place.ingest("b.log.gz")
    assert place.run("ingest", str(place.logs), env={"FLOWDB_FAULT": "ledger.written"}).was_killed
    (place.store / "catalog.sqlite").write_bytes(b"not a database" * 1000)
    return ["verify", "--repair"]


def repair_of_a_file(place: Place) -> list[str]:
    """Set a file aside that is cut short."""
    place.ingest("a.log", "tgw.log")
    place.ingest("b.log.gz")
    path = min(place.store.glob("data/*/00000002-*.parquet"))
    path.write_bytes(path.read_bytes()[:-10])
    return ["verify", "--repair"]


def copying(place: Place) -> list[str]:
    """Back up."""
    place.ingest("a.log", "tgw.log")
    place.ingest("b.log.gz")
    return ["backup", str(place.target)]


def opening(place: Place) -> list[str]:
    """Open a store whose generated file is gone."""
    place.ingest("a.log", "tgw.log")
    (place.store / "flowdb.duckdb").unlink()
    return ["status"]


VERBS: dict[Callable[[Place], list[str]], set[int]] = {
    first_ingest: {0},
    further_ingest: {0},
    ingest_after_a_kill: {0},
    replacing_ingest: {0},
    compacting_ingest: {0},
    compaction: {0},
    pruning: {0},
    forgetting: {0, 2},  # what is forgotten cannot be named any more
    upgrading_ingest: {0},
    repair_of_a_catalogue: {0},
    repair_of_a_file: {1},  # sources are still to be ingested again
    copying: {0},
    opening: {0},
}
"""What is done to a store, and how it may end when it is done again."""


def make_version_1(store: Path) -> None:
    """Make of a store what the first version of flowdb would have written."""
    ledgers = {
        path: path.with_name(f"{path.stem[9:]}-1-1.parquet") for path in (store / "meta").glob("*.parquet")
    }
    for path, old in ledgers.items():
        shutil.copy(path, old)
    with duckdb.connect(str(store / "flowdb.duckdb")) as shell:
        views = "SELECT view_name, sql FROM duckdb_views() WHERE view_name IN ('sources', 'commits', 'files')"
        for name, view in shell.execute(views).fetchall():
            for path, old in ledgers.items():
                view = view.replace(path.name, old.name)
            drop = f"DROP VIEW {name}"
            shell.execute(drop if name == "files" else f"{drop}; {view}")
    for path in (*ledgers, store / "meta" / "files-1-1.parquet"):
        path.unlink()
    with sqlite3.connect(store / "catalog.sqlite") as catalog:
        for table, gone in {
            "sources": ["delivered"],
            "files": ["first_start", "last_start", "is_sorted", "only_action"],
            "commits": ["removed_sources", "removed_records", "removed_bad_lines", "last_source"],
        }.items():
            for column in gone:
                catalog.execute(f'ALTER TABLE {table} DROP COLUMN "{column}"')
        catalog.execute("DELETE FROM files WHERE path LIKE 'meta/%'")
        catalog.execute("DROP TABLE shares")
        catalog.execute("DROP TABLE retired")
        catalog.execute("PRAGMA user_version = 1")
    catalog.close()
    (store / "meta" / "generation.json").write_text('{"commit": 1}')


@dataclass
class Trial:
    """A verb, the store that it is tried on, and what an undisturbed run makes of it."""

    place: Place
    base: Path
    argv: list[str]
    reached: Counter[str]
    before: tuple[State, State]
    after: tuple[State, State]
    findings: list[tuple[str, str]]
    codes: set[int]

    def restore(self) -> None:
        """Put the store back into the state in which the verb finds it."""
        for path in (self.place.store, self.place.target):
            shutil.rmtree(path, ignore_errors=True)
        if self.base.exists():
            shutil.copytree(self.base, self.place.store)

    def seen(self) -> tuple[State, State]:
        """Return what a shell sees, and what Python sees, of the store that the verb changes."""
        store = self.place.target if self.argv[0] == "backup" else self.place.store
        shell = seen_by_shell(store)
        if (store / "catalog.sqlite.copy").exists():
            with pytest.raises(NotAStore, match="a backup was begun here and not finished"):
                flowdb.open(store)
            return shell, shell
        return shell, seen_by_python(store)


@pytest.fixture(scope="module")
def trial_of(
    forked: Forked, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Callable[[Place], list[str]]], Trial]:
    """Give a function that makes the trial of a verb, once."""

    @cache
    def make(prepare: Callable[[Place], list[str]]) -> Trial:
        place = Place(tmp_path_factory.mktemp(prepare.__name__), forked)
        write_logs(place.logs)
        argv = prepare(place)
        base = place.folder / "base"
        if place.store.exists():
            shutil.copytree(place.store, base)
        trial = Trial(place, base, argv, Counter(), (DAMAGED,) * 2, (DAMAGED,) * 2, [], VERBS[prepare])
        trial.before = trial.seen()
        trial.restore()
        log = place.folder / "reached"
        ended = place.run(*argv, env={"FLOWDB_FAULT_LOG": str(log)})
        assert ended.returncode == min(trial.codes), ended
        trial.reached.update(log.read_text().split())
        trial.after = trial.seen()
        assert trial.after[0] == trial.after[1]
        trial.findings = findings(place.store)
        return trial

    return make


def findings(store: Path) -> list[tuple[str, str]]:
    return [(one.kind, one.problem) for one in verify(store).findings]


def kills(reached: Counter[str]) -> Iterator[tuple[str, int]]:
    """Yield points, and at which time to die there: the first, the second or the last, or each."""
    for number, (point, count) in enumerate(sorted(reached.items())):
        times = sorted({1, min(2, count), count})
        for time in times if "FLOWDB_ALL_FAULTS" in os.environ else [times[number % len(times)]]:
            yield point, time


@pytest.mark.parametrize("prepare", VERBS, ids=lambda prepare: prepare.__name__)
def test_killed_at_any_point_a_store_is_as_before_or_after_and_whole_when_it_is_done_again(
    prepare: Callable[[Place], list[str]],
    trial_of: Callable[[Callable[[Place], list[str]]], Trial],
) -> None:
    trial = trial_of(prepare)
    store = trial.place.store
    for point, time in kills(trial.reached):
        where = f"{prepare.__name__} killed at {point}:{time}"
        trial.restore()
        ended = trial.place.run(*trial.argv, env={"FLOWDB_FAULT": f"{point}:{time}"})
        assert ended.was_killed, (where, ended)

        shell, python = trial.seen()
        assert shell in (trial.before[0], trial.after[0]), where
        assert python in (trial.before[1], trial.after[1]), where

        if trial.argv[0] == "backup":
            shutil.rmtree(trial.place.target, ignore_errors=True)
        again = trial.place.run(*trial.argv)
        assert again.returncode in trial.codes, (where, again)
        assert trial.seen() == trial.after, where
        lying = left_over(store)
        # Where there was nothing to write any more, the word that a writer died is there for the next.
        assert lying == [] or (trial.argv[0] in ("forget", "verify", "status") and "writer.json" in lying), (
            where
        )
        assert findings(store) == trial.findings, where
        with closing(Store(store, timedelta(0))) as opened, opened.writer("check"):
            pass
        assert left_over(store, retired=False) == [], where


def test_every_point_is_reached_by_some_verb(
    trial_of: Callable[[Callable[[Place], list[str]]], Trial],
) -> None:
    reached = {point for prepare in VERBS for point in trial_of(prepare).reached}
    assert reached == set(POINTS)
