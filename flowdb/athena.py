"""Translates queries of Athena, Trino and Presto to DuckDB's SQL: text in, text out.

The parser is sqlglot's for Trino, but it is told no function's name: each is looked up in
`flowdb.athena_functions` or rewritten in `flowdb.athena_rules`, and one that is in neither is
an error that says where it stands.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.trino import Trino
from sqlglot.errors import ErrorLevel, ParseError, TokenError
from sqlglot.tokens import Token, TokenType  # type: ignore[attr-defined]

from flowdb.athena_nodes import Untranslatable, offset_of
from flowdb.athena_rules import Rules, names_columns
from flowdb.errors import DialectError

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

__all__ = ["Statement", "Translation", "split", "translate"]

# What it has to say is in the errors; it would write to standard error by itself.
logging.getLogger("sqlglot").setLevel(logging.CRITICAL)
# Functions with a syntax of their own.
_PARSED = ("CAST", "TRY_CAST", "EXTRACT", "TRIM", "POSITION", "SUBSTRING", "LISTAGG")
# What is skipped when a text is searched for what no person sees, and that.
_UNSEEN = re.compile(
    r"""'[^']*'|"[^"]*"|`[^`]*`|--[^\n]*|/\*.*?\*/|[\u200b\u200c\u200d\u2060\ufeff\u180e]""", re.DOTALL
)
_DEEPEST = 8000


class _Trino(Trino):
    """Trino's grammar without its functions; a name may be in backquotes too, as in Athena's DDL."""

    class Tokenizer(Trino.Tokenizer):
        """Names are in double quotes or backquotes."""

        IDENTIFIERS: ClassVar[Any] = ['"', "`"]
        # What begins with one of these would be one token.
        COMMANDS: ClassVar[Any] = set()

    class Parser(Trino.Parser):  # type: ignore[misc, valid-type]
        """Every function is one that is not known."""

        FUNCTIONS: ClassVar[Any] = {}
        FUNCTION_PARSERS: ClassVar[Any] = {
            name: parse for name, parse in Trino.Parser.FUNCTION_PARSERS.items() if name in _PARSED
        }


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a text: its tokens, the whole text, and where in it the statement begins and ends."""

    tokens: tuple[Token, ...]
    whole: str
    start: int
    end: int

    @property
    def text(self) -> str:
        """The statement without what is before and after it."""
        return self.whole[self.start : self.end]

    def error(self, what: str, offset: int, translation: str = "") -> DialectError:
        """Return the error for what is wrong at an offset of the whole text."""
        return DialectError("athena", self.whole, offset, what, translation)


@dataclass(frozen=True, slots=True)
class Translation:
    """A query in DuckDB's SQL, and the kinds of the columns of its result, by their names in lower case."""

    sql: str
    kinds: Mapping[str, str]


def split(text: str) -> list[Statement]:
    """Return the statements of a text, without comments and empty ones."""
    text = _UNSEEN.sub(lambda match: match[0] if len(match[0]) > 1 else " ", text)
    try:
        tokens = _Trino().tokenize(text)
    except TokenError as error:
        raise DialectError("athena", text, _open_quote(text), _unended(text)) from error
    found: list[Statement] = []
    mine: list[Token] = []
    for token in [*tokens, None]:
        if token is not None and token.token_type != TokenType.SEMICOLON:
            mine.append(token)
        elif mine:
            found.append(Statement(tuple(mine), text, mine[0].start, mine[-1].end + 1))
            mine = []
    return found


def translate(
    statement: Statement,
    columns: Mapping[str, str],
    table: Mapping[tuple[str, str], tuple[str, str]],
) -> Translation:
    """Return a query as DuckDB's SQL, or raise `DialectError`.

    `columns` has the kinds of the columns that tables have, as `Rules` names them. `table`
    gives the schema and the name of a view for the database and the name of a table; the
    database is empty where the query gives none.
    """
    limit = sys.getrecursionlimit()
    # A query may be nested deeper than the parser's own calls could be.
    sys.setrecursionlimit(max(limit, _DEEPEST))
    try:
        return _translated(statement, columns, table)
    except (ParseError, TokenError) as error:
        raise _refused(statement, error) from error
    except RecursionError:
        raise statement.error("this is nested too deeply", statement.start) from None
    finally:
        sys.setrecursionlimit(limit)


