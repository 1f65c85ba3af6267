"""The command line: thin, one command for each verb and each analysis, each named as in `FlowDB`."""

from __future__ import annotations

import atexit
import gc
import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from flowdb import analyses, engine_commands, helping, loading
from flowdb.alert_command import alert
from flowdb.analysis_commands import Analyses, analysis_command, plot
from flowdb.commands import COMMANDS, grace_option, rollups_option
from flowdb.completing import analysis_names, paths
from flowdb.config_command import config
from flowdb.cost_command import cost
from flowdb.dialects import ASKED, TRINO
from flowdb.errors import DialectError, ExitCode, FlowdbError, plural
from flowdb.options import (
    Choice,
    choice_options,
    storage_of,
    storage_options,
    utf8,
)
from flowdb.report_command import report
from flowdb.shell_command import shell
from flowdb.terminal import (
    answer,
    answer_each,
    json_option,
    look,
    names_option,
    opened,
    output_option,
    own_store_option,
    print_json,
    progress,
    quiet_option,
    say,
    store_option,
    tell,
)

if TYPE_CHECKING:
    import duckdb

    from flowdb.database import FlowDB
    from flowdb.ingest import IngestReport

__all__ = ["main", "tell_of"]

_MOST_FAILURES_SHOWN = 20


class _ReaderGone(Exception):
    """Nobody reads standard output any more; click would take a `BrokenPipeError` for a failure."""


class _Commands(Analyses):
    """The verbs, and a command for each analysis."""

    make = staticmethod(analysis_command)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise _ReaderGone from error

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        helping.write_commands(self.commands, formatter)
        self.format_topics(formatter)
        helping.write_first_steps(formatter)


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="flowdb", message="%(prog)s %(version)s")
def cli() -> None:
    """Turn AWS VPC Flow Logs into a local database once, then ask it anything."""


@cli.command()
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...", shell_complete=paths)
@own_store_option
@click.option(
    "--format",
    "form",
    metavar="FIELDS",
    help="Fields of records without a header: '${version} ${account-id} ...', default, tgw, or names.",
)
@click.option("--workers", type=click.IntRange(min=1), help="Threads; by default one for each core.")
@click.option("--replace", is_flag=True, help="Take sources anew whose content has changed.")
@click.option(
    "--compact/--no-compact",
    default=True,
    help="Whether a date that has too many files then is compacted.  [default: compact]",
)
@rollups_option
@grace_option
@json_option
@quiet_option
@choice_options
@storage_options
def ingest(
    sources: tuple[str, ...], store: str, form: str | None, grace: timedelta, as_json: bool, **values: Any
) -> ExitCode:
    """Bring flow logs into the store.

    A SOURCE is a file, a folder (what has the name of a log in it, at any depth), a quoted glob
    pattern, a URL of these (s3://bucket/key.log.gz, s3://bucket/prefix,
    's3://bucket/AWSLogs/*/vpcflowlogs'), or - for standard input. Sources that are in the store
    already are skipped.

    --since, --until, --account and --region-only choose which objects are listed and read, by
    the folders and names that AWS gives them; they do not filter records.
    """
    storage = storage_of(values)
    with opened(store, grace=grace) as db, progress("ingest") as watch:
        report = db.ingest(*sources, format=form, watch=watch, storage=storage, **values)
    code = tell_of(report, store, as_json=as_json)
    if report.commit == 1 and not as_json:
        given = click.get_current_context().get_parameter_source("store")
        tell(helping.next_steps(store if given is ParameterSource.COMMANDLINE else None))
    if report.files_compacted and not as_json:
        tell(f"note: {plural(report.files_compacted, 'file')} of dates that had too many made into few")
    return code


@cli.command()
@click.argument("query")
@store_option
@output_option
@names_option
@click.option(
    "--sandbox",
    is_flag=True,
    help="For a query that is not yours: no file but the store, nothing but SELECT.",
)
@click.option(
    "--dialect",
    type=Choice(ASKED),
    default="duckdb",
    show_default=True,
    help="The language of the query; insights is that of CloudWatch Logs Insights.",
)
@click.option(
    "--no-limit",
    is_flag=True,
    help="All rows, where the dialect insights gives 10,000, or what its limit says, up to 100,000.",
)
def sql(
    query: str,
    store: str,
    output: str,
    sandbox: bool,
    dialect: str,
    no_limit: bool,
    show_names: bool | None,
) -> None:
    """Run a SQL QUERY on the store, opened for reading alone; - reads it from standard input.

    The views are flows, hourly, tgw_flows, coverage, bad_lines, sources, commits, files, names, groups,
    ephemeral_ranges, prices and athena_prices; every analysis is a table macro: FROM top_talkers(top := 5).
    Athena's names and types are those of vpc_flow_logs, and of tables that `flowdb athena-table` declares.
    """
    if query == "-":
        if sys.stdin is None:
            raise click.UsageError("there is no standard input to read the query from.")
        query = sys.stdin.read()
    query = utf8(query, "the query")
    if no_limit and dialect != "insights":
        raise click.UsageError("--no-limit is for --dialect insights.")

    if dialect in TRINO:
        is_shown = output != "parquet"
        answer_each(
            store, lambda db: db.results(query, dialect=dialect, as_shown=is_shown), output, sandbox=sandbox
        )
        return

    def ask(db: FlowDB) -> duckdb.DuckDBPyRelation:
        is_plain = dialect == "duckdb"
        return db.sql(query, dialect=dialect, limit=not no_limit, names=is_plain and bool(show_names))

    answer(store, ask, output, sandbox=sandbox)


