"""The functions of CloudWatch Logs Insights as SQL: those of one event, and those of `stats`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_network

from flowdb.insights_tree import Period
from flowdb.insights_values import (
    NUMBER_PATTERN,
    Type,
    Value,
    as_condition,
    as_number,
    as_text,
    as_time,
    is_constant,
    is_integer,
    is_known,
    natural_order,
    shown,
)
from flowdb.quoting import quote_text

__all__ = ["AGGREGATES", "FUNCTIONS", "Function", "Refused", "bucket"]

_SPACE = quote_text(" \t\n\r\f\v")
_UNITS = {
    "ms": ("millisecond", "msec"),
    "s": ("second", "sec"),
    "m": ("minute", "min"),
    "h": ("hour", "hr"),
    "d": ("day",),
    "w": ("week",),
    "mo": ("month", "mon"),
    "q": ("quarter", "qtr"),
    "y": ("year", "yr"),
}
_UNIT = {
    spelled: unit
    for unit, names in _UNITS.items()
    for name in (unit, *names)
    for spelled in (name, f"{name}s")
}
_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_MONTHS = {"mo": 1, "q": 3, "y": 12}
# Logs Insights counts no further than to the next unit: of 300 seconds it makes 60.
_MOST = {"ms": 1000, "s": 60, "m": 60, "h": 24}
_LONGEST = 2**31 - 1
_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")


class Refused(Exception):
    """An argument that a function cannot take: which one, and why."""

    def __init__(self, argument: int, reason: str) -> None:
        self.argument = argument
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Function:
    """How many arguments a function takes, at least and at most, and what it makes of them."""

    least: int
    most: int
    make: Callable[[Sequence[Value]], Value]


def bucket(time: str, period: Period) -> str:
    """Return the beginning of the period that a time is in, as SQL; refuse one of no length."""
    unit = _UNIT[period.unit]
    number = min(period.number, _MOST.get(unit, period.number))
    if not 0 < number < 10**6:
        raise Refused(-1, f"{period.number}{period.unit} is no length of time to cut by")
    if unit in _MILLISECONDS:
        length = number * _MILLISECONDS[unit]
        return f"epoch_ms(epoch_ms({time}) // {length} * {length})"
    if unit == "w":  # from Monday on
        return f"time_bucket(INTERVAL {7 * number} DAY, {time}, TIMESTAMP '1969-12-29')"
    return f"time_bucket(INTERVAL {number * _MONTHS[unit]} MONTH, {time}, TIMESTAMP '1970-01-01')"


def _floor(given: Sequence[Value]) -> Value:
    return Value(bucket(as_time(given[0]), _period(given[1])), Type.TIME)


def _ceiling(given: Sequence[Value]) -> Value:
    time, period = as_time(given[0]), _period(given[1])
    unit = _UNIT[period.unit]
    number = min(period.number, _MOST.get(unit, period.number))
    months = number * _MONTHS.get(unit, 0)
    days = 7 * number if unit == "w" else 0
    milliseconds = number * _MILLISECONDS.get(unit, 0)
    floor = bucket(time, period)
    step = f"INTERVAL {months} MONTH + INTERVAL {days} DAY + INTERVAL {milliseconds} MILLISECOND"
    return Value(f"CASE WHEN {floor} = {time} THEN {time} ELSE {floor} + ({step}) END", Type.TIME)


def _period(value: Value) -> Period:
    if value.type is not Type.PERIOD or not isinstance(value.constant, str):
        raise Refused(1, "expected a length of time, such as 5m")
    number, _, unit = value.constant.partition(" ")
    return Period(0, int(number), unit)


def _number(template: str, type: Type | None = None) -> Callable[[Sequence[Value]], Value]:  # noqa: A002
    """Return what makes a number of numbers; `type` None keeps whole numbers whole."""

    def make(given: Sequence[Value]) -> Value:
        kind = type or (Type.INTEGER if all(map(is_integer, given)) else Type.NUMBER)
        return Value(template.format(*map(as_number, given)), kind)

    return make


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


def _text(template: str, type: Type = Type.TEXT) -> Callable[[Sequence[Value]], Value]:  # noqa: A002
    """Return what makes something of texts."""
    return lambda given: Value(template.format(*map(as_text, given)), type)


def _concat(given: Sequence[Value]) -> Value:
    return Value(f"concat({', '.join(map(as_text, given))})", Type.TEXT)


def _trim(name: str) -> Callable[[Sequence[Value]], Value]:
    def make(given: Sequence[Value]) -> Value:
        characters = as_text(given[1]) if len(given) > 1 else _SPACE
        return Value(f"{name}({as_text(given[0])}, {characters})", Type.TEXT)

    return make


def _substr(given: Sequence[Value]) -> Value:
    text = as_text(given[0])
    start, *length = (
        f"least(greatest(TRY_CAST({as_number(one)} AS BIGINT), 0), {_LONGEST})" for one in given[1:]
    )
    counted = f", {length[0]}" if length else ""
    return Value(f"substring({text}, {start} + 1{counted})", Type.TEXT)


def _flag(template: str) -> Callable[[Sequence[Value]], Value]:
    return lambda given: Value(f"coalesce({template.format(*map(as_text, given))}, false)", Type.BOOLEAN)


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


def _is_private(given: Sequence[Value]) -> Value:
    addr = as_text(given[0])
    ranges = " OR ".join(f"in_cidr({addr}, {quote_text(one)})" for one in _PRIVATE)
    return Value(f"coalesce(({ranges}) AND ip_family({addr}) = 4, false)", Type.BOOLEAN)


def _to_integer(kind: str) -> Callable[[Sequence[Value]], Value]:
    return lambda given: Value(f"TRY_CAST(trunc({as_number(given[0])}) AS {kind})", Type.INTEGER)


FUNCTIONS = {
    "abs": Function(1, 1, _number("abs({0})")),
    "ceil": Function(1, 1, _rounded("ceil")),
    "floor": Function(1, 1, _rounded("floor")),
    "round": Function(1, 2, _round),
    "greatest": Function(1, 99, _extreme("greatest")),
    "least": Function(1, 99, _extreme("least")),
    # Of what has no logarithm or root, nothing comes.
    "log": Function(1, 1, _number("CASE WHEN {0} > 0 THEN ln({0}) END", Type.NUMBER)),
    "sqrt": Function(1, 1, _number("CASE WHEN {0} >= 0 THEN sqrt({0}) END", Type.NUMBER)),
    "tonumber": Function(1, 1, _number("{0}")),
    "todouble": Function(1, 1, _number("({0})::DOUBLE", Type.NUMBER)),
    "toint": Function(1, 1, _to_integer("INTEGER")),
    "tolong": Function(1, 1, _to_integer("BIGINT")),
    "isnumeric": Function(1, 1, _flag(f"regexp_full_match({{0}}, {quote_text(NUMBER_PATTERN)})")),
    "ispresent": Function(1, 1, _is_present),
    "isempty": Function(1, 1, _text("(coalesce({0}, '') = '')", Type.BOOLEAN)),
    "isblank": Function(1, 1, _text(f"(trim(coalesce({{0}}, ''), {_SPACE}) = '')", Type.BOOLEAN)),
    "coalesce": Function(1, 99, _coalesce),
    "case": Function(2, 99, _case),
    "if": Function(3, 3, _case),
    "concat": Function(1, 99, _concat),
    "trim": Function(1, 2, _trim("trim")),
    "ltrim": Function(1, 2, _trim("ltrim")),
    "rtrim": Function(1, 2, _trim("rtrim")),
    "strlen": Function(1, 1, _text("length({0})", Type.INTEGER)),
    "toupper": Function(1, 1, _text("upper({0})")),
    "tolower": Function(1, 1, _text("lower({0})")),
    "substr": Function(2, 3, _substr),
    "replace": Function(3, 3, _text("replace({0}, {1}, {2})")),
    "strcontains": Function(2, 2, _flag("contains({0}, {1})")),
    "startswith": Function(2, 2, _flag("starts_with({0}, {1})")),
    "endswith": Function(2, 2, _flag("ends_with({0}, {1})")),
    "isvalidip": Function(1, 1, _flag("(ip_family({0}) IS NOT NULL)")),
    "isvalidipv4": Function(1, 1, _flag("(ip_family({0}) = 4)")),
    "isvalidipv6": Function(1, 1, _flag("(ip_family({0}) = 6)")),
    "isipinsubnet": Function(2, 2, _in_subnet(None)),
    "isipv4insubnet": Function(2, 2, _in_subnet(4)),
    "isipv6insubnet": Function(2, 2, _in_subnet(6)),
    "isprivateip": Function(1, 1, _is_private),
    "datefloor": Function(2, 2, _floor),
    "dateceil": Function(2, 2, _ceiling),
    "frommillis": Function(1, 1, lambda given: Value(as_time(given[0]), Type.TIME)),
    "tomillis": Function(1, 1, lambda given: Value(f"epoch_ms({as_time(given[0])})", Type.INTEGER)),
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


AGGREGATES = {
    "count": Function(0, 1, _counted("count({0})")),
    "count_distinct": Function(1, 1, _counted("count(DISTINCT {0})")),
    "sum": Function(1, 1, _sum),
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
