"""What flow logs would weigh if AWS had delivered them as Parquet, by writing some of them so.

AWS writes a small file every few minutes, unsorted, with gzip, numbers of 32 and 64 bits and texts.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flowdb.datasets import DATASETS, Dataset
from flowdb.fields import Kind, column_name
from flowdb.quoting import quote_name
from flowdb.scans import Part

if TYPE_CHECKING:
    import duckdb

    from flowdb.rows import SourceRow

__all__ = ["Ask", "Delivery", "measured"]

_MOST_SOURCES = 12
_MOST_RECORDS = 200_000

Ask = Callable[[str, object], "duckdb.DuckDBPyRelation"]


@dataclass(frozen=True)
class Delivery:
    """The bytes of each column in so many files of so many records, and those `beside` the columns."""

    columns: dict[str, int]
    beside: int
    records: int
    objects: int

    def size(self, records: int, objects: int, columns: Iterable[str]) -> float:
        """Return the bytes of these columns in so many files of so many records, with what is beside them."""
        of_columns = records * sum(self.columns.get(name, 0) for name in columns) * self.objects
        beside = objects * self.beside * self.records
        return (of_columns + beside) / max(self.records * self.objects, 1)


def measured(ask: Ask, parts: Sequence[Part]) -> Delivery:
    """Write a dozen sources of a store, as evenly spread as can be, as AWS would, and return what they weigh.

    Of a source that has more than 200,000 records these are written.
    """
    import pyarrow.parquet as pq

    sources = [(part, source) for part in parts for source in part.sources]
    step = max(len(sources) / _MOST_SOURCES, 1)
    chosen = [sources[int(number * step)] for number in range(min(len(sources), _MOST_SOURCES))]
    columns: dict[str, int] = {}
    records = beside = 0
    for part, source in chosen:
        sink = io.BytesIO()
        table = ask(_query(part, source), [source.source_id]).to_arrow_table()
        # Others than Arrow's own writer write no schema of Arrow's.
        pq.write_table(table, sink, compression="gzip", store_schema=False)
        footer = pq.read_metadata(sink)
        size = len(sink.getvalue())
        for group in range(footer.num_row_groups):
            for number in range(footer.num_columns):
                chunk = footer.row_group(group).column(number)
                name = chunk.path_in_schema
                columns[name] = columns.get(name, 0) + chunk.total_compressed_size
                size -= chunk.total_compressed_size
        beside += size
        records += footer.num_rows
    return Delivery(columns, beside, records, len(chosen))


def _query(part: Part, source: SourceRow) -> str:
    """Return the query for a source's records, in the order of their ends, with AWS's types."""
    (dataset,) = (one for one in DATASETS if one.kind == part.files[0].kind)
    names = source.layout.split() or [field.name for field in dataset.fields]
    known = dict.fromkeys(name for name in names if column_name(name) in part.columns)
    shown = ", ".join(_column(dataset, name) for name in known)
    return (
        f"SELECT {shown} FROM {quote_name(dataset.view)} AS logged WHERE logged.source_id = ?"
        f" AND logged.date = DATE '{part.files[0].date}' ORDER BY logged.end_time LIMIT {_MOST_RECORDS}"
    )


def _column(dataset: Dataset, name: str) -> str:
    field = dataset.by_name.get(name)
    column = quote_name(column_name(name))
    if field is not None and field.kind is Kind.TIME:
        return f"epoch_ms(logged.{column}) // 1000 AS {column}"
    return f"logged.{column}"
