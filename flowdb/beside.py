"""The query that shows names beside ids, looked up for the rows of an answer alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from flowdb.ids import is_id_column
from flowdb.quoting import quote_name, quote_text

__all__ = ["SUFFIX", "named_columns", "with_names"]

SUFFIX = "_name"
"""What the name of a column of names has behind that of the ids."""
_ROW = "flowdb_row"
_MOST = 3


def named_columns(columns: Mapping[str, str]) -> list[str]:
    """Return those columns, given with their types, that hold ids and have none for their names yet."""
    return [
        name
        for name, kind in columns.items()
        if kind == "VARCHAR" and is_id_column(name) and name + SUFFIX not in columns
    ]


def with_names(query: str, columns: Mapping[str, str], bounds: Sequence[object] = (None, None)) -> str | None:
    """Return a query of the same rows, with the names of ids beside them; None where there are no ids.

    A row is shown the names that its id had between the first and the last of its times, or, where
    it has none, of the window that `bounds` are: three of them, in order of time. An address that has
    no name then has that of the smallest group which it lies in.
    """
    ids = named_columns(columns)
    if not ids:
        return None
    begins, ends = _span(columns, bounds)
    asked = " UNION ALL ".join(
        f"SELECT {_ROW}, {n} AS place, {_own(name)} AS id, {begins} AS begins, {ends} AS ends FROM answer"
        for n, name in enumerate(ids)
    )
    cells = [
        f"{_own(name)}, beside.{quote_name(name + SUFFIX)}" if name in ids else _own(name) for name in columns
    ]
    pivot = ", ".join(
        f"any_value(name) FILTER (place = {n}) AS {quote_name(name + SUFFIX)}" for n, name in enumerate(ids)
    )
    return f"""WITH answer AS MATERIALIZED (SELECT *, row_number() OVER () AS {_ROW} FROM ({query}
) AS answer),
asked AS MATERIALIZED (SELECT * FROM ({asked}) AS asked WHERE id IS NOT NULL),
owned AS MATERIALIZED (SELECT * FROM main.flowdb_names WHERE id IN (SELECT id FROM asked)),
named AS (
    SELECT {_ROW}, place, list(name ORDER BY first_seen, name) AS names
    FROM (
        SELECT
            asked.{_ROW},
            asked.place,
            owned.name,
            min(coalesce(owned.first_seen, TIMESTAMP '-infinity')) AS first_seen
        FROM asked
        INNER JOIN owned ON owned.id = asked.id
        WHERE (owned.first_seen IS NULL OR asked.ends IS NULL OR owned.first_seen <= asked.ends)
            AND (owned.last_seen IS NULL OR asked.begins IS NULL OR owned.last_seen >= asked.begins)
        GROUP BY ALL
    ) AS held
    GROUP BY ALL
),
keyed AS MATERIALIZED (
    SELECT id, main.ip_key(id) AS "key" FROM (SELECT DISTINCT id FROM asked) AS ids
    WHERE EXISTS (FROM main.flowdb_groups)
),
grouped AS (
    SELECT keyed.id, arg_min(known.name, (-known.bits, known.name)) AS name
    FROM keyed
    INNER JOIN main.flowdb_groups AS known ON keyed."key" BETWEEN known.first_key AND known.last_key
    GROUP BY keyed.id
),
told AS (
    SELECT
        asked.{_ROW},
        asked.place,
        CASE
            WHEN len(named.names) > {_MOST} THEN array_to_string(named.names[1:{_MOST}], ', ') || ', ...'
            ELSE coalesce(array_to_string(named.names, ', '), grouped.name)
        END AS name
    FROM asked
    LEFT JOIN named ON named.{_ROW} = asked.{_ROW} AND named.place = asked.place
    LEFT JOIN grouped ON grouped.id = asked.id
),
beside AS (SELECT {_ROW}, {pivot} FROM told GROUP BY {_ROW})
SELECT {", ".join(cells)}
FROM answer
LEFT JOIN beside ON beside.{_ROW} = answer.{_ROW}
ORDER BY answer.{_ROW}"""


def _own(name: str) -> str:
    return f"answer.{quote_name(name)}"


def _span(columns: Mapping[str, str], bounds: Sequence[object]) -> tuple[str, str]:
    """Return the first and the last moment that a row is of, as expressions."""
    cells = [
        (f"{_own(name)}::TIMESTAMP", f"{_own(name)} + INTERVAL {'1 DAY' if kind == 'DATE' else '0 SECONDS'}")
        for name, kind in columns.items()
        if kind in ("TIMESTAMP", "DATE")
    ]
    if cells:
        firsts, lasts = zip(*cells, strict=True)
        return f"least({', '.join(firsts)})", f"greatest({', '.join(lasts)})"
    first, last = (
        f"TIMESTAMP {quote_text(bound.isoformat(' '))}" if isinstance(bound, datetime) else "NULL::TIMESTAMP"
        for bound in bounds
    )
    return first, last
