"""The analyses as methods: what they take, editors and type checkers read in `asking.pyi`, made of `sql/`."""

from __future__ import annotations

__all__ = ["Asking"]


class Asking:
    """What `FlowDB` answers by name; `flowdb.methods` makes each method when it is first asked."""
