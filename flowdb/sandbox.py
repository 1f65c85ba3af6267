"""A DuckDB for queries of people who are not trusted: it reads the store's Parquet files, and nothing else.

DuckDB's external access is off and its configuration locked. The files of the store are behind
a file system of flowdb's own, which opens nothing for writing: DuckDB itself tells no reading
from writing where it allows a path, and its SQL has more than one way to write.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import duckdb

from flowdb.errors import QueryError
from flowdb.folders import HERE
from flowdb.own_tables import run
from flowdb.quoting import quote_text

__all__ = ["check", "connect", "inside"]

_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    # What goes out as Arrow is to come back as what it was.
    "arrow_lossless_conversion": "true",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    # DuckDB lets SQL write where it may write itself: it has the memory and no disk.
    "temp_directory": "",
}
_EXPLAIN = re.compile(r"EXPLAIN\s+(ANALYZE\s+)?(\([\w\s,]*\))?", re.IGNORECASE)


def connect(
    serve: Callable[[duckdb.DuckDBPyConnection], None],
    fill: Callable[[duckdb.DuckDBPyConnection], None],
    statements: Iterable[str],
) -> duckdb.DuckDBPyConnection:
    """Return a connection that files are served to, filled, on which `statements` were run, closed off."""
    connection = duckdb.connect(config=_SETTINGS)
    serve(connection)
    connection.execute(f"SET allowed_directories = [{quote_text(HERE)}]")
    fill(connection)
    connection.execute("SET enable_external_access = false")
    # Views of a person's own queries are among them.
    run(connection, statements)
    connection.execute("SET lock_configuration = true")
    return connection


def inside(folders: Iterable[str | Path], statements: Iterable[str]) -> list[str]:
    """Return statements that name files of these folders by path as the sandbox knows them."""
    found = list(statements)
    for folder in folders:
        outside = quote_text(glob.escape(os.path.join(folder, "")))[1:-1]
        for before in ("'", "\n"):  # a text, or a line of one
            found = [statement.replace(f"{before}{outside}", f"{before}{HERE}") for statement in found]
    return found


def check(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    """Raise `QueryError` for statements that do more than read."""
    for statement in connection.extract_statements(query):
        kinds = [_kind(statement)]
        if kinds == ["EXPLAIN"] and (found := _EXPLAIN.match(statement.query)):
            kinds = [_kind(one) for one in connection.extract_statements(statement.query[found.end() :])]
        if kinds != ["SELECT"]:
            raise QueryError("a sandbox takes no statements but SELECT and EXPLAIN SELECT", query)


def _kind(statement: duckdb.Statement) -> str:
    try:
        return statement.type.name
    except ValueError:  # of a kind that DuckDB has no name for in Python
        return ""
