"""Random queries over random tables: an engine with nearly Trino's dialect, and the translation, agree.

The engine is DataFusion. What it does otherwise than Trino is not drawn: the order of NULL is
always said, numbers are not cast to whole ones, and `||` alone joins texts. Lists and texts of
numbers are other there than in Trino: what Trino's documentation says of them is said again in
plain Python here.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from decimal import Decimal
from multiprocessing import get_context
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowdb.analyses import called_statements
from flowdb.athena import split, translate

datafusion = pytest.importorskip("datafusion")

KINDS = {"srcaddr": "text", "action": "text", "dstport": "int", "bytes": "int", "start": "int"}
TYPES = {"text": pa.string(), "int": pa.int64()}
Row = tuple[Any, ...]

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "srcaddr": st.sampled_from([None, "", "10.0.0.1", "10.0.0.10", "192.0.2.7", "2001:db8::1"]),
            "action": st.sampled_from([None, "ACCEPT", "REJECT"]),
            "dstport": st.one_of(st.none(), st.sampled_from([0, 22, 53, 443, 65535])),
            "bytes": st.one_of(st.none(), st.integers(-9, 9), st.sampled_from([1500, 5_000_000_000])),
            "start": st.integers(1_705_312_800, 1_705_312_900),
        }
    ),
    max_size=10,
)


def names(kind: str) -> list[str]:
    return [name for name, one in KINDS.items() if one == kind]


NUMBERS = st.recursive(
    st.one_of(st.sampled_from(names("int")), st.sampled_from(["0", "1", "2", "7", "-3", "443"])),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from("+-"), inner),
        # A divisor that is neither 0 nor what makes the smallest number too large.
        st.builds("({} {} {})".format, inner, st.sampled_from("/%"), st.sampled_from(["2", "7", "-3"])),
        st.builds("abs({})".format, inner),
        st.builds("coalesce({}, {})".format, inner, inner),
        st.builds("nullif({}, {})".format, inner, inner),
        st.builds("greatest({}, 5)".format, st.just("start")),
        st.builds("cast(length({}) AS bigint)".format, st.sampled_from(names("text"))),
        st.builds(
            "cast(strpos({}, '{}') AS bigint)".format,
            st.sampled_from(names("text")),
            st.sampled_from([".", "0", "E"]),
        ),
        st.builds("CASE WHEN {} > 2 THEN {} ELSE {} END".format, inner, inner, inner),
        st.builds("cast({} AS bigint)".format, inner),
    ),
    max_leaves=4,
)
TEXTS = st.recursive(
    st.one_of(st.sampled_from(names("text")), st.sampled_from(["''", "'10.0'", "'it''s'", "'é'"])),
    lambda inner: st.one_of(
        st.builds("({} || {})".format, inner, inner),
        st.builds("{}({})".format, st.sampled_from(["upper", "lower", "trim", "reverse"]), inner),
        st.builds("substr({}, {}, {})".format, inner, st.integers(1, 4), st.integers(0, 9)),
        st.builds("split_part({}, '.', {})".format, st.just("srcaddr || '.x'"), st.integers(1, 2)),
        st.builds("replace({}, '0', '{}')".format, inner, st.sampled_from(["", "ab"])),
        st.builds("lpad({}, {}, 'xy')".format, inner, st.integers(1, 12)),
        st.builds("coalesce({}, {})".format, inner, inner),
        st.builds("CASE action WHEN 'ACCEPT' THEN {} ELSE {} END".format, inner, inner),
        st.builds("cast({} AS varchar)".format, NUMBERS),
    ),
    max_leaves=4,
)
CONDITIONS = st.recursive(
    st.one_of(
        st.builds("{} {} {}".format, NUMBERS, st.sampled_from(["=", "<>", "<", ">=", "!="]), NUMBERS),
        st.builds("{} {} {}".format, TEXTS, st.sampled_from(["=", "<>", "<", ">="]), TEXTS),
        st.builds("{} IS {} NULL".format, st.sampled_from([*KINDS]), st.sampled_from(["", "NOT"])),
        st.builds("({} IS DISTINCT FROM {})".format, NUMBERS, NUMBERS),
        st.builds("dstport {} IN (22, 53, {})".format, st.sampled_from(["", "NOT"]), st.sampled_from("07")),
        st.builds("bytes BETWEEN {} AND {}".format, NUMBERS, NUMBERS),
        st.builds(
            "srcaddr {} LIKE '{}'".format, st.sampled_from(["", "NOT"]), st.sampled_from(["10.%", "%_1"])
        ),
        st.builds("starts_with(srcaddr, '{}')".format, st.sampled_from(["10.0", "2001:"])),
        st.builds("regexp_like(srcaddr, '{}')".format, st.sampled_from(["^10[.]", "1$", "[0-9]{3}"])),
    ),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["AND", "OR"]), inner),
        st.builds("NOT ({})".format, inner),
    ),
    max_leaves=3,
)
AGGREGATES = st.one_of(
    st.just("count(*)"),
    st.builds("{}({})".format, st.sampled_from(["count", "sum", "min", "max", "avg"]), NUMBERS),
    st.builds("{}({})".format, st.sampled_from(["count", "min", "max"]), TEXTS),
    st.builds("count(DISTINCT {})".format, st.one_of(NUMBERS, TEXTS)),
    st.builds("sum(bytes) FILTER (WHERE {})".format, CONDITIONS),
    st.builds("round(stddev_pop({}), 3)".format, st.sampled_from(["dstport", "start % 7"])),
    st.builds("bool_or({})".format, CONDITIONS),
)
KEYS = st.one_of(
    st.sampled_from([*KINDS]), st.builds("start / {}".format, st.sampled_from(["60", "3600"])), TEXTS
)
WINDOWS = st.builds(
    "{} OVER (PARTITION BY {} ORDER BY start, bytes NULLS FIRST, dstport NULLS LAST,"
    " srcaddr NULLS LAST, action NULLS LAST)".format,
    st.sampled_from(["row_number()", "rank()", "sum(bytes)", "lag(start)", "max(dstport)", "count(*)"]),
    st.sampled_from(["action", "dstport"]),
)


@st.composite
def queries(draw: st.DrawFn) -> str:
    """A query of the kinds that people keep for flow logs."""
    where = f" WHERE {draw(CONDITIONS)}" if draw(st.booleans()) else ""
    form = draw(st.sampled_from(["rows", "groups", "windows", "union", "join", "in", "with"]))
    if form == "groups":
        keys = draw(st.lists(KEYS, min_size=1, max_size=2))
        sums = draw(st.lists(AGGREGATES, min_size=1, max_size=3))
        having = f" HAVING {draw(AGGREGATES)} IS NOT NULL" if draw(st.booleans()) else ""
        cells = ", ".join(f"{one} AS c{place}" for place, one in enumerate([*keys, *sums]))
        places = ", ".join(str(place + 1) for place in range(len(keys)))
        return f"SELECT {cells} FROM logs{where} GROUP BY {places}{having}"
    if form == "windows":
        return f"SELECT start, {draw(WINDOWS)} AS w FROM logs{where}"
    if form == "join":
        kind = draw(st.sampled_from(["JOIN", "LEFT JOIN"]))
        return (
            f"SELECT a.start, b.bytes FROM logs AS a {kind} logs AS b"
            f" ON a.dstport = b.dstport AND a.start < b.start"
        )
    if form == "in":
        return f"SELECT start FROM logs WHERE start IN (SELECT max(start) AS most FROM logs{where})"
    if form == "union":
        word = draw(st.sampled_from(["UNION", "UNION ALL", "INTERSECT", "EXCEPT"]))
        return f"SELECT {draw(NUMBERS)} AS a FROM logs{where} {word} SELECT {draw(NUMBERS)} FROM logs"
    values = draw(st.lists(st.one_of(NUMBERS, TEXTS), min_size=1, max_size=3))
    cells = ", ".join(f"{one} AS c{place}" for place, one in enumerate(values))
    if form == "with":
        kept = f"SELECT {cells}, start FROM logs{where}"
        return f"WITH kept AS ({kept}) SELECT c0, count(*) AS n FROM kept GROUP BY c0"
    distinct = draw(st.sampled_from(["", "DISTINCT "]))
    return f"SELECT {distinct}{cells} FROM logs{where}"


def rows_of(table: pa.Table) -> Counter[Row]:
    """Return the rows in any order; numbers that are no whole ones are rounded."""
    return Counter(tuple(map(_plain, row.values())) for row in table.to_pylist())


def _plain(value: object) -> object:
    if isinstance(value, float):
        return "nan" if math.isnan(value) else float(f"{value:.9g}")
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value


def told_by_datafusion(table: pa.Table, query: str) -> Counter[Row]:
    context = datafusion.SessionContext()
    context.from_arrow(table, name="logs")
    return rows_of(pa.table(context.sql(query)))


@pytest.fixture(scope="module")
def apart() -> Iterator[Executor]:
    """A process for DataFusion alone: two engines in one, each with an allocator of its own, may crash."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield pool


