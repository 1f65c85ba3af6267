"""The commands that keep a store in order, each named as its method of `FlowDB`."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, TextIO

import click

from flowdb import quantities
from flowdb.completing import folders, paths
from flowdb.errors import ExitCode, plural
from flowdb.options import Quantity
from flowdb.terminal import (
    answer,
    answer_each,
    configured,
    json_option,
    look,
    opened,
    output_option,
    own_store_option,
    print_json,
    progress,
    quiet_option,
    store_option,
    tell,
)
from flowdb.urls import place_of

__all__ = [
    "COMMANDS",
    "athena_table",
    "backup",
    "compact",
    "files",
    "forget",
    "grace_option",
    "history",
    "prune",
    "rollups_option",
    "sources",
    "status",
    "verify",
]


grace_option = click.option(
    "--grace",
    type=Quantity(quantities.age),
    metavar="AGE",
    envvar="FLOWDB_GRACE",
    default=configured("grace"),
    show_default="1d",
    show_envvar=True,
    help="How long files that are taken out stay for those who still read them.",
)

rollups_option = click.option(
    "--rollups/--no-rollups",
    default=True,
    help="Whether hourly sums are kept, from which many analyses answer faster.  [default: rollups]",
)


@click.command()
@own_store_option
@grace_option
@rollups_option
@json_option
@quiet_option
def compact(store: str, grace: timedelta, as_json: bool, rollups: bool) -> None:
    """Make few large, sorted files of the many small ones of each date.

    Every record stays what it is; hourly sums are made where there are none. An ingest does this by
    itself where a date has too many files.
    """
    with opened(store, grace=grace) as db, progress("compact") as watch:
        report = db.compact(watch=watch, rollups=rollups)
    if as_json:
        print_json(report.facts())
    elif not report.groups:
        tell(f"{store} is compact already")
    else:
        before, after = report.bytes_before / report.records, report.bytes_after / report.records
        tell(
            f"{plural(report.files_before, 'file')} of {store} made into {report.files_after:,} in"
            f" {report.seconds:.1f} s ({plural(report.records, 'row')}, {before:.1f} bytes each before,"
            f" {after:.1f} now)"
        )


@click.command()
@click.option("--before", type=Quantity(quantities.day), metavar="DATE", help="Take dates before this one.")
@click.option("--keep", type=Quantity(quantities.age), metavar="AGE", help="Take dates older than this: 90d.")
@click.option(
    "--max-size",
    type=Quantity(quantities.size),
    metavar="SIZE",
    help="Take the oldest dates until no more Parquet than this is left: 50GB. The newest date stays.",
)
@click.option(
    "--keep-rejects", type=Quantity(quantities.age), metavar="AGE", help="Keep refused flows longer: 365d."
)
@click.option("--dry-run", is_flag=True, help="Say what would be taken, and take nothing.")
@own_store_option
@grace_option
@output_option
@json_option
@quiet_option
def prune(store: str, grace: timedelta, output: str, as_json: bool, **values: Any) -> None:
    """Take old records out of the store, by whole UTC dates.

    The dates are written to standard output. Their sources stay known, and are not read again.
    """
    with opened(store, grace=grace) as db:
        report = db.prune(**values)
    if as_json:
        print_json(report.facts())
        return
    facts = report.facts()
    if not report.dates and not report.bad_lines:
        tell(f"nothing to take out of {store}")
        return
    would = "would be " if values["dry_run"] else ""
    kept = f"; {plural(report.kept_rejects, 'refused flow')} kept" if facts["kept_rejects"] else ""
    bad = f" and {plural(report.bad_lines, 'bad line')}" if report.bad_lines else ""
    records = plural(report.records, "record")
    tell(f"{records}{bad} of {plural(len(report.dates), 'date')} {would}taken out of {store}{kept}")
    # Last: that it cannot be written must not hide that it was done.
    if report.dates:
        rows = [
            (date.fromisoformat(one.date), one.records, one.kept, one.files, one.bytes)
            for one in report.dates
        ]
        _write_rows("date, records, kept_rejects, files, bytes", [*rows], output)


def _write_rows(names: str, rows: list[tuple[object, ...]], output: str) -> None:
    """Write rows, with these names of their columns, as the result of a query is written."""
    import duckdb

    from flowdb.output import write

    marks = ", ".join([f"({', '.join('?' * len(rows[0]))})"] * len(rows))
    query = f"SELECT * FROM (VALUES {marks}) AS rows ({names})"
    with duckdb.connect() as connection:
        _, remark = write(
            connection.sql(query, params=[value for row in rows for value in row]), output, look=look()
        )
        if remark:
            tell(f"note: {remark}")


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...", shell_complete=paths)
@own_store_option
@grace_option
@json_option
@quiet_option
def forget(sources: tuple[str, ...], store: str, grace: timedelta, as_json: bool) -> None:
    """Take sources, with all their rows, out of the store.

    A SOURCE is named by its path or URI (as `flowdb sources` shows it), by a folder above it, or
    by a quoted pattern. It need not be there any more; ingested again, it is new.
    """
    with opened(store, grace=grace) as db:
        report = db.forget(*sources)
    if as_json:
        print_json(report.facts())
        return
    bad = f" and {plural(report.bad_lines, 'bad line')}" if report.bad_lines else ""
    records = plural(report.records, "record")
    tell(f"{plural(report.sources, 'source')} taken out of {store}, with {records}{bad}")


@click.command()
@click.argument("folder", metavar="DIR", shell_complete=folders)
@own_store_option
@json_option
@quiet_option
def backup(folder: str, store: str, as_json: bool) -> None:
    """Copy the store, as it is at one moment, into DIR, which must be empty or not there.

    Somebody may write to the store meanwhile. The copy is a store like any other.
    """
    with opened(store) as db, progress("backup") as watch:
        report = db.backup(folder, watch=watch)
    if as_json:
        print_json(report.facts())
    else:
        tell(f"{plural(report.files, 'file')}, {report.bytes:,} bytes, copied from {store} to {folder}")


@click.command()
@click.option("--repair", is_flag=True, help="Mend what can be mended, and check again.")
@own_store_option
@output_option
@json_option
@quiet_option
def verify(repair: bool, store: str, output: str, as_json: bool) -> ExitCode:
    """Check every file of the store, and say what is wrong; exit with 1 if anything is.

    What is wrong is written to standard output, a row for each. --repair makes the catalogue anew from
    the files, ledgers and flowdb.duckdb from the catalogue, and sets damaged files aside.
    """
    from flowdb.verification import verify as check

    with progress("verify") as watch:
        report = check(place_of(store), repair=repair, watch=watch)
    for done in report.repaired:
        tell(f"repaired: {done}")
    if as_json:
        print_json(report.facts())
    elif report.findings:
        rows = [(one.kind, one.path, one.problem, one.remedy) for one in report.findings]
        _write_rows("kind, path, problem, remedy", [*rows], output)
        tell(f"{plural(len(report.findings), 'thing')} wrong with {store}")
    else:
        files, records = plural(report.files, "file"), plural(report.records, "record")
        tell(
            f"{store} is sound: {files}, {records}, {report.bytes:,} bytes checked in {report.seconds:.1f} s"
        )
    return ExitCode.OK if report.is_sound else ExitCode.FAILED


@click.command()
@click.argument("file", type=click.File(encoding="utf-8-sig"), metavar="FILE.sql")
@own_store_option
@output_option
def athena_table(file: TextIO, store: str, output: str) -> None:
    """Declare tables over the store with the CREATE EXTERNAL TABLE statements of FILE.sql.

    FILE.sql may be -, which is standard input.
    Columns are fields of the log: by place in tables of delimited text, by name in those of
    Parquet. Partition columns are computed. Queries with --dialect athena, and DuckDB shells, have them.
    """
    try:
        text = file.read()
    except UnicodeError:
        raise click.UsageError("the file is not UTF-8.") from None
    answer_each(store, lambda db: db.results(text), output)


@click.command()
@store_option
@output_option
def status(store: str, output: str) -> None:
    """Tell what is in the store."""
    answer(store, lambda db: db.status(), output, upright=True)


@click.command()
@store_option
@output_option
def sources(store: str, output: str) -> None:
    """List the sources in the store, newest first."""
    answer(store, lambda db: db.sources(), output)


@click.command()
@store_option
@output_option
def files(store: str, output: str) -> None:
    """List the Parquet files of the store, by date."""
    answer(store, lambda db: db.files(), output)


@click.command()
@store_option
@output_option
def history(store: str, output: str) -> None:
    """List the commits of the store, newest first."""
    answer(store, lambda db: db.history(), output)


COMMANDS = (compact, prune, forget, backup, verify, athena_table, status, sources, files, history)
