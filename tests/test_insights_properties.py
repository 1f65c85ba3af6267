"""Random queries of Logs Insights over random logs, against plain Python that shares nothing with flowdb.

A query is a small tree here. `written` writes it in the language, `Answer` computes it over the
lines of the log. The last sort of every query leaves no two rows in an order of their own choice.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import math
import re
import tempfile
import urllib.parse
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cmp_to_key
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import flowdb
from flowdb.errors import DialectError
from flowdb.insights_functions import AGGREGATES, FUNCTIONS
from tests.conftest import HEADER, record, write_log

START = 1_705_312_800
NAMES = (
    *("version", "accountId", "interfaceId", "srcAddr", "dstAddr", "srcPort", "dstPort", "protocol"),
    *("packets", "bytes", "start", "end", "action", "logStatus"),
)
TEXTS = {"accountId", "interfaceId", "srcAddr", "dstAddr", "action", "logStatus"}
Row = dict[str, Any]
Tree = tuple[Any, ...]

# --- what is drawn ---------------------------------------------------------------------------------------

ADDRESSES = ["10.0.0.1", "10.0.0.10", "10.0.0.9", "10.1.2.3", "192.0.2.200", "2001:db8::1", "2001:db8::10"]


@st.composite
def logs(draw: st.DrawFn) -> list[str]:
    """Return records of the default format, each at a second of its own."""
    seconds = draw(st.lists(st.integers(0, 9000), min_size=1, max_size=12, unique=True))
    lines = []
    for second in seconds:
        begin = START + second
        account = draw(st.sampled_from(["123456789012", "012345678901", "unknown"]))
        interface = draw(st.sampled_from(["eni-1", "eni-2", "eni-10", "eni-0a"]))
        times = f"{begin} {begin + draw(st.integers(0, 700))}"
        if draw(st.integers(0, 5)) == 0:
            lines.append(
                f"2 {account} {interface} - - - - - - - {times} - "
                + draw(st.sampled_from(["NODATA", "SKIPDATA"]))
            )
            continue
        ends = " ".join(draw(st.sampled_from(ADDRESSES)) for _ in range(2))
        ports = " ".join(str(draw(st.sampled_from([0, 22, 53, 443, 3389, 40000]))) for _ in range(2))
        protocol = draw(st.sampled_from([1, 6, 17]))
        packets = draw(st.integers(1, 9))
        size = draw(st.sampled_from(["-", str(packets * 40), str(packets * 1500), "5000000000000"]))
        action = draw(st.sampled_from(["ACCEPT", "REJECT"]))
        lines.append(
            f"2 {account} {interface} {ends} {ports} {protocol} {packets} {size} {times} {action} OK"
        )
    return lines


NUMBERS = st.one_of(
    st.tuples(st.just("field"), st.sampled_from(sorted({*NAMES} - TEXTS))),
    st.tuples(st.just("number"), st.sampled_from([0, 1, 2, 6, 22, 40, 443, 6000, START + 300, 2.5])),
)
WORDS = st.one_of(
    st.tuples(st.just("field"), st.sampled_from(sorted(TEXTS))),
    st.tuples(
        st.just("text"),
        st.sampled_from(["", "-x", "10.0.0.1", "8.8.8.8", "ACCEPT", "eni-", "eni-1", "it's", 'a"b\\c', "é "]),
    ),
)


def _more_numbers(numbers: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    measured = st.tuples(st.sampled_from(["strlen", "messageSize", "ipv4ToNumber"]), WORDS)
    small = st.one_of(numbers, measured)
    return st.one_of(
        st.tuples(st.sampled_from(["+", "-", "*", "/", "%"]), small, small),
        st.tuples(st.sampled_from(["abs", "floor", "ceil"]), numbers),
        st.tuples(st.sampled_from(["greatest", "least"]), numbers, numbers),
        st.tuples(st.just("coalesce"), numbers, numbers),
    )


def _more_words(words: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    return st.one_of(
        st.tuples(st.sampled_from(["toupper", "tolower", "trim", "md5", "base64encode", "urlencode"]), words),
        st.tuples(st.sampled_from(["concat", "coalesce"]), words, words),
        st.tuples(st.just("substr"), words, st.integers(0, 4), st.integers(0, 9)),
        st.tuples(st.just("replace"), words, st.just(("text", "0")), st.just(("text", "zz"))),
    )


NUMBER = st.recursive(NUMBERS, _more_numbers, max_leaves=3)
WORD = st.recursive(WORDS, _more_words, max_leaves=3)
SIGNS = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
TEST = st.one_of(
    st.tuples(st.just("compare"), SIGNS, NUMBER, NUMBER),
    st.tuples(st.just("compare"), SIGNS, WORD, WORD),
    # Numbers beside texts that look like them, and texts that do not.
    st.tuples(
        st.just("compare"),
        SIGNS,
        NUMBERS,
        st.tuples(st.just("text"), st.sampled_from(["22", "443.0", "x", "6e3"])),
    ),
    st.tuples(st.just("compare"), st.sampled_from(["=", "!="]), st.just(("field", "accountId")), NUMBERS),
    st.tuples(st.just("in"), st.sampled_from(["in", "not in"]), NUMBER, st.lists(NUMBERS, max_size=3)),
    st.tuples(st.just("in"), st.sampled_from(["in", "not in"]), WORD, st.lists(WORDS, max_size=3)),
    st.tuples(
        st.just("like"),
        st.sampled_from(["like", "not like", "=~"]),
        WORD,
        st.sampled_from(["0", "ACC", "eni-1"]),
    ),
    st.tuples(
        st.just("regex"),
        st.sampled_from(["like", "not like", "=~"]),
        WORD,
        st.sampled_from([r"^\d+\.", "(?i)accept$", "1|2", "a/b", "[0-9]{2,}"]),
    ),
    st.tuples(st.sampled_from(["ispresent", "isempty", "isblank"]), st.one_of(NUMBERS, WORD)),
    st.tuples(st.just("strcontains"), WORD, st.sampled_from(["accept", "ENI", "1"]), st.booleans()),
    st.tuples(st.just("isPublicIP"), WORDS),
    st.tuples(
        st.just("subnet"),
        WORDS,
        st.sampled_from(["10.0.0.0/24", "10.0.0.8/30", "0.0.0.0/0", "2001:db8::/124", "::/0"]),
    ),
)


def _more_tests(tests: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    return st.one_of(
        st.tuples(st.sampled_from(["and", "or"]), tests, tests), st.tuples(st.just("not"), tests)
    )


CONDITION = st.recursive(TEST, _more_tests, max_leaves=4)
AGGREGATE = st.one_of(
    st.just(("count",)),
    st.tuples(st.sampled_from(["count_of", "count_distinct"]), st.one_of(NUMBERS, WORD)),
    st.tuples(st.sampled_from(["sum", "avg", "min", "max", "median"]), NUMBER),
    st.tuples(st.sampled_from(["min", "max", "sortsFirst", "sortsLast", "earliest", "latest"]), WORD),
    st.tuples(st.sampled_from(["earliest", "latest"]), NUMBERS),
)
GROUP = st.one_of(
    WORDS.filter(lambda tree: tree[0] == "field"), NUMBERS.filter(lambda tree: tree[0] == "field")
)


@st.composite
def queries(draw: st.DrawFn) -> list[Tree]:
    """Return commands; names that they give are a0, a1 and so on."""
    commands: list[Tree] = []
    if draw(st.booleans()):
        commands.append(("filter", draw(CONDITION)))
    value: st.SearchStrategy[Any] = st.one_of(NUMBER, WORD, CONDITION)
    fields = [(draw(value), f"a{n}") for n in range(draw(st.integers(0, 2)))]
    if fields:
        commands.append(("fields", fields))
    if draw(st.booleans()):
        commands.append(("parse", "interfaceId", "eni-*", "host"))
        commands.append(
            (
                "filter",
                ("compare", draw(SIGNS), ("field", "host"), ("number", draw(st.sampled_from([1, 2, 5])))),
            )
        )
    if draw(st.integers(0, 2)) == 0:
        commands.append(
            ("json", draw(st.sampled_from(sorted(TEXTS))), draw(st.sampled_from(["dstPort", "start"])))
        )
        there = draw(st.sampled_from([("item", "j.n"), ("item", "j.w[0]"), ("item", "j.of.`a.b`[1].none")]))
        commands.append(("filter", ("compare", draw(SIGNS), there, draw(st.one_of(NUMBERS, WORDS)))))
    if draw(st.booleans()):
        groups: list[tuple[Tree, str]] = [(draw(GROUP), f"g{n}") for n in range(draw(st.integers(0, 2)))]
        made = [(draw(AGGREGATE), f"s{n}") for n in range(draw(st.integers(1, 2)))]
        commands.append(("stats", made, groups))
        if draw(st.booleans()):
            times = (draw(st.sampled_from([5, 60])), draw(st.sampled_from([None, 1, 30, 61])))
            commands[-1] = ("stats", made, groups := [*groups, (("bin", *times), f"g{len(groups)}")])
        is_done_again = draw(st.booleans())
        if groups and is_done_again:
            again = [
                (
                    draw(
                        st.sampled_from(
                            [("count",), ("max", ("field", "s0")), ("count_distinct", ("field", "g0"))]
                        )
                    ),
                    "t0",
                )
            ]
            outer = [(("field", "g0"), "h0")] if len(groups) > 1 else []
            commands.append(("stats", again, outer))
            names, keys = ["h0", "t0"] if outer else ["t0"], [name for _, name in outer]
        else:
            names = [name for _, name in (*groups, *made)]
            keys = [name for _, name in groups]
    else:
        names, keys = [name for _, name in fields] + ["srcAddr", "interfaceId", "bytes"], ["start"]
    order = [(name, draw(st.sampled_from(["asc", "desc"]))) for name in draw(st.permutations(names))[:2]]
    order += [(name, draw(st.sampled_from(["asc", "desc"]))) for name in keys if name not in dict(order)]
    commands.append(("sort", order))
    if keys == ["start"] and draw(st.booleans()):
        commands.append(("dedup", [draw(st.sampled_from([*TEXTS, "protocol", "dstPort"]))]))
    if draw(st.booleans()):
        commands.append(("limit", draw(st.integers(0, 6))))
    if keys == ["start"]:
        names.append("start")
    commands.append(("display", names))
    return commands


# --- the query in the language ---------------------------------------------------------------------------


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def expression(tree: Tree) -> str:
    """Return an expression in the language, in parentheses wherever it can have them."""
    match tree:
        case ("field" | "item", name):
            return str(name)
        case ("bin", minutes, _):
            return "bin(1h)" if minutes == 60 else f"bin({minutes}m)"
        case ("strcontains", value, text, is_any):
            return f"strcontains({expression(value)}, {quoted(text)}, {str(is_any).lower()})"
        case ("number", value):
            return str(value)
        case ("text", value):
            return quoted(value)
        case ("compare", sign, left, right):
            return f"{expression(left)} {sign} {expression(right)}"
        case ("in", word, value, options):
            return f"{expression(value)} {word} [{', '.join(map(expression, options))}]"
        case ("like", word, value, text):
            return f"{expression(value)} {word} {quoted(text)}"
        case ("regex", word, value, pattern):
            return f"{expression(value)} {word} /{pattern.replace('/', chr(92) + '/')}/"
        case ("subnet", value, network):
            return f"isIpInSubnet({expression(value)}, {quoted(network)})"
        case ("not", one):
            return f"(not ({expression(one)}))"
        case ("and" | "or" as word, left, right):
            return f"(({expression(left)}) {word} ({expression(right)}))"
        case ("+" | "-" | "*" | "/" | "%" as sign, left, right):
            return f"({expression(left)} {sign} {expression(right)})"
        case ("substr", value, start, length):
            return f"substr({expression(value)}, {start}, {length})"
        case ("count",):
            return "count(*)"
        case ("count_of", value):
            return f"count({expression(value)})"
        case (name, *arguments):
            return f"{name}({', '.join(map(expression, arguments))})"
    raise AssertionError(tree)


def written(commands: list[Tree]) -> str:
    """Return a query in the language."""

    def items(pairs: list[tuple[Tree, str]]) -> str:
        return ", ".join(f"{expression(tree)} as {name}" for tree, name in pairs)

    lines = []
    for command in commands:
        match command:
            case ("filter", condition):
                lines.append(f"filter {expression(condition)}")
            case ("fields", pairs):
                lines.append(f"fields {items(pairs)}")
            case ("parse", field, glob, name):
                lines.append(f"parse {field} {quoted(glob)} as {name}")
            case ("json", text, number):
                made = f"""concat('{{"w": ["', {text}, '"], "n":', {number}, ', "of": {{"a.b": [0]}}}}')"""
                lines.append(f"fields jsonParse({made}) as j")
            case ("stats", made, groups):
                lines.append(f"stats {items(made)}" + (f" by {items(groups)}" if groups else ""))
                if groups and groups[-1][0][0] == "bin" and groups[-1][0][2] is not None:
                    lines[-1] += f" offset {groups[-1][0][2]}m"
            case ("sort", order):
                lines.append("sort " + ", ".join(f"{name} {direction}" for name, direction in order))
            case (word, list() as names):
                lines.append(f"{word} {', '.join(names)}")
            case (word, number):
                lines.append(f"{word} {number}")
    return "\n| ".join(lines)


# --- the answer ------------------------------------------------------------------------------------------


def read(line: str) -> Row:
    """Return a record: its texts and numbers, None for what the log has not."""
    row = {}
    for name, token in zip(NAMES, line.split(" "), strict=True):
        row[name] = None if token == "-" else token if name in TEXTS else int(token)
    return row


def as_number(value: Any) -> int | float | None:
    if isinstance(value, str):
        return float(value) if re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", value) else None
    return value  # type: ignore[no-any-return]


def as_text(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(int(value))
    return None if value is None else str(value)


def holds(sign: str, left: Any, right: Any) -> bool | None:
    """Return a comparison; of a text with a number, by number if the text is one."""
    if left is None or right is None:
        return None
    if isinstance(left, str) != isinstance(right, str):
        if as_number(left) is None or as_number(right) is None:
            left, right = as_text(left), as_text(right)
        else:
            left, right = as_number(left), as_number(right)
    tests: dict[str, Callable[[Any, Any], bool]] = {
        "=": lambda a, b: a == b,
        "!=": lambda a, b: a != b,
        "<": lambda a, b: a < b,
        "<=": lambda a, b: a <= b,
        ">": lambda a, b: a > b,
        ">=": lambda a, b: a >= b,
    }
    return tests[sign](left, right)


def joined(word: str, left: bool | None, right: bool | None) -> bool | None:
    """Return what `and` or `or` makes of conditions that may be unknown."""
    decisive = word == "or"
    if left is decisive or right is decisive:
        return decisive
    return None if left is None or right is None else not decisive


def value_of(tree: Tree, row: Row) -> Any:
    """Return what an expression is for a row; unknown conditions are None."""
    match tree:
        case ("field", name):
            return row[name]
        case ("item", path):
            return None if row["j"] is None else row["j"].get({"j.n": "n", "j.w[0]": "w"}.get(path))
        case ("bin", minutes, offset):
            seconds, later = 60 * minutes, 60 * (offset or 0)
            return datetime.fromtimestamp((row["start"] - later) // seconds * seconds + later, UTC).replace(
                tzinfo=None
            )
        case ("strcontains", one, part, is_any):
            whole = as_text(value_of(one, row)) or ""
            return part.lower() in whole.lower() if is_any else part in whole
        case ("isPublicIP", one):
            try:
                address = ipaddress.ip_address(value_of(one, row) or "")
            except ValueError:
                return False
            return address.is_global
        case ("number" | "text", value):
            return value
        case ("compare", sign, left, right):
            return holds(sign, value_of(left, row), value_of(right, row))
        case ("in", word, value, options):
            found: bool | None = False
            for option in options:
                found = joined("or", found, holds("=", value_of(value, row), value_of(option, row)))
            return found if word == "in" or found is None else not found
        case ("like" | "regex" as kind, word, value, pattern):
            text = as_text(value_of(value, row))
            if text is None:
                return None
            is_there = re.search(pattern, text) is not None if kind == "regex" else pattern in text
            return is_there != (word == "not like")
        case ("subnet", value, network):
            try:
                return ipaddress.ip_address(value_of(value, row)) in ipaddress.ip_network(network)
            except ValueError:
                return False
        case ("not", one):
            return not value_of(one, row)
        case ("and" | "or" as word, left, right):
            return joined(word, value_of(left, row), value_of(right, row))
        case ("ispresent", one):
            return value_of(one, row) is not None
        case ("isempty", one):
            return value_of(one, row) in (None, "")
        case ("isblank", one):
            return (as_text(value_of(one, row)) or "").strip() == ""
        case ("coalesce", left, right):
            found = value_of(left, row)
            return value_of(right, row) if found is None else found
        case ("concat", left, right):
            return (as_text(value_of(left, row)) or "") + (as_text(value_of(right, row)) or "")
        case ("substr", one, start, length):
            text = value_of(one, row)
            return None if text is None else text[start : start + length]
        case ("greatest" | "least" as name, left, right):
            numbers = [one for one in (value_of(left, row), value_of(right, row)) if one is not None]
            return (max if name == "greatest" else min)(numbers, default=None)
        case (name, *arguments):
            values = [value_of(one, row) for one in arguments]
            return None if None in values else COMPUTED[name](*values)
    raise AssertionError(tree)


COMPUTED: dict[str, Callable[..., Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b if b else None,
    "%": lambda a, b: (
        (math.fmod(a, b) if float in (type(a), type(b)) else int(math.fmod(a, b))) if b else None
    ),
    "abs": abs,
    "floor": math.floor,
    "ceil": math.ceil,
    "strlen": len,
    "messageSize": lambda text: len(text.encode()),
    "ipv4ToNumber": lambda text: int(ipaddress.IPv4Address(text)) if text.count(".") == 3 else None,
    "md5": lambda text: hashlib.md5(text.encode()).hexdigest(),
    "base64encode": lambda text: base64.b64encode(text.encode()).decode(),
    "urlencode": lambda text: urllib.parse.quote(text, safe=""),
    "toupper": str.upper,
    "tolower": str.lower,
    "trim": lambda text: text.strip(" \t\r\n\f\v"),
    "replace": str.replace,
}


def natural(value: str) -> tuple[Any, ...]:
    """Return a key by which texts sort: numbers last and by size, others chunk by chunk."""
    if as_number(value) is not None:
        return (1, as_number(value), value)
    chunks = re.findall(r"[0-9]+|[^0-9]+", value)
    return (0, [(f"0{len(chunk):09}{chunk}" if chunk[0] in "0123456789" else chunk) for chunk in chunks])


def ranked(left: Any, right: Any) -> int:
    """Compare two values that are there."""
    if isinstance(left, str):
        left, right = natural(left), natural(right)
    return int(left > right) - int(left < right)


def aggregated(tree: Tree, rows: list[Row]) -> Any:
    if tree == ("count",):
        return len(rows)
    name, argument = tree
    if name in ("earliest", "latest"):
        rows = sorted(rows, key=lambda row: row["start"], reverse=name == "latest")
    values = [value for row in rows if (value := value_of(argument, row)) is not None]
    match name:
        case "count_of":
            return len(values)
        case "count_distinct":
            return len(set(values))
        case "earliest" | "latest":
            return values[0] if values else None
    if not values:
        return None
    ordered = sorted(values, key=cmp_to_key(ranked))
    match name:
        case "min" | "sortsFirst":
            return ordered[0]
        case "max" | "sortsLast":
            return ordered[-1]
        case "sum":
            return sum(values)
        case "avg":
            return sum(values) / len(values)
    middle = len(ordered) // 2
    return float(ordered[middle]) if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def sort(rows: list[Row], order: list[tuple[str, str]]) -> list[Row]:
    """Return rows in an order; what is missing is last, whatever the direction."""
    for name, direction in reversed(order):
        there = [row for row in rows if row[name] is not None]
        missing = [row for row in rows if row[name] is None]
        key = cmp_to_key(ranked)
        there.sort(key=lambda row: key(row[name]), reverse=direction == "desc")
        rows = there + missing
    return rows


def answer(commands: list[Tree], lines: list[str]) -> list[tuple[Any, ...]]:
    """Return what a query answers over a log."""
    rows = [read(line) for line in lines]
    for command in commands:
        match command:
            case ("filter", condition):
                rows = [row for row in rows if value_of(condition, row)]
            case ("fields", pairs):
                rows = [
                    row | {name: shown(value_of(tree, row), tree) for tree, name in pairs} for row in rows
                ]
            case ("json", text, number):
                for row in rows:
                    is_whole = row[number] is not None
                    row["j"] = {"w": row[text] or "", "n": str(row[number])} if is_whole else None
            case ("parse", field, glob, name):
                pattern = re.compile(re.escape(glob).replace(r"\*", "(.*)") + "$")
                for row in rows:
                    found = pattern.search(row[field] or "")
                    row[name] = found[1] if found else None
            case ("stats", made, groups):
                by: dict[tuple[Any, ...], list[Row]] = {} if groups else {(): rows}
                for row in rows if groups else ():
                    by.setdefault(tuple(value_of(tree, row) for tree, _ in groups), []).append(row)
                rows = [
                    {name: value for (_, name), value in zip(groups, key, strict=True)}
                    | {name: aggregated(tree, found) for tree, name in made}
                    for key, found in by.items()
                ]
            case ("sort", order):
                rows = sort(rows, order)
            case ("dedup", [name]):
                first: dict[Any, int] = {}
                for n, row in enumerate(rows):
                    first.setdefault(row[name], n)
                rows = [row for n, row in enumerate(rows) if row[name] is None or first[row[name]] == n]
            case ("limit", number):
                rows = rows[:number]
            case ("display", names):
                return [tuple(row[name] for name in names) for row in rows]
    raise AssertionError("a query ends with what it displays")


CONDITIONS = {
    "compare",
    "in",
    "like",
    "regex",
    "subnet",
    "not",
    "and",
    "or",
    "ispresent",
    "isempty",
    "isblank",
    "strcontains",
    "isPublicIP",
}


def shown(value: Any, tree: Tree) -> Any:
    """Return a value as a column has it: conditions are 1 or 0, and unknown ones 0."""
    return int(bool(value)) if tree[0] in CONDITIONS else value


def alike(one: Any, other: Any) -> bool:
    if not isinstance(one, int | float) or not isinstance(other, int | float):
        return bool(one == other)
    return math.isclose(one, other, rel_tol=1e-12, abs_tol=1e-9)


# Some queries with all their logs are more than an example may be, and are drawn again.
@settings(
    max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.filter_too_much]
)
@given(logs(), st.lists(queries(), min_size=4, max_size=4))
def test_a_query_answers_what_plain_python_computes(lines: list[str], asked: list[list[Tree]]) -> None:
    with tempfile.TemporaryDirectory() as folder, flowdb.open(Path(folder, "flows")) as db:
        db.ingest(write_log(Path(folder, "a.log"), [HEADER, *lines]))
        for commands in asked:
            found = db.sql(written(commands), dialect="insights").fetchall()
            expected = answer(commands, lines)
            assert len(found) == len(expected), written(commands)
            for row, wanted in zip(found, expected, strict=True):
                assert all(map(alike, row, wanted)), (written(commands), found, expected)


# --- what nobody would ask -------------------------------------------------------------------------------

ATOMS = (
    *("bytes", "srcAddr", "@timestamp", "@message", "nonsense", "start", "accountId", "x1", "true", "now()"),
    *("5", "-1", "0", "2.5", "1e18", "99999999999999999999", "bin(5m)", "ispresent(bytes)"),
    *('"x"', '""', '"7"', '"-"', '"10.0.0.1"', '"2024-01-15T10:00:00Z"', '"a{0}b"', "'%s'"),
)


def odd(random: Random, depth: int = 0, is_grouped: bool = False) -> str:
    """Return an expression of any functions of anything."""

    def more() -> str:
        return odd(random, depth + 1, is_grouped)

    kind = random.randrange(20)
    if is_grouped and kind < 10:
        name = random.choice(list(AGGREGATES))
        return f"{name}({odd(random, depth + 1)}{', 50' if name == 'pct' else ''})"
    if depth > 2 or kind < 6:
        return "count(*)" if is_grouped else random.choice(ATOMS)
    if kind < 12:
        name, function = random.choice(list(FUNCTIONS.items()))
        arguments = [more() for _ in range(random.randint(function.least, min(function.most, 4)))]
        if name in ("datefloor", "dateceil"):
            arguments[1] = random.choice(["5m", "2w", "1mo", "10ms", "1y"])
        elif "subnet" in name:
            arguments[1] = random.choice(['"10.0.0.0/8"', '"::/0"'])
        return f"{name}({', '.join(arguments)})"
    if kind < 15:
        return f"({more()} {random.choice('+-*/%^')} {more()})"
    if kind < 17:
        return f"({more()} {random.choice(['=', '!=', '<', '<=', '>', '>='])} {more()})"
    if kind < 18:
        return f"({more()} not in [{more()}, {more()}])"
    return f"(- {more()})" if kind < 19 else f"({more()} like /a|1/)"


def odd_command(random: Random) -> str:
    """Return a command about any expressions."""
    one, other = odd(random), odd(random)
    aggregates = f"{odd(random, 0, True)} as x1, {odd(random, 0, True)}"
    return random.choice(
        [
            f"filter ispresent({one}) or bytes > 0",
            f"filter {one} = {other} and true",
            f"fields {one} as x1, {other}",
            f"display {one}, {other} as z",
            f"sort {one} desc, {other}",
            f"stats {aggregates}",
            f"stats {aggregates} by {one}, {other} as x2",
            random.choice(
                ["dedup srcAddr, bytes", "dedup x1", "limit 3", "tail 2", 'parse bytes "*0*" as x1, x2']
            ),
        ]
    )


def test_whatever_is_asked_has_an_answer_or_is_refused_with_a_place(tmp_path: Path) -> None:
    random = Random(5)
    places = []
    with flowdb.open(tmp_path / "flows") as db:
        db.ingest(
            write_log(
                tmp_path / "a.log", [record(n, start=START + n, srcaddr=a) for n, a in enumerate(ADDRESSES)]
            )
        )
        for _ in range(120):
            query = " | ".join(odd_command(random) for _ in range(random.randint(1, 3)))
            try:
                db.sql(query, dialect="insights").fetchall()
            except DialectError as error:
                places.append(query[error.column - 1 :])
    assert 10 < len(places) < 80
    assert all(places)
