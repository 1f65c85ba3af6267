"""The files of a folder: what they say of their columns, and that no row of any table is missing."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flowdb import partitions
from flowdb.partitions import FolderWriter

DAY = 1_705_276_800_000


def _rows(first: int, packets: list[int | None]) -> pa.Table:
    """Return records that start one after the other, of these packets."""
    starts = [DAY + (first + n) * 1000 for n in range(len(packets))]
    return pa.table(
        {
            "version": pa.array([2] * len(packets), pa.int32()),
            "interface_id": pa.array(["eni-0123456789abcdef0"] * len(packets)),
            "packets": pa.array(packets, pa.int64()),
            "start_time": pa.array(starts, pa.timestamp("ms")),
            "source_id": pa.array([1] * len(packets), pa.int64()),
        }
    )


def test_a_column_is_said_to_have_no_null_until_there_is_one(tmp_path: Path) -> None:
    writer = FolderWriter(tmp_path, "00000001-00", 1, memory=0)  # every table is written at once
    given = [_rows(0, [1, 2]), _rows(2, [3]), _rows(3, [4, None]), _rows(5, [5]), _rows(6, [None])]
    for table in given:
        writer.add("data/date=2024-01-15", table)
    files = [tmp_path / file.row.path for file in writer.finish()]
    read = [pq.ParquetFile(file) for file in files]
    assert [file.schema_arrow.field("packets").nullable for file in read] == [False, True]
    assert [file.metadata.num_rows for file in read] == [3, 4]
    found = pa.concat_tables(
        [
            file.read(["packets", "start_time"]).cast(given[0].select(["packets", "start_time"]).schema)
            for file in read
        ]
    )
    wanted = pa.concat_tables(given).select(["packets", "start_time"])
    assert found.sort_by("start_time").to_pylist() == wanted.to_pylist()


def test_a_column_that_a_layout_lacks_is_all_null_in_a_file_that_says_so(tmp_path: Path) -> None:
    writer = FolderWriter(tmp_path, "00000001-00", 1, memory=0)
    writer.add("data/date=2024-01-15", _rows(0, [1, 2]))
    (file,) = writer.finish()
    schema = pq.ParquetFile(tmp_path / file.row.path).schema_arrow
    assert not schema.field("packets").nullable
    assert schema.field("srcaddr").nullable


def test_a_file_that_logs_went_on_from_is_closed_with_what_came_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "ROW_GROUP", 10)
    monkeypatch.setattr(partitions, "_ENOUGH", 20)
    monkeypatch.setattr(partitions, "_PASSED_OVER", 3)
    writer = FolderWriter(tmp_path, "00000001-00", 1, memory=1 << 20)
    days = [f"data/date=2024-01-{day}" for day in range(10, 30)]
    most = 0
    for number, day in enumerate(days):
        for _ in range(2):
            writer.add(day, _rows(0, [1] * 10))
        writer.add(days[max(number - 1, 0)], _rows(0, [2]))  # of the day before, come late
        most = max(most, sum(part.writer is not None for part in writer._parts.values()))
    files = writer.finish()
    assert most == 3  # of twenty
    rows = [
        pq.ParquetFile(tmp_path / file.row.path).read(["packets"])["packets"].to_pylist() for file in files
    ]
    assert [file.row.path.split("/")[1] for file in files] == [day.split("/")[1] for day in days]
    assert [sorted(one) for one in rows] == [[1] * 20 + [2] * late for late in (2, *[1] * 18, 0)]
