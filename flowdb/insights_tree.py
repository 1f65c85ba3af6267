"""What a query of CloudWatch Logs Insights consists of: commands, and the expressions in them.

Every node knows the place in the query where it begins, so that whatever is said of it can
point there; nodes are equal when they mean the same, wherever they stand.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = [
    "Access",
    "Call",
    "Command",
    "Compare",
    "Constant",
    "Dedup",
    "Expression",
    "Fields",
    "Filter",
    "Item",
    "Key",
    "Limit",
    "Logic",
    "Match",
    "Member",
    "Name",
    "Operation",
    "Parse",
    "Period",
    "Sort",
    "Star",
    "Stats",
]


@dataclass(frozen=True, slots=True)
class _Node:
    at: int = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Name(_Node):
    """A field."""

    name: str


@dataclass(frozen=True, slots=True)
class Access(_Node):
    """What a map or a list, which a field is, has at a path of names and places."""

    value: Name
    path: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Constant(_Node):
    """A text or a number."""

    value: str | int | float


@dataclass(frozen=True, slots=True)
class Period(_Node):
    """A length of time, such as `5m`."""

    number: int
    unit: str


@dataclass(frozen=True, slots=True)
class Star(_Node):
    """What `count(*)` counts."""


@dataclass(frozen=True, slots=True)
class Call(_Node):
    """A function, its name in lower case; `written` is the name as it stands in the query."""

    name: str
    arguments: tuple[Expression, ...]
    written: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class Operation(_Node):
    """Arithmetic: `+ - * / % ^`, and `-` of one operand."""

    operator: str
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Logic(_Node):
    """Conditions that are joined by `and` or `or`, or one that is negated by `not`."""

    operator: str
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Compare(_Node):
    """One of `= != < <= > >=`."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Match(_Node):
    """`like` and `=~`: whether a text, or something that matches a regular expression, is in a value."""

    value: Expression
    pattern: str
    is_regex: bool
    is_negated: bool
    pattern_at: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Member(_Node):
    """`in`: whether a value is in a list."""

    value: Expression
    options: tuple[Expression, ...]
    is_negated: bool


Expression = Name | Access | Constant | Period | Star | Call | Operation | Logic | Compare | Match | Member


@dataclass(frozen=True, slots=True)
class Item(_Node):
    """An expression with the name that the query gives it, or else its own text."""

    value: Expression
    name: str
    is_named: bool


@dataclass(frozen=True, slots=True)
class Fields(_Node):
    """`fields`, or `display`, which shows nothing but its own."""

    items: tuple[Item, ...]
    is_display: bool


@dataclass(frozen=True, slots=True)
class Filter(_Node):
    """`filter`."""

    condition: Expression


@dataclass(frozen=True, slots=True)
class Stats(_Node):
    """`stats`, whether or not the word is there; its bins begin later by the `offset`."""

    items: tuple[Item, ...]
    groups: tuple[Item, ...]
    offset: Period | None = None


@dataclass(frozen=True, slots=True)
class Key(_Node):
    """What `sort` sorts by."""

    value: Expression
    is_descending: bool


@dataclass(frozen=True, slots=True)
class Sort(_Node):
    """`sort`."""

    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Limit(_Node):
    """`limit`, or `tail`, which takes the last rows."""

    rows: int
    is_tail: bool


@dataclass(frozen=True, slots=True)
class Dedup(_Node):
    """`dedup`."""

    names: tuple[Name | Access, ...]


@dataclass(frozen=True, slots=True)
class Parse(_Node):
    """`parse`: the pattern is a regular expression with named groups, or a text with a `*` for each name."""

    value: Name | Access | None
    pattern: str
    is_regex: bool
    names: tuple[str, ...]
    pattern_at: int = field(compare=False)


Command = Fields | Filter | Stats | Sort | Limit | Dedup | Parse
