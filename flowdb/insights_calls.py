"""What a function of CloudWatch Logs Insights is here: how many arguments it has, and what SQL it makes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flowdb.insights_values import Type, Value, as_number, as_text, is_integer

__all__ = ["MANY", "Function", "Refused", "of_numbers", "of_texts", "tells"]

MANY = 99
"""The most arguments of a function that takes any number of them."""


class Refused(Exception):
    """An argument that a function cannot take: which one, and why."""

    def __init__(self, argument: int, reason: str) -> None:
        self.argument = argument
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Function:
    """How many arguments a function takes, at least and at most, and what it makes of them.

    One that `takes_structures` is given maps and lists as they are; to others they are missing.
    """

    least: int
    most: int
    make: Callable[[Sequence[Value]], Value]
    takes_structures: bool = False


def of_numbers(template: str, type: Type | None = None) -> Callable[[Sequence[Value]], Value]:  # noqa: A002
    """Return what makes a number of numbers; `type` None keeps whole numbers whole."""

    def make(given: Sequence[Value]) -> Value:
        kind = type or (Type.INTEGER if all(map(is_integer, given)) else Type.NUMBER)
        return Value(template.format(*map(as_number, given)), kind)

    return make


def of_texts(template: str, type: Type = Type.TEXT) -> Callable[[Sequence[Value]], Value]:  # noqa: A002
    """Return what makes something of texts."""
    return lambda given: Value(template.format(*map(as_text, given)), type)


def tells(template: str) -> Callable[[Sequence[Value]], Value]:
    """Return what tells something of texts, true or false and nothing else."""
    return lambda given: Value(f"coalesce({template.format(*map(as_text, given))}, false)", Type.BOOLEAN)
