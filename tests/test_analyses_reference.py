"""Analyses over logs that nobody here wrote, compared with plain Python that shares no code with flowdb."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

import flowdb
from tests import answers, answers_traffic, reference
from tests.answers import Row
from tests.conftest import ROOT
from tests.reference import Record
from tests.test_real_logs import DATA, LOGS

IDLE = DATA / "real" / "idle-vpc.log"
NAT = DATA / "official" / "nat-gateway.log"
TRANSIT = DATA / "official" / "transit-gateway.log"
WITHOUT_TIME = (NAT, TRANSIT)
TIMED = [path for path in LOGS if path not in WITHOUT_TIME]
CIDRS = ["10.255.0.0/16", "10.255.0.62", "2001:db8::/32", "172.31.9.0/24"]


class Logs:
    """A store, and what its logs hold by plain Python."""

    def __init__(self, folder: Path, paths: Sequence[Path]) -> None:
        self.db = flowdb.open(folder / "flows")
        self.db.ingest(*paths)
        self.each = [reference.read(path).flows for path in paths]
        self.records: list[Record] = [record for records in self.each for record in records]

    @property
    def services(self) -> answers.Services:
        """The names of services, which are what the store says they are."""
        rows = self.db.sql("SELECT protocol, port, name FROM services").fetchall()
        return {(protocol, port): name for protocol, port, name in rows}

    def check(self, name: str, expected: Sequence[Row], **params: object) -> None:
        """Compare all rows and columns of an analysis with what is expected."""
        found = getattr(self.db, name)(top=None, **params).fetchall()
        assert expected
        assert sorted(found, key=repr) == sorted(expected, key=repr)


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logs]:
    """Every log there is."""
    found = Logs(tmp_path_factory.mktemp("logs"), LOGS)
    yield found
    found.db.close()


@pytest.fixture(scope="module")
def timed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logs]:
    """Every log whose records have a time."""
    found = Logs(tmp_path_factory.mktemp("timed"), TIMED)
    yield found
    found.db.close()


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logs]:
    """The log of a VPC with little to do."""
    found = Logs(tmp_path_factory.mktemp("idle"), [IDLE])
    yield found
    found.db.close()


# ---- refused


def test_rejects_are_all_refused_records(timed: Logs) -> None:
    timed.check("rejects", answers.rejects(timed.records))


def test_rejected_sources_are_those_of_plain_python(logs: Logs) -> None:
    logs.check("rejected_sources", answers.rejected_sources(logs.records))


def test_rejected_ports_are_those_of_plain_python(logs: Logs) -> None:
    logs.check("rejected_ports", answers.rejected_ports(logs.records, logs.services))


@pytest.mark.parametrize("by", ["interface_id", "srcaddr", "dstport,protocol", "interface_id,srcaddr"])
def test_rejects_by_a_key_are_those_of_plain_python(logs: Logs, by: str) -> None:
    logs.check("rejects_by", answers.rejects_by(logs.records, *by.split(",")), by=by)


def test_rejects_over_time_have_every_hour_from_the_first_to_the_last(timed: Logs) -> None:
    timed.check("rejects_over_time", answers.rejects_over_time(timed.records))


def test_port_probes_are_those_of_plain_python(logs: Logs) -> None:
    ports = [22, 3389, 0, 23, 8080]
    logs.check("port_probes", answers.port_probes(logs.records, ports, 2), ports=ports, threshold=2)


def test_a_diagnosis_is_that_of_plain_python(timed: Logs) -> None:
    timed.check("diagnose_acl", answers.diagnose_acl(timed.records))


# ---- talkers


@pytest.mark.parametrize("dedup", [False, True])
@pytest.mark.parametrize("by", ["srcaddr", "srcaddr,dstaddr", "interface_id", "dstport,protocol", "action"])
def test_top_talkers_are_those_of_plain_python(logs: Logs, by: str, dedup: bool) -> None:
    names = by.split(",")
    expected = answers_traffic.top_talkers(logs.records, *names, dedup=dedup)
    found = logs.db.top_talkers(by=by, dedup=dedup, top=None)
    place = found.columns.index("cumulative_share")
    rows = found.fetchall()
    assert expected
    assert sorted((row[:place] + row[place + 1 :] for row in rows), key=repr) == sorted(expected, key=repr)
    size, whole = 0, sum(row[len(names) + 2] or 0 for row in rows)
    for row in rows:
        size += row[len(names) + 2] or 0
        assert row[place] == pytest.approx(size / whole, abs=1e-6)


@pytest.mark.parametrize("name", ["bursts", "compare_periods", "outside_hours", "rejects_by", "top_talkers"])
def test_two_keys_stand_in_the_order_of_flows(timed: Logs, name: str) -> None:
    order = timed.db.sql("FROM flows LIMIT 0").columns
    for by in ("protocol,dstport", "srcaddr,interface_id", "dstaddr,protocol"):
        assert getattr(timed.db, name)(by=by).columns[:2] == sorted(by.split(","), key=order.index)


def test_traffic_of_a_network_is_that_of_plain_python(logs: Logs) -> None:
    expected = answers_traffic.traffic_of(logs.records, "10.255.0.0/16")
    logs.check("traffic_of", expected, addr="10.255.0.0/16")


@pytest.mark.parametrize("threshold", [0, 100_000])
def test_large_transfers_are_those_of_plain_python(logs: Logs, threshold: int) -> None:
    expected = answers_traffic.large_transfers(logs.records, threshold)
    logs.check("large_transfers", expected, threshold=threshold)


def test_conversations_are_those_of_plain_python(logs: Logs) -> None:
    logs.check("conversations", answers_traffic.conversations(logs.records, logs.services))


def test_traffic_over_time_loses_no_byte(timed: Logs) -> None:
    expected = answers_traffic.traffic_over_time(timed.records, timedelta(hours=1))
    timed.check("traffic_over_time", expected)


@pytest.mark.parametrize("seconds", [60, 10])
def test_traffic_in_short_buckets_is_that_of_plain_python(idle: Logs, seconds: int) -> None:
    expected = answers_traffic.traffic_over_time(idle.records, timedelta(seconds=seconds))
    idle.check("traffic_over_time", expected, bucket=f"{seconds} seconds")


def test_service_flows_are_those_of_plain_python(logs: Logs) -> None:
    logs.check("service_flows", answers_traffic.service_flows(logs.records))


# ---- security


def test_public_exposure_is_that_of_plain_python(logs: Logs) -> None:
    logs.check("public_exposure", answers_traffic.public_exposure(logs.records, logs.services))


def test_traffic_in_a_list_is_that_of_plain_python(logs: Logs) -> None:
    logs.check("in_list", answers_traffic.in_list(logs.records, CIDRS), cidrs=CIDRS)


def test_unusual_protocols_are_those_of_plain_python(logs: Logs) -> None:
    names: dict[reference.Value, str] = {1: "ICMP", 17: "UDP"}
    expected = answers_traffic.unusual_protocols(logs.records, [6], names)
    logs.check("unusual_protocols", expected, protocols=[6])


@pytest.mark.parametrize("by", ["srcaddr,dstaddr", "protocol"])
def test_traffic_outside_of_hours_is_that_of_plain_python(timed: Logs, by: str) -> None:
    expected = answers_traffic.outside_hours(timed.records, *by.split(","))
    timed.check("outside_hours", expected, by=by)


# ---- quality


@pytest.mark.parametrize("by", ["log_status", "interface_id"])
def test_the_log_status_is_that_of_plain_python(logs: Logs, by: str) -> None:
    expected = answers.log_status(logs.records, by_interface=by == "interface_id")
    logs.check("log_status", expected, by=by)


def test_skipped_records_over_time_are_those_of_plain_python(timed: Logs) -> None:
    timed.check("skipped_over_time", answers.skipped_over_time(timed.records))


def test_formats_are_those_of_the_headers(logs: Logs) -> None:
    logs.check("formats_seen", answers_traffic.formats_seen(logs.each))


def test_the_38_repeated_lines_of_an_idle_vpc_are_found(idle: Logs) -> None:
    expected = answers_traffic.duplicate_records(idle.each)
    assert [row[4] for row in expected if row[0] == "sum"] == [38]
    idle.check("duplicate_records", expected)


def test_duplicate_records_of_all_logs_are_those_of_plain_python(logs: Logs) -> None:
    logs.check("duplicate_records", answers_traffic.duplicate_records(logs.each))


# ---- cost


def test_the_official_nat_gateway_is_found(tmp_path: Path) -> None:
    """The example has no bytes; here each of its records has some."""
    header, *lines = NAT.read_text().splitlines()
    sized = [f"{line} {10**number}" for number, line in enumerate(lines, 3)]
    log = tmp_path / "nat-gateway.log"
    log.write_text("\n".join([f"{header} bytes", *sized]) + "\n")
    shapes = [DATA / "shapes" / name for name in ("V3_FILE.log", "V4_FILE.log")]
    found = Logs(tmp_path, [log, TRANSIT, *shapes])
    found.check("nat_traffic", answers_traffic.nat_traffic(found.records, 0.045), per_gb=0.045)
    found.db.close()


# ---- what is asked elsewhere

ELSEWHERE = {
    "VPC console": [
        *("VpcFlowLogsAcceptedTraffic", "VpcFlowLogsAdminPortTraffic", "VpcFlowLogsIPv4Traffic"),
        *("VpcFlowLogsIPv6Traffic", "VpcFlowLogsRejectedTCPTraffic", "VpcFlowLogsRejectedTraffic"),
        *("VpcFlowLogsSshRdpTraffic", "VpcFlowLogsTopTalkers", "VpcFlowLogsTopTalkersPacketLevel"),
        *("VpcFlowLogsTopTalkingInstances", "VpcFlowLogsTopTalkingSubnets", "VpcFlowLogsTopTCPTraffic"),
        *("VpcFlowLogsTotalBytesTransferred", "VpcFlowLogsTotalBytesTransferredPacketLevel"),
        *("VpcFlowLogsTrafficFrmSrcAddr", "VpcFlowLogsTrafficToDstAddr"),
    ],
    "CloudWatch": [
        "top 15 source and destination pairs by packets",
        "top 15 destinations by bytes for the hosts of a subnet",
        *("sources that use UDP", "skipped records per hour"),
    ],
    "Contributor Insights": [
        *("byte transfers by source and destination address", "highest number of HTTPS requests"),
        "rejected TCP connections",
    ],
    "Athena guide": [
        "rejected TCP connections with the day of the week",
        "the ten servers that received most packets over HTTPS in seven days",
        "the servers that received most packets over HTTPS in a period",
        *("rejected TCP connections in a period", "traffic from an address in a period"),
        *("traffic to an address in a period", "traffic of the addresses that begin with 10.117"),
    ],
    "Tailpipe": [
        *("Daily Network Traffic Trends", "Top 10 Source IPs Generating Traffic"),
        *("Top 10 IP Addresses by Request Count", "Identify Traffic from a Suspicious IP"),
        *("Detect Suspicious Traffic from External IPs", "Detect Unauthorized Access Attempts"),
        *("Traffic to a Specific Subnet", "Track Traffic to a Specific Instance"),
        *("Unusually Large Data Transfers", "High-Volume Network Traffic", "High-Volume Rejected Traffic"),
        *("Traffic Outside Standard Business Hours", "Rejected Traffic"),
        *("High-Volume Network Traffic by interface", "ssh_traffic", "rdp_traffic", "database_traffic"),
        *("large_data_transfer", "high_packet_traffic", "traffic_with_unusual_protocols", "network graph"),
        "activity dashboard, total, accepted and rejected records",
        "activity dashboard, accepted against rejected by day",
        *(f"activity dashboard, records by {key}" for key in ("log status", "region", "protocol")),
        *(f"activity dashboard, top {what}" for what in ("interfaces", "sources", "destinations")),
        *("activity dashboard, top rejected sources", "activity dashboard, top pairs by packets"),
    ],
}


def asked() -> list[tuple[str, str, str]]:
    """Return the table of docs/analyses.md: where a question is asked, what it is, and the query."""
    page = (ROOT / "docs" / "analyses.md").read_text(encoding="utf-8")
    lines = page.split("## What is asked elsewhere")[1].split("\n## ")[0].splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ") and "`](#" in line]
    return [(place, question, query[2 : query.index("`](#")]) for place, question, query in rows]


@pytest.mark.parametrize("place", ELSEWHERE)
def test_every_question_that_is_asked_elsewhere_is_in_the_table(place: str) -> None:
    found = [question for where, question, _ in asked() if where == place]
    assert set(ELSEWHERE[place]) <= set(found)
    assert len(found) == len(set(found))


def test_every_query_in_the_table_can_be_asked(logs: Logs) -> None:
    for _, question, query in asked():
        assert logs.db.sql(f"FROM {query}").columns, question
