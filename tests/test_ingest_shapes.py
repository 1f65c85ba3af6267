"""A folder of everything in one command: what lands is what the same records in plain text hold."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import flowdb
from flowdb.records import parse
from tests import test_ocsf
from tests.conftest import HEADER, ROOT, Run, all_rows, record, write_log
from tests.deliveries import PACKINGS, SHAPES

LINES = [
    *(record(n, bytes=n**2, action="REJECT" if n % 3 else "ACCEPT") for n in range(20)),
    "2 001234567890 eni-1 - - - - - - - 1705312800 1705312860 - NODATA",
    "2 001234567890 eni-1 - - - - - - - 1705312800 1705312860 - SKIPDATA",
    "2 unknown eni-1 2001:db8::1 2001:db8:1234:a100:8d6e:3477:df66:f105 1 22 6 5 8 1705312800 - ACCEPT OK",
]
# How objects of a shape are named where they are delivered.
NAMES = {
    "text": "1_vpcflowlogs_r_fl-1_20240115T1000Z_{}.log",
    "export task": "exportedlogs/{}/000000",
    "export task, epoch": "exportedlogs/{}/000001.gz",
    "Firehose": "2024/01/15/10/stream-1-2024-01-15-10-00-00-{}",
    "console CSV": "log-events-viewer-result-{}.csv",
    "Insights CSV": "logs-insights-results-{}.csv",
    "tail": "tail-{}.txt",
    "tail short": "short-{}.dat",
    "NDJSON": "{}.ndjson",
}


def parquet(lines: list[str]) -> bytes:
    """Return records as S3 delivers them in Parquet: text keeps its `-`, numbers are NULL."""
    (batch,) = parse([("\n".join([HEADER, *lines])).encode()])
    (table,) = batch.records
    moments = {"start_time": "start", "end_time": "end"}
    for place, name in enumerate(table.column_names):
        column = table[name]
        if name in moments:
            column = column.cast("timestamp[s]").cast("int64")
        elif column.type == "string":
            column = column.fill_null("-")
        table = table.set_column(place, moments.get(name, name), column)
    file = io.BytesIO()
    pq.write_table(table, file, compression="gzip")
    return file.getvalue()


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[object, ...]]:
    """Return the rows of a store of the same lines in plain text."""
    folder = tmp_path_factory.mktemp("plain")
    with flowdb.open(folder / "flows") as db:
        db.ingest(write_log(folder / "plain.log", LINES))
        return all_rows(db)


def test_a_folder_of_all_shapes_and_packings_holds_the_rows_of_plain_text(
    db: flowdb.FlowDB, tmp_path: Path, expected: list[tuple[object, ...]]
) -> None:
    folder = tmp_path / "everything"
    contents = {
        f"{shape}-{packing}".replace(" ", "-").replace(".", "-"): (shape, pack(write(LINES)))
        for shape, write in SHAPES.items()
        for packing, pack in PACKINGS.items()
    }
    contents["parquet"] = ("parquet", parquet(LINES))
    contents["parquet-zipped"] = ("parquet", PACKINGS["zip"](parquet(LINES)))
    for name, (shape, content) in contents.items():
        path = folder / NAMES.get(shape, "{}.json").format(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / "exportedlogs" / "aws-logs-write-test").write_bytes(b"Permission Check Successful")
    (folder / "package.json").write_text('{"name": "nothing of ours"}')
    (folder / "notes.txt").write_text("once upon a time\n")
    (folder / "picture.png").write_bytes(b"\x89PNG")
    report = db.ingest(folder)
    assert report.failures == []
    assert (report.sources_found, report.sources_ingested) == (len(contents), len(contents))
    assert (report.records, report.bad_lines) == (len(contents) * len(LINES), 0)
    for source_id, name in db.sql("SELECT source_id, name FROM sources").fetchall():
        query = "SELECT * EXCLUDE (source_id) FROM flows WHERE source_id = ? ORDER BY ALL"
        assert db.sql(query, [source_id]).fetchall() == expected, name
    assert f"{folder}/notes.txt and 1 other file: no flow logs" in report.notes
    assert db.ingest(folder).commit is None


def test_security_lake_and_transit_gateways_stand_beside_the_same_records_in_text(
    db: flowdb.FlowDB, tmp_path: Path
) -> None:
    folder = tmp_path / "lake"
    flows = test_ocsf.FLOWS
    lines = [" ".join(flow[name] for name in test_ocsf.NAMES) for flow in flows]
    write_log(folder / "text.log", [" ".join(test_ocsf.NAMES), *lines])
    for number, schema in enumerate((test_ocsf.VERSION_1, test_ocsf.VERSION_2)):
        pq.write_table(
            test_ocsf.table(schema, list(map(test_ocsf.event, flows))), folder / f"{number}.gz.parquet"
        )
    (folder / "zipped.zip").write_bytes(PACKINGS["zip"]((folder / "1.gz.parquet").read_bytes()))
    gateway = ROOT / "tests" / "data" / "shapes" / "valid_tgw_flow_log.log"
    (folder / "gateway.log.gz").write_bytes(PACKINGS["gzip"](gateway.read_bytes()))
    report = db.ingest(folder)
    assert (report.sources_ingested, report.failures, report.bad_lines) == (5, [], 0)
    rows = all_rows(db)
    assert len(rows) == 4 * len(flows)
    assert all(rows.count(row) == 4 for row in rows)
    assert db.sql("SELECT count(*) FROM tgw_flows").fetchall() == [(1,)]


def test_what_is_no_flow_log_is_left_alone_in_a_folder_and_fails_when_it_is_named(
    db: flowdb.FlowDB, logs: Path
) -> None:
    (logs / "package.json").write_text('{"name": "nothing of ours"}')
    report = db.ingest(logs)
    assert (report.sources_found, report.sources_failed, report.records) == (3, 0, 6)
    assert report.notes == [f"{logs}/package.json: no flow log"]
    report = db.ingest(logs / "package.json")
    assert [str(failure) for failure in report.failures] == [
        f"{logs}/package.json: it is JSON without log events"
    ]


def test_what_is_no_log_in_an_archive_is_said_to_be_left_alone(db: flowdb.FlowDB, tmp_path: Path) -> None:
    path = tmp_path / "logs.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.log", f"{HEADER}\n{record()}\n")
        archive.writestr("notes.txt", "eni-1 10.0.0.1 7\n")
        archive.writestr("picture.png", b"\x89PNG")
    report = db.ingest(path)
    assert (report.records, report.failures) == (1, [])
    assert report.notes == [f"{path}!notes.txt and 1 other file: no flow logs"]


def test_a_bad_line_in_an_archive_names_the_member(db: flowdb.FlowDB, tmp_path: Path) -> None:
    path = tmp_path / "logs.tar.gz"
    path.write_bytes(PACKINGS["tar.gz"](f"{HEADER}\n{record()}\nbad\n".encode()))
    assert db.ingest(path).records == 1
    rows = db.sql("SELECT source, line_number, reason FROM bad_lines").fetchall()
    assert rows == [(f"{path}!logs/one.log", 3, "1 field, the layout has 14")]


def test_standard_input_is_a_source_known_by_its_content(
    run: Run, expected: list[tuple[object, ...]]
) -> None:
    text = "".join(f"{line}\n" for line in LINES)
    done = run("ingest", "-", "--json", input=text)
    assert (done.returncode, done.stderr) == (0, "")
    facts = json.loads(done.stdout)
    assert (facts["sources_ingested"], facts["records"], facts["raw_bytes"]) == (1, len(LINES), len(text))
    assert json.loads(run("ingest", "-", "--json", input=text).stdout)["sources_skipped"] == 1
    more = json.loads(run("ingest", "-", "--json", input=text + record(77) + "\n").stdout)
    assert more["records"] == len(LINES) + 1
    names = json.loads(run("sql", "SELECT uri FROM sources", "-o", "json").stdout)
    assert all(row["uri"].startswith("stdin:") for row in names)
    nothing = run("ingest", "-", input="")
    assert (nothing.returncode, "stdin is empty" in nothing.stderr) == (0, True)


def test_the_format_is_for_records_without_a_header(run: Run, tmp_path: Path) -> None:
    write_log(tmp_path / "a.log", ["eni-1 10.0.0.1 7", "eni-2 10.0.0.2 8"])
    refused = run("ingest", "a.log")
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    done = run("ingest", "a.log", "--format", "${interface-id} ${srcaddr} ${bytes}")
    assert done.returncode == 0
    shown = run("sql", "SELECT interface_id, srcaddr, bytes FROM flows ORDER BY ALL", "-o", "csv").stdout
    assert shown.split() == ["interface_id,srcaddr,bytes", "eni-1,10.0.0.1,7", "eni-2,10.0.0.2,8"]
    wrong = run("ingest", "a.log", "--format", "${no field}")
    assert (wrong.returncode, wrong.stderr) == (
        2,
        "flowdb: error: the format has '${no', which cannot be the name of a field\n",
    )
