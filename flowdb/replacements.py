"""What stands in place of macros that read a view of constants, or are written for DuckDB alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING

from sqlglot import exp

from flowdb.constants import is_literal, is_null, rows_of, value_of
from flowdb.macros import call, closed
from flowdb.quoting import quote_text

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

__all__ = ["AGGREGATES", "LOOKUP", "TOTAL", "aggregates", "is_call", "replaced"]

AGGREGATES = frozenset(
    (
        *(
            "any_value",
            "arg_max",
            "arg_min",
            "array_agg",
            "avg",
            "bitstring_agg",
            "bool_and",
            "bool_or",
            "count",
        ),
        *("flowdb_total", "list", "mad", "max", "min", "quantile_cont", "string_agg", "sum"),
    )
)
"""The functions that make one value of many rows."""
LOOKUP = "flowdb_lookup"
"""The function that finds a key in a list and returns what stands there in another: keys, values, key."""
TOTAL = "flowdb_total"
"""The function that adds up a counter, as the macro `total` does."""


def is_call(node: Expr | None, *names: str) -> bool:
    """Tell whether an expression is the call of a function of one of these names."""
    return isinstance(node, exp.Anonymous) and node.name.lower() in names


def aggregates(node: Expr) -> bool:
    """Tell whether an expression makes one value of many rows, outside of a query or a window in it."""
    if isinstance(node, exp.Query):
        return False
    if isinstance(node, exp.Window):
        # What is made of many rows may be looked at once more.
        return any(map(aggregates, node.this.iter_expressions())) and not isinstance(node.this, exp.Filter)
    if is_call(node, *AGGREGATES):
        return True
    return any(map(aggregates, node.iter_expressions()))


def replaced(name: str, given: Mapping[str, Expr]) -> Expr | None:
    """Return what stands for the call of a macro with these arguments, or None for its body."""
    rule = _RULES.get(name)
    return None if rule is None else rule(given)


def _service_name(given: Mapping[str, Expr]) -> Expr:
    port, protocol = given["port"], given["protocol"]
    if is_literal(protocol):
        told = f"WHERE protocol = {protocol.name} GROUP BY ALL ORDER BY port"
        listed = f"SELECT port, any_value(name) FROM services {told}"
        return _lookup(listed, port)
    listed = "SELECT protocol * 65536 + port, any_value(name) FROM services GROUP BY ALL ORDER BY 1"
    scaled = exp.Mul(this=closed(protocol.copy()), expression=exp.Literal.number(65536))
    return _lookup(listed, exp.Add(this=scaled, expression=closed(port.copy())))


def _protocol_name(given: Mapping[str, Expr]) -> Expr:
    found = _lookup(
        "SELECT protocol, any_value(name) FROM protocols GROUP BY ALL ORDER BY 1", given["protocol"]
    )
    return call("coalesce", found, exp.cast(given["protocol"].copy(), "VARCHAR"))


def _is_service(given: Mapping[str, Expr]) -> Expr:
    ports = _rows("SELECT DISTINCT port FROM services ORDER BY 1")
    listed = _written_list([row[0] for row in ports])
    return exp.Paren(this=exp.In(this=closed(given["port"].copy()), expressions=listed))


def _bucket_start(given: Mapping[str, Expr]) -> Expr:
    bucket = value_of(exp.cast(given["bucket"].copy(), "INTERVAL", dialect="duckdb"))
    assert bucket is not None
    return call("time_bucket", bucket, given["moment"])


def _dollars_for(given: Mapping[str, Expr]) -> Expr | None:
    """Return the price of bytes by a list of regions; where price or region are known, the body does."""
    place = given["place"]
    if not is_null(given["per_gb"]) or is_literal(place):
        return None
    listed = (
        "SELECT region, arg_max(dollars, coalesce(as_of, DATE '0001-01-01'))"
        f" FROM prices WHERE item = {quote_text(given['goods'].name)} GROUP BY region ORDER BY region"
    )
    region = call("coalesce", place, exp.Literal.string("us-east-1"))
    gigabytes = exp.Div(this=closed(given["bytes"].copy()), expression=exp.Literal.number(1073741824))
    return call(
        "round",
        exp.Mul(this=exp.Paren(this=gigabytes), expression=_lookup(listed, region)),
        exp.Literal.number(6),
    )


def _ephemeral_port(given: Mapping[str, Expr]) -> Expr | None:
    """Return what is looked up for a system that is not known yet; where it is, the body's value is too."""
    os, which = given["os"], given["which"]
    if is_literal(os):
        return None
    parts = {"first": "first_port", "last": "last_port", "ports": "ports"}
    found = {
        part: _lookup(f"SELECT name, {column} FROM ephemeral_ranges ORDER BY name", call("lower", os))
        for part, column in parts.items()
    }
    branches = [exp.If(this=exp.Literal.string(part), true=one) for part, one in found.items()]
    value = found[which.name] if is_literal(which) else exp.Case(this=which.copy(), ifs=branches)
    names = ", ".join(str(row[0]) for row in _rows("SELECT name FROM ephemeral_ranges ORDER BY name"))
    said = exp.Literal.string(f"; expected one of: {names}")
    quoted = exp.DPipe(this=exp.DPipe(this=_QUOTE.copy(), expression=os.copy()), expression=_QUOTE.copy())
    shown = call("coalesce", quoted, exp.Literal.string("NULL"))
    text = exp.DPipe(this=exp.DPipe(this=exp.Literal.string("os is "), expression=shown), expression=said)
    return call("coalesce", value, call("error", text))


def _is_refused(given: Mapping[str, Expr]) -> Expr:
    return exp.EQ(this=call("upper", given["action"]), expression=exp.Literal.string("REJECT"))


_QUOTE = exp.Literal.string("'")
_RULES: dict[str, Callable[[Mapping[str, Expr]], Expr | None]] = {
    "bucket_start": _bucket_start,
    "dollars_for": _dollars_for,
    "ephemeral_port": _ephemeral_port,
    "is_refused": _is_refused,
    "is_service": _is_service,
    "protocol_name": _protocol_name,
    "service_name": _service_name,
    "total": lambda given: call(TOTAL, given["counter"]),
}


def _lookup(query: str, key: Expr) -> Expr:
    rows = _rows(query)
    keys, values = (_written_list([row[place] for row in rows]) for place in (0, 1))
    return call(LOOKUP, exp.Array(expressions=keys), exp.Array(expressions=values), key)


def _written_list(values: list[object]) -> list[Expr]:
    """Return the entries of a list; many that are the same text for every engine are one node."""
    if all(isinstance(one, float) for one in values):
        return [exp.cast(exp.Literal.number(repr(one)), "DOUBLE") for one in values]
    return [exp.Var(this=", ".join(quote_text(one) if isinstance(one, str) else str(one) for one in values))]


@cache
def _rows(query: str) -> list[tuple[object, ...]]:
    return rows_of(query)[1]
