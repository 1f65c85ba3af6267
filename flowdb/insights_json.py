"""Maps and lists of CloudWatch Logs Insights, which are JSON here: how they are made, and what is in them."""

from __future__ import annotations

from collections.abc import Sequence

from flowdb.insights_calls import Function
from flowdb.insights_values import Type, Value, as_text, bound
from flowdb.quoting import quote_text

__all__ = ["STRUCTURES", "item"]

_STRUCTURES = "('OBJECT', 'ARRAY')"


def item(value: Value, path: Sequence[str | int]) -> Value:
    """Return what a map or a list has at a path of names and places; what is not there is missing."""
    steps = (str(step).replace("~", "~0").replace("/", "~1") for step in path)
    pointer = quote_text("".join(f"/{step}" for step in steps))
    return Value(f"nullif(json_extract({value.sql}, {pointer}), 'null'::JSON)", Type.JSON)


def _structure(value: Value) -> str:
    """Return a map or a list, or what a text of JSON says if it is one, as SQL."""
    if value.type is Type.JSON:
        return bound(value.sql, f"CASE WHEN json_type(this) IN {_STRUCTURES} THEN this END")
    text = f"TRY_CAST({as_text(value)} AS JSON)"
    return bound(text, f"CASE WHEN json_type(this) IN {_STRUCTURES} THEN json(this) END")


def _parse(given: Sequence[Value]) -> Value:
    value = given[0]
    if value.type is Type.JSON:  # an attribute, which may be a text of JSON itself
        value = Value(
            bound(value.sql, "CASE json_type(this) WHEN 'VARCHAR' THEN this ->> '$' END"), Type.TEXT
        )
    return Value(_structure(value), Type.JSON)


def _stringify(given: Sequence[Value]) -> Value:
    made = _structure(given[0]) if given[0].type is Type.JSON else "NULL"
    return Value(f"({made})::VARCHAR", Type.TEXT)


def _size(given: Sequence[Value]) -> Value:
    size = bound(_structure(given[0]), "CASE json_type(this) WHEN 'ARRAY' THEN json_array_length(this) END")
    return Value(f"({size})::BIGINT", Type.INTEGER)


def _contains(given: Sequence[Value]) -> Value:
    items = bound(
        _structure(given[0]), "CASE json_type(this) WHEN 'ARRAY' THEN json_extract_string(this, '$[*]') END"
    )
    return Value(f"coalesce(list_contains({items}, {as_text(given[1])}), false)", Type.BOOLEAN)


def _split(given: Sequence[Value]) -> Value:
    return Value(f"to_json(string_split({as_text(given[0])}, {as_text(given[1])}))", Type.JSON)


STRUCTURES = {
    "jsonparse": Function(1, 1, _parse, takes_structures=True),
    "jsonstringify": Function(1, 1, _stringify, takes_structures=True),
    "jsonarraysize": Function(1, 1, _size, takes_structures=True),
    "jsonarraycontains": Function(2, 2, _contains, takes_structures=True),
    "split": Function(2, 2, _split),
}
"""What makes maps and lists, and what is computed of them, by the names in lower case."""
