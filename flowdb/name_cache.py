"""What was made of large files of names, kept for the next question in the folder of a person's caches."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import xxhash

from flowdb import caches
from flowdb.quoting import quote_path, quote_text

if TYPE_CHECKING:
    import duckdb

__all__ = ["keep", "place_of", "show"]

_VERSION = 1
_LEAST = 1 << 20
_KEPT = 4


def place_of(facts: object, files: Iterable[Path]) -> Path | None:
    """Return where what is made of these files is kept; None where they are small, or there is no place.

    `facts` is what else tells one reading from another.
    """
    found = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    if sum(size for _, size, _ in found) < _LEAST:
        return None
    key = xxhash.xxh3_128_hexdigest(repr((_VERSION, facts, found)).encode())
    folder = caches.folder()
    return None if folder is None else folder / f"names-{key}.parquet"


def keep(connection: duckdb.DuckDBPyConnection, place: Path) -> None:
    """Keep the table of names; of other ones the newest stay. Where that cannot be, nothing is kept."""
    import duckdb

    with suppress(OSError, duckdb.Error):
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(prefix=".names-", dir=place.parent) as folder:
            new = Path(folder, place.name)
            rows = "(FROM flowdb_names ORDER BY id, first_seen NULLS FIRST)"
            connection.execute(
                f"COPY {rows} TO {quote_text(str(new))} (FORMAT parquet, ROW_GROUP_SIZE 20480)"
            )
            os.replace(new, place)
        others = sorted(place.parent.glob("names-*.parquet"), key=lambda path: path.stat().st_mtime_ns)
        for path in others[:-_KEPT]:
            path.unlink(missing_ok=True)


def show(connection: duckdb.DuckDBPyConnection, place: Path, *, is_copied: bool) -> bool:
    """Have the table of names show what was kept, or be a view of it; return whether there is such."""
    import duckdb

    kept = f"FROM read_parquet({quote_path(str(place))})"
    try:
        if not place.exists():
            return False
        if is_copied:
            connection.execute(f"INSERT INTO flowdb_names {kept}")
            return True
        connection.execute(f"CREATE OR REPLACE TEMP VIEW flowdb_kept AS {kept}")
    except (OSError, duckdb.Error):  # another one is made
        return False
    connection.execute("DROP TABLE flowdb_names")
    connection.execute(f"CREATE VIEW flowdb_names AS {kept}")
    connection.execute("DROP VIEW flowdb_kept")
    return True
