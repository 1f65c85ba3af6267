"""Tells which of the sources found are not in the store yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from flowdb.catalog import Known
from flowdb.errors import SourceChanged, SourceError, plural
from flowdb.sources import Source, fingerprint, uncollected

__all__ = ["Ledger", "Plan"]


class Ledger(Protocol):
    """What knows the sources that are in a store: its catalogue, or the ledger of a lake."""

    def known(self, uris: Iterable[str]) -> dict[str, Known]:
        """Return those of the sources that are in the store."""

    def same_objects(self, name: str, size: int) -> list[tuple[str, str]]:
        """Return URI and fingerprint of the sources with this name and size."""

    def touch(self, times: Iterable[tuple[str, int]]) -> None:
        """Note when sources, whose content is the one that is known, were last changed."""


class Plan:
    """Sources to read (`new`), and those that cannot be taken (`failures`).

    A source is known by its URI, size and time of change, or by its content if only the time
    is another one. The same object under another path, with the same name, size and
    content, is known too: a folder that was moved or copied is not read twice. One that is known
    and has other content cannot be taken, unless it is to `replace` what the store has of it:
    then it is new, and `replaced` has the id that it has had, by its URI. `remedy` is what is said
    of how it could be taken all the same.
    """

    def __init__(
        self,
        sources: list[Source],
        ledger: Ledger,
        replace: bool = False,
        remedy: str = ", and takes it anew with --replace",
    ) -> None:
        self.new: list[Source] = []
        self.failures: list[SourceError] = []
        self.replaced: dict[str, int] = {}
        self._replace = replace
        self._ledger = ledger
        self._remedy = remedy
        with uncollected():
            self._known = ledger.known(source.uri for source in sources)
        self._planned: dict[tuple[str, int], list[Source]] = {}
        self._touched: list[tuple[str, int]] = []
        self._empty: list[str] = []
        self._copies: list[str] = []
        for source in sources:
            try:
                if self._is_new(source):
                    self.new.append(source)
                    self._planned.setdefault((source.name, source.size), []).append(source)
            except SourceError as error:
                self.failures.append(error)
        if self._touched:
            ledger.touch(self._touched)

    def notes(self) -> Iterator[str]:
        """Yield a sentence for each kind of source that was skipped for another reason than being known."""
        if self._empty:
            yield f"{_first(self._empty)} empty, and will be looked at again"
        if self._copies:
            yield f"{_first(self._copies)} in the store already, under another path"

    def _is_new(self, source: Source) -> bool:
        if not source.size:
            if source.uri in self._known:
                raise SourceChanged(source.uri, "it is empty now; the store has it as it was")
            self._empty.append(source.uri)
            return False
        if source.uri not in self._known:
            if copied := self._is_copy(source):
                self._copies.append(source.uri)
            return not copied
        known = self._known[source.uri]
        if known.fingerprint and (known.size, known.modified) == (source.size, source.modified):
            return False
        if known.size == source.size and fingerprint(source) == known.fingerprint:
            self._touched.append((source.uri, source.modified))
            return False
        # What has no fingerprint any more has lost rows, and is to be read again.
        if known.fingerprint and not self._replace:
            raise SourceChanged(source.uri, _changed(known.size, source.size) + self._remedy)
        self.replaced[source.uri] = known.source_id
        return True

    def _is_copy(self, source: Source) -> bool:
        stored = self._ledger.same_objects(source.name, source.size)
        planned = self._planned.get((source.name, source.size), [])
        if not stored and not planned:
            return False
        contents = {content for _, content in stored} | {fingerprint(other) for other in planned}
        return fingerprint(source) in contents


def _first(uris: list[str]) -> str:
    others = len(uris) - 1
    return f"{uris[0]} is" if not others else f"{uris[0]} and {plural(others, 'other source')} are"


def _changed(before: int, now: int) -> str:
    how = f"grew from {before:,} to {now:,} bytes" if now > before else "changed"
    return f"it {how} since it was ingested; the store has it as it was"
