"""The verb of `FlowDB` that makes a page to look at."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from flowdb.analyses import find_analysis
from flowdb.errors import UsageError
from flowdb.parameters import moment
from flowdb.readable import Readable

if TYPE_CHECKING:
    import duckdb

    from flowdb.connections import Connections
    from flowdb.meter import Meter
    from flowdb.report import Part
    from flowdb.report_sections import Section

__all__ = ["ReportMade", "Reporting"]


@dataclass(frozen=True, slots=True)
class ReportMade:
    """What was written: where, how large, of how many records, and what could not be told."""

    path: Path
    bytes: int
    records: int
    sections: int
    lacking: Mapping[str, str]
    failures: Mapping[str, str]
    seconds: float


class Reporting:
    """What `FlowDB` writes for somebody who looks before they read."""

    path: Path
    place: str
    _connections: Connections

    @property
    def has_names(self) -> bool:
        """Whether there are names or groups to show beside ids."""
        raise NotImplementedError

    @property
    def _opened(self) -> Readable:
        raise NotImplementedError

    def _asked(
        self, connection: duckdb.DuckDBPyConnection, query: str, params: object
    ) -> duckdb.DuckDBPyRelation:
        """Return the result of a query in DuckDB's SQL."""
        raise NotImplementedError

    def report(
        self,
        output: str | os.PathLike[str] = "report.html",
        *,
        title: str | None = None,
        since: object = None,
        until: object = None,
        interface_id: str | None = None,
        analysis: str | None = None,
        params: Mapping[str, object] | None = None,
        rows: int = 500,
        watch: Callable[[Meter], None] | None = None,
    ) -> ReportMade:
        """Write a page about a period, one HTML file with charts and tables that opens from disk.

        All of it is of one commit. With an `analysis` the page has that one alone, with these `params`.
        A table keeps so many `rows`, and says how many more there are. A section whose fields no log has
        says so in the page, and so does one that fails; both are in what is returned. Needs `flowdb[report]`.
        """
        from flowdb import report, report_page
        from flowdb.charts import require
        from flowdb.meter import Meter

        begun = time.monotonic()
        require("a report", "jinja2", "vl_convert")
        scope = report.Scope(_time("since", since), _time("until", until), interface_id, rows, self.has_names)
        if scope.since and scope.until and scope.since > scope.until:
            raise UsageError(f"since, {scope.since}, is after until, {scope.until}")
        if rows < 1:
            raise UsageError(f"rows is {rows}; expected 1 or more")
        chosen = _chosen(analysis, params)
        store, place = self._opened, _outside(Path(output), self.path)
        connection = self._connections.of(store)

        def ask(query: str) -> duckdb.DuckDBPyRelation:
            return self._asked(connection, query, None)

        meter = Meter()
        meter.total_steps = len(chosen) + 2
        parts = []

        def done() -> None:
            meter.steps += 1
            if watch is not None:
                watch(meter)

        head = report.headline(ask, scope)
        done()
        scope = scope.over(scope.since or head.first, scope.until or head.last)
        name = self.place.rstrip("/").rpartition("/")[2]
        for section in chosen:
            parts.append(_scrubbed(report.part(ask, section, scope), self.place, name))
            done()
        text = report_page.page(
            title or f"Flow logs in {name}", name, scope, head, parts, datetime.now(UTC)
        ).encode()
        _write(place, text)
        done()
        return ReportMade(
            place,
            len(text),
            head.records,
            len(parts),
            {part.section.name: part.lacks for part in parts if part.lacks},
            {part.section.name: part.failure for part in parts if part.failure},
            time.monotonic() - begun,
        )


def _chosen(name: str | None, params: Mapping[str, object] | None) -> tuple[Section, ...]:
    """Return the sections of a whole report, or that of one analysis with its values."""
    from flowdb.report_sections import section_of, sections

    if name is None:
        if params:
            raise UsageError("params are those of one analysis; name it")
        return sections()
    section = section_of(find_analysis(name))
    return (replace(section, values={**section.values, **(params or {})}),)


def _time(name: str, value: object) -> datetime | None:
    if value is None:
        return None
    if (when := moment(value)) is None:
        raise UsageError(f"{name} is {value!r}; expected a date or a time (UTC)")
    return when


def _outside(output: Path, store: Path) -> Path:
    """Return where to write, or raise `UsageError` for a place in the store, which has no room for others."""
    try:
        place = output.expanduser().absolute()
    except RuntimeError as error:
        raise UsageError(f"{output}: there is no such home folder") from error
    if place.is_dir():
        raise UsageError(f"{output} is a folder; name a file such as report.html")
    if not place.parent.is_dir():
        raise UsageError(f"{output}: there is no folder {place.parent}")
    if place.resolve().is_relative_to(store.resolve()):
        raise UsageError(f"{output} lies in the store; a report goes elsewhere")
    return place


def _write(place: Path, content: bytes) -> None:
    """Write a file as a whole or not at all; into what is no file, such as a pipe, as it is."""
    if place.exists() and not place.is_file():
        place.write_bytes(content)
        return
    place = place.resolve()
    unfinished = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(content)
        os.replace(unfinished, place)
    except BaseException:
        with suppress(OSError):
            unfinished.unlink()
        raise


def _scrubbed(part: Part, place: str, name: str) -> Part:
    """Return a part whose failure names the store, and not where it lies."""
    return replace(part, failure=part.failure.replace(place, name))
