"""Casts of an Athena query in DuckDB's SQL: what they take, how they round, and how they write texts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from zoneinfo import available_timezones

from sqlglot import exp

from flowdb.athena_nodes import CHECKED, Untranslatable, call

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

__all__ = ["casted"]

_CASTS = {"ip": CHECKED, "zoned": ("utc", "utc")}
_SHOWN_TIME = "%Y-%m-%d %H:%M:%S.%g"


def casted(node: exp.Cast, kind: str, inner: str) -> Expr:
    """Return what stands for a cast to a kind of a value of an inner kind."""
    value: Expr = node.this
    if kind == "zoned" or (kind == "ts" and isinstance(value, exp.Literal)):
        return _time(value, is_zoned=kind == "zoned")
    if kind in _CASTS:
        return call(_CASTS[kind][isinstance(node, exp.TryCast)], value.copy())
    if kind == "prefix":
        return exp.cast(value.copy(), "TEXT")
    if kind == "text":
        return _text(node, inner)
    if kind == "ts":
        node.set("to", exp.DataType.build("TIMESTAMP", dialect="duckdb"))
    if kind == "int" and inner == "double":
        # DuckDB rounds a half to the even number.
        node.set("this", call("round", value.copy()))
    if kind == "int" and inner == "text":
        # DuckDB takes 2.7 and 1e3 for integers too.
        node.set("this", call("athena_whole", value.copy()))
    return node


def _time(value: Expr, *, is_zoned: bool) -> Expr:
    text = value.name if isinstance(value, exp.Literal) else ""
    if zone := re.search(r"\s([A-Za-z_]+(/\S+)?)\Z", text):
        if zone[1] not in available_timezones():
            raise Untranslatable(f"{zone[1]!r} is no time zone")
        clock = exp.Literal.string(text[: zone.start()])
        return call("athena_with_timezone", exp.cast(clock, "TIMESTAMP"), exp.Literal.string(zone[1]))
    has_offset = is_zoned or re.search(r":\d+\s*[-+]\d", text)
    return call("utc", value.copy()) if has_offset else exp.cast(value.copy(), "TIMESTAMP")


def _text(node: exp.Cast, inner: str) -> Expr:
    value: Expr = node.this
    if inner in ("ts", "zoned"):
        zone_mark = " UTC" if inner == "zoned" else ""
        made: Expr = call("strftime", value.copy(), exp.Literal.string(_SHOWN_TIME + zone_mark))
    elif inner == "double":
        made = call("athena_double_text", value.copy())
    else:
        made = exp.cast(value.copy(), "TEXT")
    length = node.to.find(exp.DataTypeParam)
    return made if length is None else call("left", made, length.this.copy())
