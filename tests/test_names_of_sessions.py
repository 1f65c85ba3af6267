"""Analyses in sessions that have tables of their own with the names of the store's views."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import flowdb
from flowdb import FlowDB
from flowdb.analyses import analyses
from tests.cases import CASES, NAMES, GivenStores, given
from tests.cells import Cells, cells, csv_cells, csv_file_cells

SHELL = Path(sys.executable).parent / "duckdb"
SQL_OF = {name: analyses()[name].call(given(name)).removesuffix(";") for name in NAMES}
# What is asked where a session has a table of its own by the name of a view.
ASKED = {
    "sources": "FROM connection_check('0.0.0.0/1', '0.0.0.0/0')",
    "services": "SELECT service_name(22) AS a",
}


@pytest.fixture(scope="module")
def db(stores: GivenStores) -> FlowDB:
    """A store of the given log of connection_check."""
    return stores["connection_check"]


@pytest.mark.parametrize("name", NAMES)
def test_a_session_may_have_a_table_of_sources(name: str, stores: GivenStores) -> None:
    answer = csv_file_cells(CASES / name / "expected.csv")
    with flowdb.open(stores[name].path) as db:
        assert cells(db.sql(f"WITH sources AS (SELECT 1 AS x) {SQL_OF[name]}")) == answer
        db.sql("CREATE TEMP TABLE sources AS SELECT 1 AS x")
        assert cells(db.sql(SQL_OF[name])) == answer
        assert db.sql("FROM sources").fetchall() == [(1,)]


@pytest.mark.parametrize("own", ASKED)
def test_a_table_may_have_the_name_of_a_view(own: str, db: FlowDB) -> None:
    query = ASKED[own]
    answer = cells(db.sql(query))
    assert len(answer) > 1
    shadow = f"{own} AS (SELECT 1 AS x)"
    assert cells(db.sql(f"WITH {shadow} {query}")) == answer
    assert in_shell(db, f"WITH {shadow} {query}") == answer
    assert in_shell(db, f"CREATE TEMP TABLE {shadow.replace('(', '').replace(')', '')}; {query}") == answer
    db.sql(f"CREATE TEMP VIEW {own} AS SELECT 1 AS x")
    try:
        assert cells(db.sql(query)) == answer
    finally:
        db.sql(f"DROP VIEW temp.{own}")


def in_shell(db: FlowDB, text: str) -> Cells:
    """What the plain DuckDB shell answers."""
    command = [str(SHELL), "-readonly", "-csv", "-nullvalue", "", str(db.path / "flowdb.duckdb"), text]
    home = {"HOME": str(db.path.parent), "TZ": "UTC"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, env=os.environ | home
    )
    assert (done.returncode, done.stderr) == (0, "")
    return csv_cells(done.stdout.splitlines())
