"""Addresses in SQL, against the standard library's `ipaddress`."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

import flowdb
from flowdb import FlowDB
from flowdb.errors import QueryError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

PRIVATE = [
    ipaddress.ip_network(one)
    for one in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "127.0.0.0/8",
        "fc00::/7",
        "fe80::/10",
        "::1/128",
    )
]
NO_ADDRESSES = (
    "",
    "-",
    "unknown",
    "1.2.3",
    "1.2.3.4.",
    "1.2.3.4.5",
    "256.1.1.1",
    "01.2.3.4",
    "1.2.3.4 ",
    "1.2.3.4\n",
    "10.0.0.0/8",
    "a.b.c.d",
    ":",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1::2:3:4:5:6:7:8",
    "12345::",
    "g::1",
    "::ffff:1.2.3.999",
    "::1.2.3",
    "1:2:3:4:5:6:7:1.2.3.4",
)
NO_RANGES = (
    "",
    "x",
    "/8",
    "10.0.0.0/",
    "10.0.0.0/33",
    "10.0.0/8",
    "10.0.0.0/08",
    "10.0.0.0/-1",
    "::/129",
    "10.0.0.0/8/8",
)


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlowDB]:
    """A store without records."""
    folder: Path = tmp_path_factory.mktemp("addresses")
    (folder / "a.log").write_text("srcaddr dstaddr\n", encoding="utf-8")
    with flowdb.open(folder / "store") as opened:
        opened.ingest(folder / "a.log")
        yield opened


def forms(address: Address) -> list[str]:
    """An address in every way in which it may be written."""
    if isinstance(address, ipaddress.IPv4Address):
        return [str(address)]
    groups = address.exploded.split(":")
    plain = ":".join(group.lstrip("0") or "0" for group in groups)
    last = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    embedded = f"{':'.join(groups[:6])}:{last}"
    return [str(address), str(address).upper(), address.exploded, address.exploded.upper(), plain, embedded]


def some_addresses(random_: random.Random) -> Iterator[Address]:
    """Addresses of both families, many of them near the borders of the private ranges, many with zeros."""
    for network in PRIVATE:
        first, last = int(network[0]), int(network[-1])
        for number in (first - 1, first, last, last + 1):
            if 0 <= number < 1 << network.max_prefixlen:
                yield type(network[0])(number)
    for _ in range(150):
        yield ipaddress.IPv4Address(random_.getrandbits(32))
        number = random_.getrandbits(128)
        for place in random_.sample(range(8), random_.randint(0, 6)):
            number &= ~(0xFFFF << 16 * place)
        yield ipaddress.IPv6Address(number)
    yield from (ipaddress.IPv6Address(0), ipaddress.IPv6Address("::ffff:10.0.0.1"))


def near(address: Address, random_: random.Random) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """A range that the address is in, or just not."""
    size = address.max_prefixlen
    length = random_.randint(0, size)
    other = int(address) ^ (random_.getrandbits(1) << random_.randint(0, size - 1))
    return ipaddress.ip_network((other, length), strict=False)


def test_families_keys_and_private_addresses_are_those_of_the_standard_library(db: FlowDB) -> None:
    rows = [(text, address) for address in some_addresses(random.Random(1)) for text in forms(address)]
    query = (
        "SELECT addr, ip_family(addr), ip_key(addr), is_private(addr) FROM (SELECT unnest($texts) AS addr)"
    )
    found = db.sql(query, {"texts": [text for text, _ in rows]}).fetchall()
    expected = []
    for text, address in rows:
        digits = f"{int(address):0{address.max_prefixlen // 4}x}"
        is_private = any(address in network for network in PRIVATE if network.version == address.version)
        expected.append((text, address.version, f"{address.version}{digits}", is_private))
    assert found == expected


def test_an_address_is_in_the_ranges_in_which_the_standard_library_has_it(db: FlowDB) -> None:
    random_ = random.Random(2)
    rows = [
        (text, network)
        for address in some_addresses(random_)
        for network in [near(address, random_)]
        for text in forms(address)
    ]
    expected = [(text, str(network), ipaddress.ip_address(text) in network) for text, network in rows]
    assert 200 < sum(inside for *_, inside in expected) < len(expected) - 200
    table = pa.table({"addr": [text for text, _ in rows], "cidr": [str(network) for _, network in rows]})
    with duckdb.connect() as connection:
        for statement in db._opened.statements():
            connection.execute(statement)
        connection.register("pairs", table)
        assert connection.sql("SELECT addr, cidr, in_cidr(addr, cidr) FROM pairs").fetchall() == expected
        ends = connection.sql("SELECT cidr, cidr_end(cidr, '0'), cidr_end(cidr, 'f') FROM pairs").fetchall()
    for (_, network), (_, first, last) in zip(rows, ends, strict=True):
        digits = network.max_prefixlen // 4
        assert first == f"{network.version}{int(network[0]):0{digits}x}"
        assert last == f"{network.version}{int(network[-1]):0{digits}x}"


def test_what_is_no_address_has_no_family(db: FlowDB) -> None:
    query = "SELECT addr, ip_family(addr), ip_key(addr) FROM (SELECT unnest($texts) AS addr)"
    found = db.sql(query, {"texts": list(NO_ADDRESSES)}).fetchall()
    assert found == [(text, None, None) for text in NO_ADDRESSES]


@pytest.mark.parametrize("addr", ["10.0.0.1", "2001:db8::1"])
@pytest.mark.parametrize("cidr", NO_RANGES)
def test_what_is_no_range_is_an_error_that_says_what_is_one(cidr: str, addr: str, db: FlowDB) -> None:
    with pytest.raises((QueryError, duckdb.Error)) as raised:
        db.sql("SELECT in_cidr($addr, $cidr)", {"addr": addr, "cidr": cidr}).fetchall()
    said = f"'{cidr}' is no range of addresses; expected one such as 10.0.0.0/8, 2001:db8::/32 or 192.0.2.7"
    assert said in str(raised.value)


def test_null_is_null(db: FlowDB) -> None:
    asked = (
        "in_cidr(NULL, '10.0.0.0/8'), in_cidr(NULL, '::/0'), in_cidr('10.0.0.1', NULL), is_private(NULL),"
        " ip_family(NULL), protocol_name(NULL), tcp_flag_names(NULL), service_name(NULL),"
        " traffic_path_name(NULL), day_of_week(NULL), service_port(NULL, NULL)"
    )
    assert db.sql(f"SELECT {asked}").fetchall() == [(None,) * 11]


def test_an_address_of_one_family_is_in_no_range_of_the_other(db: FlowDB) -> None:
    asked = (
        "in_cidr('10.0.0.1', '::/0'), in_cidr('::1', '0.0.0.0/0'), in_cidr('::ffff:10.0.0.1', '10.0.0.0/8')"
    )
    assert db.sql(f"SELECT {asked}").fetchall() == [(False, False, False)]


def test_names_are_those_of_the_registries(db: FlowDB) -> None:
    asked = (
        "protocol_name(6), protocol_name(17), protocol_name(1), protocol_name(58), protocol_name(50),"
        " protocol_name(253), service_name(22), service_name(443), service_name(443, 17),"
        " service_name(22, 17), service_name(1),"
        " tcp_flag_names(2), tcp_flag_names(18), tcp_flag_names(19), tcp_flag_names(7), tcp_flag_names(0),"
        " traffic_path_name(1), traffic_path_name(8), traffic_path_name(99),"
        " day_of_week(DATE '2024-01-15'), day_of_week(TIMESTAMP '2024-01-14 23:59:59'),"
        " service_port(40000, 443), service_port(443, 40000), service_port(NULL, 80)"
    )
    expected = (
        *("TCP", "UDP", "ICMP", "IPv6-ICMP", "ESP", "253"),
        *("ssh", "https", "quic", None, None),
        *("SYN", "SYN ACK", "FIN SYN ACK", "FIN SYN RST", ""),
        *("same VPC", "internet gateway", "path 99"),
        *("Monday", "Sunday"),
        *(443, 443, 80),
    )
    assert db.sql(f"SELECT {asked}").fetchall() == [expected]


def test_a_name_is_found_for_every_row_of_a_column(db: FlowDB) -> None:
    numbers = "(VALUES (6), (17), (6), (NULL)) AS v (p)"
    query = f"SELECT p, protocol_name(p), service_name(80, p) FROM {numbers} ORDER BY ALL"
    assert db.sql(query).fetchall() == [
        (6, "TCP", "http"),
        (6, "TCP", "http"),
        (17, "UDP", None),
        (None, None, None),
    ]


def test_a_protocol_and_a_port_have_one_name(db: FlowDB) -> None:
    assert db.sql("SELECT protocol FROM protocols GROUP BY ALL HAVING count(*) > 1").fetchall() == []
    assert db.sql("SELECT protocol, port FROM services GROUP BY ALL HAVING count(*) > 1").fetchall() == []
    assert db.sql("SELECT count(*) >= 139 FROM protocols").fetchall() == [(True,)]
