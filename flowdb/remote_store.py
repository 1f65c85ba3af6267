"""A store behind a URL: a backup that was uploaded, read where it lies."""

from __future__ import annotations

import tempfile
from pathlib import Path

from flowdb.catalog import Catalog
from flowdb.errors import StoreError, StoreMissing
from flowdb.readable import OF_A_URL, Readable
from flowdb.remote_folder import RemoteFolder
from flowdb.store import CATALOG

__all__ = ["RemoteStore"]


class RemoteStore(Readable):
    """A store behind a URL, of which the catalogue and the small files are copied.

    One request, before each question, tells of another catalogue.
    """

    read_only = OF_A_URL
    catalog: Catalog
    folder: RemoteFolder

    def __init__(self, folder: RemoteFolder) -> None:
        self._copies = tempfile.TemporaryDirectory(prefix="flowdb-")
        super().__init__(folder.place, Path(self._copies.name).resolve(), folder)
        self._number = 0
        try:
            self._mark = folder.mark(CATALOG)
            self.catalog = self._brought()
            folder.bring_settings(self.root)
        except BaseException:
            self._copies.cleanup()
            raise

    @property
    def shown(self) -> tuple[int, str]:
        """What the views show, another number for another catalogue."""
        mark = self.folder.mark(CATALOG)
        if mark is not None and mark != self._mark:
            self.catalog.close()
            self.catalog = self._brought()
            self._mark = mark
        return self._number, super().shown[1]

    def close(self) -> None:
        """Let go of it, and of what was copied."""
        self.catalog.close()
        self.folder.close()
        self._copies.cleanup()

    def _brought(self) -> Catalog:
        """Return a copy of the catalogue as it is now."""
        self._number += 1
        path = self.root / f"{self._number}.sqlite"
        if not self.folder.bring(CATALOG, path):
            raise StoreMissing(self.place, "its catalogue was there, and is not any more")
        catalog = Catalog(path, self.place)
        if not catalog.has_ledgers:
            catalog.close()
            raise StoreError(
                self.place, "an earlier flowdb wrote it; run flowdb compact on it, and upload it"
            )
        self.folder.know({row.path: row.bytes for row in catalog.files()})
        return catalog
