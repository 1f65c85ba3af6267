"""Takes sources, with all their rows, out of the store."""

from __future__ import annotations

import glob
import os
import re
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from flowdb.catalog import Catalog
from flowdb.errors import SourceNotFound, UsageError
from flowdb.rewriting import without_sources
from flowdb.rows import SourceRow
from flowdb.sources import uri_of
from flowdb.store import Store

__all__ = ["ForgetReport", "forget"]

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_ESCAPED = ("bytes:", "lost:")  # paths that are not UTF-8, and names that a repair gave


@dataclass(slots=True)
class ForgetReport:
    """What was taken out of a store."""

    sources: int = 0
    records: int = 0
    bad_lines: int = 0
    commit: int | None = None
    seconds: float = 0.0

    def facts(self) -> dict[str, int | float | None]:
        """Return the numbers, by name."""
        return asdict(self)


def forget(store: Store, names: Sequence[str | os.PathLike[str]]) -> ForgetReport:
    """Take sources out of the store, as one commit, and say what went.

    A source is named by its URI or its path, by a folder above it, or by a pattern; the file
    need not be there any more. Ingested again, it is new. Raises `SourceNotFound` for a name
    that no source in the store has.
    """
    started = time.perf_counter()
    with store.writer("forget") as writer:
        found = _find(store.catalog, [os.fspath(name) for name in names])
        commit = writer.commit(without_sources(writer, sorted(found)), started)
    return ForgetReport(
        sources=len(found),
        records=commit.removed_records,
        bad_lines=commit.removed_bad_lines,
        commit=commit.commit_id,
        seconds=round(time.perf_counter() - started, 3),
    )


def _find(catalog: Catalog, names: Sequence[str]) -> dict[int, SourceRow]:
    """Return the sources that have these names, by their ids."""
    sources = list(catalog.sources())
    by_uri = {source.uri: source for source in sources}
    found: dict[int, SourceRow] = {}
    for name in names:
        if not name:
            raise UsageError("a source with an empty name: name a file, a folder or a pattern")
        is_uri = name in by_uri or _URL.match(name) or name.startswith(_ESCAPED)
        uri = name if is_uri else uri_of(os.path.abspath(os.path.expanduser(name)))
        here = [by_uri[uri]] if uri in by_uri else _below(sources, uri) or _matching(sources, uri)
        if not here:
            raise SourceNotFound(name, "no source of this name is in the store; see: flowdb sources")
        found |= {source.source_id: source for source in here}
    return found


def _below(sources: Sequence[SourceRow], folder: str) -> list[SourceRow]:
    prefix = folder.rstrip("/") + "/"
    # What is not UTF-8 below it is escaped from its beginning on.
    escaped = "bytes:" + prefix.replace("\\", "\\\\")
    return [source for source in sources if source.uri.startswith((prefix, escaped))]


def _matching(sources: Sequence[SourceRow], pattern: str) -> list[SourceRow]:
    if not glob.has_magic(pattern):
        return []
    if "**" in pattern:
        return [source for source in sources if fnmatchcase(source.uri, pattern)]
    # As in a pattern of ingest, an asterisk does not stand for a slash.
    return [source for source in sources if PurePosixPath(source.uri).match(pattern)]
