"""The languages that queries are written in."""

from __future__ import annotations

__all__ = ["ASKED", "TRINO"]

TRINO = ("athena", "trino", "presto")
"""Names of one language; of several statements in it the last gives the result."""
ASKED = ("duckdb", *TRINO, "insights")
"""What `FlowDB.sql` takes."""
