"""Names of ids, and groups of ranges, as DuckDB is to know them: read from settings and from files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import xxhash

from flowdb import name_cache
from flowdb.errors import ConfigError, gist, shortened
from flowdb.ids import KINDS, canonical
from flowdb.name_files import COLUMNS, Row, columns_of, opened, read_json
from flowdb.parameters import literal
from flowdb.quoting import quote_path, quote_text
from flowdb.ranges import pattern, span
from flowdb.settings import FILE, Layer, Settings

if TYPE_CHECKING:
    import duckdb

__all__ = ["digest", "empty_statements", "groups_of", "has_names", "load", "store_files"]

_Source = tuple[int, str, Path | list[Row]]
_TABLE = (
    "CREATE OR REPLACE TABLE flowdb_names (kind VARCHAR, id VARCHAR, name VARCHAR,"
    " first_seen TIMESTAMP, last_seen TIMESTAMP, source VARCHAR)"
)


def empty_statements() -> list[str]:
    """Return the statements that make what names and groups are looked up in, without any."""
    return [_TABLE, *_group_statements({})]


def has_names(settings: Settings) -> bool:
    """Tell whether there are names or groups at all; no file is opened."""
    return any(
        layer.values.get(key) for layer in settings.layers for key in ("names", "names.files", "groups")
    )


def groups_of(settings: Settings) -> dict[str, list[str]]:
    """Return the ranges of each group."""
    return {name: ranges for name, (ranges, _) in sorted(settings.entries("groups").items())}


def _group_statements(groups: Mapping[str, tuple[Sequence[str], str]]) -> list[str]:
    """Return the statements that show groups: the ranges of each, and where it comes from."""
    rows = [
        f"({', '.join(map(literal, (name, one, source, *span(one))))})"
        for name, (ranges, source) in sorted(groups.items())
        for one in ranges
    ]
    nothing = "NULL::VARCHAR, NULL::VARCHAR, NULL::VARCHAR, NULL::VARCHAR, NULL::VARCHAR, NULL::INTEGER"
    listed = f"VALUES {', '.join(rows)}" if rows else f"SELECT {nothing} WHERE false"
    texts = "".join(
        f" WHEN {quote_text(name)} THEN {quote_text(pattern(ranges))}"
        for name, (ranges, _) in sorted(groups.items())
    )
    unknown = (
        "error('there is no group ''' || name || '''; there are: ' || "
        + quote_text(", ".join(sorted(groups)) or "none")
        + ")"
    )
    return [
        (
            "CREATE OR REPLACE VIEW flowdb_groups AS SELECT * FROM"
            f" ({listed}) AS known (name, cidr, source, first_key, last_key, bits)"
        ),
        (
            f"CREATE OR REPLACE MACRO group_ranges(name) AS CASE name WHEN NULL THEN NULL{texts}"
            f" ELSE {unknown} END"
        ),
    ]


def store_files(root: Path) -> list[Path]:
    """Return the file of a store's settings, if it has one, and the files of names in the store."""
    path = root / FILE
    found: list[Path] = []
    with suppress(ConfigError, OSError):
        for layer in Settings.of_store(root).layers:
            found = [path]
            found += [opened(layer, name) for name in layer.values.get("names.files", ())]
    return found


def digest(root: Path) -> str:
    """Return what is another text for other names and groups of a store; empty where it has none."""
    if not (root / FILE).exists():
        return ""
    facts = []
    with suppress(OSError):
        facts = [path.stat() for path in store_files(root)]
    told = [(one.st_size, one.st_mtime_ns) for one in facts]
    return xxhash.xxh3_64_hexdigest(str(told).encode())


def load(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    *,
    is_closed: bool = False,
    is_lasting: bool = False,
) -> None:
    """Make the names and groups of settings those that a connection knows; raises `ConfigError`.

    Of an id that several layers name, those of the first are all; within a layer those that it has
    in its own table. Where a name begins before another of the same id ends, it ends with that. A
    connection that is closed opens no file; what is lasting outlives this process, in the database.
    """
    import duckdb

    groups = {
        name: (ranges, _shown(layer, layer.place))
        for name, (ranges, layer) in settings.entries("groups").items()
    }
    for statement in (_TABLE, *_group_statements(groups)):
        connection.execute(statement)
    sources = list(_sources(settings))
    if sources and not is_closed:
        _fill(connection, sources, is_copied=is_lasting)
    if not sources or not is_closed:
        return
    with duckdb.connect() as outside:
        outside.execute(_TABLE)
        _fill(outside, sources, is_copied=True)
        import pyarrow as pa

        reader = pa.RecordBatchReader.from_stream(outside.sql("FROM flowdb_names"))
        connection.register("flowdb_given", reader.read_all())
        connection.execute("INSERT INTO flowdb_names FROM flowdb_given")
        connection.unregister("flowdb_given")


