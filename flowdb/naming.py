"""What `FlowDB` knows of settings: names of ids, groups of ranges, and where each setting comes from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from flowdb import names
from flowdb.beside import with_names
from flowdb.results import Result
from flowdb.settings import Settings

if TYPE_CHECKING:
    import duckdb

__all__ = ["Naming"]

_MENTIONED = re.compile(
    r"\b(names|groups|name_of|in_group|group_ranges|flowdb_names|flowdb_groups)\b", re.IGNORECASE
)


class Naming:
    """What `FlowDB` answers with what `flowdb.toml` says, which is read when it is first needed."""

    path: Path
    _sandbox: bool
    _read: Settings | None = None
    _knowing: duckdb.DuckDBPyConnection | None = None

    def sql(
        self, query: str, params: object = None, *, dialect: str = "duckdb", names: bool = False
    ) -> duckdb.DuckDBPyRelation:
        """Return the result of a query."""
        raise NotImplementedError

    def _called(self, query: str, params: Mapping[str, object]) -> duckdb.DuckDBPyRelation:
        """Return the result of an analysis, computed at once."""
        raise NotImplementedError

    def config(self) -> duckdb.DuckDBPyRelation:
        """Return every setting: its value, and the file and section or the variable that it comes from."""
        from flowdb.configuration import shown

        return Result(shown(self._settings))

    @property
    def has_names(self) -> bool:
        """Whether there are names or groups to show beside ids."""
        return names.has_names(self._shared)

    @property
    def _settings(self) -> Settings:
        """All settings that are there."""
        if self._read is None:
            self._read = Settings.read(self.path)
        return self._read

    @property
    def _shared(self) -> Settings:
        """Those that queries may see: in a sandbox none but the store's."""
        return Settings.of_store(self.path) if self._sandbox else self._settings

    def _groups(self) -> Mapping[str, Sequence[str]]:
        """Return the ranges of each group, also of those that a sandbox does not show."""
        return names.groups_of(self._settings)

    def _know(self, connection: duckdb.DuckDBPyConnection, query: str) -> None:
        """Have a connection know names and groups before it is asked for them."""
        if connection is not self._knowing and _MENTIONED.search(query):
            names.load(connection, self._shared, is_closed=self._sandbox)
            self._knowing = connection

    def _named(self, query: str, params: object) -> str:
        """Return a query that shows names beside ids."""
        answer = self.sql(query, params)
        columns = dict(zip(answer.columns, map(str, answer.types), strict=True))
        given = params if isinstance(params, Mapping) else {}
        return with_names(query, columns, (given.get("since"), given.get("until"))) or query
