"""How rows look to a person: units, widths, colours, bars, and what is nowhere shown."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flowdb
from flowdb.look import Look, cells_of, console, look_of
from flowdb.output import fetched
from flowdb.tables import Drawn, bar, drawn
from flowdb.units import Unit, is_number, readable, unit_of
from tests.cases import NAMES, GivenStores
from tests.cases import given as given_params
from tests.conftest import Run, record, write_log
from tests.terminals import environment, on_terminal, plain, spawned

ELSEWHERE = "-o json has them, and so does a pipe: | less -S"
HOSTILE = "\x1b]0;owned\x07\u202e|[red]"


def text(table: Drawn, look: Look) -> str:
    """Return a table as it is printed."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding=look.encoding)
    console(stream, look).print(table.table)
    stream.seek(0)
    return stream.read()


@pytest.mark.parametrize(
    ("number", "unit", "read"),
    [
        ("0", Unit.BYTES, "0 B"),
        ("1023", Unit.BYTES, "1023 B"),
        ("1024", Unit.BYTES, "1.0 KiB"),
        ("1048575", Unit.BYTES, "1.0 MiB"),
        ("1288490189", Unit.BYTES, "1.2 GiB"),
        ("-5000", Unit.BYTES, "-4.9 KiB"),
        ("17.8", Unit.BYTES, "17.8 B"),
        ("1234567.9", Unit.BITS, "1.2 Mbit/s"),
        ("1234", Unit.COUNT, "1,234"),
        ("170141183460469231731687303715884105727", Unit.COUNT, f"{2**127 - 1:,}"),
        ("0", Unit.SHARE, "0.0 %"),
        ("0.064158", Unit.SHARE, "6.4 %"),
        ("0.00001", Unit.SHARE, "<0.01 %"),
        ("0.0005", Unit.SHARE, "0.05 %"),
        ("0.9999", Unit.SHARE, "99.99 %"),
        ("0.99999", Unit.SHARE, ">99.99 %"),
        ("1", Unit.SHARE, "100.0 %"),
        ("12.5", Unit.SHARE, "1,250.0 %"),
        ("-0.5", Unit.SHARE, "-50.0 %"),
        ("inf", Unit.SHARE, "inf"),
        ("0", Unit.SECONDS, "0s"),
        ("0.25", Unit.SECONDS, "0.25s"),
        ("51.0", Unit.SECONDS, "51s"),
        ("59.96", Unit.SECONDS, "1m 00s"),
        ("7500", Unit.SECONDS, "2h 05m"),
        ("90000", Unit.SECONDS, "1d 01h"),
        ("0.00459", Unit.DOLLARS, "$0.0046"),
        ("1234.5", Unit.DOLLARS, "$1,234.50"),
        ("-0.5", Unit.DOLLARS, "-$0.50"),
        ("0.87125", Unit.NUMBER, "0.871"),
        ("2.5", Unit.NUMBER, "2.5"),
        ("0.01", Unit.NUMBER, "0.01"),
        ("-0.00004", Unit.NUMBER, "-0.00004"),
        ("65535", Unit.LABEL, "65535"),
    ],
)
def test_a_number_reads_as_its_unit_says(number: str, unit: Unit, read: str) -> None:
    assert readable(number, unit) == read


def test_numbers_that_count_nothing_are_these_and_the_others_have_units(stores: GivenStores) -> None:
    units: dict[Unit | None, set[str]] = {unit: set() for unit in Unit}
    for analysis in NAMES:
        answer = fetched(getattr(stores[analysis], analysis)(**given_params(analysis)))
        for name, kind in zip(*answer[:2], strict=True):
            if is_number(kind):
                units[unit_of(name, kind)].add(name)
        for width in (40, 80, 200):
            look = Look(width=width)
            shown = text(drawn(*answer, look), look)
            assert max(map(cells_of, shown.splitlines()), default=0) <= width, analysis
    assert len(NAMES) > 40
    assert units[Unit.LABEL] == {
        "addr_port",
        "client_port",
        "dstport",
        "first_port",
        "highest_port",
        "last_port",
        "lowest_port",
        "peer_port",
        "port",
        "protocol",
        "server_port",
        "srcport",
        "version",
    }
    assert units[Unit.NUMBER] == {
        "coverage_score",
        "duration_score",
        "gb",
        "interval_score",
        "peak_to_mean",
        "score",
        "size_score",
        "times_average",
    }
    assert units[Unit.BITS] == {"bits_per_second", "mean_bps", "p95_bps", "peak_bps"}
    assert units[Unit.DOLLARS] == {"dollars"}
    assert {"records", "ports_at_once", "targets", "change"} <= units[Unit.COUNT]