_MOMENT = (
    "CASE WHEN regexp_matches({0}, '(Z|[+-][0-9]{{2}}(:?[0-9]{{2}})?)$') AND contains({0}, ':')"
    " THEN make_timestamp(epoch_us(TRY_CAST({0} AS TIMESTAMPTZ))) ELSE TRY_CAST({0} AS TIMESTAMP) END"
)
_KIND = (
    "CASE WHEN contains(id, ':') THEN 'address'"
    + "".join(
        f" WHEN regexp_full_match(id, {quote_text(form)}) THEN '{kind}'" for kind, form in KINDS.items()
    )
    + " END"
)
_GIVEN = """CREATE OR REPLACE TEMP TABLE flowdb_given (
    place BIGINT, kind VARCHAR, id VARCHAR, name VARCHAR, begins TIMESTAMP, ends TIMESTAMP,
    wrong VARCHAR, value VARCHAR, level INTEGER, source VARCHAR
)"""
_TAKE = f"""INSERT INTO flowdb_given
SELECT
    place,
    kind,
    id,
    name,
    coalesce(begins, TIMESTAMP '-infinity'),
    ends,
    CASE
        WHEN kind IS NULL THEN 'id'
        WHEN name IS NULL OR trim(name) = '' THEN 'name'
        WHEN first_seen IS NOT NULL AND begins IS NULL THEN 'first_seen'
        WHEN last_seen IS NOT NULL AND ends IS NULL THEN 'last_seen'
        WHEN begins > ends THEN 'order'
    END AS wrong,
    CASE wrong WHEN 'id' THEN id WHEN 'name' THEN name WHEN 'first_seen' THEN first_seen ELSE last_seen END,
    $level,
    $source
FROM (
    SELECT
        *,
        {_KIND} AS kind,
        {_MOMENT.format("first_seen")} AS begins,
        {_MOMENT.format("last_seen")} AS ends
    FROM (SELECT row_number() OVER () AS place, {", ".join(COLUMNS)} FROM <rows>) AS given
) AS typed"""
_GROUP = "[1-9a-f][0-9a-f]{0,3}"
# Addresses of IPv6 that may not be spelled as logs spell them, or be none.
_ODD = (
    "SELECT DISTINCT id FROM flowdb_given WHERE contains(id, ':')"
    f" AND NOT regexp_full_match(id, '{_GROUP}(:{_GROUP}){{0,5}}::({_GROUP})?')"
)
_FIRST = "QUALIFY level = min(level) OVER (PARTITION BY id)"
_FOLLOWED = "SELECT *, lead(begins) OVER (PARTITION BY id ORDER BY begins, level, place) AS follows"
_INSERT = """INSERT INTO flowdb_names
SELECT
    kind,
    id,
    name,
    CASE WHEN begins > TIMESTAMP '-infinity' THEN begins END,
    CASE
        WHEN follows <= coalesce(ends, TIMESTAMP 'infinity') THEN follows - INTERVAL 1 MICROSECOND
        ELSE ends
    END,
    source
FROM ({followed} FROM (FROM flowdb_given {first}) AS given) AS followed
WHERE follows IS NULL OR follows > begins"""
_EXPECTED = {
    "id": "an address, an account, or the id of a resource such as eni-0a1b2c3d",
    "name": "a text",
    "first_seen": "a time (UTC), such as 2024-01-15T10:00",
    "last_seen": "a time (UTC), such as 2024-01-15T10:00",
    "order": "a last_seen that is not before first_seen",
}


