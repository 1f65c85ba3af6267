"""Logs, names and places made to do harm: each is kept as it is, and harms nobody wherever it is shown."""

from __future__ import annotations

import csv
import html
import io
import json
import os
import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import flowdb
from flowdb.cli import main
from flowdb.fields import FIELDS
from flowdb.quoting import quote_name, quote_text
from tests.conftest import HEADER, Run, record, write_log
from tests.s3 import ACCESS_KEY, SECRET_KEY, serving

VALUES = [
    "it's",
    'say"so"',
    "');DROP/**/VIEW/**/flows;--",
    '";DROP/**/VIEW/**/flows;--',
    "$1",
    "?",
    "{0}%s${x}",
    "\\",
    "\\'",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;owned\x07",
    "\x1b]8;;http://evil\x1b\\link",
    "\x9b31m",
    "\x08\x08\x7f",
    "\u202egpj.exe",
    "\u2028\u2029",
    '=HYPERLINK("http://evil","x")',
    "=cmd|'/c calc'!A1".replace(" ", "_"),
    "+1",
    "-1",
    "--",
    "@SUM(1)",
    '"=1+1"',
    "'=1",
    "''-1",
    "\uff1d1+1",
    "\uff0b1",
    "\uff0d1",
    "\uff20x",
    "<script>alert(1)</script>",
    "<img/src=x/onerror=alert(1)>",
    "&lt;b&gt;",
    "[a](javascript:alert(1))",
    "![a](http://evil/x.png)",
    "`code`",
    "|a|b|",
    "[red]markup[/red]",
    ":smile:",
    "a,b;c",
    "null",
    "../../etc/passwd",
    "é名🎉",
]
LINES = [
    "\tleft",
    "=1+1\tx",
    "\r=1",
    "a\x00b",
    "'); DROP VIEW flows; --",
    "\x1b[2J",
    "<b>&amp;</b>",
    "- x",
    "a\\nb",
]
NAMES = [
    "it's.log",
    'say "so".log',
    "'); DROP VIEW flows; --.log",
    "\x1b[31mred.log",
    "new\nline.log",
    "\ttab.log",
    "=HYPERLINK(1).log",
    "+1.log",
    "-rf.log",
    "@SUM.log",
    "<script>alert(1)<script>.log",
    "[a](b)|`c`.log",
    "a*?[b].log",
    "%2e%2e%2f.log",
    "x?versionId=1#y.log",
]
# Those that show other texts than most: all of them are written in the same place.
ANALYSES = (
    "conversations",
    "coverage",
    "cross_az",
    "ephemeral_ports",
    "formats_seen",
    "late_records",
    "rejected_sources",
    "rejects",
    "service_flows",
    "top_talkers",
    "traffic_of",
    "who_is",
)
NEEDING_A_RANGE = ("traffic-of", "who-is")
COPIED = ("csv", "tsv", "json", "jsonl", "parquet")
SHOWN = ("table", "markdown")
QUERIES = {
    "interfaces": "SELECT interface_id, srcaddr, bytes, -bytes AS minus FROM flows ORDER BY ALL",
    "bad lines": "SELECT source, reason, line FROM bad_lines ORDER BY ALL",
    "sources": "SELECT uri, layout, records FROM sources ORDER BY ALL",
    "names": f"SELECT {', '.join(f'1 AS {quote_name(value)}' for value in VALUES)}",
    "texts": f"SELECT unnest([{', '.join(quote_text(x) for x in VALUES + LINES if chr(0) not in x)}]) AS x",
}


