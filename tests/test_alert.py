"""Alarms: which rows fire, what is told of them, and that one trouble is told once."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

import flowdb
from flowdb.cli import main
from flowdb.errors import UsageError, WebhookError
from flowdb.webhook import post
from tests.conftest import HEADER, Run, record, write_log

NOON = 1_705_320_000  # 2024-01-15 12:00:00
ALERTS = """
[[alert]]
name = "knocking"
analysis = "rejected_sources"
when = "attempts >= 2"

[[alert]]
name = "much"
analysis = "top_talkers"
when = "bytes > 1_000"
window = "1h"
params = { by = "srcaddr", top = 1 }
"""


def refused(number: int, source: str, start: int) -> str:
    """A refused attempt."""
    return record(number, srcaddr=source, start=start, action="REJECT")


def fired(source: str, attempts: int, first: str, last: str) -> dict[str, object]:
    """What is told of a source that was refused so often, in the five minutes before 12:05."""
    row = {
        "srcaddr": source,
        "attempts": attempts,
        "packets": attempts,
        "bytes": 100 * attempts,
        "ports": 1,
        "targets": 1,
        "first_seen": f"2024-01-15 {first}",
        "last_seen": f"2024-01-15 {last}",
    }
    return {
        "alert": "rejected_sources",
        "analysis": "rejected_sources",
        "since": "2024-01-15 12:00:00",
        "until": "2024-01-15 12:05:00",
        "row": row,
    }


TWO = fired("10.9.9.2", 3, "12:01:00", "12:02:00")
ONE = fired("10.9.9.1", 2, "12:00:00", "12:04:59")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store whose newest record starts at 12:04:59."""
    folder = tmp_path_factory.mktemp("alert")
    lines = [
        # Before the window, so that with it this source would have the most attempts.
        *(refused(n, "10.9.9.1", NOON - 1) for n in range(5)),
        *(refused(n, "10.9.9.1", NOON + start) for n, start in enumerate((0, 299))),
        *(refused(n, "10.9.9.2", NOON + start) for n, start in enumerate((60, 60, 120))),
        refused(0, "10.9.9.3", NOON + 30),
        record(1, srcaddr="10.9.9.4", start=NOON + 30, bytes=5000),
    ]
    write_log(folder / "a.log", [HEADER, *lines])
    with flowdb.open(folder / "flows") as db:
        db.ingest(folder / "a.log")
    return folder / "flows"


def ask(store: Path, *args: str) -> int:
    """Run `flowdb alert` in this process."""
    return main(["alert", *args, "--store", str(store)])


def told(capsys: pytest.CaptureFixture[str]) -> list[Any]:
    """What was written to standard output, with nothing on standard error."""
    printed = capsys.readouterr()
    assert printed.err == ""
    return [json.loads(line) for line in printed.out.splitlines()]


class Hook:
    """A server that answers with these statuses in turn, with the last for ever, and what it was posted."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.posted: list[Any] = []
        self.url = ""


@contextmanager
def served(hook: Hook) -> Iterator[Hook]:
    """Have a server on a port of this machine until the end."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.posted.append((self.path, self.headers["Content-Type"], json.loads(body)))
            self.send_response(hook.statuses.pop(0) if len(hook.statuses) > 1 else hook.statuses[0])
            self.send_header("Location", "/elsewhere")
            self.send_header("Retry-After", "86400")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        hook.url = f"http://127.0.0.1:{server.server_port}/hook/secret"
        try:
            yield hook
        finally:
            server.shutdown()
            thread.join()


def test_a_process_exits_with_4_and_a_line_for_each_row_that_fires(store: Path, run: Run) -> None:
    done = run("alert", "rejected-sources", "--when", "attempts > 1", "--store", str(store))
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr, lines) == (4, "", [TWO, ONE])


