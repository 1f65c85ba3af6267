"""Ranges of addresses: several as the one text that `in_cidr` takes for all of them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network

__all__ = ["is_range", "pattern", "span"]

# Matches nothing; its colon tells in_cidr that there are ranges of IPv6.
_OF_BOTH = "|^:"


@cache
def is_range(text: str) -> bool:
    """Tell whether a text is an address or a range, bits beyond its length or not."""
    length = text.partition("/")[2]
    if "%" in text or ("/" in text and not length.isdecimal()):
        return False
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def span(cidr: str) -> tuple[str, str, int]:
    """Return the first and the last address of a range as the macro `ip_key` has them, and its length."""
    network = ip_network(cidr, strict=False)
    digits = network.max_prefixlen // 4
    first, last = (f"{network.version}{int(end):0{digits}x}" for end in (network[0], network[-1]))
    return first, last, network.prefixlen


def pattern(ranges: Iterable[str]) -> str:
    """Return what `in_cidr` takes for several ranges: a regular expression, of as few as say the same.

    It is for the texts of IPv4 addresses, and for all digits of IPv6 ones, as the macro `ip6_key` has them.
    """
    networks = [ip_network(one, strict=False) for one in ranges]
    four = collapse_addresses(one for one in networks if isinstance(one, IPv4Network))
    six = collapse_addresses(one for one in networks if isinstance(one, IPv6Network))
    parts, others = [_four(one) for one in four], [_six(one) for one in six]
    return "|".join(f"^{part}" for part in (*parts, *others)) + (_OF_BOTH if others else "")


def _four(network: IPv4Network) -> str:
    """Return how addresses of a range begin: whole octets, and one that the length cuts as all it may be."""
    octets = str(network.network_address).split(".")
    whole, rest = divmod(network.prefixlen, 8)
    if network.prefixlen == 32:
        return r"\.".join(octets) + "$"
    begin = "".join(rf"{octet}\." for octet in octets[:whole])
    if not rest:
        return begin or r"[^:]*\.[^:]*$"
    first = int(octets[whole])
    values = "|".join(str(value) for value in range(first, first + (1 << (8 - rest))))
    return f"{begin}({values})" + ("$" if whole == 3 else r"\.")


def _six(network: IPv6Network) -> str:
    """Return all digits of the addresses of a range: no address of IPv4 has as many."""
    digits = f"{int(network.network_address):032x}"
    whole, rest = divmod(network.prefixlen, 4)
    cut = ""
    if rest:
        first = int(digits[whole], 16)
        cut = f"[{first:x}-{first + (1 << (4 - rest)) - 1:x}]"
    return f"{digits[:whole]}{cut}[0-9a-f]*$"
