"""Security Lake: what OCSF says of a flow is read as the flow log's own record of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from flowdb.fields import BY_NAME, FIELDS
from flowdb.layouts import LayoutUnknown
from flowdb.ocsf import MAPPING
from tests.parquets import read, written
from tests.parsed import parsed

NAMES = [one.name for one in FIELDS if one.version <= 5]
EGRESS = {
    "version": "5",
    "account-id": "012345678901",
    "interface-id": "eni-0a",
    "srcaddr": "10.0.0.1",
    "dstaddr": "10.0.0.9",
    "srcport": "8080",
    "dstport": "443",
    "protocol": "6",
    "packets": "8",
    "bytes": "38526",
    "start": "1752247584",
    "end": "1752247603",
    "action": "ACCEPT",
    "log-status": "OK",
    "vpc-id": "vpc-0b",
    "subnet-id": "subnet-0c",
    "instance-id": "-",
    "tcp-flags": "19",
    "type": "IPv4",
    "pkt-srcaddr": "10.0.0.1",
    "pkt-dstaddr": "1.2.3.5",
    "region": "us-east-2",
    "az-id": "use2-az2",
    "sublocation-type": "-",
    "sublocation-id": "-",
    "pkt-src-aws-service": "-",
    "pkt-dst-aws-service": "S3",
    "flow-direction": "egress",
    "traffic-path": "8",
}
INGRESS = EGRESS | {
    "srcaddr": "203.0.113.5",
    "dstaddr": "10.0.0.1",
    "srcport": "56858",
    "dstport": "22",
    "action": "REJECT",
    "instance-id": "i-0d",
    "pkt-srcaddr": "203.0.113.5",
    "pkt-dstaddr": "10.0.0.1",
    "sublocation-type": "outpost",
    "sublocation-id": "op-1",
    "pkt-dst-aws-service": "-",
    "flow-direction": "ingress",
    "traffic-path": "-",
}
NODATA = dict.fromkeys(EGRESS, "-") | {
    name: EGRESS[name]
    for name in ("version", "account-id", "interface-id", "start", "end", "vpc-id", "subnet-id", "region")
} | {"log-status": "NODATA"}  # fmt: skip
FLOWS = [EGRESS, INGRESS, NODATA]

TEXT = pa.string()
ENDPOINT = pa.struct(
    [
        ("ip", TEXT),
        ("svc_name", TEXT),
        *((f"{name}_uid", TEXT) for name in ("instance", "interface", "subnet", "vpc")),
        ("port", pa.int32()),
        ("intermediate_ips", pa.list_(TEXT)),
    ]
)
CONNECTION = pa.struct(
    [
        ("protocol_num", pa.int32()),
        ("tcp_flags", pa.int32()),
        ("protocol_ver", TEXT),
        ("boundary_id", pa.int32()),
        ("boundary", TEXT),
        ("direction_id", pa.int32()),
        ("direction", TEXT),
    ]
)
COMMON = [
    ("metadata", pa.struct([("product", pa.struct([("version", TEXT), ("name", TEXT)])), ("version", TEXT)])),
    ("src_endpoint", ENDPOINT),
    ("dst_endpoint", ENDPOINT),
    ("connection_info", CONNECTION),
    ("traffic", pa.struct([("packets", pa.int64()), ("bytes", pa.int64())])),
    ("time", pa.int64()),
    ("status_code", TEXT),
    ("class_uid", pa.int32()),
    ("activity_name", TEXT),
    ("disposition", TEXT),
    ("unmapped", pa.map_(TEXT, TEXT)),
]
ZONED = pa.timestamp("us", "UTC")
VERSION_1 = pa.schema(
    [
        *COMMON,
        ("cloud", pa.struct([("account_uid", TEXT), ("region", TEXT), ("zone", TEXT)])),
        ("start_time", pa.int64()),
        ("end_time", pa.int64()),
    ]
)
VERSION_2 = pa.schema(
    [
        *COMMON,
        ("cloud", pa.struct([("account", pa.struct([("uid", TEXT)])), ("region", TEXT), ("zone", TEXT)])),
        ("time_dt", ZONED),
        ("start_time_dt", ZONED),
        ("end_time_dt", ZONED),
        ("action", TEXT),
        ("action_id", pa.int32()),
    ]
)
BOUNDARIES = {"8": (11, "Internet Gateway"), "-": (99, "-")}


def number(text: str) -> int | None:
    return None if text == "-" else int(text)


def endpoint(flow: dict[str, str], side: str, is_own: bool) -> dict[str, Any]:
    seen, meant = flow[f"{side}addr"], flow[f"pkt-{side}addr"]
    found: dict[str, Any] = {
        "ip": meant,
        "port": number(flow[f"{side}port"]),
        "svc_name": flow[f"pkt-{side}-aws-service"],
        "intermediate_ips": None if seen == meant else [seen],
    }
    if is_own:
        found |= {f"{name}_uid": flow[f"{name}-id"] for name in ("interface", "instance", "subnet", "vpc")}
    return found


def event(flow: dict[str, str]) -> dict[str, Any]:
    """Return a flow as OCSF's mapping puts it, with what both versions have."""
    inwards = flow["flow-direction"] == "ingress"
    boundary_id, boundary = BOUNDARIES[flow["traffic-path"]]
    moments = {name: datetime.fromtimestamp(int(flow[name]), UTC) for name in ("start", "end")}
    said = {"ACCEPT": "Allowed", "REJECT": "Denied", "-": "Unknown"}[flow["action"]]
    return {
        "metadata": {"product": {"version": flow["version"], "name": "Amazon VPC"}, "version": "1.1.0"},
        "src_endpoint": endpoint(flow, "src", not inwards),
        "dst_endpoint": endpoint(flow, "dst", inwards),
        "connection_info": {
            "protocol_num": number(flow["protocol"]),
            "tcp_flags": number(flow["tcp-flags"]),
            "protocol_ver": flow["type"],
            "boundary_id": boundary_id,
            "boundary": boundary,
            "direction_id": {"ingress": 1, "egress": 2, "-": 0}[flow["flow-direction"]],
            "direction": {"ingress": "Inbound", "egress": "Outbound", "-": "-"}[flow["flow-direction"]],
        },
        "traffic": {"packets": number(flow["packets"]), "bytes": number(flow["bytes"])},
        "time": int(flow["start"]) * 1000,
        "status_code": flow["log-status"],
        "class_uid": 4001,
        "activity_name": "Refuse" if said == "Denied" else "Traffic",
        "disposition": "Blocked" if said == "Denied" else said,
        "unmapped": [(name.replace("-", "_"), flow[name]) for name in ("sublocation-type", "sublocation-id")],
        "cloud": {
            "account_uid": flow["account-id"],
            "account": {"uid": flow["account-id"]},
            "region": flow["region"],
            "zone": flow["az-id"],
        },
        "start_time": int(flow["start"]) * 1000,
        "end_time": int(flow["end"]) * 1000,
        "start_time_dt": moments["start"],
        "end_time_dt": moments["end"],
        "time_dt": moments["start"],
        "action": said,
        "action_id": {"Allowed": 1, "Denied": 2, "Unknown": 0}[said],
    }


