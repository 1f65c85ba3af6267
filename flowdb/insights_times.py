"""The functions of time of CloudWatch Logs Insights as SQL."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from zoneinfo import available_timezones

from flowdb.insights_calls import Function, Refused
from flowdb.insights_tree import Period
from flowdb.insights_values import Type, Value, as_text, as_time
from flowdb.quoting import quote_text
from flowdb.time_formats import FormatUnknown, of_joda

__all__ = ["TIMES", "bucket"]

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


def bucket(time: str, period: Period, offset: Period | None = None) -> str:
    """Return the beginning of the period that a time is in, as SQL; refuse one of no length.

    Periods begin as much later as `offset` says.
    """
    if offset is not None:
        shift = _interval(_UNIT[offset.unit], offset.number)
        return f"({bucket(f'({time} - {shift})', period)} + {shift})"
    unit, number = _counted(period)
    if not 0 < number < 10**6:
        raise Refused(-1, f"{period.number}{period.unit} is no length of time to cut by")
    if unit in _MILLISECONDS:
        length = number * _MILLISECONDS[unit]
        return f"epoch_ms(epoch_ms({time}) // {length} * {length})"
    # Weeks from Monday on.
    origin = "1969-12-29" if unit == "w" else "1970-01-01"
    return f"time_bucket({_interval(unit, number)}, {time}, TIMESTAMP '{origin}')"


def _counted(period: Period) -> tuple[str, int]:
    unit = _UNIT[period.unit]
    return unit, min(period.number, _MOST.get(unit, period.number))


def _interval(unit: str, number: int) -> str:
    if unit in _MONTHS:
        return f"INTERVAL {number * _MONTHS[unit]} MONTH"
    if unit == "w":
        return f"INTERVAL {7 * number} DAY"
    return f"INTERVAL {number * _MILLISECONDS[unit]} MILLISECOND"


def _floor(given: Sequence[Value]) -> Value:
    return Value(bucket(as_time(given[0]), _period(given[1])), Type.TIME)


def _ceiling(given: Sequence[Value]) -> Value:
    time, period = as_time(given[0]), _period(given[1])
    floor, step = bucket(time, period), _interval(*_counted(period))
    return Value(f"CASE WHEN {floor} = {time} THEN {time} ELSE {floor} + {step} END", Type.TIME)


def _period(value: Value) -> Period:
    if value.type is not Type.PERIOD or not isinstance(value.constant, str):
        raise Refused(1, "expected a length of time, such as 5m")
    number, _, unit = value.constant.partition(" ")
    return Period(0, int(number), unit)


def _format(given: Sequence[Value]) -> Value:
    form = _constant(given, 1, "a format as a text, such as '%Y-%m-%d'")
    if reason := _rejection(form):
        raise Refused(1, f"no format that flowdb knows: {reason}")
    time = as_time(given[0])
    if (zone := _zone(given)) != "UTC":
        time = f"timezone({quote_text(zone)}, timezone('UTC', {time}))"
    return Value(f"strftime({time}, {quote_text(form)})", Type.TEXT)


def _parse(given: Sequence[Value]) -> Value:
    form = _constant(given, 1, "a format as a text, such as 'yyyy-MM-dd'")
    try:
        form = of_joda(form)
    except FormatUnknown as error:
        raise Refused(1, str(error)) from None
    time = f"try_strptime({as_text(given[0])}, {quote_text(form)})"
    if (zone := _zone(given)) != "UTC":
        time = f"timezone('UTC', timezone({quote_text(zone)}, {time}))"
    return Value(f"epoch_ms({time})", Type.INTEGER)


def _zone(given: Sequence[Value]) -> str:
    if len(given) < 3:
        return "UTC"
    zone = _constant(given, 2, "a time zone as a text, such as 'Europe/Berlin'")
    if zone not in available_timezones():
        raise Refused(2, f"there is no time zone {zone}; expected one such as Europe/Berlin")
    return zone


def _constant(given: Sequence[Value], argument: int, expected: str) -> str:
    constant = given[argument].constant
    if not isinstance(constant, str):
        raise Refused(argument, f"expected {expected}")
    return constant


@cache
def _rejection(form: str) -> str | None:
    """Return what DuckDB has against a format of times, or None."""
    import duckdb

    with duckdb.connect() as connection:
        try:
            connection.execute(f"SELECT strftime(TIMESTAMP '2024-01-15', {quote_text(form)})").fetchall()
        except duckdb.Error as error:
            return str(error).partition("\n")[0].partition(": ")[2]
    return None


TIMES = {
    "datefloor": Function(2, 2, _floor),
    "dateceil": Function(2, 2, _ceiling),
    "formatdate": Function(2, 3, _format),
    "strftime": Function(2, 3, _format),
    "parsedate": Function(2, 3, _parse),
    "frommillis": Function(1, 1, lambda given: Value(as_time(given[0]), Type.TIME)),
    "tomillis": Function(1, 1, lambda given: Value(f"epoch_ms({as_time(given[0])})", Type.INTEGER)),
}
"""What is computed of times, by the names in lower case; `bin` and `now` need more than arguments."""
