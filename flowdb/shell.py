"""A small prompt for a store: SQL over several lines, with history and completion."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from flowdb.analyses import analyses, find_analysis
from flowdb.dialects import TRINO
from flowdb.errors import FlowdbError, UsageError
from flowdb.look import Look, printable
from flowdb.nearest import meant
from flowdb.options import utf8
from flowdb.quoting import quote_text
from flowdb.statements import is_complete, without_end
from flowdb.terminal import opened, say

if TYPE_CHECKING:
    from flowdb.database import FlowDB

__all__ = ["Shell", "history_path"]

_T = TypeVar("_T")
_HELP = """\
SQL ends with ; and may be on several lines. Ctrl-C ends a query or clears what is typed, Ctrl-D leaves.
.tables           the tables and views
.schema [NAME]    the columns of all of them or of one, or the SQL of an analysis
.analyses         the analyses: FROM top_talkers(top := 5);
.help             this
.quit             leave"""
_TABLES = """\
SELECT view_name AS name, 'view' AS kind FROM duckdb_views() WHERE NOT internal
UNION ALL SELECT table_name, 'table' FROM duckdb_tables() WHERE NOT internal
ORDER BY name"""
_COLUMNS = """\
SELECT table_name AS "table", column_name AS "column", data_type AS type
FROM duckdb_columns() WHERE NOT internal AND {} ORDER BY table_name, column_index"""
_WORDS = """\
SELECT DISTINCT word FROM (
    SELECT upper(keyword_name) FROM duckdb_keywords()
    UNION ALL SELECT view_name FROM duckdb_views() WHERE NOT internal
    UNION ALL SELECT table_name FROM duckdb_tables() WHERE NOT internal
    UNION ALL SELECT column_name FROM duckdb_columns() WHERE NOT internal
    UNION ALL SELECT function_name FROM duckdb_functions() WHERE regexp_full_match(function_name, '[a-z]\\w*')
) AS words (word) ORDER BY word"""


class Shell:
    """A store, and who asks it; DuckDB is asked in one thread, so that another can interrupt it."""

    def __init__(self, store: str, dialect: str, form: str, look: Look) -> None:
        self._dialect = dialect
        self._form = form
        self._look = look
        self._pool = ThreadPoolExecutor(max_workers=1)
        self._opening = opened(store)
        self._db: FlowDB = self._do(self._opening.__enter__)
        self._done = False

    def __enter__(self) -> Shell:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(FlowdbError):
            self._do(lambda: self._opening.__exit__(None, None, None))
        self._pool.shutdown()

    def prompt(self) -> None:
        """Ask what is typed until the person leaves; no error ends it."""
        session = _session(self._do(self._words), history_path())
        print(f"{self._db.place}: SQL ends with ; and .help tells more", file=sys.stderr)
        while not self._done:
            try:
                text = session.prompt("flowdb> ")
                self.run(text)
            except KeyboardInterrupt:
                continue
            except EOFError:
                return
            except FlowdbError as error:
                say(f"error: {error}")

    def read(self, lines: Iterable[str]) -> None:
        """Run what lines say, one statement after the other, up to the first error."""
        text = ""
        for line in lines:
            text += line
            if is_complete(text) or (text.lstrip().startswith(".") and text.endswith("\n")):
                self.run(text)
                text = ""
            if self._done:
                return
        self.run(text)

    def run(self, text: str) -> None:
        """Run a statement or a command that begins with a point; an interrupt ends it, and is raised."""
        text = utf8(text.strip(), "the statement")
        if text.startswith("."):
            self._command(*text.split(maxsplit=1))
        elif without_end(text).strip():
            self._do(lambda: self._answer(text))

    def _command(self, name: str, argument: str = "") -> None:
        argument = argument.strip().rstrip(";")
        commands: dict[str, Callable[[], object]] = {
            ".help": lambda: print(_HELP),
            ".tables": lambda: self._do(lambda: self._show(self._db.sql(_TABLES))),
            ".schema": lambda: self._do(lambda: self._schema(argument)),
            ".analyses": lambda: self._do(lambda: self._show(self._db.analyses().project("name, summary"))),
            ".quit": self._leave,
            ".exit": self._leave,
        }
        if name not in commands:
            raise UsageError(f"no command {name!r}{meant(name, commands)}; .help lists them")
        commands[name]()

    def _leave(self) -> None:
        self._done = True

    def _schema(self, name: str) -> None:
        if name.replace("-", "_") in analyses():
            print(find_analysis(name).script, end="")
            return
        condition = f"table_name = {quote_text(name)}" if name else "true"
        known = [str(row[0]) for row in self._db.sql(_TABLES).fetchall()]
        if name and name not in known:
            raise UsageError(f"no table, view or analysis {name!r}{meant(name, [*known, *analyses()])}")
        self._show(self._db.sql(_COLUMNS.format(condition)))

    def _answer(self, text: str) -> None:
        results: Iterator[Any]
        if self._dialect in TRINO:
            results = self._db.results(text, dialect=self._dialect, as_shown=True)
        elif self._dialect == "insights":
            results = iter([self._db.sql(without_end(text), dialect="insights")])
        else:
            results = (self._db.sql(one) for one in _statements(without_end(text)))
        for result in results:
            self._show(result)
        for note in self._db.notes:
            say(f"note: {note}")

    def _show(self, result: Any) -> None:
        from flowdb.look import look_of
        from flowdb.output import write

        # The window may be another size than it was.
        now = look_of(sys.stdout, "always" if self._look.is_colored else "never", is_raw=self._look.is_raw)
        rows, remark = write(result, self._form, look=now)
        self._db.settle(rows)
        if remark:
            say(f"note: {remark}")
        sys.stdout.flush()

    def _words(self) -> list[str]:
        """Return what can be completed."""
        return [printable(str(word)) for (word,) in self._db.sql(_WORDS).fetchall()]

    def _do(self, work: Callable[[], _T]) -> _T:
        """Return what comes of work in the thread of DuckDB; an interrupt ends its query, and is raised."""
        done = self._pool.submit(work)
        try:
            return done.result()
        except KeyboardInterrupt:
            while not done.done():
                self._db.interrupt()
                wait([done], timeout=0.1)
            say("interrupted")
            raise


def _statements(text: str) -> list[str]:
    """Return the statements of a text; one that is none is left to whoever runs it."""
    import duckdb

    try:
        return [one.query.strip() for one in duckdb.extract_statements(text)]
    except duckdb.Error:
        return [text]


def history_path() -> Path | None:
    """Return the file of what was typed before, which nobody else can read; None where there can be none."""
    state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    path = Path(state, "flowdb", "history")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600))
        path.chmod(0o600)
    except OSError:
        return None
    return path


def _session(words: list[str], history: Path | None) -> Any:
    """Return what reads statements from a terminal."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import WordCompleter
    from prompt_toolkit.document import Document
    from prompt_toolkit.filters import Condition
    from prompt_toolkit.history import FileHistory, History, InMemoryHistory

    class Words(WordCompleter):
        """Words of SQL, and commands where a line begins with a point."""

        def get_completions(self, document: Document, complete_event: Any) -> Iterable[Any]:
            """Return what begins with what is before the cursor, at least two characters of it."""
            if len(document.get_word_before_cursor()) < 2 and not complete_event.completion_requested:
                return []
            return super().get_completions(document, complete_event)

    def is_open() -> bool:
        text: str = session.default_buffer.text
        return bool(text.strip()) and not text.lstrip().startswith(".") and not is_complete(text)

    kept: History = InMemoryHistory() if history is None else FileHistory(str(history))
    session: Any = PromptSession(
        history=kept,
        completer=Words(words, ignore_case=True),
        complete_while_typing=False,
        multiline=Condition(is_open),
        prompt_continuation="   ...> ",
        enable_open_in_editor=True,
    )
    return session
