"""The functions of CloudWatch Logs Insights as SQL: those of one event, and those of `stats`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import ip_network

from flowdb.insights_calls import MANY, Function, Refused, of_numbers, of_texts, tells
from flowdb.insights_json import STRUCTURES
from flowdb.insights_texts import TEXTS
from flowdb.insights_times import TIMES
from flowdb.insights_values import (
    NUMBER_PATTERN,
    Type,
    Value,
    as_condition,
    as_number,
    as_text,
    bound,
    is_constant,
    is_integer,
    is_known,
    natural_order,
    shown,
)
from flowdb.quoting import quote_text

__all__ = ["AGGREGATES", "FUNCTIONS"]

_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
# What IANA has set aside beside the private ranges, of either family.
_RESERVED = (
    *("0.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24"),
    *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    *("::/127", "::ffff:0:0/96", "64:ff9b:1::/48", "100::/64", "2001:db8::/32", "fc00::/7", "fe80::/10"),
    "ff00::/8",
)


def _rounded(name: str) -> Callable[[Sequence[Value]], Value]:
    def make(given: Sequence[Value]) -> Value:
        if is_integer(given[0]):
            return Value(as_number(given[0]), Type.INTEGER)
        return Value(f"TRY_CAST({name}({as_number(given[0])}) AS HUGEINT)", Type.INTEGER)

    return make


def _round(given: Sequence[Value]) -> Value:
    if len(given) == 1:
        return _rounded("round")(given)
    return Value(
        f"round({as_number(given[0])}::DOUBLE, TRY_CAST({as_number(given[1])} AS INTEGER))", Type.NUMBER
    )


def _extreme(name: str) -> Callable[[Sequence[Value]], Value]:
    def make(given: Sequence[Value]) -> Value:
        if all(one.type is Type.TIME for one in given):
            return Value(f"{name}({', '.join(one.sql for one in given)})", Type.TIME)
        whole = all(map(is_integer, given))
        numbers = (as_number(one) if whole else f"({as_number(one)})::DOUBLE" for one in given)
        return Value(f"{name}({', '.join(numbers)})", Type.INTEGER if whole else Type.NUMBER)

    return make


def _is_present(given: Sequence[Value]) -> Value:
    return Value(f"({given[0].sql} IS NOT NULL)" if is_known(given[0]) else "false", Type.BOOLEAN)


def _alike(values: Sequence[Value]) -> tuple[list[str], Type]:
    """Return values that take each other's place, made of one type."""
    types = {one.type for one in values if is_known(one)}
    if len(types) <= 1 and Type.BOOLEAN not in types:
        return [one.sql for one in values], next(iter(types), Type.TEXT)
    if types <= {Type.INTEGER, Type.NUMBER, Type.BOOLEAN}:
        whole = Type.NUMBER not in types
        numbers = [shown(one) if is_known(one) else "NULL" for one in values]
        return numbers, Type.INTEGER if whole else Type.NUMBER
    return [as_text(one) for one in values], Type.TEXT


def _coalesce(given: Sequence[Value]) -> Value:
    values, kind = _alike(given)
    return Value(f"coalesce({', '.join(values)})" if any(map(is_known, given)) else "NULL::VARCHAR", kind)


def _case(given: Sequence[Value]) -> Value:
    if len(given) < 2:
        raise Refused(0, "expected a condition and a value")
    conditions, results = list(given[:-1:2]), list(given[1::2])
    if len(given) % 2:
        results.append(given[-1])
    values, kind = _alike(results)
    if not any(map(is_known, results)):
        values = ["NULL::VARCHAR" for _ in results]
    parts = []
    for n, one in enumerate(conditions):
        condition = as_condition(one)
        if condition is None:
            raise Refused(2 * n, "expected a condition")
        parts.append(f"WHEN {condition} THEN {values[n]}")
    last = f" ELSE {values[-1]}" if len(given) % 2 else ""
    return Value(f"CASE {' '.join(parts)}{last} END", kind)