def _fill(connection: duckdb.DuckDBPyConnection, sources: Sequence[_Source], *, is_copied: bool) -> None:
    """Have the table of names show all names: those that were kept, copied or as they lie, or read anew."""
    files = [rows for _, _, rows in sources if isinstance(rows, Path)]
    others = [(level, source, str(rows)) for level, source, rows in sources]
    place = name_cache.place_of(others, files)
    if place is not None and name_cache.show(connection, place, is_copied=is_copied):
        return
    _read(connection, sources)
    if place is not None:
        name_cache.keep(connection, place)


def _read(connection: duckdb.DuckDBPyConnection, sources: Sequence[_Source]) -> None:
    """Read all names into the table of names."""
    connection.execute(_GIVEN)
    try:
        for level, source, rows in sources:
            _take(connection, level, source, rows)
        odd = [one for (one,) in connection.execute(_ODD).fetchall()]
        plain = {one: canonical(one) for one in odd}
        changes = [(new, old) for old, new in plain.items() if new not in (old, None)]
        if changes:
            connection.executemany("UPDATE flowdb_given SET id = ? WHERE id = ?", changes)
        counted = connection.execute(
            "SELECT count(DISTINCT level), count(*), count(DISTINCT id) FROM flowdb_given"
        )
        levels, rows_in_all, ids = counted.fetchall()[0]
        followed = _FOLLOWED if ids < rows_in_all else "SELECT *, NULL::TIMESTAMP AS follows"
        connection.execute(_INSERT.format(followed=followed, first=_FIRST if levels > 1 else ""))
    finally:
        connection.execute("DROP TABLE flowdb_given")


def _sources(settings: Settings) -> Iterator[_Source]:
    """Yield what each layer names: in its own table, and in its files."""
    for number, layer in enumerate(settings.layers):
        if own := layer.values.get("names"):
            yield (
                2 * number,
                _shown(layer, layer.place),
                [(one, name, None, None) for one, name in own.items()],
            )
        for name in layer.values.get("names.files", ()):
            path = opened(layer, name)
            yield 2 * number + 1, _shown(layer, str(path)), path


def _take(connection: duckdb.DuckDBPyConnection, level: int, source: str, rows: Path | list[Row]) -> None:
    """Read the names of one source; raises `ConfigError` for the first that is none."""
    import duckdb

    values: dict[str, object] = {"level": level, "source": source}
    is_csv = isinstance(rows, Path) and rows.suffix.lower() != ".json"
    if isinstance(rows, Path) and is_csv:
        given = _csv(rows)
    else:
        found = read_json(rows) if isinstance(rows, Path) else rows
        given = "(SELECT " + ", ".join(f"unnest(${name}::VARCHAR[]) AS {name}" for name in COLUMNS) + ")"
        values |= {name: [row[n] for row in found] for n, name in enumerate(COLUMNS)}
    try:
        connection.execute(_TAKE.replace("<rows>", given), values)
    except duckdb.Error as error:
        raise ConfigError(str(rows), "", f"cannot be read as CSV ({gist(str(error))})") from None
    bad = "SELECT place, wrong, value FROM flowdb_given WHERE wrong IS NOT NULL ORDER BY place LIMIT 1"
    odd = connection.execute(_ODD.replace("DISTINCT id", "place, 'id', id") + " AND level = $1", [level])
    wrong_addresses = [row for row in odd.fetchall() if canonical(row[2]) is None]
    for place, wrong, value in connection.execute(bad).fetchall() or sorted(wrong_addresses)[:1]:
        where = f"line {place + 1}" if is_csv else f"address or interface {place}"
        said = "last_seen is before first_seen" if wrong == "order" else f"{wrong} is {shortened(value)}"
        raise ConfigError(str(rows), f"{where}:", f"{said}; expected {_EXPECTED[wrong]}")


def _csv(path: Path) -> str:
    """Return what reads a CSV: its columns id and name, and first_seen and last_seen if it has them."""
    columns = columns_of(path)
    typed = ", ".join(f"{quote_text(name)}: 'VARCHAR'" for name in columns)
    cells = ", ".join(
        f"trim({name}) AS {name}" if name in columns else f"NULL::VARCHAR AS {name}" for name in COLUMNS
    )
    options = (
        f"columns = {{{typed}}}, auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"'"
    )
    return f"(SELECT {cells} FROM read_csv({quote_path(str(path))}, {options}))"


def _shown(layer: Layer, place: str) -> str:
    """Return where a name is from; of a store, relative to it."""
    return os.path.relpath(place, layer.folder) if layer.is_store else place
