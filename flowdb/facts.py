"""The numbers about a store as a whole."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flowdb.companions import HOURLY
from flowdb.datasets import DATASETS, FLOWS, TGW
from flowdb.readable import Readable
from flowdb.rows import QUARANTINE

__all__ = ["store_facts"]


def store_facts(store: Readable) -> dict[str, Any]:
    """Return what is in a store, since when, and how large it is; sizes are bytes."""
    catalog = store.catalog
    with catalog.snapshot():
        files = catalog.files()
        commits = list(catalog.commits())
        sources, raw_bytes, source_bytes = catalog.size_of_sources()
        retired = catalog.retired()
        sources_of_old = list(catalog.sources()) if catalog.is_old else []
    kinds = {one.kind for one in DATASETS}
    data = [file for file in files if file.kind in kinds]
    records = {one: sum(file.records for file in data if file.kind == one.kind) for one in (FLOWS, TGW)}
    dates = {file.date for file in data}
    size = sum(file.bytes for file in data)
    # An earlier version did not note from when a file is.
    spans: list[Any] = sources_of_old or data
    return {
        "store": store.place,
        "records": records[FLOWS],
        "tgw_records": records[TGW],
        "dates": len(dates),
        "first_date": date.fromisoformat(min(dates)) if dates else None,
        "last_date": date.fromisoformat(max(dates)) if dates else None,
        "oldest_record": _time(min((file.first_start for file in spans if file.first_start), default=None)),
        "newest_record": _time(max((file.last_start for file in spans if file.last_start), default=None)),
        "sources": sources,
        "bad_lines": sum(file.records for file in files if file.kind == QUARANTINE),
        "files": len(data),
        "raw_bytes": raw_bytes,
        "source_bytes": source_bytes,
        "parquet_bytes": size,
        "rollup_bytes": sum(file.bytes for file in files if file.kind == HOURLY),
        "bytes_per_record": round(size / sum(records.values()), 2) if data else None,
        "retired_bytes": sum(file.bytes for file in retired),
        "commits": len(commits),
        "last_commit_at": _time(commits[-1].committed_at) if commits else None,
    }


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
