"""Values of a query of CloudWatch Logs Insights as SQL: what kind they are, and what they become.

Logs Insights has no types that a person declares: a text that looks like a number is one where a
number is wanted. What is missing is NULL, and no comparison with it is true.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto

from flowdb.quoting import quote_text

__all__ = [
    "NOTHING",
    "NUMBER_PATTERN",
    "ROWS",
    "Type",
    "Value",
    "as_condition",
    "as_number",
    "as_text",
    "as_time",
    "bound",
    "compared",
    "constant",
    "flat",
    "is_constant",
    "is_integer",
    "is_known",
    "natural_order",
    "shown",
]


class Type(Enum):
    """What kind of value an expression has."""

    INTEGER = auto()
    NUMBER = auto()  # DOUBLE
    TEXT = auto()
    TIME = auto()
    BOOLEAN = auto()
    PERIOD = auto()  # an argument of functions of time, and no value by itself
    JSON = auto()  # a map, a list, or what is in one
    NOTHING = auto()  # a field that no record has


@dataclass(frozen=True, slots=True)
class Value:
    """An expression of SQL, in parentheses if it needs them.

    `constant` is what a literal says. A field of the log has `-` where it has no value; of one
    that is unix seconds, `moment` is the column it is computed of.
    """

    sql: str
    type: Type
    constant: str | int | float | None = None
    is_field: bool = False
    moment: str | None = None


ROWS = "events"
"""What the rows that an expression is about are called in SQL."""
NOTHING = Value("NULL", Type.NOTHING)
NUMBER_PATTERN = r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?"
_NUMBER = re.compile(NUMBER_PATTERN)
_NUMBERS = (Type.INTEGER, Type.NUMBER, Type.BOOLEAN)
_DIGITS = "[0-9]+|[^0-9]+"
# What is true or false in JSON is 1 or 0, as all that is.
_PLAIN = "CASE json_type(this) WHEN 'BOOLEAN' THEN this::BOOLEAN::INTEGER::VARCHAR ELSE this ->> '$' END"
_FIRST_SECOND = -62_135_596_800
_LAST_SECOND = 253_402_300_799


def constant(value: str | int | float) -> Value:
    """Return a literal."""
    if isinstance(value, str):
        return Value(quote_text(value), Type.TEXT, value)
    if isinstance(value, int):
        return Value(f"({value})" if value < 0 else str(value), Type.INTEGER, value)
    return Value(f"({value!r})::DOUBLE", Type.NUMBER, value)


def is_known(value: Value) -> bool:
    """Tell whether records can have it."""
    return value.type is not Type.NOTHING


def is_constant(value: Value) -> bool:
    """Tell whether it is the same for all records, which DuckDB lets nothing be ordered by."""
    return value.constant is not None or f"{ROWS}." not in value.sql


def is_integer(value: Value) -> bool:
    """Tell whether its numbers have no fraction."""
    return value.type in (Type.INTEGER, Type.BOOLEAN, Type.TIME)


def bound(sql: str, made: str) -> str:
    """Return what is made of an expression, which is called `this` there, and computed once."""
    return f"list_transform([{sql}], lambda this: {made})[1]"


def as_text(value: Value) -> str:
    """Return a value as VARCHAR; a map or a list is NULL."""
    if value.type is Type.TEXT:
        return value.sql
    if value.type is Type.JSON:
        return bound(value.sql, f"CASE WHEN json_type(this) NOT IN ('OBJECT', 'ARRAY') THEN {_PLAIN} END")
    if value.type is Type.TIME:
        return f"strftime({value.sql}, '%Y-%m-%d %H:%M:%S.%g')"
    if value.type is Type.BOOLEAN:
        return f"({value.sql})::INTEGER::VARCHAR"
    return f"({value.sql})::VARCHAR"


def flat(value: Value) -> Value:
    """Return a value that can be compared and ordered: a map or a list is the text of its JSON."""
    return Value(shown(value), Type.TEXT) if value.type is Type.JSON else value


def as_number(value: Value) -> str:
    """Return a value as a number; a time is milliseconds, a text that is no number NULL."""
    if value.type is Type.JSON:
        value = Value(as_text(value), Type.TEXT)
    if value.type is Type.TEXT:
        if isinstance(value.constant, str):
            number = _number(value.constant)
            return "NULL::DOUBLE" if number is None else constant(number).sql
        return f"TRY_CAST(regexp_extract({value.sql}, {quote_text(f'^{NUMBER_PATTERN}$')}) AS DOUBLE)"
    if value.type is Type.TIME:
        return f"epoch_ms({value.sql})"
    if value.type is Type.BOOLEAN:
        return f"({value.sql})::INTEGER"
    if value.type is Type.NOTHING:
        return "NULL::DOUBLE"
    return value.sql


def as_time(value: Value) -> str:
    """Return a value as TIMESTAMP; a number is milliseconds since 1970."""
    if value.type is Type.TIME:
        return value.sql
    if value.type in (Type.TEXT, Type.JSON):
        return f"TRY_CAST({as_text(value)} AS TIMESTAMP)"
    number = as_number(value)
    is_one = f"{number} BETWEEN {_FIRST_SECOND}000 AND {_LAST_SECOND}999"
    return f"CASE WHEN {is_one} THEN epoch_ms(TRY_CAST({number} AS BIGINT)) END"


def as_condition(value: Value) -> str | None:
    """Return a value as a condition, or None for a text or a time, which is none."""
    if value.type is Type.BOOLEAN:
        return value.sql
    if value.type in _NUMBERS:
        return f"({value.sql} <> 0)"
    return "false" if value.type is Type.NOTHING else None


def shown(value: Value) -> str:
    """Return a value as results have it: what is true or false is 1 or 0."""
    if value.type is Type.BOOLEAN:
        return f"coalesce({value.sql}, false)::INTEGER"
    if value.type is Type.JSON:
        return bound(value.sql, _PLAIN)
    return value.sql if is_known(value) else f"{value.sql}::VARCHAR"


def natural_order(value: Value) -> list[str]:
    """Return what to sort by so that texts stand before numbers, and numbers in texts count as such."""
    value = flat(value)
    if value.type is not Type.TEXT:
        return [shown(value)]
    text = value.sql
    is_number = f"regexp_full_match({text}, {quote_text(NUMBER_PATTERN)})"
    # A run of digits goes by its length first, written as a character; the 0 before puts it where digits are.
    digits = "'0' || chr(48 + least(len(part), 50000)::INTEGER) || part"
    part = f"CASE WHEN part >= '0' AND part < ':' THEN {digits} ELSE part END"
    parts = f"list_transform(regexp_extract_all({text}, {quote_text(_DIGITS)}), lambda part: {part})"
    return [is_number, as_number(value), f"CASE WHEN {is_number} THEN [{text}] ELSE {parts} END"]


def compared(operator: str, left: Value, right: Value) -> str:
    """Return a comparison, one of `= != < <= > >=`, as SQL."""
    if not is_known(left) or not is_known(right):
        return "NULL::BOOLEAN"
    left, right = (Value(as_text(one), Type.TEXT) if one.type is Type.JSON else one for one in (left, right))
    for one, other in ((left, right), (right, left)):
        if one.is_field and other.constant == "-" and operator in ("=", "!="):
            # What a log has as `-` is NULL in the store.
            return f"({one.sql} IS {'NOT ' if operator == '!=' else ''}NULL)"
    sign = "<>" if operator == "!=" else operator
    if left.type is right.type and left.type in (Type.TEXT, Type.TIME):
        return f"({left.sql} {sign} {right.sql})"
    if right.moment is not None and left.moment is None:
        turned = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
        return compared(turned.get(operator, operator), right, left)
    if left.moment is not None and (found := _seconds(operator, left.moment, right)):
        return found
    if Type.TEXT not in (left.type, right.type):
        return f"({as_number(left)} {sign} {as_number(right)})"
    text, other = (left, right) if left.type is Type.TEXT else (right, left)
    literal = text.constant if isinstance(text.constant, str) else None
    if other.type is Type.TIME and (moment := _moment(literal)):
        text_sql, other_sql = moment, other.sql
    elif literal is not None:
        number = _number(literal)
        text_sql = text.sql if number is None else constant(number).sql
        other_sql = as_text(other) if number is None else as_number(other)
    else:
        as_texts = _sided(text is left, text.sql, as_text(other), sign)
        as_numbers = _sided(text is left, as_number(text), as_number(other), sign)
        return f"CASE WHEN {as_number(text)} IS NULL THEN {as_texts} ELSE {as_numbers} END"
    return _sided(text is left, text_sql, other_sql, sign)


def _sided(is_left: bool, one: str, other: str, sign: str) -> str:
    return f"({one} {sign} {other})" if is_left else f"({other} {sign} {one})"


def _number(text: str) -> int | float | None:
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    if not math.isfinite(number):
        return None
    return int(text) if text.lstrip("+-").isdecimal() else number


def _moment(text: str | None) -> str | None:
    """Return the time that a literal says, in any form of ISO 8601."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return f"TIMESTAMP {quote_text(moment.isoformat(sep=' '))}"


def _seconds(operator: str, column: str, other: Value) -> str | None:
    """Return a comparison of unix seconds with a whole number as one of times, which can skip files."""
    number = _number(other.constant) if isinstance(other.constant, str) else other.constant
    if not isinstance(number, int) or not 0 <= number < _LAST_SECOND:
        return None
    this, following = (
        f"TIMESTAMP {quote_text(str(datetime.fromtimestamp(second, UTC).replace(tzinfo=None)))}"
        for second in (number, number + 1)
    )
    return {
        "=": f"({column} >= {this} AND {column} < {following})",
        "!=": f"({column} < {this} OR {column} >= {following})",
        "<": f"({column} < {this})",
        "<=": f"({column} < {following})",
        ">": f"({column} >= {following})",
        ">=": f"({column} >= {this})",
    }[operator]