@cli.command(name="analyses")
@click.argument("name", required=False, shell_complete=analysis_names)
@output_option
def list_analyses(name: str | None, output: str) -> None:
    """List the analyses, or show the SQL of the one of this NAME with what it says of itself."""
    if name is not None:
        print(analyses.find_analysis(name).script, end="")
        return
    from flowdb.database import listed_analyses
    from flowdb.output import write

    write(listed_analyses(), output, look=look())


@cli.command()
@click.argument("shell", type=Choice(("bash", "zsh", "fish")))
def completion(shell: str) -> None:
    """Print what makes a SHELL complete commands, options and their values.

    \b
    bash: flowdb completion bash > ~/.local/share/bash-completion/completions/flowdb
    zsh:  flowdb completion zsh > a file named _flowdb in a folder of $fpath
    fish: flowdb completion fish > ~/.config/fish/completions/flowdb.fish
    """  # noqa: D301 -- click keeps the lines of what follows a backspace
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None
    print(found(cli, {}, "flowdb", "_FLOWDB_COMPLETE").source())


def tell_of(report: IngestReport, store: str, *, as_json: bool) -> ExitCode:
    """Tell what an ingest did, and return what the command line ends with."""
    for note in report.notes:
        tell(f"note: {note}")
    for failure in report.failures[:_MOST_FAILURES_SHOWN]:
        say(f"error: {failure}")
    if len(report.failures) > _MOST_FAILURES_SHOWN:
        say(f"error: {plural(len(report.failures) - _MOST_FAILURES_SHOWN, 'source')} more could not be read")
    if as_json:
        print_json(report.facts())
    else:
        _summarize(report, store)
    return ExitCode.FAILED if report.failures else ExitCode.OK


def _summarize(report: IngestReport, store: str) -> None:
    if report.commit is None:
        if not report.failures or report.sources_skipped:
            tell(f"nothing new for {store}: {plural(report.sources_skipped, 'source')} skipped")
        return
    rate = report.records / report.seconds if report.seconds else 0
    ratio = f", {report.parquet_bytes / report.records:.1f} bytes each" if report.records else ""
    skipped = f", {report.sources_skipped:,} skipped" if report.sources_skipped else ""
    failed = f", {report.sources_failed:,} failed" if report.sources_failed else ""
    bad = (
        f"; {plural(report.bad_lines, 'line')} in quarantine, which FROM bad_lines shows"
        if report.bad_lines
        else ""
    )
    replaced = f", {report.sources_replaced:,} replaced" if report.sources_replaced else ""
    sources = f"{plural(report.sources_ingested, 'source')}{replaced}{skipped}{failed}"
    tell(
        f"{plural(report.records, 'record')} from {sources} into {store} in {report.seconds:.1f} s"
        f" ({rate:,.0f} records/s{ratio}){bad}"
    )


for _command in (*COMMANDS, alert, config, cost, plot, report, shell, *engine_commands.COMMANDS):
    cli.add_command(_command)


def main(args: Sequence[str] | None = None, command: click.Command = cli, name: str = "flowdb") -> int:
    """Run a command line and return its exit code; every error becomes one sentence on standard error."""
    # Whatever the umask, nothing that is made here may be written by everybody.
    os.umask(os.umask(0o077) | 0o002)
    # pyarrow brings numpy, whose threads are for nothing here and take time to start.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    loading.is_alone = args is None
    # Python looks for cycles after every 700 new objects: most of what a command makes stays, and is in none.
    # At the end, when the system takes everything back, it would look at all of it, several times.
    gc.set_threshold(10_000, 20, 100)
    atexit.register(gc.freeze)
    if sys.stdout is None or sys.stderr is None:
        nowhere = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 -- as long as the process
        sys.stdout, sys.stderr = sys.stdout or nowhere, sys.stderr or nowhere
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = command.main(args=None if args is None else list(args), prog_name=name, standalone_mode=False)
        sys.stdout.flush()
    except FlowdbError as error:
        say(f"error: {error}")
        if isinstance(error, DialectError):
            say(error.picture, bare=True)
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        say(error.format_message(), bare=True)
        return ExitCode.USAGE
    except click.ClickException as error:
        say(f"error: {error.format_message()}{helping.hint(error)}")
        return ExitCode.USAGE
    except (KeyboardInterrupt, click.Abort):
        say("interrupted; nothing is left half done")
        return ExitCode.INTERRUPTED
    except (_ReaderGone, BrokenPipeError):
        # Whoever read standard output has had enough; nothing may be flushed into it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except OSError as error:
        say(f"error: {error.strerror or error}")
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED
    return code if isinstance(code, int) else ExitCode.OK