def _translated(
    statement: Statement,
    columns: Mapping[str, str],
    table: Mapping[tuple[str, str], tuple[str, str]],
) -> Translation:
    parsed = _Trino().parse(statement.text)
    if len(parsed) != 1 or not isinstance(parsed[0], exp.Query | exp.Values):
        raise statement.error("this statement is not a query", statement.start)
    tree: Expr = parsed[0]
    names_columns(tree)
    rules = Rules(tree, columns)
    wrong = [*_clauses(tree)]
    wrong += rules.apply()
    _name_tables(tree, table)
    sql = tree.sql(
        dialect="duckdb",
        identify=True,
        normalize_functions=False,
        unsupported_level=ErrorLevel.IGNORE,
        pretty=True,
    )
    if wrong:
        first = min(wrong, key=lambda one: one.offset if one.offset is not None else len(statement.text))
        offset = first.offset if first.offset is not None else 0
        raise statement.error(str(first), statement.start + offset, sql)
    return Translation(sql, rules.kinds)


def _clauses(tree: Expr) -> Iterator[Untranslatable]:
    """Find clauses that DuckDB has nothing for."""
    names: dict[type[Expr], str] = {
        exp.MatchRecognize: "MATCH_RECOGNIZE",
        exp.Version: "FOR TIMESTAMP AS OF and FOR VERSION AS OF",
        exp.Command: "this statement",
        exp.Pivot: "PIVOT",
    }
    for kind, name in names.items():
        for node in tree.find_all(kind):
            place = node.parent if isinstance(node, exp.Version) and node.parent else node
            yield Untranslatable(f"{name} cannot be translated", offset_of(place))
    for fetch in tree.find_all(exp.Fetch):
        options = fetch.args.get("limit_options")
        if options is not None and (options.args.get("with_ties") or options.args.get("percent")):
            yield Untranslatable("WITH TIES cannot be translated", offset_of(fetch))


def _name_tables(tree: Expr, table: Mapping[tuple[str, str], tuple[str, str]]) -> None:
    """Put the names of views in place of those of tables; a name that the query itself defines stays."""
    for word in tree.find_all(exp.Identifier):
        # DuckDB knows upper and lower case of ASCII alone.
        if not word.name.isascii():
            word.set("this", word.name.lower())
    own = {one.alias.lower() for one in tree.find_all(exp.CTE)}
    for one in tree.find_all(exp.Table):
        if not isinstance(one.this, exp.Identifier):
            continue
        name, database = one.name.lower(), one.db.lower()
        if not database and name in own:
            continue
        view = table.get((database, name))
        if view is None:
            continue
        schema, view_name = view
        one.set("catalog", None)
        one.set("db", exp.to_identifier(schema, quoted=True) if schema else None)
        one.set("this", exp.to_identifier(view_name, quoted=True))
        if database and not one.alias:
            # `database.table.column` is left with a table to belong to.
            for column in tree.find_all(exp.Column):
                if column.table.lower() == name and column.args.get("db") is not None:
                    column.set("db", None)
                    column.set("catalog", None)


def _refused(statement: Statement, error: ParseError | TokenError) -> DialectError:
    """Return the error for what the parser refused, at the token that it did not expect."""
    errors = getattr(error, "errors", None)
    if not errors:
        return statement.error(_unended(statement.whole), statement.start)
    first = errors[0]
    lines = statement.text.split("\n")
    offset = sum(len(line) + 1 for line in lines[: first["line"] - 1]) + first["col"]
    offset -= len(first["highlight"] or " ")
    said = str(first["description"])
    word = first["highlight"]
    if said.startswith("Required keyword"):
        what = f"something is missing at {word!r}"
    elif said.startswith("Expecting"):
        what = f"expected {said.removeprefix('Expecting').strip()} at {word!r}"
    else:
        what = f"{word!r} was not expected here"
    return statement.error(what, statement.start + max(offset, 0))


def _open_quote(text: str) -> int:
    """Return where the quote or comment begins that nothing ends."""
    place, size = 0, len(text)
    ends = {"'": "'", '"': '"', "`": "`", "/*": "*/", "--": "\n"}
    while place < size:
        opened = next((one for one in ends if text.startswith(one, place)), None)
        if opened is None:
            place += 1
            continue
        end = text.find(ends[opened], place + len(opened))
        if end < 0:
            return place if opened != "--" else 0
        place = end + len(ends[opened])
    return 0


def _unended(text: str) -> str:
    place = _open_quote(text)
    opened = text[place : place + 2] if text[place : place + 2] == "/*" else text[place : place + 1]
    return f"nothing ends what begins with {opened}"
