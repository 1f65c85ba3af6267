"""How the columns of a data file are laid out in Parquet."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from inspect import signature
from typing import Any

import pyarrow.parquet as pq

from flowdb.fields import BY_NAME, Kind

__all__ = ["encoding", "has_filters"]

_WRITE_BATCH = 1 << 16  # values; columns that are all NULL are written twice as fast as by 1,024 at a time
# What queries prune row groups by; of the others, least and greatest say nothing in order of arrival.
_STATISTICS = {one.column for one in BY_NAME.values() if one.kind in (Kind.TIME, Kind.COUNT)} | {"source_id"}
# In the order that compaction gives them these are together, and only then are they worth it.
_SORTED_STATISTICS = {"interface_id", "tgw_attachment_id"}
# In these the compressor finds what comes again, which codes into a dictionary would hide from it. In every
# other column few values come again and again.
_PLAIN = {one.column for one in BY_NAME.values() if one.kind in (Kind.PORT, Kind.TIME)} | {"packets", "line"}
# In sorted files these change little from row to row.
_STEPS = {"start_time", "end_time", "source_id"}
# Sorted files are written once and read for years: they may take longer, where that makes them smaller.
_LEVEL, _SORTED_LEVEL = 1, 6
_QUICK = {"packets"}
# What is asked for by one value, and is in few row groups of a sorted file; in order of arrival filters would
# cost more time than they are worth. They are made for so many values, and shrink to those that there are.
_FILTERED = ("srcaddr", "dstaddr", "pkt_srcaddr", "pkt_dstaddr")
_FILTER = {"ndv": 1 << 16, "fpp": 0.01}


def encoding(names: Sequence[str], is_sorted: bool) -> dict[str, Any]:
    """Return the options with which `ParquetWriter` writes these columns."""
    steps = _STEPS & set(names) if is_sorted else set()
    statistics = _STATISTICS | _SORTED_STATISTICS if is_sorted else _STATISTICS
    options: dict[str, Any] = {
        "compression": "zstd",
        "compression_level": {
            name: _SORTED_LEVEL if is_sorted and name not in _QUICK else _LEVEL for name in names
        },
        "write_batch_size": _WRITE_BATCH,
        "use_dictionary": [name for name in names if name not in _PLAIN | steps],
        "column_encoding": dict.fromkeys(steps, "DELTA_BINARY_PACKED") or None,
        "write_statistics": [name for name in names if name in statistics],
        "store_schema": False,
    }
    filters = {name: _FILTER for name in _FILTERED if name in names}
    if is_sorted and filters and has_filters():
        options["bloom_filter_options"] = filters
    return options


@cache
def has_filters() -> bool:
    """Tell whether this pyarrow can write bloom filters."""
    return "bloom_filter_options" in signature(pq.ParquetWriter.__init__).parameters
