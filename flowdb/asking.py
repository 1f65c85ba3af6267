"""The analyses as methods: what they take, editors and type checkers read in `asking.pyi`, made of `sql/`."""

from __future__ import annotations

from typing import Generic, TypeVar

__all__ = ["Asking"]

_Answer = TypeVar("_Answer")


class Asking(Generic[_Answer]):
    """What is answered by name; `flowdb.methods` makes each method when it is first asked."""
