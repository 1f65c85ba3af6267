"""What a report tells, and what becomes of it where there is little to tell."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import flowdb
from flowdb.errors import UsageError
from tests.conftest import ROOT, Run, all_rows, record, write_log
from tests.report_logs import TITLE, make_store, sent

MOST_BYTES = 5_000_000


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store whose records are known, in a folder of its own."""
    path = tmp_path_factory.mktemp("a-private-folder") / "flows"
    make_store(path)
    return path


@pytest.fixture(scope="module")
def page(known: Path) -> str:
    """The report of it."""
    with flowdb.open(known) as db:
        made = db.report(known.parent / "report.html", title=TITLE)
    assert made.failures == {}
    assert made.records == len(sent())
    assert made.bytes == made.path.stat().st_size < MOST_BYTES
    return made.path.read_text(encoding="utf-8")


def tiles(page: str) -> dict[str, str]:
    """The numbers of the headline by their names."""
    found = re.findall(r"<dt>(.*?)</dt>\s*<dd class=\"value\"[^>]*>(.*?)</dd>", page)
    return {unescape(name): unescape(value) for name, value in found}


def first_cells(page: str, section: str) -> list[str]:
    """The first cell of each row of a section's table."""
    table = page.split(f'data-name="{section}"')[1].split("</table>")[0]
    return [unescape(cell) for cell in re.findall(r"<tr><td[^>]*>([^<\n]*)", table)]


def files_of(store: Path) -> dict[str, tuple[int, int]]:
    """Every file of a store, with its size and time."""
    return {
        path.relative_to(store).as_posix(): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in store.rglob("*")
        if path.is_file()
    }


def test_the_headline_is_what_was_logged(page: str) -> None:
    records = sent()
    refused = [one for one in records if one.action == "REJECT"]
    assert tiles(page) == {
        "Records": f"{len(records):,}",
        "Bytes": f"{sum(one.bytes for one in records) / 2**20:.1f} MiB",
        "Accepted": f"{len(records) - len(refused):,}",
        "Refused": f"{len(refused):,}",
        "Coverage": "100.0 %",
        "Lost or unread": "2",
    }


def test_top_talkers_are_in_their_order(page: str) -> None:
    totals: dict[str, int] = {}
    for one in sent():
        totals[one.srcaddr] = totals.get(one.srcaddr, 0) + one.bytes
    assert first_cells(page, "top_talkers") == sorted(totals, key=lambda source: -totals[source])


def test_the_page_names_no_place_of_this_machine(page: str, known: Path) -> None:
    assert "flows" in page
    assert str(known.parent) not in page
    assert "a-private-folder" not in page


def test_a_table_keeps_so_many_rows_and_says_how_many_there_are(known: Path, tmp_path: Path) -> None:
    with flowdb.open(known) as db:
        made = db.report(tmp_path / "r.html", analysis="top_talkers", rows=7)
    page = made.path.read_text(encoding="utf-8")
    assert len(first_cells(page, "top_talkers")) == 7
    assert "Top talkers: the first 7 of 40 rows" in page


def test_a_report_of_a_period_is_of_that_period_alone(known: Path, tmp_path: Path) -> None:
    with flowdb.open(known) as db:
        made = db.report(tmp_path / "r.html", since="2024-01-15T03:00", until="2024-01-15T05:00")
    records = [one for one in sent() if one.hour in (3, 4)]
    page = made.path.read_text(encoding="utf-8")
    assert tiles(page)["Records"] == f"{len(records):,}"
    assert first_cells(page, "rejects_over_time")[0] == "2024-01-15 03:00:00"
    assert first_cells(page, "rejects_over_time")[-1] < "2024-01-15 05:00:00"


def test_a_field_that_no_log_has_is_told_in_its_section(run: Run, tmp_path: Path) -> None:
    log = write_log(tmp_path / "a.log", [record(n) for n in range(3)])
    run("ingest", str(log))
    ended = run("report")
    assert ended.returncode == 0
    assert "flowdb: note: zones is left out: no log has az-id\n" in ended.stderr
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "No log of this store has the field <code>az-id</code>, which this needs." in page


def test_a_store_without_records_has_a_report_that_says_so(tmp_path: Path) -> None:
    log = write_log(tmp_path / "a.log", ["no record at all"])
    with flowdb.open(tmp_path / "flows") as db:
        db.ingest(log, format="default")
        made = db.report(tmp_path / "r.html")
    page = made.path.read_text(encoding="utf-8")
    assert made.failures == {}
    assert "No records" in page
    assert tiles(page)["Records"] == "0"


def damage(store: Path, column: str) -> None:
    """Overwrite what a data file has of a column."""
    (path,) = (store / "data").rglob("*.parquet")
    group = pq.ParquetFile(path).metadata.row_group(0)
    chunk = next(
        group.column(n) for n in range(group.num_columns) if group.column(n).path_in_schema == column
    )
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    with open(path, "r+b") as file:
        file.seek(start)
        file.write(b"\xff" * chunk.total_compressed_size)


