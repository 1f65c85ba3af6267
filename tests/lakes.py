"""Lakes made without a cluster: of the very files of a store, by the commit that a cluster's ingest makes."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from flowdb import FlowDB
from flowdb.catalog import Catalog
from flowdb.datasets import DATASETS
from flowdb.lake import BAD_LINES, Lake, LakeFile, create_lake
from flowdb.rows import QUARANTINE

__all__ = ["lake_of"]

_TABLES = {dataset.kind: dataset.view for dataset in DATASETS} | {QUARANTINE: BAD_LINES}


def lake_of(db: FlowDB, location: str, storage: Mapping[str, object] | None = None) -> Lake:
    """Return a lake of the records, sources and bad lines of a store, in one commit."""
    lake = create_lake(location, storage)
    catalog = Catalog(db.path / "catalog.sqlite")
    try:
        rows, sources = catalog.files(), list(catalog.sources())
    finally:
        catalog.close()
    files: list[LakeFile] = []
    extra: dict[str, set[str]] = {name: set() for name in _TABLES.values()}
    for row in rows:
        if row.kind not in _TABLES:
            continue
        table = _TABLES[row.kind]
        folder = f"date={row.date}/" if row.date else ""
        path = f"{folder}{Path(row.path).name}"
        put(lake, db.path / row.path, f"{table}/{path}")
        partition = {"date": row.date} if row.date else {}
        files.append(
            LakeFile(table, path, row.bytes, row.records, partition, row.first_start, row.last_start)
        )
        extra[table] |= {name for name in row.extra.split(",") if name}
    return lake.commit(sources, files, extra)


def put(lake: Lake, source: Path, path: str) -> None:
    """Put a file into a lake."""
    to = lake.place.path(*path.split("/"))
    lake.place.storage.makedirs(to.rpartition("/")[0], exist_ok=True)
    with source.open("rb") as given, lake.place.storage.open(to, "wb") as file:
        shutil.copyfileobj(given, file)
