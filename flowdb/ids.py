"""What ids in flow logs are: addresses, accounts, interfaces and other resources of AWS."""

from __future__ import annotations

import re
from ipaddress import IPv6Address

__all__ = ["KINDS", "canonical", "is_id_column", "kind_of"]

_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
KINDS = {
    "address": rf"({_OCTET}\.){{3}}{_OCTET}",
    "account": r"[0-9]{12}",
    "interface": r"eni-[0-9a-f]+",
    "instance": r"i-[0-9a-f]+",
    "resource": r"[a-z]+(-[a-z]+)*-[0-9a-f]{8,17}",
}
"""The kinds of ids, with regular expressions for them, the first that fits; IPv6 addresses have a colon."""
_PATTERNS = {kind: re.compile(pattern) for kind, pattern in KINDS.items()}
# Of columns of results: their last word says what they hold.
_COLUMN = re.compile(r"(\w*addr|\w*_id|peer|client|server|destination|gateway)(_[ab])?")


def kind_of(text: str) -> str | None:
    """Return the kind of an id, or None for what is none."""
    if ":" in text:
        return None if canonical(text) is None else "address"
    return next((kind for kind, pattern in _PATTERNS.items() if pattern.fullmatch(text)), None)


def canonical(text: str) -> str | None:
    """Return an IPv6 address as logs have it, or None for what is none."""
    try:
        return str(IPv6Address(text)) if "%" not in text else None
    except ValueError:
        return None


def is_id_column(name: str) -> bool:
    """Tell whether a column of this name holds ids that may have names."""
    return _COLUMN.fullmatch(name) is not None
