"""The command line, as a person or a script runs it: what it writes where, and how it ends."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import select
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import flowdb
from flowdb import analyses
from flowdb.cli import main
from tests.conftest import HEADER, Run, record, write_log
from tests.terminals import interrupted

KEYS = [
    "sources_found",
    "sources_ingested",
    "sources_skipped",
    "sources_failed",
    "sources_replaced",
    "records",
    "bad_lines",
    "raw_bytes",
    "source_bytes",
    "parquet_bytes",
    "files_compacted",
    "seconds",
    "commit",
]


def test_json_of_an_ingest_is_one_object_and_nothing_else(run: Run, logs: Path) -> None:
    done = run("ingest", "logs", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    facts = json.loads(done.stdout)
    assert list(facts) == KEYS
    assert (facts["sources_found"], facts["records"], facts["commit"]) == (3, 6, 1)
    again = json.loads(run("ingest", "logs", "--json").stdout)
    assert (again["sources_skipped"], again["records"], again["commit"]) == (3, 0, None)


def test_the_summary_of_an_ingest_is_not_on_standard_output(run: Run, logs: Path) -> None:
    done = run("ingest", "logs")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("flowdb: 6 records from 3 sources into flows in ")
    assert run("ingest", "logs").stderr == "flowdb: nothing new for flows: 3 sources skipped\n"


def test_the_store_is_the_option_else_the_environment_else_flows(
    run: Run, tmp_path: Path, logs: Path
) -> None:
    run("ingest", "logs/a.log")
    run("ingest", "logs/a.log", env={"FLOWDB_STORE": "from-env"})
    run("ingest", "logs/a.log", "--store", "from-option", env={"FLOWDB_STORE": "from-env-too"})
    assert {path.parent.name for path in tmp_path.glob("*/catalog.sqlite")} == {
        "flows",
        "from-env",
        "from-option",
    }


def test_quoted_patterns_and_several_places_are_taken(run: Run, logs: Path) -> None:
    done = run("ingest", "logs/**/*.log.gz", "logs/a.log", "--json")
    assert json.loads(done.stdout)["records"] == 5


@pytest.mark.parametrize("form", ["csv", "tsv", "json", "jsonl", "markdown", "table", "parquet"])
def test_all_formats_show_the_same_cells(store: Path, tmp_path: Path, run: Run, form: str) -> None:
    with flowdb.open(store) as db:
        result = db.top_talkers(by="pair", top=3)
        names = result.columns
        cells = [
            ["" if value is None else str(value) for value in row]
            for row in result.project(", ".join(f'"{name}"::VARCHAR' for name in names)).fetchall()
        ]
    command = [
        sys.executable,
        "-m",
        "flowdb",
        "top-talkers",
        "--by",
        "pair",
        "--top",
        "3",
        "--raw",
        "-o",
        form,
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    assert done.stderr == b""
    text = "" if form == "parquet" else done.stdout.decode()
    if form in ("csv", "tsv"):
        read = list(csv.reader(io.StringIO(text), delimiter="," if form == "csv" else "\t"))
        assert read == [names, *cells]
    elif form in ("json", "jsonl"):
        rows = json.loads(text) if form == "json" else [json.loads(line) for line in text.splitlines()]
        assert [list(row) for row in rows] == [names] * 3
        assert [[str(value) for value in row.values()] for row in rows] == cells
    elif form == "parquet":
        table = pq.read_table(io.BytesIO(done.stdout))
        assert table.column_names == names
        assert table["bytes"].to_pylist() == [int(row[names.index("bytes")]) for row in cells]
    else:
        lines = [
            [cell for cell in line.replace("|", "  ").split("  ") if cell.strip()]
            for line in text.splitlines()
        ]
        read = [
            [cell.strip() for cell in line] for line in lines if line and set("".join(line)) - set("─-: ")
        ]
        assert read == [names, *cells]


def test_sql_from_the_argument_and_from_standard_input(store: Path, run: Run) -> None:
    assert run("sql", "SELECT count(*) AS n FROM flows", "-o", "csv").stdout == "n\n12000\n"
    assert run("sql", "-", "-o", "csv", input="SELECT 1 AS one").stdout == "one\n1\n"


def test_a_day_is_since_and_until(store: Path, run: Run) -> None:
    day = run("top-talkers", "--day", "2024-01-15", "-o", "csv")
    both = run("top-talkers", "--since", "2024-01-15", "--until", "2024-01-16T00:00", "-o", "csv")
    assert day.stdout == both.stdout
    assert day.stdout.count("\n") == 11
    assert run("top-talkers", "--day", "2024-01-17", "-o", "csv").stdout.count("\n") == 1


def test_an_age_is_a_time(run: Run, tmp_path: Path) -> None:
    now = int(datetime.now(UTC).timestamp())
    lines = [record(0, start=now - 3600 * 3), record(1, start=now - 60, srcaddr="10.0.0.9")]
    write_log(tmp_path / "a.log", lines)
    run("ingest", "a.log")
    done = run("top-talkers", "--since", "2h", "-o", "csv")
    assert [row.split(",")[0] for row in done.stdout.splitlines()] == ["srcaddr", "10.0.0.9"]
    assert run("top-talkers", "--since", "1d", "-o", "csv").stdout.count("\n") == 3


def test_every_row_is_returned_for_top_all(store: Path, run: Run) -> None:
    rows = run("rejects", "--top", "all", "-o", "csv").stdout.splitlines()
    with flowdb.open(store) as db:
        assert [(len(rows) - 1,)] == db.sql("SELECT count(*) FROM flows WHERE action = 'REJECT'").fetchall()


def test_the_sql_shown_is_the_sql_run(store: Path, run: Run) -> None:
    done = run("top-talkers", "--by", "pair", "--since", "2024-01-15", "--show-sql", "-o", "csv")
    macro, _, call = done.stderr.partition("\n\nFROM ")
    assert macro == analyses.find_analysis("top_talkers").statement + ";"
    with flowdb.open(store) as db:
        db.sql(macro)
        expected = run("sql", "FROM " + call, "-o", "csv").stdout
    assert done.stdout == expected


def test_status_tells_what_is_in_the_store(store: Path, run: Run) -> None:
    (facts,) = json.loads(run("status", "-o", "json").stdout)
    assert (facts["records"], facts["dates"], facts["sources"], facts["commits"]) == (12000, 2, 12, 1)
    assert (facts["first_date"], facts["last_date"]) == ("2024-01-14", "2024-01-15")
    shown = run("status").stdout
    assert all(name in shown for name in facts)


def test_analyses_are_listed_without_a_store(run: Run) -> None:
    listed = json.loads(run("analyses", "-o", "json").stdout)
    assert [row["name"] for row in listed] == list(analyses.analyses())
    shown = run("analyses", "top-talkers").stdout
    assert shown == analyses.find_analysis("top_talkers").script


def test_the_command_alone_shows_its_help(run: Run) -> None:
    done = run()
    assert (done.returncode, done.stdout) == (2, "")
    assert "\n  ingest " in done.stderr


def test_help_names_every_command_and_analysis(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    shown = run("--help").stdout
    for name in ("ingest", "sql", "status", "analyses", *analyses.analyses()):
        command = name.replace("_", "-")
        assert f"  {command} " in shown
        assert main([command, "--help"]) == 0
        assert capsys.readouterr().out.startswith(f"Usage: flowdb {command} ")
    assert run("--version").stdout == f"flowdb {flowdb.__version__}\n"


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["ingest", "nowhere"], 2, "nowhere: no such file or folder"),
        (["ingest", "logs/*.nothing"], 2, "logs/*.nothing: no such file or folder"),
        (["ingest"], 2, "Missing argument 'SOURCE...'."),
        (["ingest", "empty"], 2, "empty: no flow logs in it"),
        (
            ["ingest", "logs", "--store", "logs"],
            3,
            "{}/logs: the directory is not empty and is not a flowdb store",
        ),
        (["ingest", "logs", "--store", "logs/a.log"], 3, "{}/logs/a.log: it is a file, not a store"),
        (
            ["sql", "FROM flows", "--store", "none"],
            3,
            "{}/none: no store here; make one with: flowdb ingest SOURCE --store DIR",
        ),
        (["status", "--store", "logs"], 3, "{}/logs: the directory is not empty and is not a flowdb store"),
        (["sql", "SELEC 1"], 1, 'Parser Error: syntax error at or near "SELEC"'),
        (["sql", "SELECT nothing FROM flows"], 1, 'Binder Error: Referenced column "nothing" not found'),
        (["sql", "SELECT error('no')"], 1, "Invalid Input Error: no"),
        (["sql", "SELECT 'x'::INTEGER", "-o", "csv"], 1, "Conversion Error: Could not convert string 'x'"),
        (["top-talker"], 2, "No such command 'top-talker' (did you mean 'top-talkers'?)."),
        (["nonsense"], 2, "No such command 'nonsense'.\n"),
        (
            ["top-talkers", "--by", "srcadr,dstadr"],
            2,
            "top_talkers: by is 'srcadr,dstadr' (did you mean 'srcaddr,dst",
        ),
        (
            ["top-talkers", "--metric", "byte"],
            2,
            "Invalid value for '--metric': 'byte' is not one of 'bytes',",
        ),
        (
            ["top-talkers", "--tpo", "3"],
            2,
            "No such option '--tpo'. (Did you mean one of: '--port', '--store', '--top'?)",
        ),
        (
            ["render", "top-talkers", "--param", "tpo=3"],
            2,
            "top_talkers: no parameter 'tpo' (did you mean 'top'?)",
        ),
        (
            ["analyses", "top-talker"],
            2,
            "no analysis 'top-talker' (did you mean 'top_talkers'?); `flowdb analyses`",
        ),
        (
            ["sql", "SELECT srcadr FROM flows"],
            1,
            'Binder Error: Referenced column "srcadr" not found in FROM clause! Cand',
        ),
        (
            ["sql", "FROM top_talkes()"],
            1,
            "Catalog Error: Table Function with name top_talkes does not exist! Did you mean",
        ),
        (["top-talkers", "--by", "colour"], 2, "top_talkers: by is 'colour'; expected one of, or two"),
        (["top-talkers", "--top", "-1"], 2, "Invalid value for '--top': '-1' is neither a whole number"),
        (["top-talkers", "--since", "soon"], 2, "Invalid value for '--since': 'soon' is neither a time"),
        (["top-talkers", "--day", "2024-01-15", "--since", "2h"], 2, "--day says both --since and --until"),
        (["analyses", "nothing"], 2, "no analysis 'nothing'; there are: "),
        (["rejects", "-o", "xml"], 2, "Invalid value for '-o'"),
        (["ephemeral-ports", "--bucket", "soon"], 2, "ephemeral_ports: bucket is 'soon'; expected a length"),
    ],
)
def test_each_mistake_gets_one_sentence_and_its_exit_code(
    run: Run, tmp_path: Path, logs: Path, args: list[str], code: int, said: str
) -> None:
    (tmp_path / "empty").mkdir()
    with flowdb.open(tmp_path / "flows") as db:
        db.ingest(logs)
    done = run(*args)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith(f"flowdb: error: {said.replace('{}', str(tmp_path))}")
    assert done.stderr.count("\n") == 1


def test_one_bad_source_among_good_ones_is_said_and_the_others_land(
    run: Run, tmp_path: Path, logs: Path
) -> None:
    (logs / "bad.log").write_bytes(b"\x7fELF\0\0")
    done = run("ingest", "logs", "--json")
    assert done.returncode == 1
    assert done.stderr == f"flowdb: error: {logs}/bad.log: it is a binary file, not a flow log\n"
    facts = json.loads(done.stdout)
    assert (facts["sources_found"], facts["sources_ingested"], facts["sources_failed"]) == (4, 3, 1)


def test_nothing_in_a_log_reaches_a_terminal_but_printable_characters(run: Run, tmp_path: Path) -> None:
    hostile = "\x1b]0;owned\x07|<b>[red]"
    write_log(tmp_path / "a.log", [HEADER, record(interface=hostile), f"{hostile} bad"])
    done = run("ingest", "a.log")
    assert done.returncode == 0
    for form in ("table", "markdown"):
        for query in (
            "SELECT interface_id, srcaddr FROM flows",
            "SELECT line, 1 FROM bad_lines",
            'SELECT 1 AS "\x1b[1m"',
        ):
            shown = run("sql", query, "-o", form).stdout
            assert "\x1b" not in shown
            assert "\\x1b" in shown
    assert "\\x1b]0;owned\\x07|<b>[red]" in run("sql", "SELECT interface_id FROM flows").stdout
    (tmp_path / "\x1b[31m.log").write_bytes(b"\0")
    assert "\x1b" not in run("ingest", "\x1b[31m.log").stderr


def test_a_table_stops_at_a_thousand_rows_and_says_so(store: Path, run: Run) -> None:
    done = run("sql", "SELECT source_id FROM flows")
    assert len(done.stdout.split()) == 1002
    assert done.stderr == "flowdb: note: the first 1,000 rows; -o csv, json or parquet writes all of them\n"


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "markdown", "parquet"])
def test_a_reader_that_goes_away_is_no_error(form: str, store: Path, tmp_path: Path) -> None:
    rows = "SELECT hash(range) AS number, repeat('a', 100) AS text FROM range(100000)"
    command = [sys.executable, "-m", "flowdb", "sql", rows, "-o", form]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (0, b"")


def test_an_empty_result_has_its_columns(store: Path, run: Run) -> None:
    assert run("rejects", "--top", "0", "-o", "csv").stdout.startswith("start_time,end_time,day_of_week,")
    assert json.loads(run("rejects", "--top", "0", "-o", "json").stdout) == []
    assert run("rejects", "--top", "0", "-o", "jsonl").stdout == ""


def terminal(args: list[str], cwd: Path) -> str:
    """Run the command line on a terminal of its own; return what it showed there."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "flowdb", *args], cwd=cwd, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    shown = b""
    while select.select([ours], [], [], 60)[0]:
        try:
            chunk = os.read(ours, 65536)
        except OSError:
            break
        if not chunk:
            break
        shown += chunk
    os.close(ours)
    assert process.wait() == 0
    return shown.decode()


