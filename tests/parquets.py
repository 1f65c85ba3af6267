"""Parquet files made for tests, and what flowdb reads in them, in one piece."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from flowdb.columnar import parquet_batches
from flowdb.fields import BY_NAME
from tests.parsed import Parsed


def written(table: pa.Table, **options: Any) -> bytes:
    """Return the Parquet file of a table."""
    file = BytesIO()
    pq.write_table(table, file, **options)
    return file.getvalue()


def read(data: bytes) -> Parsed:
    """Return what a Parquet file holds."""
    found = Parsed()
    for batch in parquet_batches(BytesIO(data)):
        for table in batch.records:
            found.records += table.to_pylist()
            assert table.schema.names == [one.column for one in batch.layout.fields]
        found.bad += [(line.number, line.reason) for line in batch.bad]
        found.passed += batch.passed
        found.lines += batch.lines
    return found


def as_aws_writes(names: list[str], rows: list[list[str]]) -> pa.Table:
    """Return rows of texts in the types of AWS: 32 bits for small numbers, 64 for others, `-` for no text."""
    columns: dict[str, pa.Array] = {}
    for name, texts in zip(names, zip(*rows, strict=True), strict=True):
        kind = BY_NAME[name].kind
        if kind.is_text:
            columns[name.replace("-", "_")] = pa.array(texts, pa.string())
        else:
            small = pa.int32() if kind.name in ("OCTET", "PORT") else pa.int64()
            numbers = [None if text == "-" else int(text) for text in texts]
            columns[name.replace("-", "_")] = pa.array(numbers, small)
    return pa.table(columns)
