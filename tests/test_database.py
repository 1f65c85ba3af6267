"""The Python interface: relations that bring their own `.df()`, `.pl()`, `.arrow()`, and bound values."""

from __future__ import annotations

import inspect
from pathlib import Path

import duckdb
import pytest

import flowdb
from flowdb.errors import FlowdbError, ParameterError, QueryError, UsageError
from tests.conftest import SAMPLES, record, write_log


@pytest.fixture
def samples(db: flowdb.FlowDB) -> flowdb.FlowDB:
    """Give a store of the sample logs."""
    db.ingest(SAMPLES)
    return db


def test_results_are_relations_that_turn_into_frames(samples: flowdb.FlowDB) -> None:
    result = samples.top_talkers(by="pair", top=20)
    assert isinstance(result, duckdb.DuckDBPyRelation)
    rows = result.fetchall()
    assert len(rows) == 20
    assert result.df()["bytes"].tolist() == [row[4] for row in rows]
    assert result.pl()["bytes"].to_list() == [row[4] for row in rows]
    arrow = result.arrow()
    table = arrow.read_all() if hasattr(arrow, "read_all") else arrow
    assert table["bytes"].to_pylist() == [row[4] for row in rows]


def test_parameters_come_by_position_too(samples: flowdb.FlowDB) -> None:
    assert (
        samples.top_talkers("pair", "packets", top=3).fetchall()
        == samples.top_talkers(by="pair", metric="packets", top=3).fetchall()
    )
    with pytest.raises(UsageError, match="13 values for 12 parameters"):
        samples.top_talkers(*["x"] * 13)  # type: ignore[arg-type]


def test_a_method_tells_its_parameters(samples: flowdb.FlowDB) -> None:
    signature = inspect.signature(samples.top_talkers)
    assert str(signature).startswith("(by='srcaddr', metric='bytes', since=None")


def test_values_of_a_query_are_bound(samples: flowdb.FlowDB) -> None:
    assert samples.sql("SELECT ? AS a, ? AS b", ["'); DROP", 1]).fetchall() == [("'); DROP", 1)]
    assert samples.sql("SELECT $x AS a", {"x": "it's"}).fetchall() == [("it's",)]


def test_a_value_is_never_sql(samples: flowdb.FlowDB) -> None:
    assert samples.rejects(interface_id="x' OR '1' = '1").fetchall() == []


def test_a_time_that_is_none_is_no_open_end(samples: flowdb.FlowDB) -> None:
    import pandas as pd

    with pytest.raises(ParameterError):
        samples.rejects(since=pd.NaT)  # type: ignore[arg-type]
    assert samples.rejects(since=pd.Timestamp("2024-01-16")).fetchall() == []


def test_an_error_of_duckdb_is_a_query_error(samples: flowdb.FlowDB) -> None:
    with pytest.raises(QueryError, match='syntax error at or near "flows"') as caught:
        samples.sql("SELECT 1 FORM flows")
    assert caught.value.sql == "SELECT 1 FORM flows"
    assert "LINE 1: SELECT 1 FORM flows" in caught.value.detail
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, FlowdbError)


def test_an_attribute_that_is_no_analysis_is_an_attribute_error(db: flowdb.FlowDB) -> None:
    with pytest.raises(AttributeError, match=r"no attribute 'top_walkers' \(did you mean 'top_talkers'\?\)"):
        db.top_walkers  # type: ignore[attr-defined]  # noqa: B018


def test_a_store_is_made_by_the_first_ingest_alone(tmp_path: Path) -> None:
    db = flowdb.open(tmp_path / "a" / "b")
    assert not (tmp_path / "a").exists()
    db.ingest(write_log(tmp_path / "a.log", [record()]))
    assert (tmp_path / "a" / "b" / "catalog.sqlite").exists()
    db.close()


def test_an_ingest_without_sources_or_workers_is_refused(db: flowdb.FlowDB, logs: Path) -> None:
    with pytest.raises(UsageError, match="name a file"):
        db.ingest()
    with pytest.raises(UsageError, match="workers is 0"):
        db.ingest(logs, workers=0)


def test_a_closed_store_can_be_opened_again(samples: flowdb.FlowDB) -> None:
    samples.close()
    with flowdb.open(samples.path) as again:
        assert again.sql("SELECT count(*) FROM flows").fetchall() == [(12_000,)]


def test_a_path_may_be_below_the_home_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, logs: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with flowdb.open("~/flows") as db:
        assert db.ingest("~/logs").records == 6
    assert (tmp_path / "flows" / "catalog.sqlite").exists()


def test_status_is_one_row_about_the_store(samples: flowdb.FlowDB) -> None:
    status = samples.status()
    (row,) = status.fetchall()
    facts = dict(zip(status.columns, row, strict=True))
    counted = samples.sql(
        "SELECT count(*), count(DISTINCT date), min(start_time), max(start_time) FROM flows"
    ).fetchall()
    found = ("records", "dates", "oldest_record", "newest_record")
    assert [tuple(facts[name] for name in found)] == counted
    size = sum(path.stat().st_size for path in (samples.path / "data").rglob("*.parquet"))
    assert (facts["parquet_bytes"], facts["bytes_per_record"]) == (size, round(size / 12_000, 2))