def test_progress_shows_bytes_rate_and_time_left_on_a_terminal_only(tmp_path: Path) -> None:
    for n in range(30):
        write_log(tmp_path / "logs" / f"{n}.log", [record(n, start=1_705_312_800 + k) for k in range(30_000)])
    shown = terminal(["ingest", "logs"], tmp_path)
    assert "records/s" in shown
    assert "MiB of " in shown
    assert "0:00:" in shown
    assert "900,000 records from 30 sources" in shown


def test_parquet_is_not_written_to_a_terminal(store: Path, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "flowdb", "rejects", "-o", "parquet"],
        cwd=tmp_path,
        stdout=theirs,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 2
    assert done.stderr.startswith("flowdb: error: parquet is not for a terminal")


@pytest.mark.parametrize("form", ["{}", "CREATE TABLE x AS {}", "EXPLAIN ANALYZE {}", "{}; SELECT 1"])
def test_a_query_can_be_interrupted(store: Path, tmp_path: Path, form: str) -> None:
    endless = form.format(
        "SELECT count(*) FROM range(1000000000) a, range(1000000) b WHERE a.range * b.range % 7 = 3"
    )
    code, said = interrupted([sys.executable, "-m", "flowdb", "sql", endless], tmp_path)
    assert (code, "Traceback" in said) == (130, False)


def test_the_help_is_shown_without_loading_duckdb() -> None:
    code = "import sys, flowdb.cli; flowdb.cli.main(['--help']); sys.exit('duckdb' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, check=False).returncode == 0
    )