def _in_subnet(family: int | None) -> Callable[[Sequence[Value]], Value]:
    def make(given: Sequence[Value]) -> Value:
        text = given[1].constant
        if not isinstance(text, str):
            raise Refused(1, 'expected a range as a text, such as "10.0.0.0/8"')
        try:
            network = ip_network(text, strict=False)
        except ValueError:
            raise Refused(1, f"{text} is no range of addresses; expected one such as 10.0.0.0/8") from None
        if family is not None and network.version != family:
            raise Refused(1, f"{text} is no range of IPv{family} addresses")
        addr = as_text(given[0])
        # The range is a pattern, which more than addresses can match.
        is_there = f"in_cidr({addr}, {quote_text(str(network))}) AND ip_family({addr}) = {network.version}"
        return Value(f"coalesce({is_there}, false)", Type.BOOLEAN)

    return make


def _within(*ranges: str) -> str:
    """Return the test whether an address, whose `ip_key` is `this`, is in one of some ranges.

    Of many ranges it is far less to plan than `in_cidr`.
    """
    tests = []
    for one in map(ip_network, ranges):
        first, last = one.network_address.packed.hex(), one.broadcast_address.packed.hex()
        tests.append(f"this BETWEEN '{one.version}{first}' AND '{one.version}{last}'")
    return f"({' OR '.join(tests)})"


def _is_of(test: str) -> Callable[[Sequence[Value]], Value]:
    """Return what tells whether a value is an address of a kind."""
    return lambda given: Value(
        f"coalesce({bound(f'ip_key({as_text(given[0])})', test)}, false)", Type.BOOLEAN
    )


def _to_integer(kind: str) -> Callable[[Sequence[Value]], Value]:
    return lambda given: Value(f"TRY_CAST(trunc({as_number(given[0])}) AS {kind})", Type.INTEGER)


FUNCTIONS = {
    "abs": Function(1, 1, of_numbers("abs({0})")),
    "ceil": Function(1, 1, _rounded("ceil")),
    "floor": Function(1, 1, _rounded("floor")),
    "round": Function(1, 2, _round),
    "greatest": Function(1, MANY, _extreme("greatest")),
    "least": Function(1, MANY, _extreme("least")),
    # Of what has no logarithm or root, nothing comes.
    "log": Function(1, 1, of_numbers("CASE WHEN {0} > 0 THEN ln({0}) END", Type.NUMBER)),
    "sqrt": Function(1, 1, of_numbers("CASE WHEN {0} >= 0 THEN sqrt({0}) END", Type.NUMBER)),
    "tonumber": Function(1, 1, of_numbers("{0}")),
    "todouble": Function(1, 1, of_numbers("({0})::DOUBLE", Type.NUMBER)),
    "toint": Function(1, 1, _to_integer("INTEGER")),
    "tolong": Function(1, 1, _to_integer("BIGINT")),
    "isnumeric": Function(1, 1, tells(f"regexp_full_match({{0}}, {quote_text(NUMBER_PATTERN)})")),
    "ispresent": Function(1, 1, _is_present, takes_structures=True),
    "coalesce": Function(1, MANY, _coalesce, takes_structures=True),
    "case": Function(2, MANY, _case, takes_structures=True),
    "if": Function(3, 3, _case, takes_structures=True),
    "isvalidip": Function(1, 1, tells("(ip_family({0}) IS NOT NULL)")),
    "isvalidipv4": Function(1, 1, tells("(ip_family({0}) = 4)")),
    "isvalidipv6": Function(1, 1, tells("(ip_family({0}) = 6)")),
    "isipinsubnet": Function(2, 2, _in_subnet(None)),
    "isipv4insubnet": Function(2, 2, _in_subnet(4)),
    "isipv6insubnet": Function(2, 2, _in_subnet(6)),
    "isprivateip": Function(1, 1, _is_of(_within(*_PRIVATE))),
    "isreservedip": Function(1, 1, _is_of(_within(*_RESERVED))),
    "ispublicip": Function(1, 1, _is_of(f"NOT {_within(*_PRIVATE, *_RESERVED)}")),
    "ipv4tonumber": Function(1, 1, of_texts("TRY_CAST('0x' || ip4_key({0}) AS BIGINT)", Type.INTEGER)),
    **TEXTS,
    **TIMES,
    **STRUCTURES,
}
"""What is computed of one event, by the names in lower case; `bin` and `now` need more than arguments."""


