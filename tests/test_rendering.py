"""Analyses as queries of other engines: they say the same, in words that the engine has."""

from __future__ import annotations

import decimal
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import pytest
import sqlglot
from sqlglot import exp
from sqlglot.dialects.spark import Spark
from sqlglot.dialects.trino import Trino

from flowdb import FlowDB
from flowdb.errors import UsageError
from flowdb.rendering import render, renderings
from tests.cases import NAMES, given, given_log, store_of_logs

ENGINES = Path(__file__).parent / "engines"
# Those that an engine lists, and one of Spark's whose first argument makes it syntax.
SPARK = frozenset((ENGINES / "spark_functions.txt").read_text("utf-8").split()) | {"timestampdiff"}
TRINO = frozenset((ENGINES / "trino_functions.txt").read_text("utf-8").split())
# Where questions differ in what is written, not in a value alone.
MORE = [
    ("top_talkers", {"by": "conversation", "dedup": True, "others": True, "top": 3}),
    ("top_talkers", {"by": "ip_family", "since": "2024-01-15", "until": "2024-01-16T10:00"}),
    ("traffic_of", {"addr": "::/0", "by": "addr,port", "dedup": False, "top": None}),
    ("connection_check", {"source": "0.0.0.0/0", "target": "10.0.0.0/13", "port": 443, "protocol": 6}),
    ("in_list", {"cidrs": []}),
    ("first_seen", {"by": "port", "days": 1, "since": "2024-01-15T12:00"}),
    ("compare_periods", {"by": "pair", "metric": "packets", "since": "2024-01-15", "until": "2024-01-16"}),
    ("late_records", {"by": "interface_id", "threshold": "0 seconds"}),
    ("outside_hours", {"from_hour": 20, "to_hour": 4, "weekdays": [], "utc_offset": "-05:30"}),
    ("port_scan", {"ports": 2, "targets": 2, "share": 0.1, "bucket": "1 month"}),
    ("rejects_over_time", {"bucket": "2 months"}),
    ("traffic_over_time", {"bucket": "7 hours", "addr": "10.0.0.0/8"}),
    ("port_exhaustion", {"os": "windows-xp", "os_limit": 1, "nat_limit": 1, "threshold": 0.1}),
    ("nat_traffic", {"region": "eu-west-1"}),
    ("cross_az", {"per_gb": 0.5}),
]


@cache
def written_out(name: str) -> dict[str, str]:
    """The default question of an analysis, for every engine."""
    return renderings(name, given(name), dialects=("duckdb", "athena", "trino", "spark"))


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlowDB]:
    """The given logs of all analyses in one store."""
    folder = tmp_path_factory.mktemp("rendered")
    logs = [Path(shutil.copy(given_log(name), folder / f"{name}.log")) for name in NAMES]
    with store_of_logs(folder, *logs) as opened:
        yield opened


def answered(result: duckdb.DuckDBPyRelation) -> tuple[list[str], list[list[object]]]:
    """The columns of a result and its rows, with numbers that are the same in whatever type."""
    rows = [
        [int(one) if isinstance(one, decimal.Decimal) else one for one in row] for row in result.fetchall()
    ]
    return result.columns, rows


def asked(db: FlowDB, name: str, values: dict[str, Any]) -> duckdb.DuckDBPyRelation:
    """The answer of the analysis itself."""
    result: duckdb.DuckDBPyRelation = getattr(db, name)(**values)
    return result


@pytest.mark.parametrize("name", NAMES)
def test_an_analysis_written_out_has_the_rows_of_its_macro(db: FlowDB, name: str) -> None:
    expected = answered(asked(db, name, given(name)))
    assert answered(db.sql(written_out(name)["duckdb"])) == expected
    assert answered(db.sql(written_out(name)["trino"], dialect="trino")) == expected


@pytest.mark.parametrize(
    ("name", "values"), MORE, ids=[f"{name} {number}" for number, (name, _) in enumerate(MORE)]
)
def test_so_it_has_with_other_parameters(db: FlowDB, name: str, values: dict[str, Any]) -> None:
    text = render(name, values, dialect="trino")
    assert answered(db.sql(text, dialect="trino")) == answered(asked(db, name, values))


class BareTrino(Trino):
    """Trino's grammar, to which every function is unknown, so that each stays what it is called."""

    class Parser(Trino.Parser):  # type: ignore[misc, valid-type]
        """No functions but those with a syntax of their own."""

        FUNCTIONS: ClassVar[Any] = {}
        FUNCTION_PARSERS: ClassVar[Any] = {
            name: parse
            for name, parse in Trino.Parser.FUNCTION_PARSERS.items()
            if name in ("CAST", "TRY_CAST")
        }


