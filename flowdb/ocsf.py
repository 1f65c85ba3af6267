"""Amazon Security Lake: rows of OCSF's class Network Activity, as the fields that they were in the flow log.

`MAPPING` says where each field lives. It follows the mapping that OCSF publishes for VPC flow
logs (ocsf/examples, "VPC Flowlogs"), turned round: versions 1.0.0-rc.2 and 1.1.0 and later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as attribute

import pyarrow as pa
import pyarrow.compute as pc

from flowdb.arrays import number, texts
from flowdb.fields import FIELDS
from flowdb.foreign import decoded, field_name, is_text, plain, spelled
from flowdb.layouts import Layout, LayoutUnknown, named_layout

__all__ = ["CLASS_UID", "MAPPING", "Origin", "flow_columns", "is_ocsf"]

CLASS_UID = 4001
"""Network Activity, the class of flow logs."""
_STRUCTS = ("src_endpoint", "dst_endpoint", "connection_info", "traffic")
_OWN = "*_endpoint"
_UNMAPPED = "unmapped"
_MOST_KEYS = 200

_ACTIONS = {
    "allowed": "ACCEPT",
    "accept": "ACCEPT",
    "accepted": "ACCEPT",
    "denied": "REJECT",
    "blocked": "REJECT",
    "refuse": "REJECT",
    "reject": "REJECT",
    "rejected": "REJECT",
}
_DIRECTIONS = {
    "inbound": "ingress",
    "1": "ingress",
    "ingress": "ingress",
    "outbound": "egress",
    "2": "egress",
    "egress": "egress",
}
_IP_VERSIONS = {"4": "IPv4", "6": "IPv6"}
# OCSF counts the ways out of a VPC from 4 on, in the order of AWS.
_BOUNDARY_IDS = {str(path + 3): str(path) for path in range(1, 9)}
_BOUNDARIES = {
    "same vpc": "1",
    "internet/vpc gateway": "2",
    "virtual private gateway": "3",
    "intra-region vpc": "4",
    "inter-region vpc": "5",
    "local gateway": "6",
    "gateway vpc": "7",
    "internet gateway": "8",
}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a field lives in OCSF: the first of these places that has a value.

    `*_endpoint` is the end that the interface is at: of the two, the one that has the value,
    and where both do, the destination of ingress and the source of all else. A word of
    `words`, in any case, is said in AWS's own; where there are words, any other has no value.
    The number `no_value` stands for none.
    """

    field: str
    places: tuple[str, ...]
    words: Mapping[str, str] = attribute(default_factory=dict)
    no_value: int | None = None


MAPPING: tuple[Origin, ...] = (
    Origin("version", ("metadata.product.version",)),
    Origin("account-id", ("cloud.account.uid", "cloud.account_uid")),
    Origin("interface-id", ("*_endpoint.interface_uid",)),
    # The address of the packet; where the interface's is another, that is the first on the way.
    Origin("srcaddr", ("src_endpoint.intermediate_ips", "src_endpoint.ip")),
    Origin("dstaddr", ("dst_endpoint.intermediate_ips", "dst_endpoint.ip")),
    Origin("srcport", ("src_endpoint.port",)),
    Origin("dstport", ("dst_endpoint.port",)),
    Origin("protocol", ("connection_info.protocol_num",), no_value=-1),
    Origin("packets", ("traffic.packets",)),
    Origin("bytes", ("traffic.bytes",)),
    Origin("start", ("start_time", "start_time_dt", "time", "time_dt")),
    Origin("end", ("end_time", "end_time_dt")),
    Origin("action", ("action", "disposition", "activity_name"), _ACTIONS),
    Origin("log-status", ("status_code",)),
    Origin("vpc-id", ("*_endpoint.vpc_uid",)),
    Origin("subnet-id", ("*_endpoint.subnet_uid",)),
    Origin("instance-id", ("*_endpoint.instance_uid",)),
    Origin("tcp-flags", ("connection_info.tcp_flags",)),
    Origin("type", ("connection_info.protocol_ver",)),
    Origin("type", ("connection_info.protocol_ver_id",), _IP_VERSIONS),
    Origin("pkt-srcaddr", ("src_endpoint.ip",)),
    Origin("pkt-dstaddr", ("dst_endpoint.ip",)),
    Origin("region", ("cloud.region",)),
    Origin("az-id", ("cloud.zone",)),
    Origin("pkt-src-aws-service", ("src_endpoint.svc_name",)),
    Origin("pkt-dst-aws-service", ("dst_endpoint.svc_name",)),
    Origin("flow-direction", ("connection_info.direction", "connection_info.direction_id"), _DIRECTIONS),
    Origin("traffic-path", ("connection_info.boundary_id",), _BOUNDARY_IDS),
    Origin("traffic-path", ("connection_info.boundary",), _BOUNDARIES),
)
"""Any field can also be a key of `unmapped`, under its name or its column's; other keys are text fields."""


