"""`flowdb shell`: DuckDB's own shell on a store, and the small prompt, on a terminal and without one."""

from __future__ import annotations

import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import pexpect
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowdb.statements import is_complete, without_end
from tests.conftest import Run
from tests.terminals import spawned

ENDLESS = "SELECT count(*) FROM range(1000000000) a, range(1000000) b WHERE a.range * b.range % 7 = 3;"


@pytest.fixture
def prompt(store: Path) -> Any:
    """Give the small prompt on a terminal."""
    command = ["-m", "flowdb", "shell", "--builtin"]
    child = spawned(
        sys.executable,
        command,
        store.parent,
        width=150,
        env={"XDG_STATE_HOME": str(store.parent), "NO_COLOR": "1"},
    )
    child.expect("flowdb>")
    yield child
    child.close(force=True)


def test_statements_over_several_lines_history_and_completion_on_a_terminal(prompt: Any, store: Path) -> None:
    prompt.send("SELECT count(*) AS records\r")
    prompt.expect(r"\.\.\.>")
    prompt.send("FROM flows;\r")
    prompt.expect("12,000")
    prompt.expect("flowdb>")
    prompt.send("FROM top_talke\t")
    prompt.expect("rs")
    prompt.send("(top := 1);\r")
    prompt.expect("10.0.1.202")
    prompt.expect("flowdb>")
    prompt.send(".tabls\r")
    prompt.expect("no command '.tabls'")
    prompt.expect("flowdb>")
    prompt.send("\x1b[A\x1b[A\r")  # what was typed before the last
    prompt.expect("10.0.1.202")
    prompt.expect("flowdb>")
    prompt.sendeof()
    prompt.expect(pexpect.EOF)
    prompt.close()
    assert prompt.exitstatus == 0
    history = store.parent / "flowdb" / "history"
    assert stat.S_IMODE(history.stat().st_mode) == 0o600
    assert stat.S_IMODE(history.parent.stat().st_mode) == 0o700
    assert "+SELECT count(*) AS records\n+FROM flows;\n" in history.read_text(encoding="utf-8")


def test_ctrl_c_ends_the_query_and_not_the_prompt(prompt: Any) -> None:
    prompt.send(ENDLESS + "\r")
    time.sleep(1.5)
    prompt.sendintr()
    prompt.expect("flowdb: interrupted")
    prompt.expect("flowdb>")
    prompt.send("half a quer")
    prompt.sendintr()
    prompt.expect("flowdb>")
    prompt.send("SELEC 1;\r")
    prompt.expect("flowdb: error: Parser Error")
    prompt.expect("flowdb>")
    prompt.send("SELECT 6 * 7 AS answer;\r")
    prompt.expect("42")
    prompt.expect("flowdb>")
    prompt.send(".quit\r")
    prompt.expect(pexpect.EOF)
    prompt.close()
    assert prompt.exitstatus == 0
    assert "Traceback" not in prompt.before


def test_statements_of_standard_input_are_run_up_to_the_first_error(store: Path, run: Run) -> None:
    text = "SELECT 'a;\nb' AS text,\n  1 AS one; -- ;\n.tables\n.schema commits\n.schema nothing\nSELECT 3;\n"
    done = run("shell", "--builtin", "-o", "csv", input=text)
    assert done.returncode == 2
    assert done.stdout.startswith('text,one\n"a;\nb",1\nname,kind\n')
    assert "flows,view\n" in done.stdout
    assert "table,column,type\ncommits,commit_id,BIGINT\n" in done.stdout
    assert done.stderr == "flowdb: error: no table, view or analysis 'nothing'\n"


def test_a_statement_that_is_no_text_is_told(store: Path) -> None:
    program = [sys.executable, "-m", "flowdb", "shell", "--builtin"]
    done = subprocess.run(program, cwd=store.parent, input=b"SELECT '\xff';\n", capture_output=True)
    assert (done.returncode, done.stderr) == (2, b"flowdb: error: the statement is not UTF-8.\n")


def test_analyses_their_sql_and_other_languages(store: Path, run: Run) -> None:
    text = ".analyses\n.schema top-talkers\n.help\nSELECT 1 AS a; SELECT 2 AS b;\n.schema flow\n"
    done = run("shell", "--builtin", "-o", "csv", input=text)
    assert 'top_talkers,"Who sends, receives or carries most' in done.stdout
    assert "CREATE OR REPLACE MACRO top_talkers(" in done.stdout
    assert "Ctrl-D leaves" in done.stdout
    assert done.stdout.endswith("a\n1\nb\n2\n")
    assert done.stderr == "flowdb: error: no table, view or analysis 'flow' (did you mean 'flows'?)\n"
    query = "SELECT cardinality(ARRAY[1, 2]) AS n;"
    assert run("shell", "--dialect", "athena", "-o", "csv", input=query).stdout == "n\n2\n"
    query = "stats count(*) as n | limit 1;"
    assert run("shell", "--dialect", "insights", "-o", "csv", input=query).stdout == "n\n12000\n"


def test_the_shell_of_duckdb_is_opened_on_the_store_and_cannot_change_it(store: Path) -> None:
    child = spawned(sys.executable, ["-m", "flowdb", "shell"], store.parent, env={"HOME": str(store.parent)})
    child.expect("flowdb D |D ")
    child.send("SELECT count(*) AS answer FROM flows;\r")
    child.expect("12000")
    child.send("CREATE TABLE x AS SELECT 1;\r")
    child.expect("read-only mode")
    child.send(".quit\r")
    child.expect(pexpect.EOF)


def test_without_a_shell_of_duckdb_the_small_prompt_tells_how_to_get_one(store: Path, tmp_path: Path) -> None:
    code = "import sys; sys.executable = '/nowhere/python'; import flowdb.cli; flowdb.cli.main(['shell'])"
    env = {"PATH": "/nowhere", "XDG_STATE_HOME": str(tmp_path)}
    child = spawned(sys.executable, ["-c", code], store.parent, env=env)
    child.expect("pip install duckdb-cli has DuckDB's own shell")
    child.expect("flowdb>")
    child.sendeof()
    child.expect(pexpect.EOF)


def test_a_store_that_is_not_there_is_told(run: Run) -> None:
    for words in (["shell"], ["shell", "--builtin"]):
        done = run(*words, "--store", "none", input="SELECT 1;")
        assert (done.returncode, done.stdout) == (3, "")
        assert "no store here" in done.stderr


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("SELECT 1;", True),
        ("SELECT 1; -- done", True),
        ("SELECT 1", False),
        ("SELECT 'a;", False),
        ("SELECT 'it''s;';", True),
        ('SELECT ";', False),
        ("SELECT 1 -- ;", False),
        ("SELECT 1 /* ; ", False),
        ("SELECT 1 /* /* */ ;", False),
        ("SELECT 1 /* /* */ */;", True),
        ("SELECT $$;$$;", True),
        ("SELECT $x$;", False),
        ("SELECT $1;", True),
        ("", False),
        (";", True),
    ],
)
def test_a_statement_ends_with_a_semicolon_outside_of_texts_and_comments(text: str, complete: bool) -> None:
    assert is_complete(text) is complete


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["a", ";", "'", '"', "$$", "--", "/*", "*/", "\n", " "]), max_size=20))
def test_what_is_complete_has_no_text_that_duckdb_finds_open(parts: list[str]) -> None:
    text = f"SELECT {''.join(parts)}"
    said = ""
    try:
        duckdb.extract_statements(text)
    except duckdb.Error as error:
        said = str(error)
    assert not (is_complete(text) and "unterminated" in said)
    assert not is_complete(without_end(text)) or not is_complete(text)
