"""What every command of the command line shares: which store, how rows, remarks and progress are shown."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

import click

from flowdb.errors import QueryError, UsageError

if TYPE_CHECKING:
    import duckdb

    from flowdb.database import FlowDB
    from flowdb.meter import Meter

__all__ = [
    "answer",
    "answer_each",
    "asked",
    "json_option",
    "opened",
    "output_option",
    "print_json",
    "progress",
    "say",
    "store_option",
    "waited",
]

_T = TypeVar("_T")
# The formats of `flowdb.output`, which is not imported before there is something to print.
_FORMATS = ("table", "csv", "tsv", "json", "jsonl", "markdown", "parquet")

store_option = click.option(
    "--store",
    metavar="DIR",
    envvar="FLOWDB_STORE",
    default="flows",
    show_default=True,
    show_envvar=True,
    help="The store.",
)
output_option = click.option(
    "-o",
    "--output",
    type=click.Choice(_FORMATS),
    default="table",
    show_default=True,
    help="How the rows are written. In csv and tsv a text that a spreadsheet would compute has ' before it.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Write what was done as one JSON object.")


@contextmanager
def opened(store: str, **options: Any) -> Iterator[FlowDB]:
    """Open a store for one command."""
    import flowdb

    with flowdb.open(store, **options) as db:
        yield db


def answer(
    store: str,
    ask: Callable[[FlowDB], duckdb.DuckDBPyRelation],
    form: str,
    *,
    upright: bool = False,
    sandbox: bool = False,
) -> None:
    """Ask a store and write what it answers; in another thread, since DuckDB may not hear an interrupt."""
    answer_each(store, lambda db: [ask(db)], form, upright=upright, sandbox=sandbox)


def answer_each(
    store: str,
    ask: Callable[[FlowDB], Iterable[duckdb.DuckDBPyRelation]],
    form: str,
    *,
    upright: bool = False,
    sandbox: bool = False,
) -> None:
    """Ask a store and write its answers one after the other, as `answer` does."""

    def work(db: FlowDB) -> list[str]:
        from flowdb.output import write

        remark = None
        results = ask(db)
        if form == "parquet":
            results = list(results)
            if len(results) > 1:
                raise UsageError("a file of parquet has one result; give the statements one by one")
        for number, result in enumerate(results):
            if number and form in ("table", "markdown"):
                print()
            try:
                rows, said = write(result, form, upright=upright, sandbox=sandbox)
            except QueryError as error:
                if (told := db.placed(error)) is error:
                    raise
                raise told from error
            db.settle(rows)
            remark = said or remark
        return [*db.notes, *([remark] if remark else [])]

    for remark in asked(store, work, sandbox=sandbox):
        say(f"note: {remark}")


def asked(store: str, work: Callable[[FlowDB], _T], *, sandbox: bool = False) -> _T:
    """Return what comes of work on a store, which is done in another thread, where it can be interrupted."""
    opened_here: list[FlowDB] = []

    def whole() -> _T:
        with opened(store, sandbox=sandbox) as db:
            opened_here.append(db)
            return work(db)

    with ThreadPoolExecutor(max_workers=1) as pool:
        done = pool.submit(whole)
        try:
            return done.result()
        except KeyboardInterrupt:
            while not done.done():
                for db in opened_here:
                    db.interrupt()
                wait([done], timeout=0.1)
            raise


def waited(work: Callable[[], _T]) -> _T:
    """Return what comes of work that an interrupt does not wait for: it ends with the process."""
    done: Future[_T] = Future()

    def whole() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 -- whatever it is, whoever waits is to have it
            done.set_exception(error)

    Thread(target=whole, daemon=True).start()
    return done.result()


def say(sentence: str, *, bare: bool = False) -> None:
    """Write to standard error, where no control character may get; a sentence is kept to one line."""
    from flowdb.output import printable

    with suppress(OSError):  # nobody can be told that nobody can be told
        text = "\n".join(map(printable, sentence.split("\n"))) if bare else f"flowdb: {printable(sentence)}"
        print(text, file=sys.stderr)


def print_json(facts: Mapping[str, object]) -> None:
    """Write what was done to standard output as one JSON object."""
    print(json.dumps(facts))


@contextmanager
def progress(what: str) -> Iterator[Callable[[Meter], None] | None]:
    """Give what shows how far a piece of work is, where standard error is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), DownloadColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(what, total=None, rate="")

        def watch(meter: Meter) -> None:
            elapsed = shown.tasks[0].elapsed or 1
            rate = f"{meter.records / elapsed:,.0f} records/s"
            shown.update(task, total=meter.total_bytes, completed=meter.read_bytes, rate=rate)

        yield watch