def test_what_a_query_gives_no_name_has_the_unit_of_what_it_adds_up(store: Path, run: Run) -> None:
    shown = run("sql", "SELECT sum(bytes), count(*), max(dstport), 1234 AS year FROM flows").stdout
    assert shown.splitlines()[2].split() == ["42.5", "MiB", "12,000", "60999", "1234"]


def test_raw_numbers_are_those_of_the_other_formats(store: Path, run: Run) -> None:
    rows = json.loads(run("top-talkers", "--top", "2", "-o", "json").stdout)
    shown = run("top-talkers", "--top", "2", "--raw").stdout.splitlines()
    read = [line.replace(" 00:", "T00:").replace(" 23:", "T23:").split() for line in shown if line]
    assert read[0] == list(rows[0])
    assert read[2:] == [[str(cell).replace(" ", "T") for cell in row.values()] for row in rows]


NAMES_OF_TEXTS = st.sampled_from(["srcaddr", "interface_id", "note", "cumulative_thing"])
VALUES = st.one_of(
    st.none(), st.text(max_size=60), st.sampled_from(["2001:db8::ffff:0:1", "日本語のテキスト"])
)


@settings(max_examples=60, deadline=None)
@given(
    width=st.integers(20, 200),
    names=st.lists(NAMES_OF_TEXTS, min_size=1, max_size=6, unique=True),
    rows=st.lists(st.lists(VALUES, min_size=6, max_size=6), max_size=3),
    numbers=st.lists(st.integers(-(10**12), 10**12), min_size=3, max_size=3),
    encoding=st.sampled_from(["utf-8", "ascii", "latin-1"]),
)
def test_no_line_is_wider_than_the_terminal_and_no_number_is_broken(
    width: int, names: list[str], rows: list[list[str | None]], numbers: list[int], encoding: str
) -> None:
    look = Look(width=width, is_terminal=True, encoding=encoding)
    types = ["VARCHAR"] * len(names)
    cells = [[*row[: len(names)], str(number)] for row, number in zip(rows, numbers, strict=False)]
    table = drawn([*names, "bytes"], [*types, "BIGINT"], cells, look)
    shown = text(table, look)
    assert max(map(cells_of, shown.splitlines()), default=0) <= width
    assert all(line.isprintable() for line in shown.splitlines())
    if table.remark is None:
        for row in cells:
            assert readable(str(row[-1]), Unit.BYTES) in shown
    else:
        assert "bytes" in table.remark


def test_columns_that_do_not_fit_are_named_and_narrow_terminals_have_lists(store: Path) -> None:
    command = ["top-talkers", "--by", "pair", "--top", "1"]
    code, shown = on_terminal(command, store.parent, env={"NO_COLOR": "1"})
    assert code == 0
    assert [line.rstrip() for line in shown.splitlines()] == [
        "                                                            cumulative_",
        "srcaddr        dstaddr      flows  packets    bytes  share        share",
        "─" * 71,
        "44.48.205.158  10.0.12.174      1    4,110  2.7 MiB  6.4 %        6.4 %",
        f"flowdb: note: not shown in 80 columns: first_seen, last_seen, keys; {ELSEWHERE}",
    ]
    _, shown = on_terminal(command, store.parent, width=40, env={"NO_COLOR": "1"})
    assert [line.split() for line in shown.splitlines()[:4]] == [
        ["──", "1", "──"],
        ["srcaddr", "44.48.205.158"],
        ["dstaddr", "10.0.12.174"],
        ["flows", "1"],
    ]
    assert "keys" in shown
    assert "note" not in shown
    _, shown = on_terminal(command, store.parent, width=200, env={"NO_COLOR": "1"})
    assert "6.4 %  ▋ " in shown
    assert "note" not in shown