def test_nothing_is_said_where_nothing_fires(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(store, "rejected-sources", "--when", "attempts > 3") == 0
    assert ask(store, "rejected-sources", "--when", "NULL OR attempts > NULL") == 0
    assert told(capsys) == []


def test_a_method_answers_as_the_command_does(store: Path) -> None:
    with flowdb.open(store) as db:
        found = db.alert("rejected_sources", "attempts > 1")
        assert [one.facts() for one in found] == [TWO, ONE]
        assert [one.key for one in found] == [{"srcaddr": "10.9.9.2"}, {"srcaddr": "10.9.9.1"}]
        earlier = db.alert("rejected_sources", "true", until="2024-01-15T12:00", window=timedelta(seconds=1))
        assert [(one.row["attempts"], one.until) for one in earlier] == [(5, datetime(2024, 1, 15, 12))]


def test_a_window_may_be_longer_than_there_is_time(store: Path, tmp_path: Path) -> None:
    with flowdb.open(store) as db:
        (one,) = db.alert("rejected_sources", "attempts > 5", window="99999999w")
        assert (one.since, one.row["attempts"]) == (datetime.min, 7)
    write_log(tmp_path / "late.log", [HEADER, refused(0, "10.9.9.1", 253_402_300_750)])
    with flowdb.open(tmp_path / "flows") as db:
        db.ingest(tmp_path / "late.log")
        (one,) = db.alert("rejected_sources", "true")
        assert (one.until, one.row["attempts"]) == (datetime.max, 1)


def test_parameters_are_those_of_the_analysis(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    when = ("--when", "flows > 0", "--window", "1h")
    params = ("--param", "by=dstport,action", "--param", "metric=flows", "--param", "top=1")
    assert ask(store, "top-talkers", *when, *params) == 4
    (line,) = told(capsys)
    assert (line["row"]["dstport"], line["row"]["action"], line["row"]["flows"]) == (443, "REJECT", 11)


def test_an_empty_store_has_nothing_that_fires(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_log(tmp_path / "empty.log", [HEADER])
    with flowdb.open(tmp_path / "flows") as db:
        db.ingest(tmp_path / "empty.log")
    assert ask(tmp_path / "flows", "cross-az", "--when", "bytes > 0") == 0
    assert told(capsys) == []


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["nothing", "--when", "true"], "no analysis 'nothing'"),
        (["rejects"], "name an analysis and say --when it fires, or give --file."),
        (["rejects", "--when", "true", "--file", "x"], "--file has its own analyses"),
        (["rejects", "--when", "true", "--param", "since=1d"], "since is that of the window"),
        (["rejects", "--when", "true", "--param", "top"], "'top' is no parameter such as top=3"),
        (["rejects", "--when", "true", "--param", "tops=3"], "no parameter 'tops'"),
        (["rejects", "--when", "true", "--param", "top=x"], "top: 'x' is neither a whole number"),
        (["traffic-of", "--when", "true"], "addr is not given"),
        (["rejects", "--when", "true", "--window", "5 parsecs"], "'5 parsecs' is no age"),
        (["rejects", "--when", "true", "--window", "0s"], "'0s' is no time"),
        (["rejects", "--when", "true", "--key", "colour"], "rejects has no column 'colour'"),
        (["rejects", "--when", "true", "--webhook", "file:///etc/passwd"], "begins with http:// or https://"),
        (["rejects", "--when", "true", "--webhook", "http://[::1"], "begins with http:// or https://"),
        (["rejects", "--when", "packets"], "'packets' is a value and no condition"),
        (["rejects", "--when", "colour > 1"], "is no condition on rejects: Binder Error"),
        (["rejects", "--when", "(SELECT true FROM read_csv('/etc/passwd'))"], "is no condition on rejects"),
        (["rejects", "--when", "true) FROM flows WHERE (true"], "is not one condition"),
        (["rejects", "--when", "true LIMIT 1"], "is not one condition"),
        (["rejects", "--when", ""], "is not one condition"),
        (["rejects", "--when", "a\udcff"], "the condition is not UTF-8."),
        (["rejects", "--when", "x" * 9999 + " >"], "xxx...xxx"),
        (["rejects", "--when", "x" * 9999], "xxx...\n"),
        (
            ["rejected-sources", "--when", "attempts > avg(attempts) over ()"],
            "is no condition on rejected_sources",
        ),
        (["rejects", "--when", "true", "--webhook", "https://a:b@example.com"], "has a user before its host"),
    ],
)
def test_what_cannot_be_meant_is_said_in_a_sentence(
    store: Path, args: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = ask(store, *args)
    printed = capsys.readouterr()
    assert (code, printed.out, printed.err.count("\n"), said in printed.err) == (2, "", 1, True), printed.err


def test_a_field_that_no_log_has_is_an_error(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(store, "cross-az", "--when", "bytes > 0") == 1
    assert "cross_az needs az-id" in capsys.readouterr().err


def test_a_file_has_several_alarms(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "alerts.toml").write_text(ALERTS)
    assert ask(store, "--file", str(tmp_path / "alerts.toml")) == 4
    knocking = [line | {"alert": "knocking"} for line in (TWO, ONE)]
    first, second, third = told(capsys)
    assert [first, second] == knocking
    assert (third["alert"], third["since"], third["row"]["srcaddr"]) == (
        "much",
        "2024-01-15 11:05:00",
        "10.9.9.4",
    )


def test_one_alarm_that_fails_does_not_silence_the_others(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = '[[alert]]\nname = "zones"\nanalysis = "cross_az"\nwhen = "true"\n'
    (tmp_path / "alerts.toml").write_text(broken + ALERTS)
    assert ask(store, "--file", str(tmp_path / "alerts.toml")) == 4
    printed = capsys.readouterr()
    assert [json.loads(line)["alert"] for line in printed.out.splitlines()] == [
        "knocking",
        "knocking",
        "much",
    ]
    assert printed.err.startswith("flowdb: error: alert 'zones': ")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('when = "attempts >= 2"', 'whenn = "attempts >= 2"'), "alert 'knocking': no key 'whenn' is known"),
        (('when = "attempts >= 2"', ""), "alert 'knocking': when is None; expected a text"),
        (('name = "much"', 'name = "knocking"'), "alert 'knocking': there are two of this name"),
        (("top = 1", 'top = "x"'), "alert 'much': top_talkers: top is 'x'"),
        (("top = 1", "tops = 1"), "alert 'much': top_talkers: no parameter 'tops'"),
        (('"1h"', "3"), "alert 'much': 3 is no age"),
        (("bytes > 1_000", "bites > 1_000"), "alert 'much': 'bites > 1_000' is no condition"),
        (("[[alert]]", "[[alarm]]"), "no key 'alarm' is known"),
        (('"1h"', '"1h'), "it is no TOML"),
    ],
)
def test_all_alarms_of_a_file_are_checked_before_any_is_asked(
    change: tuple[str, str], said: str, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "alerts.toml").write_text(ALERTS.replace(*change, 1))
    code = ask(store, "--file", str(tmp_path / "alerts.toml"))
    printed = capsys.readouterr()
    assert (code, printed.out, printed.err.count("\n"), said in printed.err) == (2, "", 1, True), printed.err


