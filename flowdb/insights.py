"""Reads queries in the language of CloudWatch Logs Insights: text in, a tree of commands out.

The grammar is `insights.lark`, the tree's nodes are those of `insights_tree`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowdb.errors import DialectError
from flowdb.insights_tree import (
    Access,
    Call,
    Command,
    Compare,
    Constant,
    Dedup,
    Expression,
    Fields,
    Filter,
    Item,
    Key,
    Limit,
    Logic,
    Match,
    Member,
    Name,
    Operation,
    Parse,
    Period,
    Sort,
    Star,
    Stats,
)

if TYPE_CHECKING:
    from lark import Lark, Token
    from lark.tree import Meta

__all__ = ["parse", "trouble"]

_GRAMMAR = Path(__file__).with_name("insights.lark")
# Commands of the language that have no meaning here, or none that flowdb gives them yet.
_OTHERS = frozenset(
    (
        *(
            "accum",
            "addtotals",
            "anomaly",
            "appendcols",
            "autoregress",
            "cidrlookup",
            "countfrequent",
            "diff",
        ),
        *(
            "estimate",
            "eval",
            "expand",
            "filldown",
            "fillmissing",
            "filterindex",
            "join",
            "logcompare",
            "lookup",
        ),
        *("outlier", "pattern", "relevantfields", "sessionize", "source", "unmask", "unnest"),
    )
)
_KNOWN = "dedup, display, fields, filter, limit, parse, sort, stats and where"
_ESCAPE = re.compile(r"\\([\\\"'nrt])")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}
_DEEPEST = 100


def trouble(query: str, at: int, reason: str) -> DialectError:
    """Return the error that says what is wrong at a place in a query."""
    return DialectError("insights", query, at, reason)


def parse(query: str) -> tuple[Command, ...]:
    """Return the commands of a query; raise `DialectError` where it cannot be read."""
    from lark.exceptions import UnexpectedInput

    if not query.strip():
        raise trouble(query, 0, "the query is empty")
    reading = _parser().parse_interactive(query)
    seen: list[Token] = []
    depth = 0
    try:
        for token in reading.iter_parse():
            seen.append(token)
            depth += {"_OPEN": 1, "_CLOSE": -1}.get(token.type, 0)
            if depth > _DEEPEST:
                raise trouble(query, token.start_pos or 0, "parentheses are nested too deeply")
        tree = reading.feed_eof(seen[-1] if seen else None)  # type: ignore[no-untyped-call]
    except UnexpectedInput as error:
        at = error.pos_in_stream
        if at is None or getattr(getattr(error, "token", None), "type", "") == "$END":
            at = len(query.rstrip())
        accepted = reading.accepts()  # type: ignore[no-untyped-call]
        raise _unexpected(query, seen, at, accepted) from None
    return _Builder(query).built(tree)


def _unexpected(query: str, seen: list[Token], at: int, accepted: Iterable[str]) -> DialectError:
    """Return the error for a query that cannot be read on at a place, with what could have stood there."""
    bars = [n for n, token in enumerate(seen) if token.type == "_BAR"]
    first = bars[-1] + 1 if bars else 0
    word = seen[first] if first < len(seen) else None
    is_called = first + 1 < len(seen) and seen[first + 1].type == "_OPEN"
    if word is not None and word.type == "NAME" and not is_called:
        return _no_command(query, word.start_pos or 0, word)
    found = re.compile(r"[\w@.$]+|.|\Z", re.DOTALL).match(query, at)
    assert found is not None
    if found[0] in ("'", '"', "`"):
        return trouble(query, at, f"nothing closes this {found[0]}")
    what = f"unexpected {found[0]}" if found[0].strip() else "the query ends too early"
    return trouble(query, at, f"{what}; expected {_expected(set(accepted))}")


def _no_command(query: str, at: int, word: str) -> DialectError:
    if word.lower() in _OTHERS:
        return trouble(query, at, f"flowdb cannot run the command {word}")
    return trouble(query, at, f"there is no command {word}; expected one of {_KNOWN}")


def _expected(accepted: set[str]) -> str:
    """Return in words what the grammar takes at a place."""
    words = {"_AS": "as", "_BY": "by", "_CLOSE": ")", "_CLOSE_LIST": "]", "_COMMA": "a comma"}
    if len(accepted) == 1:
        words |= {"PERIOD": "a length of time, such as 5m", "_OPEN_LIST": "a list, such as [22, 3389]"}
    if "_FIELDS" in accepted:
        return f"a command, one of {_KNOWN}"
    if "REGEX" in accepted and "NAME" not in accepted:
        return 'a text, such as "10.0", or a regular expression, such as /^10/'
    if accepted == {"NAME", "QUOTED_NAME"}:
        return "a name"
    if "NAME" in accepted:
        return "a field, a value or a function"
    if accepted <= {"NUMBER", "_ANY"}:
        return "a number"
    found = [said for kind, said in words.items() if kind in accepted]
    if "_BAR" in accepted:
        found.append("| before the next command")
    return " or ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found) or "something else"


@cache
def _parser() -> Lark:
    from lark import Lark

    return Lark(
        _GRAMMAR.read_text(encoding="utf-8"), parser="lalr", propagate_positions=True, maybe_placeholders=True
    )


class _Builder:
    """Makes the nodes of a query, each by the method that has the name of its rule."""

    def __init__(self, query: str) -> None:
        self._query = query

    def built(self, tree: Any) -> tuple[Command, ...]:
        """Return the commands; not by recursion, since a person's list may be of thousands."""
        waiting, order = [tree], []
        while waiting:
            one = waiting.pop()
            order.append(one)
            waiting += getattr(one, "children", ())
        made: list[Any] = []
        for one in reversed(order):
            if not hasattr(one, "children"):
                made.append(one)
                continue
            first = len(made) - len(one.children)
            parts = made[first:]
            del made[first:]
            made.append(getattr(self, f"_{one.data}")(one.meta, parts))
        commands: tuple[Command, ...] = made[0]
        return commands

    def _start(self, _: Meta, parts: list[Any]) -> tuple[Command, ...]:
        return tuple(parts)

    def _fields(self, meta: Meta, parts: list[Any], is_display: bool = False) -> Fields:
        return Fields(meta.start_pos, parts[0], is_display)

    def _display(self, meta: Meta, parts: list[Any]) -> Fields:
        return self._fields(meta, parts, is_display=True)

    def _filter(self, meta: Meta, parts: list[Any]) -> Filter:
        return Filter(meta.start_pos, parts[0])

    def _stats(self, meta: Meta, parts: list[Any]) -> Stats:
        items, groups, offset = parts
        return Stats(meta.start_pos, items, groups or (), offset and self._period(offset))

    def _bare_stats(self, meta: Meta, parts: list[Any]) -> Stats:
        leading = parts[0][0].value
        if isinstance(leading, Name):
            raise _no_command(self._query, leading.at, leading.name)
        return self._stats(meta, parts)

    def _sort(self, meta: Meta, parts: list[Any]) -> Sort:
        return Sort(meta.start_pos, tuple(parts))

    def _limit(self, _: Meta, parts: list[Any], is_tail: bool = False) -> Limit:
        token = parts[-1]
        if not token.isdecimal():
            raise trouble(self._query, token.start_pos, f"{token} rows; expected a whole number")
        return Limit(token.start_pos, int(token), is_tail)

    def _tail(self, meta: Meta, parts: list[Any]) -> Limit:
        return self._limit(meta, parts, is_tail=True)

    def _dedup(self, meta: Meta, parts: list[Any]) -> Dedup:
        return Dedup(meta.start_pos, tuple(parts))

    def _parse_text(self, meta: Meta, parts: list[Any]) -> Parse:
        value, token, *names = parts
        given = tuple(name for name in names if name is not None)
        pattern = _unquoted(token)
        is_regex = not given and "(?<" in pattern
        if not is_regex and pattern.count("*") != len(given):
            stars = f"{pattern.count('*')} * in the pattern"
            raise trouble(self._query, token.start_pos, f"{stars}, and {len(given)} names after as")
        return Parse(meta.start_pos, value, pattern, is_regex, given, token.start_pos)

    def _parse_regex(self, meta: Meta, parts: list[Any]) -> Parse:
        value, token = parts
        return Parse(meta.start_pos, value, _pattern(token), True, (), token.start_pos)

    def _items(self, _: Meta, parts: list[Any]) -> tuple[Item, ...]:
        return tuple(parts)

    def _item(self, meta: Meta, parts: list[Any]) -> Item:
        (value, text), label = parts
        return Item(meta.start_pos, value, label or text, label is not None)

    def _value(self, meta: Meta, parts: list[Any]) -> tuple[Expression, str]:
        if isinstance(parts[0], Name):
            return parts[0], parts[0].name
        return parts[0], " ".join(self._query[meta.start_pos : meta.end_pos].split())

    def _key(self, meta: Meta, parts: list[Any]) -> Key:
        value, direction = parts
        return Key(meta.start_pos, value, direction is not None and direction.type == "DESC")

    def _any_of(self, meta: Meta, parts: list[Any]) -> Expression:
        return self._joined(meta, "or", parts)

    def _all_of(self, meta: Meta, parts: list[Any]) -> Expression:
        return self._joined(meta, "and", parts)

    def _joined(self, meta: Meta, operator: str, parts: list[Any]) -> Expression:
        if len(parts) == 1:
            only: Expression = parts[0]
            return only
        return Logic(meta.start_pos, operator, tuple(parts))

    def _none_of(self, meta: Meta, parts: list[Any]) -> Logic:
        return Logic(meta.start_pos, "not", tuple(parts))

    def _compare(self, meta: Meta, parts: list[Any]) -> Compare:
        left, operator, right = parts
        return Compare(meta.start_pos, str(operator), left, right)

    def _match(self, meta: Meta, parts: list[Any]) -> Match:
        value, *negation, token = parts
        is_regex = token.type == "REGEX"
        pattern = _pattern(token) if is_regex else _unquoted(token)
        is_negated = any(one is not None for one in negation)
        return Match(meta.start_pos, value, pattern, is_regex, is_negated, token.start_pos)

    def _member(self, meta: Meta, parts: list[Any]) -> Member:
        value, negation, *options = parts
        chosen = tuple(one for one in options if one is not None)
        return Member(meta.start_pos, value, chosen, negation is not None)

    def _chain(self, _: Meta, parts: list[Any]) -> Expression:
        result: Expression = parts[0]
        for operator, operand in zip(parts[1::2], parts[2::2], strict=True):
            result = Operation(operator.start_pos, str(operator), (result, operand))
        return result

    def _negative(self, meta: Meta, parts: list[Any]) -> Expression:
        operand = parts[1]
        if isinstance(operand, Constant) and not isinstance(operand.value, str):
            return Constant(meta.start_pos, -operand.value)
        return Operation(meta.start_pos, "-", (operand,))

    def _power(self, meta: Meta, parts: list[Any]) -> Expression:
        base, exponent = parts
        if exponent is None:
            only: Expression = base
            return only
        return Operation(meta.start_pos, "^", (base, exponent))

    def _name(self, meta: Meta, parts: list[Any]) -> Name:
        return Name(meta.start_pos, parts[0].strip("`"))

    def _access(self, meta: Meta, parts: list[Any]) -> Access:
        name, *steps = parts
        path: list[str | int] = []
        for token in steps:
            if token.type != "NUMBER":
                text = token[1:]
                path += [text[1:-1]] if text.startswith("`") else text.split(".")
            elif token.isdecimal():
                path.append(int(token))
            else:
                raise trouble(self._query, token.start_pos, f"{token} is no place; expected a whole number")
        return Access(meta.start_pos, name, tuple(path))

    def _label(self, _: Meta, parts: list[Any]) -> str:
        return str(parts[0].strip("`"))

    def _text(self, meta: Meta, parts: list[Any]) -> Constant:
        return Constant(meta.start_pos, _unquoted(parts[0]))

    def _number(self, meta: Meta, parts: list[Any]) -> Constant:
        token = parts[0]
        return Constant(meta.start_pos, int(token) if token.isdecimal() else float(token))

    def _length(self, _: Meta, parts: list[Any]) -> Period:
        return self._period(parts[0])

    def _period(self, token: Token) -> Period:
        digits = re.match(r"\d+", token)
        assert digits is not None
        return Period(token.start_pos or 0, int(digits[0]), token[digits.end() :].strip().lower())

    def _call(self, meta: Meta, parts: list[Any]) -> Call:
        token, *arguments = parts
        given = (
            Star(one.start_pos) if hasattr(one, "start_pos") else one for one in arguments if one is not None
        )
        return Call(meta.start_pos, token.lower(), tuple(given), str(token))


def _unquoted(token: str) -> str:
    """Return the text that a quoted one stands for; a backslash that escapes nothing is one."""
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), token[1:-1])


def _pattern(token: str) -> str:
    return token[1:-1].replace("\\/", "/")
