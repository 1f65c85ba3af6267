"""What a lake may have for files, as a store that is asked sees them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import flowdb
from flowdb.errors import StoreDamaged, UsageError
from flowdb.fields import FIELDS
from flowdb.lake import Lake, LakeFile, create_lake
from flowdb.rows import SourceRow


def small(tmp_path: Path, **how: Any) -> Lake:
    """A lake of two records in S3 or, as here, on a disk, without the columns of later versions."""
    lake = create_lake(tmp_path / "lake", **how)
    row = SourceRow(1, "/a.log", "a.log", 9, 0, "2024-01-15T00:00:00.000", "", "", 2, 2, 0, 9, None, None, 1)
    return lake.commit([row], [], {})


def added(lake: Lake, path: str, partition: Mapping[str, str | None], **columns: list[Any]) -> Lake:
    """The lake with one more file, of these columns and no others."""
    table = pa.table(columns)
    to = Path(lake.place.root, "flows", path)
    to.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, to)
    known = {"source_id", *(one.column for one in FIELDS)}
    file = LakeFile("flows", path, to.stat().st_size, len(table), partition)
    return lake.commit([], [file], {"flows": columns.keys() - known})


def test_a_file_of_a_lake_may_lack_columns_and_have_new_ones(tmp_path: Path) -> None:
    lake = small(tmp_path)
    day, next_day = {"date": "2024-01-15"}, {"date": "2024-01-16"}
    lake = added(lake, "date=2024-01-15/a.parquet", day, srcaddr=["10.0.0.1"], source_id=[1])
    query = "SELECT date, srcaddr, bytes, region, {} source_id FROM flows ORDER BY date"
    first = (date(2024, 1, 15), "10.0.0.1", None, None)
    with flowdb.open(lake.place.root) as db, flowdb.open(lake.place.root, sandbox=True) as closed:
        assert db.sql(query.format("")).fetchall() == [(*first, 1)]
        added(lake, "date=2024-01-16/b.parquet", next_day, bytes=[7], new=["x"], source_id=[2])
        for one in (db, closed):
            assert one.sql(query.format("new,")).fetchall() == [
                (*first, None, 1),
                (date(2024, 1, 16), None, 7, None, "x", 2),
            ]


def test_folders_of_regions_and_accounts_are_columns(tmp_path: Path) -> None:
    lake = small(tmp_path, partition_by=("date", "region", "account_id"))
    regions = ["eu-west-1", None, "../a/b=c %2F+ é*[x]?'"]
    for number, region in enumerate(regions):
        folder = "__HIVE_DEFAULT_PARTITION__" if region is None else quote(region, safe="")
        partition = {"date": f"2024-01-1{number}", "region": region, "account_id": "001234567890"}
        path = f"date=2024-01-1{number}/region={folder}/account_id=001234567890/f.parquet"
        lake = added(lake, path, partition, srcaddr=[f"10.0.0.{number}"], source_id=[1])
    query = "SELECT date, region, account_id, srcaddr FROM flows ORDER BY date"
    with flowdb.open(lake.place.root) as db, flowdb.open(lake.place.root, sandbox=True) as closed:
        rows = [
            (date(2024, 1, 10 + number), region, "001234567890", f"10.0.0.{number}")
            for number, region in enumerate(regions)
        ]
        assert db.sql(query).fetchall() == closed.sql(query).fetchall() == rows
        asked = "SELECT count(*) FROM flows WHERE date = '2024-01-10' AND region = 'eu-west-1'"
        plan = db.sql(f"EXPLAIN {asked}").fetchall()[0][1]
        assert ("Scanning Files: 1/3" in plan, db.sql(asked).fetchall()) == (True, [(1,)])


@pytest.mark.parametrize(
    "path", ["date=2024-01-16/x.parquet", "x.parquet", "../x.parquet", "s3://b/x.parquet"]
)
def test_a_file_that_lies_elsewhere_than_a_lake_would_have_it_is_damage(tmp_path: Path, path: str) -> None:
    lake = small(tmp_path)
    lake.commit([], [LakeFile("flows", path, 1, 1, {"date": "2024-01-15"})], {})
    with pytest.raises(StoreDamaged) as caught:
        flowdb.open(lake.place.root)
    said = f"its file {path} does not lie in the folder of its partition"
    assert str(caught.value) == f"{tmp_path / 'lake'}: {said}"


def test_a_lake_without_one_of_its_files_is_damaged(tmp_path: Path) -> None:
    lake = small(tmp_path)
    lake = added(lake, "date=2024-01-15/a.parquet", {"date": "2024-01-15"}, srcaddr=["x"], source_id=[1])
    (tmp_path / "lake" / "flows" / "date=2024-01-15" / "a.parquet").unlink()
    with flowdb.open(tmp_path / "lake") as db, pytest.raises(StoreDamaged, match="its files cannot be read"):
        db.sql("SELECT srcaddr FROM flows").fetchall()


def test_without_the_library_of_lakes_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(tmp_path)
    monkeypatch.setitem(sys.modules, "deltalake", None)
    with pytest.raises(UsageError) as caught:
        flowdb.open(tmp_path / "lake")
    assert str(caught.value) == "a lake needs deltalake, which is not installed: pip install 'flowdb[lake]'"