def test_a_trouble_is_told_once_and_anew_when_it_comes_back(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "state.json"

    alarm = '[[alert]]\nname = "knocking"\nanalysis = "rejected_sources"\nwhen = "{}"\n'

    def said(when: str) -> list[object]:
        (tmp_path / "alerts.toml").write_text(alarm.format(when))
        code = ask(store, "--file", str(tmp_path / "alerts.toml"), "--state", str(state))
        sources = [line["row"]["srcaddr"] for line in told(capsys)]
        assert code == (4 if sources else 0)
        return [*sources]

    assert said("attempts > 1") == ["10.9.9.2", "10.9.9.1"]
    assert said("attempts > 1") == []
    assert said("attempts > 0") == ["10.9.9.3"]
    assert said("attempts > 2") == []  # two of them are forgotten
    assert said("attempts > 1") == ["10.9.9.1"]
    assert json.loads(state.read_text()) == {
        "version": 1,
        "told": {"knocking": [{"srcaddr": "10.9.9.2"}, {"srcaddr": "10.9.9.1"}]},
    }
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["alerts.toml", "state.json", "state.json.lock"]


def test_command_lines_that_differ_share_a_state(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = ("--state", str(tmp_path / "state.json"))
    lines = (("attempts > 2",), ("attempts < 2",), ("attempts > 2", "--window", "1h"))
    codes = [ask(store, "rejected-sources", "--when", *one, *state) for one in (*lines, *lines)]
    assert codes == [4, 4, 4, 0, 0, 0]


def test_what_ended_is_forgotten_though_nobody_could_be_told(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "state.json"
    args = ("--file", str(tmp_path / "alerts.toml"), "--state", str(state))
    (tmp_path / "alerts.toml").write_text(ALERTS)
    assert ask(store, *args) == 4
    (tmp_path / "alerts.toml").write_text(ALERTS.replace("attempts >= 2", "attempts = 1"))
    with served(Hook(404)) as hook:
        assert ask(store, *args, "--webhook", hook.url) == 1
    assert json.loads(state.read_text())["told"] == {"much": [{"srcaddr": "10.9.9.4"}]}


@pytest.mark.parametrize("has_hook", [False, True])
def test_a_reader_that_is_gone_hides_no_alarm(has_hook: bool, store: Path, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "flowdb", "alert", "rejected-sources", "--when", "attempts > 1"]
    command += ["--state", str(tmp_path / "state.json"), "--store", str(store)]
    with served(Hook(200)) as hook:
        more = ["--webhook", hook.url] if has_hook else []
        done = subprocess.run(
            [*command, *more], stdout=writer, stderr=subprocess.PIPE, text=True, check=False
        )
    os.close(writer)
    bodies = [body["firings"] for _, _, body in hook.posted]
    told = json.loads((tmp_path / "state.json").read_text())["told"]
    assert (done.returncode, done.stderr, bodies) == (4, "", [[TWO, ONE]] if has_hook else [])
    # What neither a reader nor a webhook took is told at the next run.
    assert len(told) == int(has_hook)


def test_a_store_that_is_closed_can_be_interrupted(store: Path) -> None:
    with flowdb.open(store) as db:
        connections = db._connections
        connection = db.sql("SELECT 1") and connections._connection
        assert connection is not None
        connection.close()
        db.interrupt()


def test_a_folder_is_no_state_and_gets_no_lock(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "state").mkdir()
    assert ask(store, "rejects", "--when", "true", "--state", str(tmp_path / "state")) == 1
    assert capsys.readouterr().err.endswith("state: it cannot be used (Is a directory)\n")
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


def test_an_alarm_that_is_nested_too_deeply_is_no_toml(tmp_path: Path) -> None:
    from flowdb.alerts import read_alerts

    (tmp_path / "alerts.toml").write_text("a = " + "[" * 100_000)
    with pytest.raises(UsageError, match="it is nested too deeply"):
        read_alerts(tmp_path / "alerts.toml")


def test_columns_that_are_named_tell_one_trouble_from_another(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ("rejects", "--when", "true", "--key", "dstport", "--state", str(tmp_path / "state.json"))
    assert ask(store, *args) == 4
    assert [line["row"]["dstport"] for line in told(capsys)] == [443]


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "[" * 100_000, '{"version": 2, "told": {}}', '{"version": 1, "told": {"a": 1}}'],
)
def test_a_damaged_state_is_said_in_a_sentence_and_stays(
    content: str, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "state.json"
    state.write_text(content)
    assert ask(store, "rejects", "--when", "true", "--state", str(state)) == 1
    said = "it is no state that this flowdb wrote; remove it, and what goes on is told once more"
    assert capsys.readouterr() == ("", f"flowdb: error: {state}: {said}\n")
    assert state.read_text() == content


def test_a_state_is_for_one_process_at_a_time(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "state.json"
    with FileLock(f"{state}.lock"):
        assert ask(store, "rejects", "--when", "true", "--state", str(state)) == 1
    assert capsys.readouterr() == ("", f"flowdb: error: {state}: another flowdb alert is at work with it\n")
    assert not state.exists()


def test_what_is_told_is_posted_once(store: Path, tmp_path: Path, run: Run) -> None:
    args = [
        "alert",
        "rejected-sources",
        "--when",
        "attempts > 1",
        "--state",
        "state.json",
        "--store",
        str(store),
    ]
    with served(Hook(200)) as hook:
        codes = [run(*args, env={"FLOWDB_WEBHOOK": hook.url}).returncode for _ in range(2)]
    text = "rejected_sources: 2 rows until 2024-01-15 12:05:00"
    body = {"text": text, "firings": [TWO, ONE]}
    assert (codes, hook.posted) == ([4, 0], [("/hook/secret", "application/json", body)])


def test_what_nobody_took_is_told_at_the_next_run(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "state.json"
    args = ("rejected-sources", "--when", "attempts > 1", "--state", str(state), "--webhook")
    with served(Hook(404, 302, 204)) as hook:
        for status in (404, 302):
            assert ask(store, *args, hook.url) == 1
            said = f"flowdb: error: webhook at 127.0.0.1: it answered with status {status}\n"
            assert capsys.readouterr().err == said
            assert not state.exists()
        assert ask(store, *args, hook.url) == 4
        assert told(capsys) == [TWO, ONE]
    assert [path for path, _, _ in hook.posted] == ["/hook/secret"] * 3
    assert state.exists()


def test_an_interrupt_does_not_wait_for_a_webhook_and_what_it_was_sent_is_told_again(
    store: Path, tmp_path: Path, run: Run
) -> None:
    state = tmp_path / "state.json"
    asked = (
        "alert",
        "rejected-sources",
        "--when",
        "attempts > 2",
        "--store",
        str(store),
        "--state",
        str(state),
    )
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(30)
        hook = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        process = subprocess.Popen(
            [sys.executable, "-m", "flowdb", *asked, "--webhook", hook],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        connection, _ = silent.accept()
        with connection:
            assert b"POST" in connection.recv(9)
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
            assert time.monotonic() - began < 2
    assert (process.returncode, json.loads(out)) == (130, TWO)
    assert [line for line in err.splitlines() if line] == [
        "flowdb: note: the webhook may have taken what it was sent, and is told again",
        "flowdb: interrupted; nothing is left half done",
    ]
    assert not state.exists()
    done = run(*asked)
    assert (done.returncode, json.loads(done.stdout)) == (4, TWO)
    assert run(*asked).returncode == 0


def test_a_busy_server_is_tried_again() -> None:
    with served(Hook(503, 429, 200)) as hook:
        post(hook.url, {"a": 1}, pause=0.01)
    assert [body for _, _, body in hook.posted] == [{"a": 1}] * 3


def test_a_server_that_stays_busy_or_away_is_an_error_without_its_secret() -> None:
    with served(Hook(503)) as hook, pytest.raises(WebhookError) as busy:
        post(hook.url, {}, pause=0.01)
    assert (str(busy.value), len(hook.posted)) == ("webhook at 127.0.0.1: it answered with status 503", 4)
    with pytest.raises(WebhookError, match=r"nobody could be told \(no connection\)") as away:
        post(hook.url, {}, pause=0.01)
    assert "secret" not in str(away.value)


def test_a_file_of_alarms_that_is_not_there_is_said(store: Path) -> None:
    from flowdb.alerts import read_alerts

    with pytest.raises(UsageError, match="it cannot be read"):
        read_alerts(store / "nothing.toml")
