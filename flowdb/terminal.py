"""What every command of the command line shares: which store, how rows, remarks and progress are shown."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from flowdb.completing import folders
from flowdb.errors import QueryError, StoreReadOnly, UsageError
from flowdb.look import COLORS
from flowdb.options import Choice, kept_storage_options, storage_of
from flowdb.settings import FORMATS, Settings
from flowdb.urls import is_url

if TYPE_CHECKING:
    import duckdb

    from flowdb.database import FlowDB
    from flowdb.groups import Groups
    from flowdb.look import Look
    from flowdb.meter import Meter

__all__ = [
    "PEOPLES",
    "answer",
    "answer_each",
    "asked",
    "color_option",
    "configured",
    "groups_of",
    "json_option",
    "look",
    "names_option",
    "opened",
    "output_option",
    "own_store_option",
    "print_json",
    "progress",
    "quiet_option",
    "say",
    "store_option",
    "tell",
    "waited",
]

_T = TypeVar("_T")
_Command = Callable[..., Any]
_META = "flowdb."
PEOPLES = ("table", "markdown")
"""The formats that people read, and no programs."""


def configured(key: str) -> Callable[[], Any]:
    """Return what gives the value of a setting that no option and no variable of its own gives."""

    def value() -> Any:
        context = click.get_current_context()
        store = context.params.get("store")
        settings = _settings(context, store)
        return settings.store if key == "store" else settings.value(key)

    return value


def _settings(context: click.Context, store: str | None) -> Settings:
    """Return the settings of a command, which are read once for a store."""
    key = f"{_META}settings.{store}"
    if key not in context.meta:
        is_here = store is not None and not is_url(store)
        context.meta[key] = Settings.read(Path(os.path.expanduser(store)) if store and is_here else None)
    found: Settings = context.meta[key]
    return found


def groups_of(store: str | None) -> Groups:
    """Return what gives the groups of ranges that a command knows."""
    context = click.get_current_context()

    def found() -> Mapping[str, Sequence[str]]:
        from flowdb import names

        return names.groups_of(_settings(context, store))

    return found


def _store_option(metavar: str, meaning: str, **how: Any) -> Callable[[_Command], _Command]:
    return click.option(
        "--store",
        metavar=metavar,
        envvar="FLOWDB_STORE",
        default=configured("store"),
        show_default="flows",
        show_envvar=True,
        # The first of all: it may have settings of its own for others.
        is_eager=True,
        shell_complete=folders,
        help=meaning,
        **how,
    )


def _on_a_disk(_: click.Context, __: click.Parameter, store: str) -> str:
    """Return a store that can be changed; one behind a URL is refused before anything is asked of it."""
    if is_url(store):
        from flowdb.readable import OF_A_URL
        from flowdb.remote import shown

        raise StoreReadOnly(shown(store), OF_A_URL)
    return store


own_store_option = _store_option("DIR", "The store.", callback=_on_a_disk)
_any_store_option = _store_option(
    "DIR|URL",
    "The store. For one in S3, which is read only, there are --profile, --region, --endpoint-url, --anon and"
    " --requester-pays.",
)


def store_option(command: _Command, *, without: Collection[str] = ()) -> _Command:
    """Give a command `store`, and the options of S3 that it has no others of, which `opened` knows."""
    return _any_store_option(kept_storage_options(command, without, _keep))


json_option = click.option("--json", "as_json", is_flag=True, help="Write what was done as one JSON object.")


def output_option(command: _Command) -> _Command:
    """Give a command `output`, and what tells how a table looks, which `look` knows."""
    options = (
        click.option(
            "-o",
            "--output",
            type=Choice(FORMATS),
            default=configured("output.format"),
            show_default="table",
            help="How the rows are written. In csv and tsv a text that a spreadsheet would compute has '"
            " before it.",
        ),
        click.option(
            "--raw",
            is_flag=True,
            default=configured("output.raw"),
            expose_value=False,
            callback=_keep,
            help="Numbers of a table as they are, without units.",
        ),
        color_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


names_option = click.option(
    "--names/--no-names",
    "show_names",
    default=configured("output.names"),
    help="Whether names of flowdb.toml are shown beside ids.  [default: in tables, where one is known]",
)


def color_option(command: _Command) -> _Command:
    """Give a command `color`, which `look` and `progress` know."""
    return click.option(
        "--color",
        type=Choice(COLORS),
        default=configured("output.color"),
        show_default="auto",
        expose_value=False,
        callback=_keep,
        help="Whether there are colours: by default on a terminal, unless NO_COLOR is set.",
    )(command)


def quiet_option(command: _Command) -> _Command:
    """Give a command `quiet`, which `tell` and `progress` know."""
    return click.option(
        "-q",
        "--quiet",
        is_flag=True,
        expose_value=False,
        callback=_keep,
        help="Say nothing but errors.",
    )(command)


def opened(store: str, **options: Any) -> AbstractContextManager[FlowDB]:
    """Return what opens a store for one command, in whatever thread enters it."""
    context = click.get_current_context(silent=True)
    kept = {} if context is None else {key.removeprefix(_META): one for key, one in context.meta.items()}
    return _opened(store, storage=storage_of(kept), **options)


@contextmanager
def _opened(store: str, **options: Any) -> Iterator[FlowDB]:
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
    spare: bool = False,
    why_none: Callable[[FlowDB], str | None] | None = None,
) -> None:
    """Ask a store and write what it answers; in another thread, since DuckDB may not hear an interrupt.

    `why_none` gives a remark for people on an answer without rows.
    """
    answer_each(
        store, lambda db: [ask(db)], form, upright=upright, sandbox=sandbox, spare=spare, why_none=why_none
    )


def answer_each(
    store: str,
    ask: Callable[[FlowDB], Iterable[duckdb.DuckDBPyRelation]],
    form: str,
    *,
    upright: bool = False,
    sandbox: bool = False,
    spare: bool = False,
    why_none: Callable[[FlowDB], str | None] | None = None,
) -> None:
    """Ask a store and write its answers one after the other, as `answer` does."""
    shown = look()

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
                rows, said = write(result, form, upright=upright, sandbox=sandbox, look=shown, spare=spare)
            except QueryError as error:
                if (told := db.placed(error)) is error:
                    raise
                raise told from error
            db.settle(rows)
            remark = said or remark
            if why_none is not None and rows == 0 and form in PEOPLES:
                remark = why_none(db)
        return [*db.notes, *([remark] if remark else [])]

    for remark in asked(store, work, sandbox=sandbox):
        tell(f"note: {remark}")


def asked(
    store: str,
    work: Callable[[FlowDB], _T],
    *,
    sandbox: bool = False,
    interrupted: Callable[[], object] | None = None,
) -> _T:
    """Return what comes of work on a store, which is done in another thread, where it can be interrupted.

    `interrupted` tells the work of it, if it does more than to wait for DuckDB.
    """
    opened_here: list[FlowDB] = []
    opening = opened(store, sandbox=sandbox)

    def whole() -> _T:
        with opening as db:
            opened_here.append(db)
            return work(db)

    with ThreadPoolExecutor(max_workers=1) as pool:
        done = pool.submit(whole)
        try:
            return done.result()
        except KeyboardInterrupt:
            if interrupted is not None:
                interrupted()
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
    from flowdb.look import printable

    with suppress(OSError):  # nobody can be told that nobody can be told
        text = "\n".join(map(printable, sentence.split("\n"))) if bare else f"flowdb: {printable(sentence)}"
        print(text, file=sys.stderr)


def tell(sentence: str) -> None:
    """Say what is no error, unless the command is told to be quiet."""
    if not _set("quiet", False):
        say(sentence)


def print_json(facts: Mapping[str, object]) -> None:
    """Write what was done to standard output as one JSON object."""
    print(json.dumps(facts))


@contextmanager
def progress(what: str) -> Iterator[Callable[[Meter], None] | None]:
    """Give what shows how far a piece of work is, unless the command is told to be quiet."""
    from flowdb.progress import progress as shown

    with shown(what, color=_set("color", "auto"), is_quiet=_set("quiet", False)) as watch:
        yield watch


def look() -> Look:
    """Return how standard output may look, by the options of the command."""
    from flowdb.look import look_of

    return look_of(sys.stdout, _set("color", "auto"), is_raw=_set("raw", False))


def _set(name: str, default: _T) -> _T:
    """Return what an option of look was given for the command that runs."""
    context = click.get_current_context(silent=True)
    return default if context is None else cast(_T, context.meta.get(_META + name, default))


def _keep(context: click.Context, option: click.Parameter, value: object) -> None:
    """Keep the value of an option of look where `_set` finds it."""
    assert option.name is not None
    context.meta[_META + option.name] = value
