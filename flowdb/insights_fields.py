"""The fields that a query of CloudWatch Logs Insights can name, as columns of the view `flows`.

A field of the log has its name in camel case, as Logs Insights finds it, or in any other
spelling: `srcAddr`, `srcaddr`, `interface-id`, `interface_id`. Fields with an @ are those
that Logs Insights adds to every event.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache

from flowdb.datasets import FLOWS, TGW, dataset_of
from flowdb.fields import Field, Kind, column_name
from flowdb.insights_values import ROWS, Type, Value
from flowdb.layouts import DEFAULT
from flowdb.quoting import quote_name, quote_text

__all__ = ["EVENT_ORDER", "SOURCE_COLUMNS", "column", "event_field", "log_field"]

SOURCE_COLUMNS = {"_layout": "layout", "_delivered": "delivered"}
"""What rows can have of their source: its name in them, and in the view `sources`."""


def column(name: str) -> str:
    """Return a column of the rows as SQL."""
    return f"{ROWS}.{quote_name(name)}"


EVENT_ORDER = tuple(
    column(name)
    for name in (
        *("source_id", "interface_id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol"),
        *("start_time", "end_time", "packets", "bytes", "action", "log_status"),
    )
)
"""What tells events apart whose time is the same, so that results are the same every time."""


def log_field(name: str, extra: Collection[str]) -> Value | None:
    """Return the field of the log that a name means, or None; `extra` are columns that no format has."""
    spelled = _spelling(name)
    found = _fields().get(spelled)
    if found is None:
        others = (one for one in extra if _spelling(one) == spelled)
        other = next(others, None)
        return None if other is None else Value(column(other), Type.TEXT, is_field=True)
    this = column(found.column)
    if found.kind is Kind.TIME:
        return Value(f"(epoch_ms({this}) // 1000)", Type.INTEGER, is_field=True, moment=this)
    return Value(this, Type.TEXT if found.kind.is_text else Type.INTEGER, is_field=True)


def event_field(name: str, extra: Collection[str], layouts: Sequence[str]) -> Value | None:
    """Return what Logs Insights adds to every event, by its name, or None.

    `layouts` are those that the sources of the store have, each as names with spaces between.
    """
    interface, account = column("interface_id"), column("account_id")
    match name.lower():
        case "@timestamp":
            times = f"{column('start_time')}, {column('end_time')}, {column('date')}::TIMESTAMP"
            return Value(f"coalesce({times})", Type.TIME)
        case "@message":
            return Value(_message(extra, layouts), Type.TEXT)
        case "@ptr":
            # Where a record lies changes with every compaction; what it says does not.
            source = f"{column('source_id')}::VARCHAR"
            return Value(f"({source} || '-' || md5({_message(extra, layouts)}))", Type.TEXT)
        case "@logstream":
            return Value(f"({interface} || '-all')", Type.TEXT)
        case "@log":
            return Value(f"({account} || ':vpc-flow-logs')", Type.TEXT)
        case "@ingestiontime":
            return Value(column("_delivered"), Type.TIME)
    return None


def _spelling(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


@cache
def _fields() -> dict[str, Field]:
    found = {_spelling(field.name): field for field in FLOWS.fields}
    return found | {_spelling(field.column): field for field in FLOWS.fields}


def _message(extra: Collection[str], layouts: Sequence[str]) -> str:
    """Return the record as its log had it: the fields of its layout, with `-` for what is missing."""
    found = [layout for layout in layouts if dataset_of(layout.split()) is not TGW] or [str(DEFAULT)]
    records = {layout: _record(layout.split(), extra) for layout in found}
    if len(records) == 1:
        return records[found[0]]
    cases = " ".join(f"WHEN {quote_text(layout)} THEN {record}" for layout, record in records.items())
    return f"CASE {column('_layout')} {cases} ELSE {_record(DEFAULT.names, extra)} END"


def _record(names: Sequence[str], extra: Collection[str]) -> str:
    return f"concat_ws(' ', {', '.join(_token(name, extra) for name in names)})"


def _token(name: str, extra: Collection[str]) -> str:
    """Return a field as a text of the log."""
    field = FLOWS.by_name.get(name)
    this = column(column_name(name))
    if field is None:
        return f"coalesce({this}, '-')" if column_name(name) in extra else "'-'"
    if field.kind is Kind.TIME:
        return f"coalesce((epoch_ms({this}) // 1000)::VARCHAR, '-')"
    if field.kind is Kind.TAG:
        # A log has everything encoded but letters and digits.
        return f"coalesce(replace(url_encode({this}), '-', '%2D'), '-')"
    return f"coalesce({this}, '-')" if field.kind.is_text else f"coalesce({this}::VARCHAR, '-')"
