"""Translates the expressions of a query of CloudWatch Logs Insights to SQL."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from flowdb.errors import DialectError
from flowdb.insights_calls import MANY, Function, Refused
from flowdb.insights_functions import AGGREGATES, FUNCTIONS
from flowdb.insights_json import item
from flowdb.insights_patterns import matched, rejection
from flowdb.insights_times import bucket
from flowdb.insights_tree import (
    Access,
    Call,
    Compare,
    Constant,
    Expression,
    Logic,
    Match,
    Member,
    Name,
    Operation,
    Period,
    Star,
)
from flowdb.insights_values import (
    Type,
    Value,
    as_condition,
    as_number,
    as_text,
    compared,
    constant,
    flat,
    is_integer,
    is_known,
)

__all__ = ["Expressions"]

# Some functions name their argument more than once, and what is nested in it as often again.
_LONGEST = 10**6


class Expressions:
    """Makes values of expressions, where the fields are those that `field` finds by name.

    `known` are expressions that have a value already: after `stats`, what it computed. Bins begin
    later by the `offset`.
    """

    def __init__(
        self,
        trouble: Callable[[int, str], DialectError],
        field: Callable[[Name], Value],
        known: Sequence[tuple[Expression, Value]],
        now: int,
        offset: Period | None = None,
    ) -> None:
        self._trouble = trouble
        self._field = field
        self._known = known
        self._now = now
        self._offset = offset

    def value(self, node: Expression) -> Value:
        """Return what an expression is for one event, or one row of `stats`."""
        return self._value(node, None)

    def aggregate(self, node: Expression, groups: Sequence[tuple[Expression, Value]]) -> Value:
        """Return what an expression is for a group of events; what they are grouped by is known."""
        return self._value(node, groups)

    def condition(self, node: Expression) -> str:
        """Return an expression as a condition."""
        return self._condition(node, None)

    def _value(self, node: Expression, groups: Sequence[tuple[Expression, Value]] | None) -> Value:
        value = self._made_of(node, groups)
        if len(value.sql) > _LONGEST:
            raise self._trouble(node.at, "the expression becomes too long; fields can compute it in steps")
        return value

    def _made_of(self, node: Expression, groups: Sequence[tuple[Expression, Value]] | None) -> Value:
        # What stats has computed before is an argument of what it computes now, not the same again.
        for known, value in self._known if groups is None else groups:
            if known == node:
                return value
        match node:
            case Constant():
                if isinstance(node.value, float) and not math.isfinite(node.value):
                    raise self._trouble(node.at, "the number is too large")
                return constant(node.value)
            case Name():
                if node.name.lower() in ("true", "false"):
                    return Value(node.name.lower(), Type.BOOLEAN)
                if groups is not None:
                    raise self._trouble(
                        node.at,
                        f"{node.name} is neither grouped by nor in a function such as count() or max()",
                    )
                return self._field(node)
            case Access():
                return self._accessed(node, groups)
            case Period():
                return Value("", Type.PERIOD, f"{node.number} {node.unit}")
            case Star():
                raise self._trouble(node.at, "* is for count(*) alone")
            case Call():
                return self._call(node, groups)
            case Operation():
                return self._operation(node, groups)
            case Logic():
                return self._logic(node, groups)
            case Compare():
                left, right = self._plain(node.left, groups), self._plain(node.right, groups)
                return Value(compared(node.operator, left, right), Type.BOOLEAN)
            case Match():
                if node.is_regex and (reason := rejection(node.pattern)):
                    raise self._trouble(node.pattern_at, f"no regular expression that flowdb knows: {reason}")
                text = as_text(self._plain(node.value, groups))
                found = matched(text, node.pattern, node.is_regex)
                return Value(f"(NOT {found})" if node.is_negated else found, Type.BOOLEAN)
            case Member():
                value = self._plain(node.value, groups)
                options = [compared("=", value, self._plain(one, groups)) for one in node.options]
                joined = f"({' OR '.join(options)})" if options else "false"
                return Value(f"(NOT {joined})" if node.is_negated else joined, Type.BOOLEAN)

    def _accessed(self, node: Access, groups: Sequence[tuple[Expression, Value]] | None) -> Value:
        value = self._value(node.value, groups)
        if value.type is not Type.JSON:
            if is_known(value):
                raise self._trouble(
                    node.at, f"{node.value.name} is no map and no list; jsonParse() makes one"
                )
            return value
        return item(value, node.path)

    def _plain(self, node: Expression, groups: Sequence[tuple[Expression, Value]] | None) -> Value:
        value = self._value(node, groups)
        if value.type is Type.PERIOD:
            raise self._trouble(node.at, "a length of time is for bin(), datefloor() and dateceil() alone")
        return value

    def _condition(self, node: Expression, groups: Sequence[tuple[Expression, Value]] | None) -> str:
        condition = as_condition(self._plain(node, groups))
        if condition is None:
            raise self._trouble(node.at, 'expected a condition, such as action = "REJECT"')
        return condition

    def _logic(self, node: Logic, groups: Sequence[tuple[Expression, Value]] | None) -> Value:
        conditions = [self._condition(one, groups) for one in node.operands]
        if node.operator == "not":
            return Value(f"(NOT coalesce({conditions[0]}, false))", Type.BOOLEAN)
        return Value(f"({f' {node.operator.upper()} '.join(conditions)})", Type.BOOLEAN)

    def _operation(self, node: Operation, groups: Sequence[tuple[Expression, Value]] | None) -> Value:
        operands = [self._plain(one, groups) for one in node.operands]
        numbers = [as_number(one) for one in operands]
        whole = all(map(is_integer, operands))
        if len(numbers) == 1:
            return Value(f"(- {numbers[0]})", Type.INTEGER if whole else Type.NUMBER)
        left, right = numbers
        if node.operator == "/":
            return Value(f"(({left})::DOUBLE / nullif({right}, 0))", Type.NUMBER)
        if node.operator == "^":
            return Value(f"pow({left}, {right})", Type.NUMBER)
        if node.operator == "%":
            return Value(f"({left} % nullif({right}, 0))", Type.INTEGER if whole else Type.NUMBER)
        kind = "HUGEINT" if whole else "DOUBLE"
        return Value(
            f"(({left})::{kind} {node.operator} ({right})::{kind})", Type.INTEGER if whole else Type.NUMBER
        )

    def _call(self, node: Call, groups: Sequence[tuple[Expression, Value]] | None) -> Value:
        if node.name in AGGREGATES:
            return self._aggregated(node, groups)
        if node.name == "now":
            self._counted(node, Function(0, 0, lambda _: constant(0)))
            return constant(self._now)
        if node.name == "bin":
            self._counted(node, Function(1, 1, lambda _: constant(0)))
            return self._bin(node, groups)
        function = FUNCTIONS.get(node.name)
        if function is None:
            raise self._trouble(node.at, f"flowdb has no function {node.written}()")
        self._counted(node, function)
        arguments = [self._value(one, groups) for one in node.arguments]
        for n, (one, value) in enumerate(zip(node.arguments, arguments, strict=True)):
            if value.type is Type.PERIOD and not (n == 1 and node.name in ("datefloor", "dateceil")):
                self._plain(one, groups)
        if not function.takes_structures:
            arguments = [
                Value(as_text(one), Type.TEXT) if one.type is Type.JSON else one for one in arguments
            ]
        return self._made(node, function, arguments)

    def _bin(self, node: Call, groups: Sequence[tuple[Expression, Value]] | None) -> Value:
        period = node.arguments[0]
        if not isinstance(period, Period):
            raise self._trouble(period.at, "expected a length of time, such as 5m")
        time = self._value(Name(node.at, "@timestamp"), groups)
        try:
            return Value(bucket(time.sql, period, self._offset), Type.TIME)
        except Refused as error:
            raise self._trouble(period.at, error.reason) from None

    def _aggregated(self, node: Call, groups: Sequence[tuple[Expression, Value]] | None) -> Value:
        if groups is None:
            raise self._trouble(node.at, f"{node.written}() is for stats alone")
        function = AGGREGATES[node.name]
        arguments = node.arguments
        if node.name in ("count", "count_over_time") and arguments and isinstance(arguments[0], Star):
            arguments = ()
        self._counted(Call(node.at, node.name, arguments, node.written), function)
        values = [flat(self._plain(one, None)) for one in arguments]
        if node.name in ("earliest", "latest"):
            values.append(self._value(Name(node.at, "@timestamp"), None))
        return self._made(node, function, values)

    def _made(self, node: Call, function: Function, values: Sequence[Value]) -> Value:
        try:
            return function.make(values)
        except Refused as error:
            place = node.arguments[error.argument].at if node.arguments else node.at
            raise self._trouble(place, error.reason) from None

    def _counted(self, node: Call, function: Function) -> None:
        """Refuse a call that has too few arguments, or too many."""
        least, most = function.least, function.most
        if not least <= len(node.arguments) <= most:
            wanted = (
                f"{least}" if least == most else f"{least} or more" if most == MANY else f"{least} or {most}"
            )
            raise self._trouble(
                node.at, f"{node.written}() has {len(node.arguments)} arguments; expected {wanted}"
            )
