"""What the benchmarks measure with is what it is said to be: the generated traffic."""

from pathlib import Path

import duckdb
import pytest

from benchmarks.answers import Totals
from benchmarks.generate import generate, huge

RECORDS, FILES = 60_000, 24

Rows = list[tuple[object, ...]]


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two generated hours of 29 fields."""
    directory = tmp_path_factory.mktemp("generated")
    generate(directory, records=RECORDS, files=FILES, fields="v5", processes=1)
    return directory


@pytest.fixture(scope="module")
def traffic(logs: Path) -> duckdb.DuckDBPyConnection:
    """Their records as DuckDB's own reader has them, under the names of the fields."""
    connection = duckdb.connect()
    connection.execute(
        "CREATE TABLE logged AS FROM read_csv(?, delim = ' ', nullstr = '-', quote = '', escape = '')",
        [str(logs / "AWSLogs" / "**" / "*.log.gz")],
    )
    return connection


def rows(traffic: duckdb.DuckDBPyConnection, query: str) -> Rows:
    found: Rows = traffic.execute(query).fetchall()
    return found


def figures(traffic: duckdb.DuckDBPyConnection, query: str) -> list[float]:
    ((*found,),) = rows(traffic, query)
    return [float(str(figure)) for figure in found]


def test_flows_have_the_mixture_of_agh(traffic: duckdb.DuckDBPyConnection) -> None:
    one, few, elephants = figures(
        traffic,
        """
        SELECT avg((packets = 1)::INT), avg((packets <= 8)::INT), avg((packets > 100000)::INT)
        FROM (
            SELECT sum(packets) AS packets FROM logged WHERE action = 'ACCEPT'
            GROUP BY "interface-id", srcaddr, dstaddr, srcport, dstport, protocol
        )
        """,
    )
    assert one == pytest.approx(0.478, abs=0.02)
    assert few == pytest.approx(0.84, abs=0.02)
    assert 0 < elephants < 0.0005


def test_an_hour_groups_as_a_real_one_does(traffic: duckdb.DuckDBPyConnection) -> None:
    """Of 23,455 records 15,781 distinct 5-tuples, 19,300 with the interface, 6,600 service groups."""
    tuples, seen, groups = figures(
        traffic,
        """
        SELECT count(DISTINCT (srcaddr, dstaddr, srcport, dstport, protocol)) / count(*),
               count(DISTINCT ("interface-id", srcaddr, dstaddr, srcport, dstport, protocol)) / count(*),
               count(DISTINCT ("interface-id", srcaddr, dstaddr, least(srcport, dstport), protocol, action))
               / count(*)
        FROM logged WHERE start // 3600 = (SELECT max(start) FROM logged) // 3600
        """,
    )
    assert tuples == pytest.approx(15_781 / 23_455, abs=0.05)
    assert seen == pytest.approx(19_300 / 23_455, abs=0.05)
    assert groups == pytest.approx(6_600 / 23_455, abs=0.05)


def test_records_are_as_long_and_as_often_refused_as_real_ones(traffic: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        traffic,
        """SELECT quantile_disc("end" - start, [0.25, 0.5, 0.75]) FROM logged WHERE action = 'ACCEPT'""",
    ) == [([23, 26, 29],)]
    refused, silent, tcp, udp = figures(
        traffic,
        """
        SELECT avg((action = 'REJECT')::INT), avg(("log-status" = 'NODATA')::INT), avg((protocol = 6)::INT),
               avg((protocol = 17)::INT)
        FROM logged
        """,
    )
    assert refused == pytest.approx(0.04, abs=0.005)
    assert silent == pytest.approx(0.01, abs=0.003)
    assert tcp == pytest.approx(0.85, abs=0.04)
    assert udp == pytest.approx(0.14, abs=0.04)


def test_what_stays_in_the_vpc_is_seen_at_both_ends(traffic: duckdb.DuckDBPyConnection) -> None:
    """But for the conversation that is cut where a slot's records are all there."""
    both, flows = figures(
        traffic,
        """
        SELECT count(*) FILTER (directions = 2 AND interfaces = 2), count(*)
        FROM (
            SELECT count(DISTINCT "flow-direction") AS directions,
                   count(DISTINCT "interface-id") AS interfaces
            FROM logged
            WHERE action = 'ACCEPT' AND starts_with(srcaddr, '10.0.') AND starts_with(dstaddr, '10.0.')
                AND "pkt-srcaddr" = srcaddr AND "pkt-dstaddr" = dstaddr
            GROUP BY srcaddr, dstaddr, srcport, dstport, protocol
            HAVING bool_and("instance-id" IS NOT NULL)
        )
        """,
    )
    assert flows > RECORDS / 20
    assert both >= flows - 4 * FILES


def test_a_nat_gateway_has_its_own_address_at_one_end(traffic: duckdb.DuckDBPyConnection) -> None:
    """The packet's public end differs from the record's where the gateway faces the host."""
    found = rows(
        traffic,
        """
        SELECT "flow-direction", srcaddr = "pkt-srcaddr" AS is_source, dstaddr = "pkt-dstaddr" AS is_target,
               count(*) / (SELECT count(*) FROM logged) BETWEEN 0.01 AND 0.05
        FROM logged
        WHERE srcaddr <> "pkt-srcaddr" OR dstaddr <> "pkt-dstaddr"
        GROUP BY ALL ORDER BY ALL
        """,
    )
    assert found == [("egress", False, True, True), ("ingress", True, False, True)]


def test_the_totals_are_those_of_the_text(logs: Path, traffic: duckdb.DuckDBPyConnection) -> None:
    answer = Totals.load(logs).answer
    assert rows(
        traffic,
        """
        SELECT count(*), sum(bytes)::BIGINT, sum(packets)::BIGINT, count(*) FILTER (action = 'REJECT'),
               count(*) FILTER (start < 1705276800)
        FROM logged
        """,
    ) == [(RECORDS, answer.bytes, answer.packets, answer.rejects, answer.dates["2024-01-14"])]
    assert answer.records == RECORDS


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    sets = []
    for processes in (1, 2):
        directory = tmp_path / str(processes)
        generate(directory, records=2_000, files=5, seed=3, processes=processes)
        sets.append({path.name: path.read_bytes() for path in directory.rglob("*") if path.is_file()})
    assert sets[0] == sets[1]
    assert len(sets[0]) == 6


def test_one_huge_object_is_as_big_as_asked(tmp_path: Path) -> None:
    totals = huge(tmp_path, text_bytes=12_000_000)
    (path,) = tmp_path.rglob("*.log.gz")
    assert totals.raw_bytes >= 12_000_000
    assert duckdb.execute(
        "SELECT count(*), sum(packets)::BIGINT FROM read_csv(?, delim = ' ', nullstr = '-')", [str(path)]
    ).fetchall() == [(totals.records, totals.answer.packets)]