class Asked:
    """The command line in this process: what it wrote to standard output and to standard error."""

    def __init__(self, store: Path, capture: pytest.CaptureFixture[bytes]) -> None:
        self._store = store
        self._capture = capture

    def __call__(self, *args: str) -> tuple[int, bytes, str]:
        self._capture.readouterr()
        code = main([*args, "--store", str(self._store)])
        out, err = self._capture.readouterr()
        return code, out, err.decode()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a store, at a hostile place, of logs that are hostile by all that they hold and by their names."""
    place = tmp_path_factory.mktemp("hostile")
    logs = place / "logs"
    for number, value in enumerate(VALUES):
        lines = [
            record(number, interface=value, srcaddr=value, action=action, bytes=1000 + number)
            for action in ("ACCEPT", "REJECT", value)
        ]
        write_log(logs / f"{number}.log", [HEADER, *lines])
    names = [field.name for field in FIELDS]
    for number, value in enumerate(VALUES):
        values = {field.name: value if field.kind.is_text else "1" for field in FIELDS}
        values |= {"start": "1705312800", "end": "1705312830", "log-status": "OK"}
        write_log(logs / f"all-{number}.log", [" ".join(names), " ".join(values[name] for name in names)])
    for number, name in enumerate(NAMES):
        write_log(logs / name, [HEADER, record(100 + number), "no record"])
    (logs / "bad.log").write_bytes(b"\n".join([HEADER.encode(), *(line.encode() for line in LINES)]))
    events = [{"message": "a\nb"}, {"message": f"{record(200)}\n=1"}, {"message": "\x1b[31m"}]
    (logs / "events.json").write_text(json.dumps({"events": events}))
    pq.write_table(
        pa.table(
            {"interface_id": ["with space'); DROP VIEW flows; --", "a\nb"], "start": [1_705_312_800] * 2}
        ),
        logs / "a.parquet",
    )
    with open(os.path.join(os.fsencode(logs), b"not-utf8-\xff\x1b.log"), "wb") as file:
        file.write(f"{HEADER}\n{record(300)}\nno record\n".encode())
    store = place / "it's \x1b[31m\"<b>\n=1 --"
    with flowdb.open(store) as db:
        report = db.ingest(logs)
    assert report.failures == []
    return store


@pytest.fixture
def ask(store: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> Asked:
    """Give the command line on that store."""
    return Asked(store, capfdbinary)


def commands() -> list[list[str]]:
    """Return every question that there is, with all rows."""
    asked = [["sql", query] for query in QUERIES.values()]
    asked.append(["status"])
    asked += [[name.replace("_", "-"), "--top", "all"] for name in ANALYSES]
    return [[*command, *(["0.0.0.0/0"] if command[0] in NEEDING_A_RANGE else [])] for command in asked]


@pytest.fixture
def hostile(store: Path) -> Iterator[flowdb.FlowDB]:
    """Give that store in Python."""
    with flowdb.open(store) as db:
        yield db


def answer(db: flowdb.FlowDB, command: list[str]) -> duckdb.DuckDBPyRelation:
    """Return what Python is told where the command line is asked."""
    if command[0] in ("sql", "status"):
        return db.sql(command[1]) if command[0] == "sql" else db.status()
    values = ["0.0.0.0/0"] if command[0] in NEEDING_A_RANGE else []
    result: duckdb.DuckDBPyRelation = getattr(db, command[0].replace("-", "_"))(*values, top=None)
    return result


def texts(result: duckdb.DuckDBPyRelation) -> list[list[str | None]]:
    """Return the names of the columns and all rows as DuckDB spells them."""
    return [list(result.columns), *map(list, result.project("COLUMNS(*)::VARCHAR").fetchall())]


def guarded(value: str | None, *, is_text: bool = True) -> str:
    """Return what a spreadsheet is given for a value."""
    value = value or ""
    bare = value.lstrip("\"' \t\r\n")
    is_formula = bare[:1] in tuple("=+-@\uff1d\uff0b\uff0d\uff20") if bare else False
    return f"'{value}" if is_text and (is_formula or value[:1] in ("\t", "\r", "\n")) else value


@pytest.mark.parametrize("command", commands(), ids=lambda command: command[0])
def test_no_control_character_reaches_a_terminal(ask: Asked, command: list[str]) -> None:
    for form in SHOWN:
        code, out, err = ask(*command, "-o", form)
        assert (code, err) == (0, "")
        assert [line for line in out.decode().split("\n") if not line.isprintable()] == []


@pytest.mark.parametrize("command", commands(), ids=lambda command: command[0])
def test_markdown_is_text_in_cells_and_nothing_else(
    ask: Asked, hostile: flowdb.FlowDB, command: list[str]
) -> None:
    expected = answer(hostile, command)
    code, out, _ = ask(*command, "-o", "markdown")
    assert code == 0
    lines = out.decode().removesuffix("\n").split("\n")
    assert len(lines) == len(texts(expected)) + 1 or command[0] == "status"

    class Tags(HTMLParser):
        found: list[str] = []  # noqa: RUF012

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.found.append(tag)

    Tags().feed(out.decode())
    assert Tags.found == []
    assert re.findall(r"(?<!\\)(?:\\\\)*[\[\]`]", out.decode()) == []
    columns = 2 if command[0] == "status" else len(expected.columns)
    assert {len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in lines} == {columns + 1}


def test_markdown_shows_what_was_meant(ask: Asked) -> None:
    _, out, _ = ask("sql", f"SELECT {quote_text('<b>&amp;[x](y)|`z`' + chr(92))} AS x", "-o", "markdown")
    cell = out.decode().split("\n")[2]
    assert cell == r"| &lt;b>&amp;amp;\[x\](y)\|\`z\`\\ |"
    assert html.unescape(re.sub(r"\\(.)", r"\1", cell[2:-2])) == "<b>&amp;[x](y)|`z`\\"


@pytest.mark.parametrize("form", ["csv", "tsv"])
@pytest.mark.parametrize("command", commands(), ids=lambda command: command[0])
def test_a_csv_holds_every_value_and_no_formula(
    ask: Asked, hostile: flowdb.FlowDB, command: list[str], form: str
) -> None:
    result = answer(hostile, command)
    is_text = [str(kind) == "VARCHAR" for kind in result.types]
    names, *rows = texts(result)
    expected = [
        [guarded(name) for name in names],
        *([guarded(cell, is_text=text) for cell, text in zip(row, is_text, strict=True)] for row in rows),
    ]
    code, out, err = ask(*command, "-o", form)
    assert (code, err) == (0, "")
    reader = csv.reader(io.StringIO(out.decode(), newline=""), delimiter="," if form == "csv" else "\t")
    assert list(reader) == expected


@pytest.mark.parametrize("command", commands(), ids=lambda command: command[0])
def test_json_and_parquet_hold_every_value_as_it_is(
    ask: Asked, hostile: flowdb.FlowDB, command: list[str]
) -> None:
    result = answer(hostile, command)
    rows = result.fetchall()
    is_text = [str(kind) == "VARCHAR" for kind in result.types]

    def only_texts(found: list[list[Any]]) -> list[list[Any]]:
        return [[cell for cell, text in zip(row, is_text, strict=True) if text] for row in found]

    expected = only_texts([list(row) for row in rows])
    for form in ("json", "jsonl"):
        _, out, _ = ask(*command, "-o", form)
        documents = json.loads(out) if form == "json" else [json.loads(line) for line in out.splitlines()]
        assert only_texts([list(one.values()) for one in documents]) == expected
        assert [list(one) for one in documents] == [result.columns] * len(rows)
    _, out, _ = ask(*command, "-o", "parquet")
    table = pq.read_table(io.BytesIO(out))
    assert table.column_names == result.columns
    assert duckdb.from_arrow(table).fetchall() == rows


def test_every_value_is_in_the_store_as_it_was_in_the_log(store: Path) -> None:
    with flowdb.open(store) as db:
        for column in ("interface_id", "srcaddr", "action"):
            found = {value for (value,) in db.sql(f"SELECT DISTINCT {column} FROM flows").fetchall()}
            assert set(VALUES) - found == set()
        assert ("with space'); DROP VIEW flows; --",) in db.sql("SELECT interface_id FROM flows").fetchall()
        lines = {line for (line,) in db.sql("SELECT line FROM bad_lines").fetchall()}
        assert {"'); DROP VIEW flows; --", "\x1b[2J", "<b>&amp;</b>", "- x", "\tleft"} - lines == set()
        names = {os.path.basename(uri) for (uri,) in db.sql("SELECT uri FROM sources").fetchall()}
        assert set(NAMES) | {"not-utf8-\\xff\x1b.log"} <= names


def test_a_value_given_to_an_analysis_is_a_value(ask: Asked) -> None:
    for value in VALUES:
        code, out, _ = ask("rejects", f"--interface-id={value}", "--top", "all", "-o", "jsonl")
        assert code == 0
        assert {json.loads(line)["interface_id"] for line in out.splitlines()} == {value}
        assert out


def test_what_is_said_has_no_control_character(ask: Asked, store: Path) -> None:
    logs = store.parent / "logs"
    broken = store.parent / "broken"
    for name in NAMES:
        (broken / name).parent.mkdir(exist_ok=True)
        (broken / name).write_bytes(b"\x1f\x8b\x08 no gzip")
    (broken / "unknown.log").write_text("\x1b[31m fields\nof nothing known\n")
    commands = [
        ["ingest", str(logs)],
        ["ingest", str(broken)],
        ["ingest", str(broken / "nowhere\x1b[31m\n.log")],
        ["ingest", str(logs), "--format", "\x1b[31m\n"],
        ["sql", "SELECT \x1b[31m"],
        ["sql", "SELECT error('\x1b[31m\n\nx')"],
        ["sql", "SELECT interface_id::INTEGER FROM flows", "-o", "csv"],
        ["rejects", "--interface-id", "\x1b[31m\nx", "--show-sql"],
        ["rejects", "--since", "\x1b[31m"],
        ["top-talkers", "--by", "\x1b[31m"],
        ["\x1b[31m"],
        ["analyses", "\x1b[31m"],
    ]
    for command in commands:
        code, out, err = ask(*command)
        assert err
        assert [line for line in (out.decode() + err).split("\n") if not line.isprintable()] == []
        if "--show-sql" not in command and command[1:] != [str(broken)]:
            assert err.count("\n") <= 2
        assert code in (0, 1, 2)


def test_errors_in_python_name_the_source_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "\x1b[31m.log").write_bytes(b"\x1f\x8b\x08 no gzip")
    with flowdb.open(tmp_path / "flows") as db:
        (failure,) = db.ingest(tmp_path / "\x1b[31m.log").failures
    assert failure.source == f"{tmp_path}/\x1b[31m.log"


@pytest.mark.skipif(sys.platform == "darwin", reason="file names are UTF-8")
def test_a_name_that_is_no_text_is_said_with_what_can_be_said(run: Run, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    name = os.path.join(os.fsencode(tmp_path), b"logs", b"\xff\x1b\n.log")
    with open(name, "wb") as file:
        file.write(b"\0\1\2")
    done = run("ingest", "logs")
    assert done.returncode == 1
    assert all(line.isprintable() for line in done.stderr.split("\n"))


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Give the keys of hostile names in a bucket."""
    keys = [name for name in NAMES if "\n" not in name]  # which the server does not find again
    with serving() as s3:
        monkeypatch.setenv("AWS_ENDPOINT_URL", s3.endpoint)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        s3.put(
            "hostile-keys",
            {f"p/{key}": f"{HEADER}\n{record(n)}\nno record\n".encode() for n, key in enumerate(keys)},
        )
        yield keys


