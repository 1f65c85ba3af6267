"""What is in a data file: by what its rows say, and by what it says of itself."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from flowdb.companions import HOURLY
from flowdb.datasets import schema_version
from flowdb.disk import checksum
from flowdb.rows import QUARANTINE, FileRow, iso_time

__all__ = ["bounds", "contents", "described", "shares"]

_BATCH = 2 * 122_880  # records


def contents(path: Path) -> tuple[dict[int, int], str | None, str | None]:
    """Return how many rows of each source a file has, and its first and its last start; nothing of sums."""
    counts: Counter[int] = Counter()
    starts: list[int] = []
    with pq.ParquetFile(path) as file:
        if "source_id" not in file.schema_arrow.names:
            return {}, None, None
        columns = [name for name in ("source_id", "start_time") if name in file.schema_arrow.names]
        for batch in file.iter_batches(batch_size=_BATCH, columns=columns):
            table = pa.Table.from_batches([batch])
            counts.update(shares(table))
            starts += [bound for bound in bounds(table) if bound is not None]
    return dict(counts), iso_time(min(starts)) if starts else None, iso_time(max(starts)) if starts else None


def described(root: Path, path: str) -> tuple[FileRow, list[str]]:
    """Return what a file, at a path inside a store, says of itself, and the files that it replaces."""
    folder, _, _ = path.rpartition("/")
    with pq.ParquetFile(root / path) as file:
        columns = tuple(file.schema_arrow.names)
        said = {key.decode(): value.decode() for key, value in (file.metadata.metadata or {}).items()}
        records = file.metadata.num_rows
    is_plain = folder == QUARANTINE or folder.startswith(f"{HOURLY}/")
    dataset, version, extra = (None, 0, ()) if is_plain else schema_version(columns)
    size, digest = checksum(root / path)
    _, first, last = contents(root / path)
    row = FileRow(
        path=path,
        kind=dataset.kind if dataset else folder.partition("/")[0],
        date=folder.partition("date=")[2],
        version=version,
        extra=",".join(extra),
        records=records,
        bytes=size,
        checksum=digest,
        first_start=first,
        last_start=last,
        is_sorted=said.get("flowdb.sorted") == "1",
        only_action=said.get("flowdb.only", ""),
        commit_id=int(said["flowdb.commit"]),
    )
    return row, said.get("flowdb.replaces", "").split()


def shares(table: pa.Table) -> dict[int, int]:
    """Return how many rows of each source there are."""
    counts = pc.value_counts(table["source_id"])
    return dict(zip(counts.field(0).to_pylist(), counts.field(1).to_pylist(), strict=True))


def bounds(table: pa.Table) -> tuple[int | None, int | None]:
    """Return the first and the last start, in milliseconds since 1970."""
    if "start_time" not in table.column_names:
        return None, None
    bounds = pc.min_max(table["start_time"].cast(pa.int64())).as_py()
    return bounds["min"], bounds["max"]
