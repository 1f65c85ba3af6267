"""What a store has in it, as its readers see it, and which files lie there that nobody has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

import flowdb
from flowdb.catalog import Catalog
from flowdb.errors import QueryError, StoreDamaged, StoreMissing

__all__ = ["DAMAGED", "left_over", "seen_by_python", "seen_by_shell"]

State = dict[str, list[tuple[Any, ...]]]
"""All rows of a store, by the name of their view; sources are named by their URIs, not by their numbers."""
DAMAGED: State = {"damaged": []}
"""What a reader sees who is told that the store is damaged."""

_OF_SOURCES = "SELECT s.uri, r.* EXCLUDE (source_id) FROM {} AS r LEFT JOIN sources AS s USING (source_id)"
_QUERIES = {name: _OF_SOURCES.format(name) for name in ("flows", "tgw_flows", "bad_lines")}
_QUERIES["sources"] = "SELECT uri, size, fingerprint, records, bad_lines FROM sources"
_SUMS = "SELECT sum(records - removed_records), sum(bad_lines - removed_bad_lines) FROM commits"
_EMPTY: State = {name: [] for name in _QUERIES}


def _state(answer: Callable[[str], list[tuple[Any, ...]]], *, has_sums: bool = True) -> State:
    """Return all rows of a store, whose commits must account for them."""
    state = {name: sorted(answer(query), key=repr) for name, query in _QUERIES.items()}
    if has_sums:
        records, bad_lines = answer(_SUMS)[0]
        assert (records or 0, bad_lines or 0) == (
            len(state["flows"]) + len(state["tgw_flows"]),
            len(state["bad_lines"]),
        ), "the commits do not account for the rows"
    return state


def seen_by_python(path: Path) -> State:
    """Return what somebody sees who opens a store from Python; no store has nothing in it."""
    try:
        with flowdb.open(path) as db:
            return _state(lambda query: db.sql(query).fetchall())
    except StoreMissing:
        return _EMPTY
    except (StoreDamaged, QueryError, duckdb.Error):
        return DAMAGED


def seen_by_shell(path: Path) -> State:
    """Return what somebody sees who opens the generated file alone; where there is none, nothing."""
    generated = path / "flowdb.duckdb"
    if not generated.exists():
        return _EMPTY
    try:
        with duckdb.connect(str(generated), read_only=True) as connection:
            columns = connection.execute("SELECT * FROM commits LIMIT 0").description
            return _state(
                lambda query: connection.execute(query).fetchall(),
                has_sums="removed_records" in {name for name, *_ in columns},
            )
    except duckdb.Error:
        return DAMAGED


def left_over(path: Path, *, retired: bool = True) -> list[str]:
    """Return the files and empty folders in a store that are neither its own nor in its catalogue."""
    catalog = Catalog(path / "catalog.sqlite")
    try:
        known = {row.path for row in catalog.files()}
        if retired:
            known |= {row.path for row in catalog.retired()}
    finally:
        catalog.close()
    known |= {"catalog.sqlite", "flowdb.duckdb", "lock", "meta/generation.json"}
    lying = {
        one.relative_to(path).as_posix()
        for one in path.rglob("*")
        if one.is_file() or (one.name.startswith("date=") and not any(one.iterdir()))
    }
    return sorted(name for name in lying - known if not name.startswith("damaged/"))
