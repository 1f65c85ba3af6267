"""A lake without Spark: its tables, its commits, what is refused, on disk and in S3."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flowdb.datasets import FLOWS, TGW
from flowdb.errors import NotAStore, StoreError, StoreMissing, StoreOvertaken, StoreTooNew, UsageError
from flowdb.lake import BAD_LINES, Lake, LakeFile, create_lake, find_lake, open_lake
from flowdb.lake_place import delta_options
from flowdb.rows import SOURCES, SourceRow
from tests import s3
from tests.conftest import write_log

deltalake = pytest.importorskip("deltalake", reason="the extra `lake` is not installed")

ROW = SourceRow(
    source_id=1,
    uri="/logs/a.log",
    name="a.log",
    size=10,
    modified=1_705_312_800_000_000_000,
    delivered="2024-01-15T10:00:00.000",
    fingerprint="ab",
    layout="srcaddr",
    lines=3,
    records=2,
    bad_lines=1,
    raw_bytes=12,
    first_start="2024-01-15T10:00:00.000",
    last_start="2024-01-15T10:05:00.000",
    commit_id=1,
)
ADDRESSES = ["10.0.0.1", "10.0.0.2"]


def put(lake: Lake, name: str, path: str, table: pa.Table, **said: object) -> LakeFile:
    """Write a file into the folder of a table, as a task would, and return what is to be said of it."""
    place = lake.place
    folder = path.rpartition("/")[0]
    if folder:
        place.storage.makedirs(place.path(name, folder), exist_ok=True)
    with place.storage.open(place.path(name, path), "wb") as file:
        pq.write_table(table, file)
    size = place.storage.info(place.path(name, path))["size"]
    return LakeFile(name, path, size, len(table), **said)  # type: ignore[arg-type]


def flows(lake: Lake, name: str = "a") -> LakeFile:
    return put(
        lake,
        FLOWS.view,
        f"date=2024-01-15/{name}.parquet",
        pa.table({"srcaddr": ADDRESSES, "source_id": [1, 1]}),
        partition={"date": "2024-01-15"},
        first_start="2024-01-15T10:00:00.000",
        last_start="2024-01-15T10:05:00.123",
    )


def rows(lake: Lake, name: str = FLOWS.view) -> list[dict[str, object]]:
    """Return what another reader of Delta Lake than flowdb sees of a table."""
    uri, options = lake.place.delta(name)
    return deltalake.DeltaTable(uri, storage_options=options).to_pyarrow_table().to_pylist()  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3.serving_beside("lakes") as endpoint:
        yield endpoint


@pytest.fixture(params=["disk", "s3"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    """Give a new lake at a place whose name has to be escaped in a URL."""
    name = "a lake, é?#b*"
    if request.param == "disk":
        return create_lake(tmp_path / name)
    options = {
        "endpoint_url": request.getfixturevalue("endpoint"),
        "key": s3.ACCESS_KEY,
        "secret": s3.SECRET_KEY,
    }
    return create_lake(f"s3a://lakes/{tmp_path.name}/{name}/", options)


def again(lake: Lake) -> Lake:
    location = lake.place.root if lake.place.is_local else f"s3://{lake.place.root}"
    return open_lake(location, lake.place.options)


def test_what_is_committed_is_seen_by_flowdb_and_by_other_readers(lake: Lake) -> None:
    assert (lake.version, lake.files(FLOWS.view), rows(lake)) == (0, [], [])
    bad = put(
        lake,
        BAD_LINES,
        "b.parquet",
        pa.table({"source_id": [1], "source": [ROW.uri], "line_number": [3], "reason": ["?"], "line": ["x"]}),
    )
    gateway = put(
        lake,
        TGW.view,
        "date=2024-01-15/t.parquet",
        pa.table({"tgw_id": ["tgw-1"], "source_id": [1]}),
        partition={"date": "2024-01-15"},
    )
    file = flows(lake)
    after = lake.commit([ROW], [file, bad, gateway], {})
    for seen in (after, again(lake)):
        assert seen.files(FLOWS.view) == [file]
        assert seen.files(TGW.view) == [gateway]
        assert seen.files(BAD_LINES) == [bad]
        assert seen.read(SOURCES, ["source_id", "uri", "size", "fingerprint"]).to_pylist() == [
            {"source_id": 1, "uri": "/logs/a.log", "size": 10, "fingerprint": "ab"}
        ]
        assert seen.read(BAD_LINES, ["line"]).to_pylist() == [{"line": "x"}]
        with seen.place.storage.open(seen.place.path(file.table, file.path), "rb") as opened:
            assert pq.read_table(opened)["srcaddr"].to_pylist() == ADDRESSES
    assert [(row["srcaddr"], str(row["date"]), row["source_id"]) for row in rows(lake)] == [
        (address, "2024-01-15", 1) for address in ADDRESSES
    ]
    assert [row["tgw_id"] for row in rows(lake, TGW.view)] == ["tgw-1"]
    assert lake.files(FLOWS.view) == [], "a lake is as of one commit"


def test_what_a_run_that_died_appended_is_not_seen_and_goes_with_the_next_commit(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = lake.commit([ROW], [flows(lake)], {})

    def die(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Lake, "_append_flows", die)
        with pytest.raises(KeyboardInterrupt):
            first.commit([replace(ROW, source_id=2, uri="/logs/dead.log")], [flows(lake, "dead")], {})
    assert len(rows(lake, SOURCES)) == 2
    seen = again(lake)
    assert seen.read(SOURCES, ["uri"]).to_pylist() == [{"uri": "/logs/a.log"}]
    assert [file.path for file in seen.files(FLOWS.view)] == ["date=2024-01-15/a.parquet"]
    after = seen.commit([replace(ROW, source_id=2, uri="/logs/b.log")], [flows(lake, "b")], {})
    uris = ["/logs/a.log", "/logs/b.log"]
    assert sorted(after.read(SOURCES, ["uri"])["uri"].to_pylist()) == uris
    assert sorted(str(row["uri"]) for row in rows(lake, SOURCES)) == uris
    assert len(rows(lake)) == 4


@pytest.mark.parametrize("extra", [{}, {FLOWS.view: ["new_field"], TGW.view: ["tgw_new"]}])
def test_of_two_commits_from_the_same_lake_the_later_is_refused(
    lake: Lake, extra: dict[str, list[str]]
) -> None:
    other = again(lake)
    lake.commit([ROW], [flows(lake)], {})
    with pytest.raises(StoreOvertaken, match="another run wrote to it meanwhile"):
        other.commit([replace(ROW, uri="/logs/b.log")], [flows(lake, "b")], extra)
    assert [file.path for file in again(lake).files(FLOWS.view)] == ["date=2024-01-15/a.parquet"]
    assert again(lake).read(SOURCES, ["uri"])["uri"].to_pylist() == ["/logs/a.log"]


def test_another_engine_may_compact_the_records_while_an_ingest_goes_on(lake: Lake) -> None:
    for number in (1, 2):
        lake = lake.commit(
            [replace(ROW, source_id=number, uri=f"/logs/{number}.log")], [flows(lake, str(number))], {}
        )
    uri, options = lake.place.delta(FLOWS.view)
    compacted = deltalake.DeltaTable(uri, storage_options=options).optimize.compact()
    assert (compacted["numFilesRemoved"], compacted["numFilesAdded"]) == (2, 1)
    after = lake.commit([replace(ROW, source_id=3, uri="/logs/3.log")], [flows(lake, "3")], {})
    assert sorted(file.records for file in after.files(FLOWS.view)) == [2, 4]
    assert [row["srcaddr"] for row in rows(lake)].count(ADDRESSES[0]) == 3
    assert len(after.read(SOURCES, ["uri"])) == 3


@pytest.mark.parametrize("step", ["_append_rows", "_append_files", "_add_files", "_restored"])
def test_at_whatever_step_another_run_commits_nothing_is_there_twice(
    tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flowdb import lake as module

    lake = create_lake(tmp_path / "lake")
    other = again(lake)
    owner = module if step == "_add_files" else Lake
    done = getattr(owner, step)
    gateway = {"partition": {"date": "2024-01-15"}}
    table = pa.table({"tgw_id": ["tgw-1"], "source_id": [1]})

    def overtaken(*args: object) -> object:
        monkeypatch.undo()
        file = put(other, TGW.view, "date=2024-01-15/other.parquet", table, **gateway)
        other.commit([ROW], [flows(other, "other"), file], {})
        return done(*args)

    monkeypatch.setattr(owner, step, overtaken)
    files = [flows(lake, "late"), put(lake, TGW.view, "date=2024-01-15/late.parquet", table, **gateway)]
    with pytest.raises(StoreOvertaken):
        lake.commit([replace(ROW, uri="/logs/late.log")], files, {TGW.view: ["tgw_x"]})
    seen = again(lake)
    for name in (FLOWS.view, TGW.view):
        assert [file.path for file in seen.files(name)] == ["date=2024-01-15/other.parquet"]
    assert seen.read(SOURCES, ["uri"])["uri"].to_pylist() == ["/logs/a.log"]


def test_new_columns_are_there_for_every_reader(lake: Lake) -> None:
    lake.commit([ROW], [flows(lake)], {})
    file = put(
        lake,
        FLOWS.view,
        "date=2024-01-15/x.parquet",
        pa.table({"srcaddr": ["10.0.0.3"], "new_field": ["n"], "source_id": [2]}),
        partition={"date": "2024-01-15"},
    )
    after = again(lake).commit([replace(ROW, source_id=2, uri="x")], [file], {FLOWS.view: ["new_field"]})
    assert (after.extra(FLOWS.view), after.extra(TGW.view)) == (("new_field",), ())
    assert sorted((row["srcaddr"], row["new_field"]) for row in rows(lake)) == [
        ("10.0.0.1", None),
        ("10.0.0.2", None),
        ("10.0.0.3", "n"),
    ]


def test_values_of_partitions_may_be_anything(tmp_path: Path) -> None:
    lake = create_lake(tmp_path / "lake", partition_by=("date", "region", "account_id"))
    files = []
    for number, value in enumerate(["eu-west-1", None, "../a/b=c %2F é"]):
        partition = {"date": "2024-01-15", "region": value, "account_id": "012345678901"}
        table = pa.table({"srcaddr": [str(number)], "source_id": [1]})
        files.append(
            put(lake, FLOWS.view, f"date=2024-01-15/r%2F {number}.parquet", table, partition=partition)
        )
    after = lake.commit([ROW], files, {})
    assert after.files(FLOWS.view) == sorted(files, key=lambda file: file.path)
    assert sorted((row["srcaddr"], row["region"], row["account_id"]) for row in rows(lake)) == [
        ("0", "eu-west-1", "012345678901"),
        ("1", None, "012345678901"),
        ("2", "../a/b=c %2F é", "012345678901"),
    ]
    with pytest.raises(UsageError, match="partitioned by date, region, account_id, and stays so"):
        create_lake(tmp_path / "lake")
    for wrong in (("region",), ("date", "srcaddr"), ("date", "region", "region"), ()):
        with pytest.raises(UsageError, match="a lake is partitioned by date"):
            create_lake(tmp_path / "other", partition_by=wrong)
    assert not (tmp_path / "other").exists()


def test_what_a_lake_is_partitioned_by_and_has_are_delta_types(tmp_path: Path) -> None:
    columns = create_lake(tmp_path / "lake").columns(FLOWS.view)
    assert columns.names == ["date", *FLOWS.schema(11).names]
    assert columns.field("date").type == pa.date32()
    assert columns.field("start_time").type == pa.timestamp("us")


def test_what_is_no_lake_is_refused(tmp_path: Path) -> None:
    store, table, other, folder, file = (
        tmp_path / name for name in ("store", "table", "other", "folder", "file")
    )
    store.mkdir()
    (store / "catalog.sqlite").touch()
    data = pa.table({"a": [1]})
    deltalake.write_deltalake(table, data)
    deltalake.write_deltalake(other / "flows", data)
    write_log(folder / "sources" / "a.log", ["x"])
    file.touch()
    for path, reason in {
        store: "this is a store of one machine; a cluster writes to a lake, at a place of its own",
        table: "this is a Delta table, and no lake of flowdb",
        other: "flows in it is a Delta table that flowdb did not make",
        folder: "the folder is not empty and is no lake of flowdb",
    }.items():
        for way in (find_lake, open_lake, create_lake):
            with pytest.raises(NotAStore) as caught:
                way(path)
            assert str(caught.value) == f"{path}: {reason}"
    with pytest.raises(StoreError):
        create_lake(file)
    with pytest.raises(StoreMissing) as missing:
        open_lake(tmp_path / "none")
    assert str(missing.value) == f"{tmp_path / 'none'}: no lake here; flowdb.spark.ingest makes one"
    assert find_lake(tmp_path / "none") is None
    (tmp_path / "empty").mkdir()
    assert create_lake(tmp_path / "empty").version == 0


@pytest.mark.parametrize("character", ["%", "[", "]", "{", "|", "^", "`", "\\", "\n"])
def test_a_place_that_the_library_would_take_for_another_is_refused(tmp_path: Path, character: str) -> None:
    with pytest.raises(UsageError, match="a lake's place has no"):
        create_lake(tmp_path / f"a{character}41")
    assert list(tmp_path.iterdir()) == []


def test_a_lake_that_was_begun_is_made_whole(tmp_path: Path) -> None:
    whole = create_lake(tmp_path / "lake")
    shutil.rmtree(tmp_path / "lake" / "flows")
    assert find_lake(tmp_path / "lake") is None
    assert create_lake(tmp_path / "lake").versions == whole.versions


def test_a_lake_of_a_later_version_or_with_what_hides_rows_is_refused(tmp_path: Path) -> None:
    create_lake(tmp_path / "lake")
    log = tmp_path / "lake" / "flows" / "_delta_log" / f"{0:020}.json"
    text = log.read_text()
    log.write_text(text.replace('"flowdb.lake":"1"', '"flowdb.lake":"2"'))
    with pytest.raises(StoreTooNew, match="it has version 2, and this flowdb reads up to version 1"):
        open_lake(tmp_path / "lake")
    lines = [json.loads(line) for line in text.splitlines()]
    for line in lines:
        if "protocol" in line:
            line["protocol"]["readerFeatures"].append("deletionVectors")
            line["protocol"]["writerFeatures"].append("deletionVectors")
    log.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    with pytest.raises(StoreError, match="it uses what flowdb does not read: deletionVectors"):
        open_lake(tmp_path / "lake")


def test_options_of_fsspec_become_those_of_delta_lake(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    config = tmp_path / "config"
    config.write_text(
        "[profile logs]\nregion = eu-central-1\n"
        "aws_access_key_id = AKIALOGS\naws_secret_access_key = hidden\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    assert delta_options("s3://b", {"profile": "logs"}) == {
        "aws_region": "eu-central-1",
        "aws_access_key_id": "AKIALOGS",
        "aws_secret_access_key": "hidden",
    }
    assert delta_options(
        "s3://b", {"anon": True, "region": "us-west-2", "endpoint_url": "http://localhost:1"}
    ) == {
        "aws_endpoint_url": "http://localhost:1",
        "aws_allow_http": "true",
        "aws_region": "us-west-2",
        "aws_skip_signature": "true",
    }
    given = {"key": "k", "secret": "s", "token": "t", "client_kwargs": {"region_name": "eu-west-1"}}
    assert delta_options("s3a://b", given) == {
        "aws_region": "eu-west-1",
        "aws_access_key_id": "k",
        "aws_secret_access_key": "s",
        "aws_session_token": "t",
    }
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "from")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "environment")
    assert delta_options("s3://b", {}, lambda: "eu-north-1") == {
        "aws_region": "eu-north-1",
        "aws_access_key_id": "from",
        "aws_secret_access_key": "environment",
    }
    assert delta_options("gs://b", {"token": "/key.json"}) == {"google_service_account": "/key.json"}
    assert delta_options("abfss://c@a.dfs.core.windows.net/x", {"account_name": "a", "anon": True}) == {
        "azure_storage_account_name": "a",
        "azure_skip_signature": "true",
    }
    assert delta_options("hdfs://name:9000/x", {"user": "u"}) == {}
