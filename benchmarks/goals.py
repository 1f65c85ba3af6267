"""The goals of the scoreboard: what each figure must be, and what it had better be."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """One figure and its limits; `is_least` tells that more is better. A limit may be missing."""

    name: str
    what: str
    unit: str
    must: float | None = None
    aim: float | None = None
    is_least: bool = False

    def is_met(self, limit: float, figure: float) -> bool:
        """Tell whether a figure keeps a limit."""
        return figure >= limit if self.is_least else figure <= limit

    def verdict(self, limit: float | None, figure: float | None) -> str:
        """Write a limit, and whether the figure keeps it."""
        if limit is None:
            return "-"
        bound = f"{'at least' if self.is_least else 'at most'} {limit:g}"
        if figure is None:
            return f"{bound}: not measured"
        return f"{bound}: {'met' if self.is_met(limit, figure) else 'NOT MET'}"


GOALS = (
    Goal("ingest-floor", "ingest, default format", "times the floor's time", must=5, aim=3),
    Goal("ingest-polars", "ingest, default format", "times Polars' speed", must=1.3, aim=2, is_least=True),
    Goal("v5-floor", "ingest, 29 fields", "times the floor's time", aim=4),
    Goal("v5-polars", "ingest, 29 fields", "times Polars' speed", must=1.3, is_least=True),
    Goal("memory", "peak memory of ingest", "GB", must=0.5),
    Goal("memory-v5", "peak memory of ingest, 29 fields", "GB", must=0.5),
    Goal("memory-huge", "peak memory of ingest, one huge source", "GB", must=0.5),
    Goal("size-ingest", "Parquet after ingest, generated", "of the gzip's bytes", must=0.6),
    Goal("size-compact", "Parquet after compact, generated", "of the gzip's bytes", must=0.5),
    Goal("size-real", "Parquet after compact, real logs", "of the gzip's bytes", must=0.75),
    Goal("size-sums", "hourly sums after compact, generated", "of the records' Parquet", must=0.25),
    Goal("top_talkers", "top talkers, a month", "times the time of DuckDB by hand", must=1),
    Goal("top_talkers-seconds", "top talkers, a month", "s", must=0.1),
    Goal("rejected_sources", "rejects, a month", "times the time of DuckDB by hand", must=1),
    Goal("rejected_sources-seconds", "rejects, a month", "s", must=0.1),
    Goal("service_flows", "ephemeral, a month", "times the time of DuckDB by hand", must=1),
    Goal("service_flows-seconds", "ephemeral, a month", "s", must=0.1),
    Goal("address", "one address, all its rows", "s", must=0.2),
    Goal("address-groups", "one address, row groups read", "times those that hold it", must=1.1),
    Goal("hour", "one interface, one hour", "s", must=0.05),
    Goal("top_talkers-large", "top talkers, 100 M records", "times the time of DuckDB by hand", must=1),
    Goal("rejected_sources-large", "rejects, 100 M records", "times the time of DuckDB by hand", must=1),
    Goal("service_flows-large", "ephemeral, 100 M records", "times the time of DuckDB by hand", must=1),
    Goal("address-large", "one address in 100 M records, all its rows", "s", must=0.2),
    Goal("address-groups-large", "one of 100 M, row groups read", "times those that hold it", must=1.1),
    Goal("hour-large", "one interface, one hour in 100 M records", "s", must=0.05),
    Goal("growth", "time per record at 1x, 4x, 16x, 64x", "times the least of them", must=1.1),
    Goal("growth-memory", "peak memory at 1x, 4x, 16x, 64x", "times the least of them", must=1.1),
    Goal("memory-whole", "peak memory of ingest, 64x", "GB", must=0.5),
    Goal("known", "second ingest of 100,000 known sources", "s", must=2),
    Goal("open", "opening a store of 10,000 files, where another was asked before", "s", must=0.1),
    Goal("help", "`flowdb --help`", "s", must=0.2),
    Goal("import", "`import flowdb`", "s", must=0.3),
    Goal("first", "first answer of a small store", "s", must=0.5),
)
