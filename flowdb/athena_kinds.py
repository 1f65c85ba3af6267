"""Tells what kind of value an expression of an Athena query has, as far as that is told by the query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sqlglot import exp

from flowdb.athena_functions import functions

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

__all__ = ["DAYS", "Kinds", "kind_of_type"]

DAYS = ("DAY", "WEEK", "MONTH", "QUARTER", "YEAR")
"""The units of an interval that leaves a date a date."""
_TYPES = {
    "INT": "int",
    "INTEGER": "int",
    "BIGINT": "int",
    "SMALLINT": "int",
    "TINYINT": "int",
    "HUGEINT": "int",
    "DOUBLE": "double",
    "FLOAT": "double",
    "REAL": "double",
    "DECIMAL": "decimal",
    "VARCHAR": "text",
    "CHAR": "text",
    "TEXT": "text",
    "DATE": "date",
    "TIMESTAMP": "ts",
    "TIMESTAMPNTZ": "ts",
    "TIMESTAMPTZ": "zoned",
    "BOOLEAN": "boolean",
    "IPADDRESS": "ip",
    "IPPREFIX": "prefix",
    "ARRAY": "array",
    "MAP": "map",
}
_NODES: tuple[tuple[type[Expr], str], ...] = (
    (exp.CurrentDate, "date"),
    (exp.CurrentTimestamp, "zoned"),
    (exp.Localtimestamp, "ts"),
    (exp.AtTimeZone, "ts"),
    (exp.Interval, "interval"),
    (exp.Array, "array"),
    (exp.DPipe, "text"),
    (exp.Extract, "int"),
    (exp.StrPosition, "int"),
    (exp.Substring, "text"),
    (exp.Trim, "text"),
    (exp.GroupConcat, "text"),
    (exp.Boolean, "boolean"),
    (exp.Predicate, "boolean"),
    (exp.Connector, "boolean"),
    (exp.Not, "boolean"),
)
# Functions that are rewritten with a look at their arguments.
_SPECIAL = {
    "approx_distinct": "int",
    "array_join": "text",
    "cardinality": "int",
    "concat": "",
    "contains": "boolean",
    "all_match": "boolean",
    "any_match": "boolean",
    "none_match": "boolean",
    "date_add": "same of 3",
    "date_diff": "int",
    "date_trunc": "same of 2",
    "date_format": "text",
    "date_parse": "ts",
    "element_at": "",
    "format": "text",
    "format_datetime": "text",
    "from_unixtime": "zoned",
    "greatest": "same",
    "least": "same",
    "map": "map",
    "map_agg": "map",
    "max_by": "same",
    "min_by": "same",
    "parse_datetime": "zoned",
    "regexp_extract": "text",
    "regexp_replace": "text",
    "replace": "text",
    "reverse": "same",
    "sequence": "array",
    "substr": "text",
    "substring": "text",
    "to_iso8601": "text",
    "try": "same",
    "now": "zoned",
    "current_timestamp": "zoned",
    "localtimestamp": "ts",
}
_NUMBERS = ("int", "double", "decimal")


class Kinds:
    """The kinds of the expressions below a node, found before anything is rewritten.

    `columns` has those of the tables' columns. A name that the query gives to something else
    has the kind of that, if all that have the name agree.
    """

    def __init__(self, tree: Expr, columns: Mapping[str, str]) -> None:
        self._columns = columns
        self._aliases: dict[str, set[str]] = {}
        self._found: dict[int, str] = {}
        # Nodes that are replaced are kept, so that no other has their number.
        self._nodes = list(tree.walk(bfs=False))[::-1]
        # What one part of a query names is known in the others the second time.
        for _ in range(2):
            aliases: dict[str, set[str]] = {}
            for node in self._nodes:
                kind = self._found[id(node)] = self._of(node)
                if isinstance(node, exp.Alias):
                    aliases.setdefault(node.alias.lower(), set()).add(kind)
                elif isinstance(node, exp.TableAlias):
                    for name in node.columns:
                        aliases.setdefault(name.name.lower(), set()).add("")
            self._aliases = aliases

    @property
    def nodes(self) -> list[Expr]:
        """The nodes, each after all that are below it."""
        return self._nodes

    def of(self, node: Expr | None) -> str:
        """Return the kind of an expression, or nothing where it is not known."""
        return self._found.get(id(node), "")

    def of_result(self, tree: Expr) -> dict[str, str]:
        """Return the kinds of the columns that a query gives, by their names in lower case."""
        found: dict[str, set[str]] = {}
        for one in getattr(tree, "selects", []):
            if one.is_star:
                for name in self._columns:
                    found.setdefault(name, set()).add(self._columns[name])
            else:
                found.setdefault(one.alias_or_name.lower(), set()).add(self.of(one))
        return {name: next(iter(kinds)) if len(kinds) == 1 else "" for name, kinds in found.items()}

    def keep(self, old: Expr, new: Expr) -> None:
        """Note that an expression stands for another one."""
        self._found[id(new)] = self._found.get(id(old), "")
        self._nodes.append(new)

    def _of(self, node: Expr) -> str:
        if isinstance(node, exp.Literal):
            if node.is_string:
                return "text"
            return "int" if node.is_int else "double" if "e" in node.name.lower() else "decimal"
        if isinstance(node, exp.Column):
            return self._of_name(node.name.lower())
        if isinstance(node, exp.Cast):
            return kind_of_type(node.to.this.value if hasattr(node.to.this, "value") else str(node.to.this))
        if isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.Mod | exp.Div):
            return self._of_sum(self.of(node.left), self.of(node.right))
        if isinstance(node, exp.Anonymous):
            return self._of_call(node)
        if isinstance(node, exp.Paren | exp.Alias | exp.Neg | exp.Filter | exp.Window | exp.WithinGroup):
            return self.of(node.this)
        if isinstance(node, exp.IgnoreNulls | exp.RespectNulls | exp.Distinct | exp.Ordered | exp.Order):
            inside = node.expressions if isinstance(node, exp.Distinct) else [node.this]
            return self.of(inside[0]) if inside else ""
        if isinstance(node, exp.If):
            return self.of(node.args.get("true"))
        if isinstance(node, exp.Case):
            kinds = {self.of(one.args.get("true")) for one in node.args["ifs"]}
            return kinds.pop() if len(kinds) == 1 else ""
        if isinstance(node, exp.Subquery | exp.Select):
            return self.of(node.selects[0]) if len(node.selects) == 1 else ""
        return next((kind for known, kind in _NODES if isinstance(node, known)), "")

    def _of_name(self, name: str) -> str:
        kinds = set(self._aliases.get(name, ()))
        if name in self._columns:
            kinds.add(self._columns[name])
        return kinds.pop() if len(kinds) == 1 else ""

    def _of_call(self, node: exp.Anonymous) -> str:
        name = node.name.lower()
        known = functions().get(name)
        said = _SPECIAL.get(name) or (known.kind if known else "")
        if name == "from_unixtime" and len(node.expressions) == 2:
            return "ts"
        if not said.startswith("same"):
            return said
        place = int(said.rpartition(" ")[2]) - 1 if " " in said else 0
        arguments = node.expressions
        return self.of(arguments[place]) if len(arguments) > place else ""

    def _of_sum(self, left: str, right: str) -> str:
        if "interval" in (left, right):
            return left if right == "interval" else right
        if left not in _NUMBERS or right not in _NUMBERS:
            return ""
        return next(kind for kind in ("double", "decimal", "int") if kind in (left, right))


def kind_of_type(name: str) -> str:
    """Return the kind of the values of a type, or nothing."""
    if name.endswith("[]"):
        return "array"
    return _TYPES.get(name.partition("(")[0].upper(), "")