def told_by_flowdb(table: pa.Table, query: str) -> Counter[Row]:
    (statement,) = split(query)
    with duckdb.connect() as connection:
        connection.register("logs", table)
        sql = translate(statement, KINDS, {}).sql
        for macro in called_statements(sql):
            connection.execute(macro)
        return rows_of(connection.sql(sql).to_arrow_table())


@settings(max_examples=80, derandomize=True, deadline=None)
@given(rows=ROWS, query=queries())
def test_a_translated_query_gives_the_rows_of_an_engine_that_needs_no_translation(
    apart: Executor, rows: list[dict[str, Any]], query: str
) -> None:
    schema = pa.schema([(name, TYPES[kind]) for name, kind in KINDS.items()])
    table = pa.Table.from_pylist(rows, schema=schema)
    assert told_by_flowdb(table, query) == apart.submit(told_by_datafusion, table, query).result()


# ---- what Trino says of lists, parts of texts and texts of numbers, in Python

Items = list[int | None]


def distinct(items: Items) -> Items:
    return list(dict.fromkeys(items))


def unless_null(found: bool, *lists: Items) -> bool | None:
    """Return whether something was found; what is NULL may have been it."""
    return True if found else None if any(None in one for one in lists) else False


def most(items: Items, of: Callable[[list[int]], int]) -> int | None:
    known = [one for one in items if one is not None]
    return of(known) if known and len(known) == len(items) else None