def is_ocsf(schema: pa.Schema) -> bool:
    """Tell whether a file has OCSF's network activity, by the columns that no flow log has."""
    return "class_uid" in schema.names and any(
        name in schema.names and pa.types.is_struct(schema.field(name).type) for name in _STRUCTS
    )


def flow_columns(rows: pa.RecordBatch) -> tuple[Layout, list[list[pa.Array]], pa.Array]:
    """Return the fields that the rows have, the columns of each, and why a row is none of a flow log.

    Of the columns of a field, the first that has a value in a row has the row's. The reasons
    are NULL where a row is one.
    """
    unmapped = _unmapped(rows)
    inwards = _is_ingress(rows, unmapped)
    found: dict[str, list[pa.Array]] = {}
    for origin in MAPPING:
        for place in origin.places:
            found.setdefault(origin.field, []).extend(
                _as_aws_says(column, origin) for column in _columns_at(rows, place, inwards)
            )
    for name, column in unmapped:
        found.setdefault(name, []).append(column)
    names = [one.name for one in FIELDS if found.get(one.name)]
    names += sorted(found.keys() - {one.name for one in FIELDS})
    return named_layout(tuple(names)), [found[name] for name in names], _refusals(rows)


def _columns_at(rows: pa.RecordBatch, place: str, inwards: pa.Array) -> list[pa.Array]:
    """Return the columns at a place: none, one, or those of both ends, the interface's own first."""
    if not place.startswith(_OWN):
        column = _at(rows, place)
        return [] if column is None else [column]
    ends = [_at(rows, place.replace(_OWN, end)) for end in ("src_endpoint", "dst_endpoint")]
    columns = [_text(column) for column in ends if column is not None]
    if len(columns) < 2:
        return columns
    source, target = columns
    return [pc.if_else(inwards, target, source), pc.if_else(inwards, source, target)]


def _at(rows: pa.RecordBatch, place: str) -> pa.Array | None:
    """Return the column at a place, of a list its first element, or None where there is no such place."""
    name, *members = place.split(".")
    if name not in rows.schema.names:
        return None
    column = rows.column(name)
    for member in members:
        if not pa.types.is_struct(column.type) or column.type.get_field_index(member) < 0:
            return None
        column = pc.struct_field(column, member)
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        column = _first_elements(column)
    column = plain(column)
    return None if pa.types.is_nested(column.type) else column


def _first_elements(lists: pa.ListArray) -> pa.Array:
    has_any = pc.greater(pc.list_value_length(lists), 0)
    starts = lists.offsets.slice(0, len(lists))
    return lists.values.take(pc.if_else(has_any, starts, None))


def _text(column: pa.Array) -> pa.Array:
    return decoded(spelled(column))[0]


def _as_aws_says(column: pa.Array, origin: Origin) -> pa.Array:
    if origin.words:
        place = pc.index_in(pc.utf8_lower(_text(column)), value_set=texts(list(origin.words)))
        return texts(list(origin.words.values())).take(place)
    if origin.no_value is not None and pa.types.is_signed_integer(column.type):
        return pc.if_else(pc.equal(column, number(origin.no_value)), None, column)
    return column


def _is_ingress(rows: pa.RecordBatch, unmapped: list[tuple[str, pa.Array]]) -> pa.Array:
    """Tell of each row whether it says that its traffic came in."""
    directions = [column for name, column in unmapped if name == "flow-direction"]
    for origin in MAPPING:
        if origin.field == "flow-direction":
            columns = (_at(rows, place) for place in origin.places)
            directions += [_as_aws_says(column, origin) for column in columns if column is not None]
    said = pc.coalesce(pa.nulls(len(rows), pa.string()), *map(_text, directions))
    return pc.fill_null(pc.equal(said, "ingress"), False)


def _unmapped(rows: pa.RecordBatch) -> list[tuple[str, pa.Array]]:
    """Return the names and the columns of the fields for which OCSF has no place."""
    if _UNMAPPED not in rows.schema.names:
        return []
    column = rows.column(_UNMAPPED)
    kind = column.type
    if pa.types.is_struct(kind):
        return [(field_name(one.name), plain(pc.struct_field(column, one.name))) for one in kind]
    if not pa.types.is_map(kind) or not is_text(kind.key_type):
        return []
    keys = [key for key in _text(pc.unique(column.keys)).to_pylist() if key]
    if len(keys) > _MOST_KEYS:
        raise LayoutUnknown(f"its column unmapped has {len(keys):,} keys, more than {_MOST_KEYS}")
    return [
        (field_name(key), plain(pc.map_lookup(column, pa.scalar(key, kind.key_type), "first")))
        for key in sorted(keys)
    ]


def _refusals(rows: pa.RecordBatch) -> pa.Array:
    """Return why a row is of another class, or NULL."""
    classes = pc.fill_null(_text(plain(rows.column("class_uid"))), "-")
    reasons = pc.binary_join_element_wise(
        "class_uid is ", classes, f", not {CLASS_UID} (Network Activity)", ""
    )
    return pc.if_else(pc.equal(classes, str(CLASS_UID)), None, reasons)
