"""What it costs that every row knows its source."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

import flowdb
from tests.conftest import SAMPLES


@pytest.mark.parametrize("is_compact", [False, True])
def test_the_source_of_a_record_costs_less_than_half_a_byte(is_compact: bool, tmp_path: Path) -> None:
    with flowdb.open(tmp_path / "flows") as db:
        db.ingest(SAMPLES)
        if is_compact:
            db.compact()
        paths = [
            tmp_path / "flows" / path
            for (path,) in db.sql("SELECT path FROM files WHERE kind = 'flows'").fetchall()
        ]
    size = records = 0
    for path in paths:
        metadata = pq.read_metadata(path)
        records += metadata.num_rows
        for group in range(metadata.num_row_groups):
            columns = [metadata.row_group(group).column(n) for n in range(metadata.num_columns)]
            (source,) = [column for column in columns if column.path_in_schema == "source_id"]
            size += source.total_compressed_size
    assert records == 12_000
    assert 0 < size / records < 0.5