def table(schema: pa.Schema, events: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(events, schema=schema)


def as_text(flows: list[dict[str, str]], names: list[str]) -> list[dict[str, Any]]:
    """Return what the text parser reads of the same records."""
    lines = [" ".join(flow[name] for name in names) for flow in flows]
    return parsed("\n".join([" ".join(names), *lines]).encode()).records


@pytest.mark.parametrize("schema", [VERSION_1, VERSION_2], ids=["1.0", "2.0"])
@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_flows_read_as_their_records_in_text(schema: pa.Schema, compression: str) -> None:
    found = read(written(table(schema, [event(flow) for flow in FLOWS]), compression=compression))
    assert found.records == as_text(FLOWS, NAMES)
    assert (found.bad, found.passed) == ([], 0)


def test_slices_of_a_file_of_many_rows_read_the_same() -> None:
    flows = FLOWS * 30_000
    events = [event(flow) for flow in FLOWS]
    one = table(VERSION_2, events)
    found = read(written(pa.concat_tables([one] * 30_000).combine_chunks(), row_group_size=50_000))
    assert found.lines == len(flows)
    assert found.records == as_text(FLOWS, NAMES) * 30_000


@pytest.mark.parametrize(
    ("changes", "column", "expected"),
    [
        ({"action": "Denied", "disposition": None}, "action", "REJECT"),
        ({"action": None, "disposition": "Blocked"}, "action", "REJECT"),
        ({"action": None, "disposition": "Allowed"}, "action", "ACCEPT"),
        ({"action": "-", "disposition": None, "activity_name": "Refuse"}, "action", "REJECT"),
        ({"action": None, "disposition": None, "activity_name": "Traffic"}, "action", None),
        ({"start_time_dt": None}, "start_time", datetime(2025, 7, 11, 15, 26, 24)),
        ({"start_time_dt": None, "time": None}, "start_time", datetime(2025, 7, 11, 15, 26, 24)),
        ({"end_time_dt": None}, "end_time", None),
        ({"src_endpoint": None}, "srcaddr", None),
        ({"src_endpoint": None}, "interface_id", None),
        ({"traffic": None}, "bytes", None),
        ({"cloud": {"account": None}}, "account_id", None),
        ({"metadata": {"product": None}}, "version", None),
        ({"connection_info": {"direction": None, "direction_id": 1}}, "flow_direction", "ingress"),
        ({"connection_info": {"direction": "-", "direction_id": 2}}, "flow_direction", "egress"),
        ({"connection_info": {"boundary": "Same VPC"}}, "traffic_path", 1),
        ({"connection_info": {"boundary_id": 7}}, "traffic_path", 4),
        ({"connection_info": {"boundary_id": 99}}, "traffic_path", None),
        ({"connection_info": {"protocol_num": -1}}, "protocol", None),
        ({"connection_info": None, "unmapped": [("flow_direction", "egress")]}, "flow_direction", "egress"),
        ({"unmapped": [("reject-reason", "BPA")]}, "reject_reason", "BPA"),
        ({"unmapped": [("ecs_task_id", "t-1"), ("quantum state", "up")]}, "quantum_state", "up"),
        ({"unmapped": None}, "srcaddr", "10.0.0.1"),
    ],
)
def test_each_place_is_looked_at_in_turn(changes: dict[str, Any], column: str, expected: object) -> None:
    found = read(written(table(VERSION_2, [event(EGRESS) | changes])))
    assert found.bad == []
    assert found.records[0][column] == expected


@pytest.mark.parametrize(
    ("direction", "interface"), [("Inbound", "eni-d"), ("Outbound", "eni-s"), (None, "eni-s")]
)
def test_where_both_ends_have_an_interface_the_direction_tells_whose_record_it_is(
    direction: str | None, interface: str
) -> None:
    ends = {f"{end}_endpoint": {"interface_uid": f"eni-{end[0]}"} for end in ("src", "dst")}
    rows = table(VERSION_2, [event(EGRESS) | ends | {"connection_info": {"direction": direction}}])
    assert read(written(rows)).records[0]["interface_id"] == interface


def test_rows_of_another_class_are_bad_and_their_neighbours_kept() -> None:
    events = [
        event(EGRESS),
        event(EGRESS) | {"class_uid": 4002},
        event(EGRESS) | {"class_uid": None},
        event(INGRESS),
    ]
    found = read(written(table(VERSION_2, events)))
    assert found.records == as_text([EGRESS, INGRESS], NAMES)
    assert found.bad == [
        (2, "class_uid is 4002, not 4001 (Network Activity)"),
        (3, "class_uid is -, not 4001 (Network Activity)"),
    ]


def test_a_value_that_is_none_makes_its_row_bad() -> None:
    bad = event(EGRESS) | {"traffic": {"bytes": -5, "packets": 1}}
    found = read(written(table(VERSION_2, [bad, event(EGRESS)])))
    assert found.bad == [(1, f"bytes is '-5', not a number from 0 to {2**63 - 1}")]
    assert len(found.records) == 1


def test_missing_structs_leave_their_fields_out() -> None:
    rows = pa.table({"class_uid": [4001], "traffic": [{"bytes": 7}], "src_endpoint": [{"ip": "10.0.0.1"}]})
    assert read(written(rows)).records == [{"srcaddr": "10.0.0.1", "bytes": 7, "pkt_srcaddr": "10.0.0.1"}]


def test_a_file_without_rows_has_its_layout() -> None:
    found = read(written(VERSION_2.empty_table()))
    assert (found.records, found.bad, found.lines) == ([], [], 0)


def test_unmapped_fields_may_be_a_struct() -> None:
    rows = pa.table(
        {
            "class_uid": [4001],
            "src_endpoint": [{"ip": "10.0.0.1"}],
            "unmapped": [{"sublocation_id": "-", "reject_reason": "EC"}],
        }
    )
    expected = {
        "srcaddr": "10.0.0.1",
        "pkt_srcaddr": "10.0.0.1",
        "sublocation_id": None,
        "reject_reason": "EC",
    }
    assert read(written(rows)).records == [expected]


def test_unmapped_keys_without_end_are_refused() -> None:
    pairs = [(f"key{n}", "x") for n in range(300)]
    with pytest.raises(LayoutUnknown, match="its column unmapped has 300 keys, more than 200"):
        read(written(table(VERSION_2, [event(EGRESS) | {"unmapped": pairs}])))


def test_the_mapping_names_fields_that_there_are() -> None:
    assert {origin.field for origin in MAPPING} <= BY_NAME.keys()
