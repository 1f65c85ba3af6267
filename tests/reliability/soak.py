"""Does things to a store at random, kills most of them, and compares the store with a model of it.

    python -m tests.reliability.soak --minutes 10 [--seed 7] [--kills 500]

Two readers read the store all the while. It ends with how often it did what, and with exit
code 1 if anything was not as it should have been.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import duckdb

import flowdb
from flowdb.catalog import Catalog
from flowdb.errors import NotAStore, StoreMissing
from flowdb.faults import POINTS
from flowdb.verification import verify
from tests.forked import Ended, Forked
from tests.reliability.model import FIRST_DAY, Logs, Model, Row
from tests.reliability.reading import reader
from tests.reliability.states import left_over

__all__ = ["Soak", "main"]

_MOST_SOURCES = 60
_DAYS = 8
_GRACE = "60s"  # longer than any reader keeps a store open
_ROWS = (
    "SELECT s.name, (f.date::VARCHAR, f.srcaddr, f.packets, f.bytes, epoch(f.start_time)::BIGINT, f.action)"
    " FROM flows AS f LEFT JOIN sources AS s USING (source_id)"
)
_BAD = "SELECT s.name, b.line_number, b.line FROM bad_lines AS b LEFT JOIN sources AS s USING (source_id)"
_Seen = tuple[list[tuple[str, Row]], list[tuple[str, int, str]]]


@dataclass
class Soak:
    """A store, its model, and what has been done so far."""

    folder: Path
    chance: random.Random
    forked: Forked
    model: Model = field(default_factory=Model)
    done: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    _took: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.store = self.folder / "store"
        self.logs = Logs(self.folder / "logs", self.chance)
        self._all = self.folder / "logs"

    def step(self) -> None:
        """Do one thing, killed or not; then, mostly, the same undisturbed; then compare."""
        verb = self.chance.choice(
            [self.ingest] * 6
            + [self.replace] * 2
            + [self.compact] * 2
            + [self.prune, self.forget, self.backup]
        )
        if len(self.model.sources) > _MOST_SOURCES:
            verb = self.chance.choice([self.prune, self.forget])
        argv, after, where = verb()
        killed = self.run(argv)
        self.done[f"{verb.__name__} runs"] += 1
        self.done["kills"] += killed.was_killed
        if verb == self.backup:
            self.check_backup(killed, where)
        if killed.was_killed:
            self.done[f"{verb.__name__} kills"] += 1
            self.model = self.check(where, self.model, after)
            if self.model is not after or verb == self.backup or self.chance.random() < 0.3:
                if verb != self.replace and self.chance.random() < 0.2:
                    return  # the next one finds what this one left
                if verb == self.forget and self.model is after:
                    return
                if verb == self.backup:
                    shutil.rmtree(self.folder / "backup", ignore_errors=True)
                again = self.forked.run(*argv)
                if again.returncode:
                    self.wrong.append(f"{where}: {again}")
        elif killed.returncode:
            self.wrong.append(f"{where}: {killed}")
        self.model = self.check(where, after)
        if verb != self.backup:  # which only reads, and leaves what another left
            self.check_leftovers(where)

    def run(self, argv: list[str]) -> Ended:
        """Run a command, and have it die at a random moment, at a random step of its work, or not at all."""
        usual = self._took.get(argv[0], 0.5)
        how = self.chance.random()
        if how < 0.1:
            ended = self.forked.run(*argv)
        elif how < 0.55:
            others = {"backup"} if argv[0] != "backup" else {"catalog", "ledger", "file", "retired"}
            points = [
                one for one in POINTS if one.split(".")[0] not in {"create", "upgrade", "repair"} | others
            ]
            point = f"{self.chance.choice(points)}:{self.chance.choice((1, 1, 1, 1, 2, 3))}"
            ended = self.forked.run(*argv, env={"FLOWDB_FAULT": point})
        else:
            ended = self.forked.run(*argv, kill_after=self.chance.uniform(0, usual))
        if not ended.was_killed:
            self._took[argv[0]] = 0.5 * usual + 0.5 * ended.seconds
        return ended

    def check(self, where: str, *models: Model) -> Model:
        """Return the model that the store is like, as a shell and as Python see it."""
        seen: list[_Seen] = []
        if (self.store / "flowdb.duckdb").exists() and len(models) > 1:
            with duckdb.connect(str(self.store / "flowdb.duckdb"), read_only=True) as connection:
                seen.append(_seen(lambda query: connection.execute(query).fetchall()))
        try:
            with flowdb.open(self.store) as db:
                seen.append(_seen(lambda query: db.sql(query).fetchall()))
        except StoreMissing:
            seen.append(([], []))
        found = models[-1]
        for one in seen:
            alike = [model for model in models if (model.rows(), model.bad()) == one]
            if not alike:
                self.wrong.append(f"{where}: the store is like none of its models")
                # Go on with what is there.
            found = alike[0] if alike else models[-1]
        self.done["comparisons"] += 1
        return found

    def check_leftovers(self, where: str) -> None:
        """Check that nothing lies in the store that nobody has, and now and then all the rest."""
        self.wrong += [
            f"{where}: left over: {name}" for name in left_over(self.store) if name != "writer.json"
        ]
        if self.chance.random() < 0.1:
            self.wrong += [f"{where}: verify: {one}" for one in verify(self.store).findings]
            self.done["verifications"] += 1

    def check_backup(self, ended: Ended, where: str) -> None:
        """Check that a backup is whole, or no store."""
        target = self.folder / "backup"
        try:
            with flowdb.open(target) as db:
                if _seen(lambda query: db.sql(query).fetchall()) != (self.model.rows(), self.model.bad()):
                    self.wrong.append(f"{where}: the backup is not like the store")
        except (NotAStore, StoreMissing) as error:
            if not ended.was_killed:
                self.wrong.append(f"{where}: {error}")
        if not ended.was_killed:
            shutil.rmtree(target)

    def _days(self) -> list[date]:
        first = self.chance.randrange(_DAYS)
        return [FIRST_DAY + timedelta(days=first + n) for n in range(self.chance.choice((1, 1, 2)))]

    def _command(self, *argv: str) -> list[str]:
        return [*argv, "--store", str(self.store), *(("--grace", _GRACE) if argv[0] != "backup" else ())]

    def ingest(self) -> tuple[list[str], Model, str]:
        """Ingest new logs, and name all of them."""
        for _ in range(self.chance.choice((1, 1, 2, 5))):
            self.logs.write(self._days())
        after = self.model.copy()
        after.take(sorted(self._all.iterdir()))
        options = ["--no-compact"] if self.chance.random() < 0.5 else []
        return self._command("ingest", str(self._all), *options), after, "ingest"

    def replace(self) -> tuple[list[str], Model, str]:
        """Ingest logs anew that have changed."""
        known = [self._all / name for name in sorted(self.model.sources)]
        if not known:
            return self.ingest()
        chosen = self.chance.sample(known, min(len(known), 3))
        for path in chosen:
            self.logs.rewrite(path, self._days())
        after = self.model.copy()
        after.take(sorted(self._all.iterdir()))
        after.take(chosen, anew=True)
        return self._command("ingest", "--replace", str(self._all)), after, "ingest --replace"

    def compact(self) -> tuple[list[str], Model, str]:
        """Compact, which changes no row."""
        return self._command("compact"), self.model.copy(), "compact"

    def prune(self) -> tuple[list[str], Model, str]:
        """Prune dates; the logs of sources that have no rows any more stay, and are not taken again."""
        before = FIRST_DAY + timedelta(days=self.chance.randrange(_DAYS))
        keeps = self.chance.random() < 0.5
        after = self.model.copy()
        after.prune(before, keeps_rejects=keeps)
        options = ["--keep-rejects", "20000d"] if keeps else []
        return self._command("prune", "--before", before.isoformat(), *options), after, "prune"

    def forget(self) -> tuple[list[str], Model, str]:
        """Forget sources, and remove their logs."""
        names = self.chance.sample(sorted(self.model.sources), min(len(self.model.sources), 12))
        if not names:
            return self.ingest()
        after = self.model.copy()
        after.forget(names)
        for name in names:
            (self._all / name).unlink(missing_ok=True)
        return self._command("forget", *(str(self._all / name) for name in names)), after, "forget"

    def backup(self) -> tuple[list[str], Model, str]:
        """Back up, which changes nothing."""
        shutil.rmtree(self.folder / "backup", ignore_errors=True)
        return self._command("backup", str(self.folder / "backup")), self.model, "backup"


def _seen(ask: Callable[[str], list[tuple[object, ...]]]) -> _Seen:
    return sorted(ask(_ROWS)), sorted(ask(_BAD))  # type: ignore[arg-type]


def main() -> int:
    """Run until the time is over, or so many processes were killed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--kills", type=int, default=None, help="end when so many processes were killed")
    parser.add_argument("--folder", help="where to make the store; by default a temporary folder")
    given = parser.parse_args()
    seed = random.randrange(1 << 32) if given.seed is None else given.seed
    print(f"seed {seed}", flush=True)
    ends = time.monotonic() + given.minutes * 60
    with (
        tempfile.TemporaryDirectory(prefix="flowdb-soak-", dir=given.folder) as name,
        Forked() as forked,
    ):
        folder = Path(name)
        soak = Soak(folder, random.Random(seed), forked)
        argv, soak.model, _ = soak.ingest()
        assert forked.run(*argv).returncode == 0
        stop = folder / "stop"
        results = {way: folder / f"{way}.json" for way in ("python", "file")}
        readers = [reader(way, soak.store, result, stop, pause=0.3) for way, result in results.items()]
        try:
            while time.monotonic() < ends and not soak.wrong:
                if given.kills is not None and soak.done["kills"] >= given.kills:
                    break
                soak.step()
        finally:
            stop.touch()
            for process in readers:
                process.wait()
        if soak.wrong:
            kept = Path(tempfile.mkdtemp(prefix="flowdb-soak-failed-")) / "flows"
            shutil.copytree(soak.store, kept)
            print(f"the store is kept in {kept}")
        with closing(Catalog(soak.store / "catalog.sqlite")) as catalog:
            print(f"commits: {catalog.last_commit:,}")
        for what, number in sorted(soak.done.items()):
            print(f"{what}: {number:,}")
        for way, result in results.items():
            seen = json.loads(result.read_text())
            soak.wrong += [f"reader ({way}): {one}" for one in seen["wrong"]]
            print(
                f"reads ({way}): {seen['count']:,} of {seen['commits']} commits,"
                f" slowest {seen['slowest']:.2f} s"
            )
    print(f"mismatches: {len(soak.wrong)}")
    print("".join(f"{one}\n" for one in soak.wrong), end="")
    return 1 if soak.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
