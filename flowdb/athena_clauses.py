"""Reads the clauses of CREATE EXTERNAL TABLE: what they say of its columns, and what of them is not used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from flowdb.athena_reader import Reader

__all__ = ["Clauses"]

# Parts of the names of formats, SerDes and classes of input, and whether columns of these are by name.
_FORMATS = {
    "parquet": True,
    "orc": True,
    "json": True,
    "avro": True,
    "ion": True,
    "textfile": False,
    "textinputformat": False,
    "lazysimple": False,
    "opencsv": False,
    "regex": False,
    "grok": False,
    "sequencefile": False,
    "rcfile": False,
    "columnarserde": False,
    "lazybinarycolumnar": False,
}
# What says how the bytes of a file are to be read: the store has read them.
_OF_FILES = (
    ("FIELDS", "TERMINATED", "BY"),
    ("ESCAPED", "BY"),
    ("COLLECTION", "ITEMS", "TERMINATED", "BY"),
    ("MAP", "KEYS", "TERMINATED", "BY"),
    ("LINES", "TERMINATED", "BY"),
    ("NULL", "DEFINED", "AS"),
)
_UNUSED_PROPERTIES = ("external", "skip.header.line.count", "has_encrypted_data", "classification")


@dataclass(slots=True)
class Clauses:
    """What follows the columns of a table.

    `mapped` has the keys that a SerDe is told to read columns from. `unused` names what means
    nothing to a store, and would to Athena.
    """

    partitions: list[tuple[str, str]] = field(default_factory=list)
    properties: dict[str, str] = field(default_factory=dict)
    mapped: dict[str, str] = field(default_factory=dict)
    by_name: bool = False
    unused: tuple[str, ...] = ()

    @classmethod
    def read(cls, reader: Reader, columns: Callable[[Reader], list[tuple[str, str]]]) -> Clauses:
        """Return the clauses up to the end of the statement; `columns` reads those in parentheses."""
        found = cls()
        while not reader.is_done:
            found._read_one(reader, columns)
        return found

    def _read_one(self, reader: Reader, columns: Callable[[Reader], list[tuple[str, str]]]) -> None:
        if reader.takes("PARTITIONED", "BY"):
            self.partitions = columns(reader)
        elif reader.takes("TBLPROPERTIES"):
            self.properties = _properties(reader)
            self._leave(*(f"the property {key}" for key in self.properties if not _is_known(key)))
        elif reader.takes("COMMENT"):
            reader.string()
            self._leave("COMMENT")
        elif reader.takes("LOCATION"):
            reader.string()
            self._leave("LOCATION")
        elif reader.takes("ROW", "FORMAT", "SERDE"):
            self._format(reader, "SerDe", reader.string)
        elif reader.takes("WITH", "SERDEPROPERTIES"):
            self._serde_properties(_properties(reader))
        elif reader.takes("ROW", "FORMAT", "DELIMITED"):
            self.by_name = False
        elif reader.takes("STORED", "AS", "INPUTFORMAT"):
            self._format(reader, "INPUTFORMAT", reader.string)
            reader.needs("OUTPUTFORMAT")
            reader.string()
        elif reader.takes("STORED", "AS"):
            self._format(reader, "format", reader.name)
        elif reader.takes("CLUSTERED", "BY"):
            self._buckets(reader)
        elif any(reader.takes(*words) for words in _OF_FILES):
            reader.string()
        else:
            raise reader.refused("expected a clause of CREATE EXTERNAL TABLE")

    def _format(self, reader: Reader, what: str, read: Callable[[], str]) -> None:
        at = reader.token
        name = read().lower()
        last = name.rpartition(".")[2]
        known = next((one for one in _FORMATS if one in (last if len(one) > 3 else last[: len(one)])), None)
        if known is None and at is not None:
            raise reader.statement.error(f"the {what} {name} is not known here", at.start)
        self.by_name = self.by_name or (known is not None and _FORMATS[known])

    def _serde_properties(self, properties: dict[str, str]) -> None:
        for key, value in properties.items():
            if key.startswith("mapping."):
                self.mapped[key.removeprefix("mapping.")] = value.lower()
            elif key.endswith("column.index.access") and value.lower() == "true":
                self.by_name = False

    def _buckets(self, reader: Reader) -> None:
        reader.skip_parentheses()
        if reader.takes("SORTED", "BY"):
            reader.skip_parentheses()
        reader.needs("INTO")
        reader.name()
        reader.needs("BUCKETS")
        self._leave("CLUSTERED BY")

    def _leave(self, *names: str) -> None:
        self.unused += names


def _is_known(key: str) -> bool:
    return key.startswith(("projection.", "storage.location.template")) or key in _UNUSED_PROPERTIES


def _properties(reader: Reader) -> dict[str, str]:
    reader.needs("(")
    found = {}
    while not reader.takes(")"):
        key = reader.string().lower()
        reader.needs("=")
        found[key] = reader.string()
        if not reader.takes(","):
            reader.needs(")")
            break
    return found
