"""What DuckDB refuses of a translated query, or cannot finish, is told at its place in the query."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

import flowdb
from flowdb import FlowDB
from flowdb.errors import DialectError, QueryError
from tests.conftest import HEADER, Run, record, write_log

DIVIDES_BY_ZERO = pytest.mark.skipif(duckdb.__version__ < "2", reason="gives NULL for a division by zero")


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlowDB]:
    """A store of three records."""
    folder = tmp_path_factory.mktemp("errors")
    write_log(folder / "a.log", [HEADER, *(record(n, action="REJECT") for n in range(3))])
    with flowdb.open(folder / "store") as opened:
        opened.ingest(folder / "a.log")
        yield opened


def failed(db: FlowDB, query: str) -> DialectError:
    """Return the error of asking a query and fetching what it gives."""
    try:
        db.sql(query, dialect="athena").fetchall()
    except (DialectError, duckdb.Error) as error:
        told = db.placed(error)
        assert isinstance(told, DialectError)
        return told
    raise AssertionError(query)


# A query with a mark before what is at fault, and what is said.
REFUSED = [
    ("SELECT 1, ^foo FROM vpc_flow_logs", 'column "foo" not found'),
    (
        "SELECT 1,\n '漢字' AS a, foo AS b, action\nFROM vpc_flow_logs WHERE ^bar = 2",
        'column "bar" not found',
    ),
    ("SELECT '漢字', ^foo FROM vpc_flow_logs", 'column "foo" not found'),
    ("SELECT ^l.foo FROM vpc_flow_logs AS l", 'column named "foo"'),
    ("SELECT srcaddr, ^dstaddr, count(*) FROM vpc_flow_logs GROUP BY srcaddr", "GROUP BY"),
    ("SELECT lower(action), ^upper(bytes) FROM vpc_flow_logs", "upper(BIGINT)"),
    ("SELECT bytes - 1, action ^+ 1 FROM vpc_flow_logs", "+(VARCHAR"),
    ("SELECT day_of_week(^action) FROM vpc_flow_logs", "isodow(VARCHAR)"),
    ("SELECT ^split_part(bytes, '.', 1) FROM vpc_flow_logs", "string_split(BIGINT"),
    ("SELECT 1 FROM vpc_flow_logs WHERE ^count(*) > 1", "aggregates"),
    ("SELECT sum(^sum(bytes)) FROM vpc_flow_logs", "nested"),
    ("SELECT 1 FROM vpc_flow_logs ORDER BY ^7", "ORDER"),
    ("SELECT 1 ^UNION SELECT 1, 2", "Set operations"),
    ("SELECT count(*) OVER (ORDER BY ^nope) FROM vpc_flow_logs", "nope"),
    (
        "SELECT a.action FROM vpc_flow_logs AS a JOIN vpc_flow_logs AS b ON true WHERE ^bytes = 1",
        "bytes",
    ),
    ("SELECT 1 FROM ^mydb.nothing_here", "nothing_here"),
    ("SELECT 1; SELECT * FROM (SELECT action FROM vpc_flow_logs) WHERE ^srcaddr = 'x'", "srcaddr"),
]
FAILING = [
    ("SELECT bytes,\n  ^CAST(action AS integer) FROM vpc_flow_logs", "Could not convert string"),
    ("SELECT ^CAST('2.7' AS integer)", "2.7"),
    ("SELECT CAST(action AS ^ipaddress) FROM vpc_flow_logs", "no IP address"),
    ("SELECT from_unixtime(^action) FROM vpc_flow_logs", "Could not convert string"),
    ("SELECT date_parse(action, ^'%Y') FROM vpc_flow_logs", "Could not parse string"),
    ("SELECT bytes FROM vpc_flow_logs WHERE date > ^'x'", "invalid date"),
    ("SELECT json_extract(^'{', '$.a'), json_extract('{}', '$.b')", "Malformed JSON"),
    ("SELECT ^regexp_like(action, '(') FROM vpc_flow_logs", "missing )"),
    ("SELECT ^(SELECT bytes FROM vpc_flow_logs) FROM (SELECT 1)", "More than one row"),
    ("SELECT bytes + 1, bytes ^* 9223372036854775807 FROM vpc_flow_logs", "Overflow in multiplication"),
    (
        "SELECT contains(^'10.0.0.0/99', CAST(srcaddr AS ipaddress)) FROM vpc_flow_logs",
        "no range of addresses",
    ),
]
DIVIDING = [
    "SELECT srcaddr,\n  sum(bytes) ^/ (count(*) - count(*)) FROM vpc_flow_logs GROUP BY 1",
    "SELECT bytes / packets, bytes ^% (packets - packets) FROM vpc_flow_logs",
    "SELECT bytes / 2, ^mod(bytes, dstport - dstport) FROM vpc_flow_logs",
]


def check(db: FlowDB, marked: str, what: str) -> None:
    query = marked.replace("^", "")
    error = failed(db, query)
    before = marked.partition("^")[0]
    assert (error.line, error.column) == (before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1)
    assert what in error.reason
    assert error.translation.startswith("SELECT")


@pytest.mark.parametrize(("query", "what"), REFUSED, ids=[query for query, _ in REFUSED])
def test_what_cannot_be_bound_is_told_at_its_place(query: str, what: str, db: FlowDB) -> None:
    check(db, query, what)


@pytest.mark.parametrize(("query", "what"), FAILING, ids=[query for query, _ in FAILING])
def test_what_fails_while_it_runs_is_told_at_its_place(query: str, what: str, db: FlowDB) -> None:
    check(db, query, what)


@DIVIDES_BY_ZERO
@pytest.mark.parametrize("query", DIVIDING)
def test_a_division_by_zero_is_told_at_its_place(query: str, db: FlowDB) -> None:
    check(db, query, "Division by zero")
    assert failed(db, query.replace("^", "")).reason.endswith(")")


def test_a_place_that_is_in_a_macro_is_taken_for_none_of_the_query(db: FlowDB) -> None:
    error = failed(db, f"SELECT {'action, ' * 40}slice(bytes, 1, 2), slice(packets, 1, 2) FROM vpc_flow_logs")
    assert (error.line, error.column) == (1, 1)


def test_errors_of_other_queries_have_no_place(db: FlowDB) -> None:
    db.sql("SELECT 1", dialect="athena")
    relation = db.sql("SELECT error('no') FROM flows")
    with pytest.raises(duckdb.Error) as raised:
        relation.fetchall()
    assert db.placed(raised.value) is raised.value
    with pytest.raises(QueryError) as refused:
        db.sql("SELECT nope")
    assert db.placed(refused.value) is refused.value


@pytest.mark.parametrize("form", ["table", "csv"])
def test_the_command_line_shows_where_a_query_failed(form: str, db: FlowDB, run: Run) -> None:
    query = "SELECT 1;\nSELECT CAST(action AS integer)\nFROM vpc_flow_logs"
    done = run("sql", "--dialect", "athena", "--store", str(db.path), "-o", form, query)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert lines[0].startswith("flowdb: error: athena, line 2, column 8: Conversion Error: Could not convert")
    assert lines[1:3] == ["SELECT CAST(action AS integer)", "       ^"]
    assert lines[-1] == 'FROM "vpc_flow_logs"'
