"""The SQL that shows one commit of a store: views of its records, sources, commits and bad lines."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from flowdb.companions import HOURLY, SUMS_COLUMNS, unsummed
from flowdb.datasets import DATASETS, FLOWS, Dataset
from flowdb.ledger import LEDGERS
from flowdb.quoting import quote_name, quote_paths, quote_text
from flowdb.rows import QUARANTINE, FileRow

__all__ = ["BAD_LINES", "records_query", "view_names", "view_statements"]

_FILES = "files"
_DATE = r"[0-9-]{10}"
# The folder that a column is the name of, and what may lie between it and the file: folders of other columns.
_FOLDER = r"{}=({})[/\\](?:[a-z_]+=[^/\\]*[/\\])*[^/\\]*$"
_IN_FOLDERS = ("region", "account_id")
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
BAD_LINES = {
    "source_id": "BIGINT",
    "source": "VARCHAR",
    "line_number": "BIGINT",
    "reason": "VARCHAR",
    "line": "VARCHAR",
}


def view_statements(base: Path | str, files: Sequence[FileRow]) -> list[str]:
    """Return the statements that make the views of a store whose live files are these.

    `base` is what the paths of files begin with: the store's folder, absolute. Macros ask
    `flowdb_sources`, which is `sources` by a name that no table of a session has, as theirs would be
    asked in its place. Hourly sums are in `flowdb_hourly`, the records of files that have none in
    `flowdb_unsummed`.
    """
    plain = {"bad_lines": (QUARANTINE, BAD_LINES)} | {name: (name, LEDGERS[name]) for name in LEDGERS}
    views = {
        **{
            one.view: records_query(base, one, [file for file in files if file.kind == one.kind])
            for one in DATASETS
        },
        **{
            name: _plain(base, columns, [file.path for file in files if file.kind == kind])
            for name, (kind, columns) in plain.items()
        },
    }
    views["flowdb_sources"] = views["sources"]
    views["flowdb_hourly"] = _sums_query(base, [file.path for file in files if file.kind == HOURLY])
    views["flowdb_unsummed"] = records_query(base, FLOWS, unsummed(files))
    return [f"CREATE OR REPLACE VIEW {quote_name(name)} AS {query}" for name, query in views.items()]


def view_names() -> tuple[str, ...]:
    """Return the names of the views that `view_statements` makes."""
    return (*(one.view for one in DATASETS), "bad_lines", *LEDGERS)


def records_query(base: Path | str, dataset: Dataset, files: Sequence[FileRow]) -> str:
    """Return a query over all files of a dataset; those of different schema versions are joined by name.

    Of files of version 0, those of a lake, each may lack some columns, and have others as folders.
    """
    by_schema: dict[tuple[int, str], list[str]] = {}
    for file in files:
        by_schema.setdefault((file.version, file.extra), []).append(file.path)
    queries = []
    for (version, extra), paths in sorted(by_schema.items()):
        if not version:
            queries.append(_any_query(base, dataset, extra, paths))
            continue
        columns = ", ".join(_record_columns(base, dataset, version, extra))
        queries.append(f"SELECT {columns} FROM {_read(base, paths, partitioned=True)}")
    return " UNION ALL BY NAME ".join(queries) or _empty(dataset.sql_columns)


def _sums_query(base: Path | str, paths: Sequence[str]) -> str:
    """Return a query over files of hourly sums."""
    if not paths:
        return _empty(SUMS_COLUMNS)
    moments = ("first_start", "last_start")
    columns = [_date(base), *_columns(name for name in SUMS_COLUMNS if name not in ("date", *moments))]
    # Microseconds are what DuckDB has, and cost it nothing to make and to read.
    first = f"epoch_us({_FILES}.hour) + {_FILES}.first_after::BIGINT * 1000"
    passed = (first, f"{first} + {_FILES}.lasting::BIGINT * 1000")
    columns += [f"make_timestamp({after}) AS {name}" for name, after in zip(moments, passed, strict=True)]
    return f"SELECT {', '.join(columns)} FROM {_read(base, paths, partitioned=True)}"


def _record_columns(base: Path | str, dataset: Dataset, version: int, extra: str) -> list[str]:
    """Return a dataset's columns as files of a schema version have them, NULL for those of later ones."""
    columns = [_date(base)]
    for field in dataset.fields:
        name = quote_name(field.column)
        present = field.version <= version
        columns.append(f"{_FILES}.{name}" if present else f"NULL::{field.kind.sql_type} AS {name}")
    return [*columns, *_columns(["source_id", *(name for name in extra.split(",") if name)])]


def _any_query(base: Path | str, dataset: Dataset, extra: str, paths: Sequence[str]) -> str:
    """Return a query over files that each have some of a dataset's columns, and lie in folders of others."""
    types = {**dataset.sql_columns, **{name: "VARCHAR" for name in extra.split(",") if name}}
    del types["date"]
    cells = [f"{_in_folder('date', _DATE)}::DATE AS {quote_name('date')}"]
    for name in types:
        # What is part of the path tells DuckDB of a file that it need not be opened.
        spelled = f"nullif(url_decode({_in_folder(name, '[^/]*')}), {quote_text(_NO_VALUE)})"
        is_folder = name in _IN_FOLDERS and any(f"/{name}=" in path for path in paths)
        cells.append(f"{spelled if is_folder else f'{_FILES}.{quote_name(name)}'} AS {quote_name(name)}")
    schema = ", ".join(
        f"{quote_text(name)}: {{name: {quote_text(name)}, type: {quote_text(kind)}, default_value: NULL}}"
        for name, kind in types.items()
    )
    options = f"hive_partitioning = false, filename = true, schema = map {{{schema}}}"
    return f"SELECT {', '.join(cells)} FROM read_parquet({_listed(base, paths)}, {options}) AS {_FILES}"


def _in_folder(name: str, value: str) -> str:
    """Return what the value of a column is by the folders that a file lies in."""
    return f"regexp_extract({_FILES}.filename, {quote_text(_FOLDER.format(name, value))}, 1)"


def _date(base: Path | str) -> str:
    if not _lies_below_a_partition(base):
        return f'{_FILES}."date"'
    return f"{_in_folder('date', _DATE)}::DATE AS {quote_name('date')}"


def _lies_below_a_partition(base: Path | str) -> bool:
    """Tell whether a folder above the store is named `column=value`, which DuckDB would take for a column."""
    return any("=" in part for part in Path(base).parts)


def _columns(names: Iterable[str]) -> list[str]:
    """Return the columns, qualified: DuckDB 2.0 takes a bare one for a macro's parameter of that name."""
    return [f"{_FILES}.{quote_name(name)}" for name in names]


def _plain(base: Path | str, columns: dict[str, str], paths: Sequence[str]) -> str:
    if not paths:
        return _empty(columns)
    return f"SELECT {', '.join(_columns(columns))} FROM {_read(base, paths)}"


def _read(base: Path | str, paths: Iterable[str], partitioned: bool = False) -> str:
    partitions = "true, hive_types = {'date': DATE}" if partitioned else "false"
    if partitioned and _lies_below_a_partition(base):
        partitions = "false, filename = true"
    return f"read_parquet({_listed(base, paths)}, hive_partitioning = {partitions}) AS {_FILES}"


def _listed(base: Path | str, paths: Iterable[str]) -> str:
    return quote_paths(os.path.join(base, path) for path in paths)


def _empty(columns: dict[str, str]) -> str:
    nulls = [f"NULL::{kind} AS {quote_name(name)}" for name, kind in columns.items()]
    return f"SELECT {', '.join(nulls)} WHERE false"