def test_a_bar_is_as_long_as_its_share() -> None:
    full, ascii_only = Look(), Look(encoding="ascii")
    assert [bar(share, 4, full) for share in (0, 0.001, 0.5, 0.6, 1, 7)] == [
        "",
        "▏",
        "██",
        "██▍",
        "████",
        "████",
    ]
    assert [bar(share, 4, ascii_only) for share in (0, 0.001, 0.5, 1)] == ["", "#", "##", "####"]


@pytest.mark.parametrize(
    ("color", "env", "is_tty", "expected"),
    [
        ("auto", {"TERM": "xterm"}, True, True),
        ("auto", {"TERM": "xterm"}, False, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"TERM": "xterm", "NO_COLOR": "1"}, True, False),
        ("auto", {"TERM": "xterm", "NO_COLOR": ""}, True, True),
        ("auto", {"TERM": "xterm", "CLICOLOR": "0"}, True, False),
        ("auto", {"CLICOLOR_FORCE": "1"}, False, True),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"FORCE_COLOR": "0"}, False, False),
        ("auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
        ("always", {"NO_COLOR": "1", "TERM": "dumb"}, False, True),
        ("never", {"FORCE_COLOR": "1", "TERM": "xterm"}, True, False),
    ],
)
def test_colours_obey_the_option_then_the_environment_then_the_terminal(
    color: str, env: dict[str, str], is_tty: bool, expected: bool
) -> None:
    class Stream(io.StringIO):
        def isatty(self) -> bool:
            return is_tty

    assert look_of(Stream(), color, env=env).is_colored is expected


def test_real_terminals_show_escapes_where_there_are_colours_alone(store: Path) -> None:
    command = ["sql", "SELECT action, count(*) FROM flows WHERE action = 'REJECT' GROUP BY ALL"]
    assert "\x1b[31mREJECT" in on_terminal(command, store.parent)[1]
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert "\x1b" not in on_terminal(command, store.parent, env=env)[1]
    assert "\x1b" not in on_terminal([*command, "--color", "never"], store.parent)[1]
    piped = [sys.executable, "-m", "flowdb", *command]
    for env, has_colours in (({}, False), ({"CLICOLOR_FORCE": "1"}, True)):
        done = subprocess.run(
            piped, cwd=store.parent, env=environment(**env), capture_output=True, text=True, check=True
        )
        assert ("\x1b[31m" in done.stdout) is has_colours


def test_nothing_of_a_log_moves_the_cursor_of_a_real_terminal(tmp_path: Path) -> None:
    write_log(tmp_path / "a.log", [record(interface=HOSTILE)])
    with flowdb.open(tmp_path / "flows") as db:
        db.ingest(tmp_path / "a.log")
    for width in (40, 200):
        for command in (
            ["sql", "SELECT interface_id, srcaddr, bytes FROM flows"],
            ["top-talkers", "--by", "interface_id", "--top", "5"],
            ["plot", "top-talkers", "--by", "interface_id"],
        ):
            code, shown = on_terminal(command, tmp_path, width=width)
            assert code == 0
            rest = plain(shown).replace("\n", "")
            assert rest.isprintable()
            assert "\\x1b]0;owned\\x07\\u202e|[red]" in rest.replace(" ", "") or width == 40
    for form, name in (
        ("csv", "\\x1b]0;owned\\x07\\u202e|[red]"),
        ("json", "\\u001B]0;owned\\u0007\\u202e|[red]"),
    ):
        code, shown = on_terminal(["sql", "SELECT interface_id FROM flows", "-o", form], tmp_path)
        assert (code, name in shown) == (0, True)
        assert shown.replace("\n", "").replace("\t", "").isprintable()