def test_a_section_that_fails_says_so_and_the_others_stand(run: Run, tmp_path: Path) -> None:
    make_store(tmp_path / "flows")
    damage(tmp_path / "flows", "tcp_flags")
    ended = run("report")
    assert ended.returncode == 1
    assert "flowdb: error: unanswered: " in ended.stderr
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert tiles(page)["Records"] == f"{len(sent()):,}"
    assert "This failed: " in page.split('id="unanswered"')[1].split("</article>")[0]
    assert len(first_cells(page, "top_talkers")) == 40
    assert str(tmp_path) not in page


def test_a_store_whose_records_cannot_be_read_has_no_report(run: Run, tmp_path: Path) -> None:
    make_store(tmp_path / "flows")
    damage(tmp_path / "flows", "action")
    ended = run("report")
    assert ended.returncode == 1
    assert ended.stderr.startswith("flowdb: error: ")
    assert ended.stderr.count("\n") == 1
    assert not (tmp_path / "report.html").exists()


def test_a_report_writes_nothing_into_the_store(known: Path, tmp_path: Path) -> None:
    before = files_of(known)
    with flowdb.open(known, sandbox=True) as db:
        made = db.report(tmp_path / "r.html", analysis="rejected-sources")
        rows = all_rows(db)
    assert made.failures == {}
    assert len(rows) == len(sent()) + 3
    assert files_of(known) == before


@pytest.mark.parametrize("output", ["flows/report.html", "flows", "no/such/folder.html"])
def test_a_report_has_a_place_outside_of_the_store(known: Path, output: str) -> None:
    before = files_of(known)
    with flowdb.open(known) as db, pytest.raises(UsageError):
        db.report(known.parent / output)
    assert files_of(known) == before


def test_a_page_of_one_analysis_takes_its_parameters(run: Run, store: Path, tmp_path: Path) -> None:
    ended = run(
        "report", "--analysis", "top-talkers", "--param", "by=pair", "--param", "top=3", "-o", "one.html"
    )
    assert ended.returncode == 0
    page = (tmp_path / "one.html").read_text(encoding="utf-8")
    with flowdb.open(store) as db:
        pairs = db.top_talkers(by="pair", top=3).fetchall()
    assert first_cells(page, "top_talkers") == [row[0] for row in pairs]
    assert """FROM top_talkers("by" := 'pair', "top" := 3)""" in unescape(page)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--param", "top=3"], "--param is for --analysis."),
        (["--analysis", "nothing"], "no analysis 'nothing'"),
        (["--analysis", "top-talkers", "--param", "by=nothing"], "top_talkers: by is 'nothing'"),
        (["--day", "2024-01-15", "--since", "2h"], "--day says both --since and --until"),
        (["--since", "2024-01-16", "--until", "2024-01-15"], "is after until"),
        (["--rows", "0"], "--rows"),
    ],
)
def test_what_cannot_be_meant_is_an_error_and_no_file(
    run: Run, store: Path, tmp_path: Path, args: list[str], said: str
) -> None:
    ended = run("report", *args)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert not (tmp_path / "report.html").exists()


def test_without_the_libraries_the_command_says_how_to_get_them(store: Path, tmp_path: Path) -> None:
    script = (
        "import sys; sys.modules['altair'] = None; from flowdb.cli import main; sys.exit(main(['report']))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert ended.returncode == 2
    assert ended.stderr == (
        "flowdb: error: a report needs altair, which is not installed: pip install 'flowdb[report]'\n"
    )


def test_a_report_can_be_written_into_a_pipe(run: Run, store: Path) -> None:
    ended = run("report", "--analysis", "rejects", "-o", "/dev/stdout")
    assert ended.returncode == 0
    assert ended.stdout.startswith("<!DOCTYPE html>")


def test_names_stand_beside_ids_where_there_are_any_and_do_not_run(tmp_path: Path) -> None:
    store = tmp_path / "flows"
    with flowdb.open(store) as db:
        db.ingest(write_log(tmp_path / "a.log", [record(n, srcaddr="10.0.0.5") for n in range(3)]))
    (store / "flowdb.toml").write_text('[names]\n"10.0.0.5" = "web <script>alert(1)</script>"\n')
    with flowdb.open(store) as db:
        db.report(tmp_path / "named.html", analysis="top_talkers", params={"by": "srcaddr"})
        db.report(tmp_path / "plain.html", analysis="rejects")
    page = (tmp_path / "named.html").read_text(encoding="utf-8")
    assert "web &lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page
    assert "srcaddr_name" not in (tmp_path / "plain.html").read_text(encoding="utf-8")
