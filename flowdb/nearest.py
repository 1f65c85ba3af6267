"""Finds what somebody who mistyped a name may have meant."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["meant", "nearest"]

_LEAST_ALIKE = 0.6
_LONGEST = 100  # nobody mistypes more, and to compare it would take long


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like another; None where none is much like it."""
    if len(name) > _LONGEST:
        return None
    from difflib import get_close_matches

    spelled = {_plain(one): one for one in known}
    found = get_close_matches(_plain(name), spelled, n=1, cutoff=_LEAST_ALIKE)
    return spelled[found[0]] if found else None


def meant(name: str, known: Iterable[str]) -> str:
    """Return the question whether the nearest was meant, in brackets after a space; else nothing."""
    found = nearest(name, known)
    return f" (did you mean {found!r}?)" if found is not None else ""


def _plain(name: str) -> str:
    return name.lower().replace("-", "_")
