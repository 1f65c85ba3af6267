"""The verbs that keep a store in order for years."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from flowdb.facts import store_facts
from flowdb.store import Store, own

if TYPE_CHECKING:
    from datetime import date

    import duckdb

    from flowdb.backup import BackupReport
    from flowdb.compact import CompactReport
    from flowdb.forget import ForgetReport
    from flowdb.meter import Meter
    from flowdb.prune import PruneReport
    from flowdb.readable import Readable
    from flowdb.verification import VerifyReport

__all__ = ["Keeping"]

_Watch = Callable[["Meter"], None]


class Keeping:
    """What `FlowDB` does to a store as a whole, and tells of it."""

    path: Path
    place: str

    def sql(self, query: str, params: object = None, *, dialect: str = "duckdb") -> duckdb.DuckDBPyRelation:
        """Return the result of a query."""
        raise NotImplementedError

    @property
    def _opened(self) -> Readable:
        raise NotImplementedError

    @property
    def _own(self) -> Store:
        """The store, to be changed."""
        return own(self._opened)

    def compact(self, *, watch: _Watch | None = None, rollups: bool = True) -> CompactReport:
        """Make few large, sorted files out of the many small ones of each date.

        Every record stays what it is; queries open fewer files and skip more of each. Hourly
        sums are made of files that have none; without `rollups`, new files have none. `watch` is
        called now and then with how far it is.
        """
        from flowdb.compact import compact

        return compact(self._own, watch=watch, rollups=rollups)

    def prune(
        self,
        *,
        before: date | datetime | str | None = None,
        keep: timedelta | str | None = None,
        max_size: int | str | None = None,
        keep_rejects: timedelta | str | None = None,
        dry_run: bool = False,
    ) -> PruneReport:
        """Take old records out of the store, by whole UTC dates, as one commit.

        What goes is what is from `before` a date, or older than what is to be kept (`keep`:
        `90d`), or the oldest dates until no more than `max_size` (bytes, `50GB`) of Parquet is
        left; the newest date is never taken for its size. Refused flows younger than
        `keep_rejects` stay. A dry run changes nothing, and says what would go.
        """
        from flowdb.prune import Keep, prune
        from flowdb.quantities import age, day, size

        wanted = Keep.of(
            None if before is None else day(before),
            None if keep is None else age(keep),
            None if max_size is None else size(max_size),
            None if keep_rejects is None else age(keep_rejects),
        )
        return prune(self._own, wanted, is_dry=dry_run)

    def forget(self, *sources: str | os.PathLike[str]) -> ForgetReport:
        """Take sources, with all their rows, out of the store, as one commit.

        A source is named by its URI or path, by a folder above it or by a pattern; it need not
        be there any more. Ingested again, it is new.
        """
        from flowdb.errors import UsageError
        from flowdb.forget import forget

        if not sources:
            raise UsageError("name a source to forget")
        return forget(self._own, sources)

    def backup(self, folder: str | os.PathLike[str], *, watch: _Watch | None = None) -> BackupReport:
        """Copy the newest commit into a folder that is empty or not there; a writer may go on meanwhile."""
        from flowdb.backup import backup

        return backup(self._own, Path(os.path.abspath(os.path.expanduser(folder))), watch)

    def verify(self, *, repair: bool = False, watch: _Watch | None = None) -> VerifyReport:
        """Check every file of the store against its catalogue, and tell what is wrong; mend what can be.

        A store whose catalogue cannot be opened is verified by `flowdb.verify(path)`.
        """
        from flowdb.verification import verify

        return verify(self.place, repair=repair, watch=watch)

    def athena_table(self, ddl: str) -> duckdb.DuckDBPyRelation:
        """Declare tables over the store as CREATE EXTERNAL TABLE says; return the columns of the last.

        Every column of a delimited text is the field at that place of the logs' format, one of
        Parquet the field of that name; partition columns are computed. The tables stay in the store.
        """
        return self.sql(ddl, dialect="athena")

    def status(self) -> duckdb.DuckDBPyRelation:
        """Return one row about the store: what is in it, since when, and how large it is.

        `records` counts those in `flows`, `tgw_records` those in `tgw_flows`; the rest is of
        both. `rollup_bytes` is the size of the hourly sums, `retired_bytes` that of files kept for
        readers of older commits.
        """
        facts = store_facts(self._opened)
        columns = ", ".join(f'${name} AS "{name}"' for name in facts)
        return self.sql(f"SELECT {columns}", facts)

    def sources(self) -> duckdb.DuckDBPyRelation:
        """Return the sources in the store, newest first: what each brought, and from when it is."""
        return self.sql(
            "SELECT source_id, uri, size, modified, delivered, records, bad_lines, first_start, last_start,"
            " commit_id FROM sources ORDER BY source_id DESC"
        )

    def files(self) -> duckdb.DuckDBPyRelation:
        """Return the Parquet files of records, hourly sums and bad lines in the store, by date."""
        return self.sql(
            "SELECT path, kind, date, records, bytes, first_start, last_start, is_sorted, commit_id"
            " FROM files WHERE kind NOT IN ('sources', 'commits') ORDER BY date, path"
        )

    def history(self) -> duckdb.DuckDBPyRelation:
        """Return the commits of the store, newest first: what each brought and what it took away."""
        return self.sql(
            "SELECT commit_id, verb, committed_at, sources, records, bad_lines, removed_sources,"
            " removed_records, removed_bad_lines, parquet_bytes, seconds FROM commits ORDER BY commit_id DESC"
        )

    def _repr_html_(self) -> str:
        from flowdb.errors import StoreMissing
        from flowdb.notebook import facts_html
        from flowdb.units import readable, unit_of

        try:
            facts = store_facts(self._opened)
        except StoreMissing:
            facts = {"store": f"{self.place}: none yet; ingest() makes it"}
        shown = []
        for name, value in facts.items():
            unit = unit_of(name, "BIGINT" if isinstance(value, int) else "VARCHAR")
            if value is not None:
                shown.append((name, str(value) if unit is None else readable(str(value), unit)))
        return facts_html("flowdb", shown)
