"""`flowdb plot`: what is drawn of an answer, and how."""

from __future__ import annotations

from pathlib import Path

import pytest

import flowdb
from flowdb.look import Look
from flowdb.plotting import plotted
from tests.conftest import Run, record, write_log
from tests.terminals import on_terminal, plain

BARS = """\
srcaddr          bytes
10.0.1.202     3.8 MiB  ████████████████████████████████████████████████████████
10.0.12.174    3.0 MiB  ████████████████████████████████████████████▍
44.48.205.158  2.7 MiB  ████████████████████████████████████████▍
"""
STEADY = """\
traffic_over_time: bytes
     ┌─────────────────────────────────┐
100 B┤⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉│
 75 B┤                                 │
 50 B┤                                 │
 25 B┤                                 │
  0 B┤                                 │
     └┬───────────────────────────────┬┘
   2024-01-15 00:00               00:02
"""


def test_bars_are_of_what_the_rows_are_ranked_by_and_fit_into_80_columns(store: Path, run: Run) -> None:
    done = run("plot", "top-talkers", "--top", "3")
    assert (done.returncode, done.stdout, done.stderr) == (0, BARS, "")
    assert "packets" in run("plot", "top-talkers", "--metric", "packets", "--top", "3").stdout.splitlines()[0]
    assert run("plot", "rejected-ports", "--top", "3").stdout.splitlines()[0].split()[-1] == "attempts"
    shown = run("plot", "top-talkers", "--column", "share", "--top", "1").stdout
    assert shown.splitlines()[1].split()[:3] == ["10.0.1.202", "8.8", "%"]


def test_lines_are_of_the_columns_of_one_unit_over_the_time_of_the_first(tmp_path: Path) -> None:
    midnight = 1_705_276_800
    write_log(tmp_path / "a.log", [record(n, start=midnight + 60 * n) for n in range(3)])
    with flowdb.open(tmp_path / "flows") as db:
        db.ingest(tmp_path / "a.log")
        result = db.traffic_over_time(bucket="1 minute")
        picture, remarks = plotted("traffic_over_time", result, Look(width=40), columns=["bytes"], height=8)
        assert (picture, remarks) == (STEADY, [])
        picture, _ = plotted("traffic_over_time", result, Look(width=60))
        assert picture.splitlines()[0] == "traffic_over_time: bytes, accepted_bytes, rejected_bytes"
        assert max(map(len, picture.splitlines())) <= 60


def test_a_picture_is_as_wide_as_the_terminal_and_in_its_colours(store: Path) -> None:
    for width in (40, 80, 200):
        code, shown = on_terminal(["plot", "traffic-over-time"], store.parent, width=width)
        assert code == 0
        assert max(map(len, plain(shown).splitlines()[1:])) == width
        assert "\x1b[38;5;" in shown
    _, shown = on_terminal(["plot", "top-talkers"], store.parent, env={"NO_COLOR": "1"})
    assert "\x1b" not in shown
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (
            ["top-talkers", "--column", "byte"],
            2,
            "no column 'byte' to draw (did you mean 'bytes'?); there are: ",
        ),
        (["top-talkers", "--column", "bytes", "--column", "flows"], 2, "bytes, flows are not of one kind"),
        (
            ["top-talkers", "--column", "flows", "--column", "packets"],
            2,
            "bars are of one column; 2 are given",
        ),
        (["who-is", "10.0.0.1", "--column", "addr"], 2, "no column 'addr' to draw; there are: flows"),
        (["top-talker"], 2, "No such command 'top-talker' (did you mean 'top-talkers'?)."),
        (["top-talkers", "--day", "1999-01-01"], 0, "note: top_talkers has no rows to draw"),
    ],
)
def test_what_cannot_be_drawn_is_told(store: Path, run: Run, args: list[str], code: int, said: str) -> None:
    done = run("plot", *args)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