def test_a_terminal_without_utf_8_has_ascii_alone(store: Path) -> None:
    env = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C", "LANG": "C"}
    for command in (["top-talkers"], ["status"], ["plot", "top-talkers"], ["plot", "traffic-over-time"]):
        code, shown = on_terminal(command, store.parent, width=150, env=env)
        assert (code, plain(shown).isascii()) == (0, True)
    assert "#" in on_terminal(["top-talkers"], store.parent, width=150, env=env)[1]


@pytest.mark.parametrize("command", [["top-talkers", "--top", "all"], ["plot", "rejects", "--top", "all"]])
def test_a_reader_that_goes_away_from_a_table_is_no_error(store: Path, command: list[str]) -> None:
    words = " ".join(command)
    piped = f"{sys.executable} -m flowdb {words} | head -1 > /dev/null; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", piped], cwd=store.parent, env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout == "0\n"
    assert "Traceback" not in done.stderr


def test_quiet_says_nothing_but_errors(run: Run, logs: Path) -> None:
    done = run("ingest", "logs", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    for command in (
        ["compact"],
        ["verify"],
        ["backup", "copy"],
        ["prune", "--keep", "9999d"],
        ["forget", "logs"],
    ):
        done = run(*command, "--quiet")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), command
    (logs / "bad.log").write_bytes(b"\x7fELF\0\0")
    assert run("ingest", "logs", "--quiet").stderr == (
        f"flowdb: error: {logs}/bad.log: it is a binary file, not a flow log\n"
    )


def test_progress_is_nowhere_but_on_a_terminal(run: Run, logs: Path, tmp_path: Path) -> None:
    assert on_terminal(["ingest", "logs/a.log", "-q"], tmp_path) == (0, "")
    _, shown = on_terminal(["ingest", "logs/c.log"], tmp_path, env={"TERM": "dumb"})
    assert shown.startswith("flowdb: 1 record from 1 source into flows in ")
    assert shown.count("\n") == 1
    for command in (["ingest", "logs"], ["compact"], ["verify"]):
        assert "\x1b" not in run(*command).stderr


def test_progress_tells_what_is_listed_and_steps_that_are_done_and_leaves_nothing_behind(
    tmp_path: Path,
) -> None:
    program = """
import sys, time
from flowdb.meter import Meter
from flowdb.progress import progress
with progress("report") as watch:
    listing, steps = Meter(), Meter()
    listing.list(1234)
    watch(listing)
    time.sleep(0.2)
    steps.total_steps = 7
    for _ in range(7):
        steps.steps += 1
        watch(steps)
        time.sleep(0.1)
    raise KeyboardInterrupt
"""
    child = spawned(sys.executable, ["-c", program], tmp_path)
    child.expect(pexpect.EOF)
    shown = plain(child.before)
    assert "1,234 objects found" in shown
    assert "7 of 7" in shown
    # The cursor is there again, and the line is gone.
    assert "\x1b[?25h" in child.before.rpartition("\x1b[?25l")[2]
    assert "\x1b[2K" in child.before.partition("Traceback")[0][-12:]


@pytest.mark.parametrize(
    ("args", "done"),
    [
        (["ingest", "logs"], r"[\d.]+ [KM]iB of [\d.]+ [KM]iB"),
        (["compact"], r"[\d.]+ [KM]iB of [\d.]+ [KM]iB"),
        (["verify"], r"[\d.]+ [KM]iB of [\d.]+ [KM]iB"),
        (["report"], r"[\d,]+ of 33 +[\d.]+/s"),
    ],
    ids=lambda value: value[0],
)
def test_what_takes_long_tells_how_far_it_is_and_how_long_it_will_take(
    args: list[str], done: str, tmp_path: Path
) -> None:
    for half in range(2):
        lines = [record(n % 1000, start=1_705_312_800 + n) for n in range(40_000)]
        logs = write_log(tmp_path / "logs" / f"{half}.log", lines)
        if args[0] != "ingest":
            with flowdb.open(tmp_path / "flows") as db:
                db.ingest(logs, compact=False)
    code, shown = on_terminal(args, tmp_path)
    assert code == 0
    assert re.search(rf"{args[0]} .*{done}.* \d:\d\d:\d\d|{args[0]} .*{done}.* -:--:--", plain(shown)), shown