class BareSpark(Spark):
    """Spark's grammar, likewise."""

    class Parser(Spark.Parser):  # type: ignore[misc, valid-type]
        """No functions but those with a syntax of their own."""

        FUNCTIONS: ClassVar[Any] = {}
        FUNCTION_PARSERS: ClassVar[Any] = {
            name: parse
            for name, parse in Spark.Parser.FUNCTION_PARSERS.items()
            if name in ("CAST", "TRY_CAST")
        }


def test_every_analysis_parses_and_calls_functions_that_the_engine_has() -> None:
    unknown: dict[tuple[str, str], set[str]] = {}
    for name in NAMES:
        written = written_out(name)
        assert written["athena"] == written["trino"]
        for engine, grammar, known in (("trino", BareTrino, TRINO), ("spark", BareSpark, SPARK)):
            tree = sqlglot.parse_one(written[engine], dialect=grammar)
            assert isinstance(tree, exp.Query)
            called = {one.name.lower() for one in tree.find_all(exp.Anonymous)}
            unknown[name, engine] = called - known
    assert {one: names for one, names in unknown.items() if names} == {}


def test_a_query_is_as_a_person_would_write_it() -> None:
    values = {"since": "2024-01-15", "interface_id": "eni-0a", "top": 5}
    assert (
        render("rejected_sources", values, dialect="athena", table="vpc.flows")
        == """\
SELECT
  srcaddr,
  CAST(sum(CAST(flows AS DECIMAL(38, 0))) AS BIGINT) AS attempts,
  CAST(least(sum(CAST(packets AS DECIMAL(38, 0))), 9223372036854775807) AS BIGINT) AS packets,
  CAST(least(sum(CAST(bytes AS DECIMAL(38, 0))), 9223372036854775807) AS BIGINT) AS bytes,
  count(DISTINCT dstport) AS ports,
  count(DISTINCT dstaddr) AS targets,
  min(first_start) AS first_seen,
  max(last_start) AS last_seen
FROM (
  SELECT
    *,
    1 AS flows,
    start_time AS first_start,
    start_time AS last_start
  FROM vpc.flows AS records
  WHERE
    CASE
      WHEN records.log_status = 'OK'
      THEN TRUE
      ELSE coalesce(
        NOT upper(records.log_status) IN ('NODATA', 'SKIPDATA'),
        NOT records.bytes IS NULL OR NOT records.srcaddr IS NULL
      )
    END
    AND (
      records.date >= DATE '2024-01-15'
      AND (
        records.start_time >= TIMESTAMP '2024-01-15 00:00:00'
        OR records.start_time IS NULL
      )
    )
    AND records.interface_id = 'eni-0a'
) AS summed_traffic
WHERE
  upper(action) = 'REJECT' AND NOT srcaddr IS NULL
GROUP BY
  srcaddr
ORDER BY
  attempts DESC,
  srcaddr
LIMIT 5"""
    )


def test_spark_is_told_where_null_comes_and_has_its_own_functions() -> None:
    text = render("port_probes", {"ports": [22], "threshold": 1, "top": 5}, dialect="spark")
    assert "array_sort(collect_set(dstport)) AS ports" in text
    assert text.endswith("ORDER BY\n  attempts DESC,\n  srcaddr NULLS LAST\nLIMIT 5")


def test_a_table_of_the_name_of_a_part_of_the_query_is_still_the_one_asked(db: FlowDB) -> None:
    expected = answered(db.traffic_of("10.0.0.0/8"))
    text = render("traffic_of", {"addr": "10.0.0.0/8"}, dialect="duckdb", table="sums")
    assert "FROM sums AS flows" in text
    assert answered(db.sql(text.replace("FROM sums AS flows", "FROM flows AS flows"))) == expected


def test_a_store_renders_too(db: FlowDB) -> None:
    assert db.render("top_talkers", by="pair", table="vpc.flows") == render(
        "top_talkers", {"by": "pair"}, table="vpc.flows"
    )


def test_what_the_analysis_refuses_the_renderer_refuses(db: FlowDB) -> None:
    questions: list[tuple[str, dict[str, Any]]] = [
        ("top_talkers", {"by": "colour"}),
        ("top_talkers", {"top": -1}),
        ("nat_traffic", {"region": "mars-1"}),
        ("traffic_of", {}),
        ("in_list", {"cidrs": ["10.0.0.0/33"]}),
        ("rejects", {"since": "2024-01-16", "until": "2024-01-15"}),
        ("rejects", {"colour": 1}),
    ]
    for name, values in questions:
        with pytest.raises(UsageError) as expected:
            asked(db, name, values)
        with pytest.raises(type(expected.value)) as found:
            render(name, values)
        assert str(found.value) == str(expected.value)


def test_no_dialect_and_no_table_that_is_none() -> None:
    with pytest.raises(UsageError, match="expected one of: athena, trino, spark"):
        render("rejects", dialect="oracle")
    with pytest.raises(UsageError, match=r"expected a name such as flows or vpc\.flows"):
        render("rejects", table="flows; DROP TABLE flows")
