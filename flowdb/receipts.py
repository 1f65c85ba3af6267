"""Receipts: what a task of a cluster wrote, as the last thing that it puts where the lake is.

Files that no receipt names, and no commit, are of an attempt that failed or was one too many. A run
takes over the receipts of one that died, as long as what they say still holds.
"""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from flowdb import errors
from flowdb.errors import SourceError
from flowdb.lake import STAGED, LakeFile
from flowdb.lake_place import LakePlace
from flowdb.rows import SourceRow
from flowdb.sources import Source

__all__ = ["Receipt", "Staged", "is_stale", "receipt_name", "usable"]

_VERSION = 1
_ENDING, _RESERVED = ".receipt", ".reserved"
# Well before a week is over, after which a vacuum may remove files that are in no commit yet.
_LASTS = 5 * 86_400


@dataclass(slots=True)
class Receipt:
    """What one task did: sources that it read whole, files that it wrote, and what it could not read.

    `etags` are those of the sources, in their order; `layout` is that of records without a header,
    and `partition_by` the columns by which files are cut. `extra` are the columns of each table that no
    version of AWS's formats has.
    """

    layout: str | None
    partition_by: tuple[str, ...]
    sources: list[SourceRow] = field(default_factory=list)
    etags: list[str] = field(default_factory=list)
    files: list[LakeFile] = field(default_factory=list)
    extra: dict[str, list[str]] = field(default_factory=dict)
    failures: list[SourceError] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    left_alone: list[str] = field(default_factory=list)
    written: float = field(default_factory=time.time)

    def packed(self) -> bytes:
        """Return it as bytes."""
        said = {one.name: getattr(self, one.name) for one in fields(self)}
        said["sources"] = [asdict(row) for row in self.sources]
        said["files"] = [asdict(file) for file in self.files]
        said["failures"] = [{"kind": type(one).__name__, "facts": vars(one)} for one in self.failures]
        return gzip.compress(json.dumps({"version": _VERSION, **said}).encode(), 1, mtime=0)

    @staticmethod
    def unpacked(content: bytes) -> Receipt | None:
        """Return the receipt that bytes are, or None where they are none, or one of another version."""
        try:
            said = json.loads(gzip.decompress(content))
            if said.pop("version") != _VERSION:
                return None
            said["partition_by"] = tuple(said["partition_by"])
            said["sources"] = [SourceRow(**row) for row in said["sources"]]
            said["files"] = [LakeFile(**file) for file in said["files"]]
            said["failures"] = [_failure(**one) for one in said["failures"]]
            return Receipt(**said)
        except (OSError, EOFError, ValueError, TypeError, KeyError, AttributeError):
            return None


def _failure(kind: str, facts: dict[str, Any]) -> SourceError:
    made: SourceError = getattr(errors, kind)(**facts)
    return made


class Staged:
    """The receipts that lie at the place of a lake."""

    def __init__(self, place: LakePlace) -> None:
        self._place = place

    def read(self) -> dict[str, Receipt | None]:
        """Return all receipts by their names, in the order of these; None for what is no receipt."""
        names = sorted(name for name in self._place.names(STAGED) if name.endswith(_ENDING))
        if not names:
            return {}
        paths = {self._place.path(STAGED, name): name for name in names}
        with self._place.told():
            # One that is gone meanwhile was of a run that goes on, and ended.
            found = self._place.storage.cat(list(paths), on_error="omit")
        if not isinstance(found, dict):
            found = dict.fromkeys(paths, found)
        return {name: Receipt.unpacked(found[path]) for path, name in paths.items() if path in found}

    def reserve(self, run: str, first_id: int, last_id: int) -> None:
        """Note which ids a run gives to sources, so that another one gives others."""
        self._place.mark(STAGED, f"{run}-{first_id}-{last_id}{_RESERVED}")

    def reserved(self) -> dict[str, int]:
        """Return the last id of each run that noted which it gives, by the names of the notes."""
        names = [name for name in self._place.names(STAGED) if name.endswith(_RESERVED)]
        last = {name: name.removesuffix(_RESERVED).rpartition("-")[2] for name in names}
        return {name: int(number) for name, number in last.items() if number.isdecimal()}

    def remove(self, names: Iterable[str]) -> None:
        """Remove receipts; that they are gone already is no error."""
        present = set(self._place.names(STAGED))
        paths = [self._place.path(STAGED, name) for name in names if name in present]
        with self._place.told():
            for path in paths:
                try:
                    self._place.storage.rm_file(path)
                except FileNotFoundError:
                    continue

    def of_run(self, run: str) -> list[str]:
        """Return the names of the receipts of a run."""
        return [name for name in self._place.names(STAGED) if name.startswith(f"{run}-")]

    def has_files(self, receipt: Receipt) -> bool:
        """Tell whether every file that a receipt names is there."""
        try:
            return all(
                self._place.storage.info(self._place.path(file.table, file.path))["size"] == file.bytes
                for file in receipt.files
            )
        except FileNotFoundError:
            return False


def receipt_name(run: str, task: int, attempt: str) -> str:
    """Return the name of the receipt of an attempt at a task of a run."""
    return f"{run}-{task:06}-{attempt}{_ENDING}"


def usable(
    receipt: Receipt, wanted: dict[str, Source], layout: str | None, partition_by: Sequence[str]
) -> bool:
    """Tell whether a task need not be done again, since all that it read is still wanted as it was read."""
    if (receipt.layout, receipt.partition_by) != (layout, tuple(partition_by)):
        return False
    return all(_is_same(row, etag, wanted) for row, etag in zip(receipt.sources, receipt.etags, strict=True))


def _is_same(row: SourceRow, etag: str, wanted: dict[str, Source]) -> bool:
    source = wanted.get(row.uri)
    if source is None:
        return False
    found = source.remote.etag if source.remote is not None else ""
    return (source.size, source.modified, found) == (row.size, row.modified, etag)


def is_stale(receipt: Receipt | None) -> bool:
    """Tell whether a receipt is none that a run could take over any more, or ever."""
    return receipt is None or not receipt.sources or time.time() - receipt.written > _LASTS