def overlap(a: Items, b: Items) -> bool | None:
    shared = {one for one in a if one is not None} & {one for one in b if one is not None}
    return unless_null(bool(shared), a, b) if a and b else False


def sequence(a: Items, b: Items, n: int) -> Items:
    return [*range(len(a), n - 1, -1)] if len(a) > n else [*range(len(a), n + 1)]


LISTS: dict[str, Callable[[Items, Items, int], Any]] = {
    "array_distinct(a)": lambda a, b, n: distinct(a),
    "array_union(a, b)": lambda a, b, n: distinct(a + b),
    "array_intersect(a, b)": lambda a, b, n: distinct([one for one in a if one in b]),
    "array_except(a, b)": lambda a, b, n: distinct([one for one in a if one not in b]),
    "array_remove(a, n)": lambda a, b, n: [one for one in a if one != n],
    "array_position(a, n)": lambda a, b, n: a.index(n) + 1 if n in a else 0,
    "array_max(a)": lambda a, b, n: most(a, max),
    "array_min(a)": lambda a, b, n: most(a, min),
    "arrays_overlap(a, b)": lambda a, b, n: overlap(a, b),
    "contains(a, n)": lambda a, b, n: unless_null(n in a, a),
    "any_match(a, x -> x > n)": lambda a, b, n: unless_null(any(one is not None and one > n for one in a), a),
    "none_match(a, x -> x = n)": lambda a, b, n: False if n in a else None if None in a else True,
    "all_match(a, x -> x <= n)": lambda a, b, n: (
        False if any(one is not None and one > n for one in a) else None if None in a else True
    ),
    "sequence(cardinality(a), n)": sequence,
}
ITEMS = st.lists(st.one_of(st.none(), st.integers(0, 3)), max_size=4)


@settings(max_examples=40, derandomize=True, deadline=None)
@given(a=ITEMS, b=ITEMS, n=st.integers(0, 3))
def test_functions_of_lists_do_with_null_what_trino_says(a: Items, b: Items, n: int) -> None:
    kind = pa.list_(pa.int64())
    table = pa.table({"a": pa.array([a], kind), "b": pa.array([b], kind), "n": pa.array([n], pa.int64())})
    row = row_of(table, LISTS, {"a": "array", "b": "array", "n": "int"})
    assert row == [said(a, b, n) for said in LISTS.values()]


def part(text: str, first: int, length: int) -> str:
    start = first - 1 if first > 0 else len(text) + first
    return text[start : start + length] if first and length > 0 and start >= 0 else ""


@settings(max_examples=40, derandomize=True, deadline=None)
@given(text=st.text("aé漢", max_size=4), first=st.integers(-6, 6), length=st.integers(-1, 6))
def test_parts_of_texts_are_those_that_trino_cuts(text: str, first: int, length: int) -> None:
    table = pa.table({"t": [text], "i": [first], "n": [length]})
    row = row_of(table, ["substr(t, i, n)", "substr(t, i)"], {"t": "text", "i": "int", "n": "int"})
    assert row == [part(text, first, length), part(text, first, 99)]


def in_java(number: float) -> str:
    """Return a number as Java writes it; Python finds the same shortest digits."""
    if math.isinf(number) or math.isnan(number):
        return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}[str(number)]
    if number == 0 or 1e-3 <= abs(number) < 1e7:
        return repr(number)
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    rest = "".join(map(str, digits[1:])) or "0"
    return f"{'-' * sign}{digits[0]}.{rest}E{int(exponent) + len(digits) - 1}"


@settings(max_examples=60, derandomize=True, deadline=None)
@given(number=st.one_of(st.floats(allow_subnormal=False), st.floats(-1e9, 1e9)))
def test_numbers_are_texts_as_java_writes_them(number: float) -> None:
    assert row_of(pa.table({"x": [number]}), ["CAST(x AS varchar)"], {"x": "double"}) == [in_java(number)]


def row_of(table: pa.Table, expressions: Iterable[str], kinds: dict[str, str]) -> list[Any]:
    """Return the values of Athena's expressions over a table of one row."""
    (statement,) = split(f"SELECT {', '.join(expressions)} FROM logs")
    with duckdb.connect() as connection:
        connection.register("logs", table)
        sql = translate(statement, kinds, {}).sql
        for macro in called_statements(sql):
            connection.execute(macro)
        return list(connection.execute(sql).fetchall()[0])
