"""Groups of ranges, wherever an analysis takes an address or a list of ranges."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from flowdb.analyses import Analysis
from flowdb.errors import ParameterError
from flowdb.nearest import nearest
from flowdb.parameters import Ranges, keys_of
from flowdb.ranges import is_range, pattern

__all__ = ["Groups", "without_groups"]

Groups = Callable[[], Mapping[str, Sequence[str]]]
"""What gives the ranges of each group, where somebody asks for them."""


def without_groups(analysis: Analysis, values: Mapping[str, object], groups: Groups) -> dict[str, object]:
    """Return the values of an analysis with the ranges of groups in place of their names.

    `groups` is asked where there is a text that is no range.
    """
    kinds = {one.name: one for one in analysis.parameters if one.type in ("CIDR", "CIDR[]")}
    found = dict(values)
    for name, value in values.items():
        if name not in kinds or isinstance(value, Ranges):
            continue
        entries: list[object] = []
        if isinstance(value, list | tuple | set | frozenset):
            entries = list(value)
        elif isinstance(value, str):
            entries = list(keys_of(value))
        if all(isinstance(one, str) and is_range(one) for one in entries) or not (known := groups()):
            continue
        ranges: list[object] = []
        for one in entries:
            if not isinstance(one, str) or is_range(one):
                ranges.append(one)
            elif one in known:
                ranges += known[one]
            else:
                hint = f"{kinds[name].expected}, or a group: {nearest(one, known) or ', '.join(known)}"
                raise ParameterError(analysis.name, name, one, hint)
        if all(isinstance(one, str) for one in ranges):
            found[name] = ranges if kinds[name].type == "CIDR[]" else _one(list(map(str, ranges)))
    return found


def _one(ranges: Sequence[str]) -> str:
    """Return several ranges as what stands for one."""
    return ranges[0] if len(ranges) == 1 else Ranges(pattern(ranges))
