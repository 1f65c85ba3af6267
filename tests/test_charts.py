"""What charts are drawn of: every analysis has one, its marks are its numbers, no text of a log is code."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
import vl_convert

from flowdb import chart_marks, charts
from flowdb.chart_marks import Rows
from flowdb.errors import UsageError
from tests.cases import NAMES, GivenStores, given
from tests.report_logs import SCRIPT


def values(spec: dict[str, Any]) -> list[dict[str, Any]]:
    (found,) = spec["datasets"].values()
    return list(found)


@pytest.mark.parametrize("name", NAMES)
def test_every_analysis_has_a_chart_that_can_be_drawn(name: str, stores: GivenStores) -> None:
    result = getattr(stores[name], name)(**given(name))
    spec = charts.chart(result, name).to_dict()
    assert len(values(spec)) > 0
    drawn = vl_convert.vegalite_to_svg({**spec, "width": 400}, vl_version="6.1")
    assert drawn.count('<path aria-label="') + drawn.count("<path d=") > len(values(spec)) / 2


def test_a_bar_is_as_long_as_the_number_of_its_row(stores: GivenStores) -> None:
    result = stores["top_talkers"].top_talkers()
    spec = charts.chart(result, "top_talkers").to_dict()
    rows = [(row[0], row[result.columns.index("bytes")]) for row in result.fetchall()]
    rows = [(source, size) for source, size in rows if size is not None]
    largest = max(size for _, size in rows)
    divisor = next(step for step in (2**30, 2**20, 2**10, 1) if largest >= step)
    assert [(one["key"], one["value"] * divisor) for one in values(spec)] == rows


def test_refused_sources_are_drawn_by_their_attempts_also_where_bytes_have_the_same_order() -> None:
    columns, types = ("srcaddr", "attempts", "bytes"), ("VARCHAR", "BIGINT", "BIGINT")
    rows = Rows(columns, types, [("10.0.0.1", 7, 900), ("10.0.0.2", 5, 40)])
    drawn = charts.draw(rows, "rejected_sources")
    assert drawn is not None
    assert [one["value"] for one in values(drawn.to_dict())] == [7, 5]


def test_accepted_and_refused_stand_on_each_other() -> None:
    rows = Rows(("moment", "accepted", "refused"), ("TIMESTAMP", "BIGINT", "BIGINT"), [])
    moments = [datetime(2024, 1, 15, hour) for hour in range(3)]
    rows = Rows(rows.names, rows.types, [(moments[0], 3, 1), (moments[1], 0, 0), (moments[2], 2, 5)])
    spec = chart_marks.timeline(rows, ("accepted", "refused")).to_dict()
    assert [(one["start"], one["end"], one["series"], one["low"], one["high"]) for one in values(spec)] == [
        ("2024-01-15T00:00:00Z", "2024-01-15T01:00:00Z", "accepted", 0, 3),
        ("2024-01-15T00:00:00Z", "2024-01-15T01:00:00Z", "refused", 3, 4),
        ("2024-01-15T02:00:00Z", "2024-01-15T03:00:00Z", "accepted", 0, 2),
        ("2024-01-15T02:00:00Z", "2024-01-15T03:00:00Z", "refused", 2, 7),
    ]


def test_a_matrix_has_the_ends_that_carry_most() -> None:
    pairs = [(f"s{n % 20}", f"d{n // 20}", n) for n in range(400)]
    rows = Rows(("srcaddr", "dstaddr", "bytes"), ("VARCHAR", "VARCHAR", "BIGINT"), pairs)
    drawn = chart_marks.matrix(rows, "dstaddr", "srcaddr", "bytes", most=3)
    assert drawn is not None
    assert {(one["y"], one["x"]) for one in values(drawn.to_dict())} == {
        (f"s{source}", f"d{target}") for source in (17, 18, 19) for target in (17, 18, 19)
    }


def test_two_rows_of_one_name_are_two_bars() -> None:
    rows = Rows(("srcaddr", "bytes"), ("VARCHAR", "BIGINT"), [("10.0.0.1", 5), ("10.0.0.1", 4), (None, 3)])
    drawn = charts.draw(rows)
    assert drawn is not None
    assert [one["key"] for one in values(drawn.to_dict())] == ["10.0.0.1", "10.0.0.1 (2)", "(none)"]


def test_no_text_of_a_log_is_more_than_data() -> None:
    columns = ("srcaddr", "dstaddr", "bytes")
    kinds = ("VARCHAR", "VARCHAR", "BIGINT")
    rows = Rows(columns, kinds, [(SCRIPT, "datum.value", 2), (SCRIPT, "'+alert(1)+'", 1)])
    for drawn in (charts.draw(rows), chart_marks.matrix(rows, "dstaddr", "srcaddr", "bytes")):
        assert drawn is not None
        spec = drawn.to_dict()
        assert SCRIPT in json.dumps(values(spec))
        del spec["datasets"]
        for encoding in ("x", "y"):
            spec["encoding"][encoding].pop("sort", None)
        assert [text for text in (SCRIPT, "alert(1)", "datum.value") if text in json.dumps(spec)] == []


def test_what_is_shown_of_a_log_has_no_control_characters(stores: GivenStores) -> None:
    named = f"(VALUES ('a{chr(27)}[2J', 2), ('{chr(0x202E)}b', 1)) AS named (name, bytes)"
    coverage = "SELECT TIMESTAMP '2024-01-15' AS hour, 1 AS hours, name AS interface_id, 'traffic' AS state"
    ask = stores["top_talkers"].sql
    bars = charts.chart(ask(f"FROM {named}")).to_dict()
    assert [one["key"] for one in values(bars)] == ["a\\x1b[2J", "\\u202eb"]
    states = charts.chart(ask(f"{coverage} FROM {named} ORDER BY interface_id")).to_dict()
    assert [one["y"] for one in values(states)] == ["a\\x1b[2J", "\\u202eb"]


@pytest.mark.parametrize(
    "query", ["SELECT 1 AS bytes WHERE false", "SELECT 'a' AS srcaddr", "SELECT 6 AS protocol"]
)
def test_what_has_no_rows_or_numbers_has_no_chart(stores: GivenStores, query: str) -> None:
    with pytest.raises(UsageError, match="there is nothing to draw"):
        charts.chart(stores["top_talkers"].sql(query))
