"""Several ranges as one pattern, beside the addresses that Python's own library finds in them."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowdb.generated import statements
from flowdb.ranges import is_range, pattern, span

ADDRESSES = ["10.0.0.1", "1.2.3.4", "20.1.2.3", "200.1.1.1", "192.0.2.255", "255.255.255.255", "0.0.0.0"]
ADDRESSES += [
    "2001:db8::1",
    "2000::",
    "::",
    "::ffff:1.2.3.4",
    "1020::3",
    "ffff:ffff::",
    "a00::1",
    "2001:db9::",
]


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    made = duckdb.connect()
    for statement in statements(Path(), []):
        made.execute(statement)
    return made


@st.composite
def ranges(draw: st.DrawFn) -> str:
    address = ip_address(draw(st.sampled_from(ADDRESSES)))
    length = draw(st.integers(0, address.max_prefixlen))
    return f"{address}/{length}" if draw(st.booleans()) else str(address)


@given(st.lists(ranges(), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_an_address_lies_in_a_pattern_as_it_lies_in_its_ranges(
    connection: duckdb.DuckDBPyConnection, several: list[str]
) -> None:
    query = "SELECT list(in_cidr(addr, $1)) FROM (SELECT unnest($2) AS addr)"
    found = connection.execute(query, [pattern(several), ADDRESSES]).fetchall()[0][0]
    networks = [ip_network(one, strict=False) for one in several]
    assert found == [any(ip_address(one) in network for network in networks) for one in ADDRESSES]


@given(ranges())
@settings(max_examples=30, deadline=None)
def test_the_span_of_a_range_is_that_of_its_keys(connection: duckdb.DuckDBPyConnection, one: str) -> None:
    expected = connection.execute("SELECT cidr_end($1, '0'), cidr_end($1, 'f')", [one]).fetchall()[0]
    assert span(one)[:2] == expected


def test_what_is_no_range_is_told() -> None:
    good = ["10.0.0.0/8", "10.1.2.3/8", "::/0", "fe80::1"]
    bad = ["", "10.0.0.0/33", "10.0.0.0/255.0.0.0", "fe80::1%eth0", "10.0.0", "a", "10.0.0.0/"]
    assert [one for one in [*good, *bad] if is_range(one)] == good
