"""Results: relations for whom they are handed to, and what a notebook, a chart and an editor have of them."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

import flowdb
from flowdb.errors import UsageError
from tests.conftest import ROOT, record, write_log


class Cells(HTMLParser):
    """Reads a table as a browser does: rows of texts, and every tag."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


@pytest.fixture
def db(store_of_samples: Path) -> Iterator[flowdb.FlowDB]:
    with flowdb.open(store_of_samples) as opened:
        yield opened


def test_a_result_is_a_relation_wherever_one_is_taken(db: flowdb.FlowDB) -> None:
    result = db.top_talkers(top=3)
    rows = result.fetchall()
    assert isinstance(result, duckdb.DuckDBPyRelation)
    assert len(result) == 3
    assert "srcaddr" in result
    assert result["srcaddr"].fetchall() == [(row[0],) for row in rows]
    assert pa.RecordBatchReader.from_stream(result).read_all().num_rows == 3
    assert result.limit(1).union(result.limit(1)).fetchall() == [rows[0], rows[0]]
    assert db.connection.sql("SELECT srcaddr FROM result").fetchall() == [(row[0],) for row in rows]
    assert copy.copy(result).fetchall() == rows
    assert str(result) == str(result.limit(3))
    assert {"plot", "fetchall", "df"} <= set(dir(result))


def test_a_notebook_shows_the_first_rows_with_units(db: flowdb.FlowDB) -> None:
    result = db.top_talkers(top=25)
    shown = Cells(result._repr_html_())
    rows = result.fetchall()
    assert shown.rows[0] == result.columns
    assert len(shown.rows) == 21
    assert shown.rows[1][:4] == [rows[0][0], "659", "7,416", "3.8 MiB"]
    assert "The first 20 rows" in result._repr_html_()
    assert "The first" not in db.top_talkers(top=20)._repr_html_()
    assert not hasattr(result, "_repr_mimebundle_")


def test_what_stands_in_a_log_is_no_html(tmp_path: Path) -> None:
    with flowdb.open(tmp_path / "<b>flows") as db:
        db.ingest(write_log(tmp_path / "a.log", [record(interface="<script>alert(1)</script>")]))
        cells = "interface_id AS \"<i>\", '&\"' AS b, NULL AS c, '\x1b[31m' || repeat('x', 200) AS d"
        shown = Cells(db.sql(f"SELECT {cells} FROM flows")._repr_html_())
        assert shown.tags == {"table", "thead", "tbody", "tr", "th", "td"}
        assert shown.rows[0] == ["<i>", "b", "c", "d"]
        assert shown.rows[1][:3] == ["<script>alert(1)</script>", '&"', ""]
        assert shown.rows[1][3].startswith("\\x1b[31mxxx")
        assert len(shown.rows[1][3]) < 130
        assert Cells(db._repr_html_()).tags == {"table", "thead", "tbody", "tr", "th", "td"}


def test_a_notebook_shows_names_where_one_is_known(store: Path) -> None:
    (store / "flowdb.toml").write_text("names.'10.0.1.202' = 'api'\n")
    with flowdb.open(store) as db:
        result = db.top_talkers(top=2)
        assert Cells(result._repr_html_()).rows[1][:2] == ["10.0.1.202", "api"]
        assert result.columns[:2] == ["srcaddr", "flows"]
        assert Cells(db.top_talkers(by="dstport")._repr_html_()).rows[0][:2] == ["dstport", "flows"]


def test_a_notebook_shows_what_is_in_a_store(db: flowdb.FlowDB, tmp_path: Path) -> None:
    facts = dict(row for row in Cells(db._repr_html_()).rows[1:])
    assert (facts["store"], facts["records"], facts["dates"]) == (str(db.path), "12,000", "2")
    with flowdb.open(tmp_path / "none") as missing:
        assert Cells(missing._repr_html_()).rows[1][1].endswith("none yet; ingest() makes it")


def test_a_result_draws_itself(db: flowdb.FlowDB) -> None:
    drawn = db.top_talkers(top=5).plot().to_dict()
    assert drawn["$schema"].startswith("https://vega.github.io/schema/vega-lite/")
    assert "10.0.1.202" in json.dumps(drawn)
    with pytest.raises(UsageError, match="nothing to draw"):
        db.top_talkers(addr="192.0.2.77").plot()


def test_a_sandbox_gives_no_connection(store_of_samples: Path) -> None:
    with flowdb.open(store_of_samples, sandbox=True) as db, pytest.raises(UsageError, match="no connection"):
        _ = db.connection


def test_type_checkers_know_the_analyses_and_what_they_take(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from datetime import timedelta\n"
        "import flowdb\n"
        "db = flowdb.open()\n"
        'db.top_talkers(by="pair", top=3).df()\n'
        'db.bursts(bucket=timedelta(minutes=1), since="2024-01-15", names=True).plot()\n'
        "db.in_list(['192.0.2.7'], top=None).fetchall()\n"
        "db.top_talkers(tpo=3)\n"
        'db.top_talkers(top="three")\n'
        "db.traffic_of()\n"
        "db.top_walkers()\n"
    )
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), str(script)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    errors = [line.split(":")[1] for line in done.stdout.splitlines() if ": error: " in line]
    assert errors == ["7", "8", "9", "10"], done.stdout
    assert 'Unexpected keyword argument "tpo" for "top_talkers"' in done.stdout
