"""The generated `flowdb.duckdb`: the views and macros of one commit, for any DuckDB shell."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import xxhash

from flowdb import analyses, caches, names
from flowdb.disk import sync_file, sync_folder
from flowdb.errors import ConfigError, StoreDamaged, StoreError, gist, heard
from flowdb.faults import reached
from flowdb.ledger import LEDGER_FOLDER
from flowdb.own_tables import (
    BUILT_IN,
    built_in_statement,
    may_fail,
    read_tables,
    run,
    table_statements,
    tables_digest,
)
from flowdb.quoting import quote_text
from flowdb.rows import FileRow
from flowdb.settings import Settings
from flowdb.views import view_names, view_statements

if TYPE_CHECKING:
    import duckdb

__all__ = ["GENERATED", "Generated", "shown_statements", "statements"]

GENERATED = "flowdb.duckdb"
_NOTE = f"{LEDGER_FOLDER}/generation.json"
# The storage version that every DuckDB since 1.0 opens.
_STORAGE_VERSION = "v1.0.0"
_MAGIC = slice(8, 12)  # of a file, behind a checksum
_kept: list[tuple[int, duckdb.DuckDBPyConnection]] = []


def statements(root: Path, files: Sequence[FileRow], base: str | None = None) -> list[str]:
    """Return the statements that show a store with these live files in an empty DuckDB database."""
    # DuckDB 2.0 binds a macro when it is made: over empty views, that opens no file.
    return [*_empty_statements(), *shown_statements(root, files, base)]


def shown_statements(root: Path, files: Sequence[FileRow], base: str | None = None) -> list[str]:
    """Return the statements that make the views of these live files, and of the tables declared at `root`.

    The files lie below `base`, by default there too.
    """
    try:
        tables = read_tables(root)
    except StoreDamaged:  # which `verify` tells
        tables = []
    taken = (BUILT_IN, *view_names(), *analyses.view_names())
    return [*view_statements(base or root, files), *table_statements(tables, files, taken)]


class Generated:
    """The generated file of a store, and the note beside it of what it shows."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._path = root / GENERATED
        self._note = root / _NOTE

    def shows(self, commit_id: int) -> bool:
        """Tell whether the file shows this commit, at this place, with this version's SQL, and nothing else.

        What a shell that died wrote into its log would be taken into the file by the next one.
        """
        wanted = self._wanted(commit_id)
        if not self._path.exists() or not wanted.items() <= self._noted().items():
            return False
        return not self._logs() or _is_open(self._path)

    def was_moved(self, commit_id: int) -> bool:
        """Tell whether the file shows this commit, but at the place where the store lay before."""
        noted, wanted = self._noted(), self._wanted(commit_id)
        here = {**noted, "root": wanted["root"]}
        return self._path.exists() and here != noted and wanted.items() <= here.items()

    def fill(self, connection: duckdb.DuckDBPyConnection, commit_id: int) -> bool:
        """Make all views and macros in an empty database; return whether the file shows this commit.

        It has to be as it was written. To make them one by one takes thirty times as long.
        """
        content = self._content() if self.shows(commit_id) else None
        if content is None:
            return False
        with tempfile.TemporaryDirectory(prefix="flowdb-") as folder:
            # A copy, so that no open shell can be in the way.
            copy = Path(folder, GENERATED)
            if "?" in folder:
                return False
            copy.write_bytes(content)
            connection.execute(f"ATTACH {quote_text(str(copy))} AS generated (READ_ONLY)")
            connection.execute("COPY FROM DATABASE generated TO memory (SCHEMA)")
            connection.execute("DETACH generated")
        return True

    def write(self, commit_id: int, files: Sequence[FileRow]) -> None:
        """Write the file under another name, and move it into place."""
        handle, name = tempfile.mkstemp(prefix=f".{GENERATED}.", dir=self._root)
        os.close(handle)
        new = Path(name)
        new.unlink()
        folder = tempfile.TemporaryDirectory(prefix="flowdb-")
        # DuckDB takes what follows a question mark in a path for options: it is given another path.
        written = Path(folder.name, GENERATED) if "?" in name else new
        try:
            with _duckdb_errors(self._root):
                # Most of it is in the last one already, and need not be made again.
                written.write_bytes(self._start() or _template())
                _run(written, shown_statements(self._root.resolve(), files), self._root)
            if written != new:
                shutil.copyfile(written, new)
            _, digest = sync_file(new)
            reached("generated.written")
            # A log that a shell left beside the file belongs to the file that is being replaced.
            for log in self._logs():
                log.unlink(missing_ok=True)
            reached("generated.log")
            os.replace(new, self._path)
            sync_folder(self._root)
        finally:
            new.unlink(missing_ok=True)
            folder.cleanup()
        reached("generated.moved")
        self._note.parent.mkdir(exist_ok=True)
        note = {**self._wanted(commit_id), "digest": digest, "duckdb": _duckdb_version()}
        self._note.write_text(json.dumps(note), encoding="utf-8")
        reached("generated.done")

    def prepare(self) -> None:
        """Do what `write` will need whatever the commit is: in another thread, ahead of time."""
        with _duckdb():  # to load it and to make one is half of it
            pass
        if self._start() is None:
            _template()

    def problem(self, files: Sequence[FileRow]) -> str:
        """Return what is wrong with the file, or nothing: for one that shows the newest commit.

        It is as it was written, or else is compared with one that is made anew.
        """
        import duckdb

        if self._content() is not None:
            return ""
        try:
            with tempfile.TemporaryDirectory(prefix="flowdb-") as folder:
                # Written and read, a macro is not spelled as it was.
                anew = Path(folder, GENERATED)
                anew.write_bytes(_template())
                _run(anew, shown_statements(self._root.resolve(), files), self._root)
                different = sorted(name for name, _ in _objects(self._path) ^ _objects(anew))
        except duckdb.Error as error:
            return "" if _is_open(self._path) else f"it cannot be opened ({gist(str(error))})"
        return f"{different[0]} in it is not what flowdb put there" if different else ""

    def sweep(self) -> None:
        """Remove what a writer that died left of a new file."""
        for path in self._root.glob(f".{GENERATED}.*"):
            path.unlink(missing_ok=True)

    def _start(self) -> bytes | None:
        """Return the file to make the next one of: not one with tables that are declared no more."""
        is_same = self._noted().get("tables") == tables_digest(self._root)
        return self._content() if is_same else None

    def _logs(self) -> list[Path]:
        """Return the logs beside the file; a shell that dies in a checkpoint leaves more than one."""
        return list(self._root.glob(f"{GENERATED}.wal*"))

    def _content(self) -> bytes | None:
        """Return the file, if it is as this version of flowdb, with this DuckDB, wrote it."""
        noted = self._noted()
        if (noted.get("sql"), noted.get("duckdb")) != (_sql_version(), _duckdb_version()):
            return None
        try:
            content = self._path.read_bytes()
        except OSError:
            return None
        return content if xxhash.xxh3_128_hexdigest(content) == noted.get("digest") else None

    def _noted(self) -> dict[str, object]:
        try:
            noted = json.loads(self._note.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return noted if isinstance(noted, dict) else {}

    def _wanted(self, commit_id: int) -> dict[str, object]:
        return {
            "commit": commit_id,
            "root": str(self._root.resolve()),
            "sql": _sql_version(),
            "tables": tables_digest(self._root),
            "names": names.digest(self._root),
        }


@cache
def _sql_version() -> int:
    """Return a number that is another one for other views and macros."""
    empty = [*view_statements(Path(), []), *names.empty_statements()]
    unordered = [*empty, *analyses.texts(), built_in_statement()]
    return zlib.crc32("\n".join(unordered).encode())


@cache
def _duckdb_version() -> str:
    """Return the version of DuckDB that is installed; it need not be loaded."""
    from importlib.metadata import version

    return version("duckdb")


def _empty_statements() -> list[str]:
    """Return the statements that show a store without records: all views and all macros."""
    empty = [*view_statements(Path(), []), *names.empty_statements()]
    return [*empty, *analyses.statements(), built_in_statement()]


@cache
def _template() -> bytes:
    """Return a database that shows a store without records: what all generated files have in common."""
    name = f"template-{_sql_version():08x}-{_duckdb_version()}"
    if (kept := caches.kept(name)) is not None and kept[_MAGIC] == b"DUCK":
        return kept
    with tempfile.TemporaryDirectory(prefix="flowdb-") as folder:
        path = Path(folder, GENERATED)
        _run(path, _empty_statements())
        made = path.read_bytes()
    caches.keep(name, made, "template-*")
    return made


def _run(path: Path, statements: Iterable[str], store: Path | None = None) -> None:
    """Run statements in a database, all or none but those that may fail; there need be none yet.

    Names and groups are those that a store itself has; a file of settings that is no good has none.
    """
    with _duckdb() as connection:
        options = f"STORAGE_VERSION {quote_text(_STORAGE_VERSION)}"
        connection.execute(f"ATTACH {quote_text(str(path))} AS flowdb ({options})")
        connection.execute("USE flowdb")
        every = [*statements]
        connection.execute("BEGIN")
        run(connection, (one for one in every if not may_fail(one)))
        connection.execute("COMMIT")
        if store is not None:
            _load_names(connection, store)
        # One that fails would end the transaction.
        run(connection, filter(may_fail, every))
        connection.execute("USE memory")
        connection.execute("DETACH flowdb")


def _load_names(connection: duckdb.DuckDBPyConnection, store: Path) -> None:
    """Have a database know what a store names; nothing where that is no good, which others tell."""
    try:
        names.load(connection, Settings.of_store(store), is_lasting=True)
    except (ConfigError, OSError):
        names.load(connection, Settings(()))


@contextmanager
def _duckdb() -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a connection, which takes longer to make than a generated file; not one of a fork."""
    import duckdb

    connection = None
    with suppress(IndexError):
        made_by, connection = _kept.pop()
        connection = connection if made_by == os.getpid() else None
    if connection is None:
        connection = duckdb.connect()
    yield connection
    # Only after all went well: what an error left attached goes with its connection.
    _kept.append((os.getpid(), connection))


def _objects(path: Path) -> set[tuple[str, str]]:
    """Return the names and definitions of the views, tables and macros in a database."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(f"ATTACH {quote_text(str(path))} AS found (READ_ONLY)")
        return {
            # DuckDB spells the names after EXCLUDE in another order each time.
            (name, re.sub(r"EXCLUDE \(([^()]*)\)", lambda match: str(sorted(match[1].split(", "))), sql))
            for name, sql in connection.execute(
                "SELECT view_name, sql FROM duckdb_views() WHERE database_name = 'found' AND NOT internal"
                " UNION ALL SELECT table_name, sql FROM duckdb_tables() WHERE database_name = 'found'"
                " UNION ALL SELECT function_name, macro_definition FROM duckdb_functions()"
                " WHERE database_name = 'found' AND NOT internal"
            ).fetchall()
        }


def _is_open(path: Path) -> bool:
    """Tell whether some process has a DuckDB file open for writing."""
    try:
        import fcntl
    except ImportError:  # no such locks: nobody can tell
        return True
    with suppress(OSError), open(path, "rb") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


@contextmanager
def _duckdb_errors(root: Path) -> Iterator[None]:
    import duckdb

    try:
        with heard():
            yield
    except duckdb.Error as error:
        raise StoreError(str(root), f"its {GENERATED} cannot be written ({gist(str(error))})") from error
