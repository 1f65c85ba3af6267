"""The macros of `sql/` as trees: their names, parameters and bodies, read by sqlglot."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB

from flowdb.analyses import statements

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

__all__ = [
    "CONSTANT_VIEWS",
    "Macro",
    "Plain",
    "call",
    "closed",
    "macro",
    "macros",
    "parsed",
    "rebuilt",
    "written",
]

CONSTANT_VIEWS = (
    "athena_prices",
    "ephemeral_ranges",
    "flowdb_services",
    "port_groups",
    "prices",
    "protocols",
    "services",
)
"""The views that read no table: what they show is known when a query is rendered."""
_DEFINITION = re.compile(r"CREATE OR REPLACE MACRO (\w+)\((.*?)\)\s+AS( TABLE)?\s+(.*)", re.S)
_ATOMS = (
    exp.Anonymous,
    exp.Array,
    exp.Boolean,
    exp.Bracket,
    exp.Case,
    exp.Cast,
    exp.Column,
    exp.Identifier,
    exp.Interval,
    exp.Literal,
    exp.Null,
    exp.Paren,
    exp.Subquery,
    exp.Star,
)


class Plain(DuckDB):
    """DuckDB's grammar without its functions: each stays the call that is written. Lists begin at 1."""

    INDEX_OFFSET = 0

    class Parser(DuckDB.Parser):  # type: ignore[misc, valid-type]
        """Every function is one that is not known."""

        FUNCTIONS: ClassVar[Any] = {}
        FUNCTION_PARSERS: ClassVar[Any] = {
            name: parse
            for name, parse in DuckDB.Parser.FUNCTION_PARSERS.items()
            if name in ("CAST", "TRY_CAST", "EXTRACT")
        }


@dataclass(frozen=True, slots=True)
class Macro:
    """A macro: its name, its parameters with their defaults, None for what is required, and its body."""

    name: str
    parameters: Mapping[str, Expr | None]
    body: Expr
    is_table: bool


@cache
def macros() -> dict[str, str]:
    """Return the statement that makes each macro, by its name."""
    found = (_DEFINITION.match(one) for one in statements())
    return {match[1]: match[0] for match in found if match}


@cache
def macro(name: str) -> Macro:
    """Return a macro; what it has is not to be changed."""
    match = _DEFINITION.match(macros()[name])
    assert match is not None
    # A list of values is what a call has too, and defaults are written as arguments are.
    named = parsed(f"SELECT given({match[2]})").selects[0].expressions
    parameters: dict[str, Expr | None] = {}
    for one in named:
        is_optional = isinstance(one, exp.PropertyEQ)
        parameters[one.this.name if is_optional else one.name] = one.expression if is_optional else None
    body = parsed(match[4] if match[3] else f"SELECT {match[4]}")
    return Macro(match[1], parameters, body if match[3] else body.selects[0], bool(match[3]))


def parsed(text: str) -> Any:
    """Return the tree of a query."""
    tree = Plain().parse(text)[0]
    assert tree is not None
    for one in tree.walk():
        # Where it stood, which takes time to copy.
        one._meta = None
        one.comments = None
    return tree


def written(tree: Expr) -> str:
    """Return a tree as DuckDB reads it."""
    return tree.sql(dialect=Plain, identify=True, normalize_functions=False)


def call(name: str, *args: Expr) -> exp.Anonymous:
    """Return the call of a function; arguments that have a place already are copied."""
    return exp.Anonymous(this=name, expressions=[one.copy() if one.parent else one for one in args])


def closed(node: Expr) -> Expr:
    """Return an expression as one thing to what stands beside it."""
    return node if isinstance(node, _ATOMS) else exp.Paren(this=node)


def rebuilt(node: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """Return a new node with what a function makes of each child; the node itself stays as it is."""
    made: dict[str, Any] = {}
    for key, value in node.args.items():
        if isinstance(value, list):
            made[key] = [change(one) if isinstance(one, exp.Expression) else one for one in value]
        else:
            made[key] = change(value) if isinstance(value, exp.Expression) else value
    return type(node)(**made)