def test_hostile_keys_in_s3_are_names_and_nothing_else(
    keys: list[str], tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    ask = Asked(tmp_path / "flows", capfdbinary)
    code, out, err = ask("ingest", "s3://hostile-keys/p/")
    assert (code, out) == (0, b"")
    assert all(line.isprintable() for line in err.split("\n"))
    expected = sorted(f"s3://hostile-keys/p/{key}" for key in keys)
    with flowdb.open(tmp_path / "flows") as db:
        assert [uri for (uri,) in db.sql("SELECT uri FROM sources ORDER BY uri").fetchall()] == expected
        assert [
            uri for (uri,) in db.sql("SELECT source FROM bad_lines ORDER BY source").fetchall()
        ] == expected
    for form in SHOWN:
        _, out, _ = ask("sql", "SELECT uri FROM sources", "-o", form)
        assert [line for line in out.decode().split("\n") if not line.isprintable()] == []


def test_columns_that_a_log_names_itself_are_columns(tmp_path: Path) -> None:
    name = "x\"';--"
    lines = [f"{HEADER} {name} =cmd", f"{record()} a b"]
    with flowdb.open(tmp_path / "flows") as db:
        report = db.ingest(write_log(tmp_path / "a.log", lines))
        assert report.records + report.sources_failed == 1
        assert "flows" in [row[0] for row in db.sql("SHOW TABLES").fetchall()]
        assert db.sql("SELECT count(*) FROM flows").fetchall() == [(report.records,)]


@pytest.mark.parametrize("form", COPIED)
def test_a_number_is_never_taken_for_a_formula(ask: Asked, form: str) -> None:
    query = "SELECT -1 AS a, -1.5::DOUBLE AS b, -1.25::DECIMAL(4, 2) AS c"
    _, out, _ = ask("sql", query, "-o", form)
    if form in ("csv", "tsv"):
        assert out.decode().splitlines()[1].replace("\t", ",") == "-1,-1.5,-1.25"
    elif form == "parquet":
        assert [
            str(value) for value in duckdb.from_arrow(pq.read_table(io.BytesIO(out))).fetchall()[0][:3]
        ] == [
            "-1",
            "-1.5",
            "-1.25",
        ]
    else:
        assert json.loads(out.decode().strip("[]\n\t")) == {"a": -1, "b": -1.5, "c": -1.25}
