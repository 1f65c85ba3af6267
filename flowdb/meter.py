"""Tells whoever watches how far a long piece of work is."""

from __future__ import annotations

import threading

__all__ = ["Meter"]


class Meter:
    """How far the work is: bytes to read and read, records found or written.

    Before that it may be that objects are `listed`; what has no bytes to read has `steps` of its
    `total_steps` behind it.
    """

    def __init__(self) -> None:
        self.total_bytes = 0
        self.read_bytes = 0
        self.records = 0
        self.listed = 0
        self.steps = 0
        self.total_steps = 0
        self._lock = threading.Lock()

    def add(self, read_bytes: int, records: int) -> None:
        """Count what one thread did."""
        with self._lock:
            self.read_bytes += read_bytes
            self.records += records

    def list(self, objects: int) -> None:
        """Count objects that one thread found."""
        with self._lock:
            self.listed += objects
