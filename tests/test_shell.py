"""The generated `flowdb.duckdb`, opened by the plain DuckDB shell."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import flowdb
from flowdb import FlowDB
from flowdb.analyses import analyses
from tests.cases import given
from tests.cells import Cells, cells, csv_cells

SHELL = Path(sys.executable).parent / "duckdb"
GIVEN = Path(__file__).parent / "analyses"
VIEWS = (
    "flows",
    "tgw_flows",
    "sources",
    "bad_lines",
    "commits",
    "files",
    "hourly",
    "coverage",
    "names",
    "groups",
    "athena_prices",
    "ephemeral_ranges",
    "port_groups",
    "prices",
    "protocols",
    "services",
    "vpc_flow_logs",
    # By these names macros ask sources, services and hourly sums, whatever a session calls by theirs.
    "flowdb_sources",
    "flowdb_services",
    "flowdb_hourly",
    "flowdb_unsummed",
    "flowdb_groups",
)


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlowDB]:
    """A store of the given logs of all analyses, two of a transit gateway, three commits and a bad line."""
    folder = tmp_path_factory.mktemp("shell")
    (folder / "bad.log").write_text("srcaddr dstaddr\n10.0.0.1\n", encoding="utf-8")
    (folder / "tgw.log").write_text("tgw-id bytes start\ntgw-1 7 0\ntgw-1 8 0\n", encoding="utf-8")
    with flowdb.open(folder / "store") as opened:
        opened.ingest(*sorted(GIVEN.glob("*/given.log"))[1:])
        settings = "names.'10.0.0.1' = 'web'\ngroups.private = ['10.0.0.0/8', 'fd00::/8']\n"
        (opened.path / "flowdb.toml").write_text(settings, encoding="utf-8")
        opened.ingest(*sorted(GIVEN.glob("*/given.log"))[:1], rollups=False)
        opened.ingest(folder / "bad.log", folder / "tgw.log")
        yield opened


def run(db: FlowDB, query: str) -> subprocess.CompletedProcess[str]:
    """Ask a shell that has no settings of its own."""
    command = [str(SHELL), "-readonly", "-csv", "-nullvalue", "", str(db.path / "flowdb.duckdb"), query]
    home = {"HOME": str(db.path.parent), "TZ": "UTC"}
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, env=os.environ | home
    )


def answer(db: FlowDB, query: str) -> Cells:
    result = run(db, query)
    assert (result.returncode, result.stderr) == (0, "")
    return csv_cells(result.stdout.splitlines())


def test_there_is_a_shell_beside_python() -> None:
    result = subprocess.run([SHELL, "--version"], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout.startswith("v1.")


def test_the_five_top_talkers_are_those_of_the_method(db: FlowDB) -> None:
    found = answer(db, "FROM top_talkers(top := 5)")
    assert found == cells(db.top_talkers(top=5))
    assert len(found) == 6


@pytest.mark.parametrize("name", analyses())
def test_every_analysis_answers_as_the_method_does(name: str, db: FlowDB) -> None:
    analysis, params = analyses()[name], given(name)
    window = {"since": "2024-01-15T00:00:30", "until": "2024-01-17", "interface_id": "eni-0a", "top": 2}
    known = {one.name for one in analysis.parameters} - params.keys()
    asked = [params, params | {one: value for one, value in window.items() if one in known}]
    found = answer(db, "\n".join(analysis.call(one) for one in asked))
    assert found == [row for one in asked for row in cells(getattr(db, name)(**one))]


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_has_the_same_columns_and_rows(view: str, db: FlowDB) -> None:
    assert answer(db, f"DESCRIBE {view}") == cells(db.sql(f"DESCRIBE {view}"))
    rows = answer(db, f"FROM {view} ORDER BY ALL")
    assert rows == cells(db.sql(f"FROM {view} ORDER BY ALL"))
    assert len(rows) > 1


def test_there_are_no_other_views(db: FlowDB) -> None:
    found = answer(db, "SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY ALL")
    assert found == [["view_name"], *([view] for view in sorted(VIEWS))]


def test_functions_are_there_too(db: FlowDB) -> None:
    found = answer(db, "SELECT is_ephemeral(61000) AS linux, is_ephemeral(61000, os := 'linux-4.2') AS newer")
    assert found == [["linux", "newer"], ["true", "false"]]


def test_a_choice_that_is_not_allowed_is_an_error_that_lists_those_that_are(db: FlowDB) -> None:
    result = run(db, "FROM top_talkers(metric := 'x')")
    assert result.returncode != 0
    assert "metric is 'x'; expected one of: bytes, packets, flows" in result.stderr
    assert result.stdout == ""


def test_only_the_files_of_the_dates_in_the_window_are_read(tmp_path: Path) -> None:
    with flowdb.open(tmp_path / "store") as db:
        db.ingest(GIVEN / "rejects" / "given.log")
        assert len(list(db.path.glob("data/*/*.parquet"))) == 3
        plan = run(db, "EXPLAIN FROM rejects(since := '2024-01-17', until := '2024-01-18')").stdout
    # Those of the records, and of the sums that tell from when on there are enough.
    assert re.findall(r"Scanning Files: (\d+)/(\d+)", plan) == [("1", "3")] * 2