def _sum(given: Sequence[Value]) -> Value:
    name = "total" if given[0].is_field and is_integer(given[0]) else "sum"
    return Value(f"{name}({as_number(given[0])})", Type.INTEGER if is_integer(given[0]) else Type.NUMBER)


def _average(name: str) -> Callable[[Sequence[Value]], Value]:
    return lambda given: Value(f"{name}({as_number(given[0])})", Type.NUMBER)


def _percentile(given: Sequence[Value]) -> Value:
    percent = given[1].constant
    if not isinstance(percent, int | float) or not 0 <= percent <= 100:
        raise Refused(1, "expected a number from 0 to 100")
    return Value(f"quantile_cont(({as_number(given[0])})::DOUBLE, {percent / 100!r})", Type.NUMBER)


def _shown_type(value: Value) -> Type:
    return Type.INTEGER if value.type is Type.BOOLEAN else value.type


def _edge(name: str, direction: str) -> Callable[[Sequence[Value]], Value]:
    """Return what takes the value that is first in the order of `sort`, ascending or descending."""

    def make(given: Sequence[Value]) -> Value:
        value = given[0]
        if is_known(value) and is_constant(value):
            return Value(f"any_value({shown(value)})", _shown_type(value))
        if value.type is Type.TEXT:
            keys = ", ".join(f"{key} {direction}" for key in natural_order(value))
            return Value(f"first({value.sql} ORDER BY {keys}) FILTER ({value.sql} IS NOT NULL)", Type.TEXT)
        if not is_known(value):
            return Value("NULL::VARCHAR", Type.TEXT)
        return Value(f"{name}({shown(value)})", _shown_type(value))

    return make


def _by_time(direction: str) -> Callable[[Sequence[Value]], Value]:
    """Return what takes a value of the first event by time that has one; the time is the second argument."""

    def make(given: Sequence[Value]) -> Value:
        value, time = given
        if is_known(value) and is_constant(value):
            return Value(f"any_value({shown(value)})", _shown_type(value))
        if not is_known(value):
            return Value("NULL::VARCHAR", Type.TEXT)
        one = shown(value)
        first = f"first({one} ORDER BY {time.sql} {direction}, {one})"
        return Value(f"{first} FILTER ({one} IS NOT NULL)", _shown_type(value))

    return make


def _counted(template: str) -> Callable[[Sequence[Value]], Value]:
    def make(given: Sequence[Value]) -> Value:
        if given and not is_known(given[0]):
            return Value("0::BIGINT", Type.INTEGER)
        return Value(template.format(given[0].sql if given else "*"), Type.INTEGER)

    return make


def _values(given: Sequence[Value]) -> Value:
    value = given[0]
    if not is_known(value):
        return Value("NULL::VARCHAR", Type.TEXT)
    return Value(f"string_agg(DISTINCT {as_text(value)}, ', ' ORDER BY {as_text(value)})", Type.TEXT)


AGGREGATES = {
    "count": Function(0, 1, _counted("count({0})")),
    "count_over_time": Function(0, 1, _counted("count({0})")),
    "count_distinct": Function(1, 1, _counted("count(DISTINCT {0})")),
    "sum": Function(1, 1, _sum),
    "sum_over_time": Function(1, 1, _sum),
    "values": Function(1, 1, _values),
    "avg": Function(1, 1, _average("avg")),
    "median": Function(1, 1, lambda given: Value(f"median(({as_number(given[0])})::DOUBLE)", Type.NUMBER)),
    "stddev": Function(1, 1, _average("stddev_samp")),
    "pct": Function(2, 2, _percentile),
    "min": Function(1, 1, _edge("min", "ASC")),
    "max": Function(1, 1, _edge("max", "DESC")),
    "sortsfirst": Function(1, 1, _edge("min", "ASC")),
    "sortslast": Function(1, 1, _edge("max", "DESC")),
    "earliest": Function(1, 1, _by_time("ASC")),
    "latest": Function(1, 1, _by_time("DESC")),
}
"""What `stats` computes of many events; `earliest` and `latest` are given the time of the event too."""
