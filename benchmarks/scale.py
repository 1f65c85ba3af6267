"""Work out on paper what large logs need, and write it into docs/scale.md.

Rates are those that the section `spark` of results.json measured here; all else is taken from scale.toml.
"""

import sys
import tomllib
from collections.abc import Iterable

from benchmarks.machine import table
from benchmarks.scoreboard import HERE, load

ASSUMED = HERE / "scale.toml"
PAGE = HERE.parent / "docs" / "scale.md"
DAYS = {"1 TB": 1e12, "100 TB": 1e14, "1 PB": 1e15}
_BEGIN, _END = "<!-- {}: written by python -m benchmarks.scale -->", "<!-- end -->"


def assumed() -> dict[str, float]:
    """Return the values of scale.toml by name."""
    return {name: entry["value"] for name, entry in tomllib.loads(ASSUMED.read_text("utf-8")).items()}


def needed(text: float, rate: float, given: dict[str, float]) -> dict[str, str]:
    """Return what a day of so many bytes of text needs, where a core reads `rate` bytes of text a second."""
    records = text / given["text_per_record"]
    packed, parquet = records * given["gzip_per_record"], records * given["parquet_per_record"]
    objects, tasks = packed / given["object_gzip"], packed / given["task_gzip"]
    core_hours = text / rate / 3600
    executors = max(1, -(-core_hours // (given["hours"] * given["executor_cores"])))
    lists = objects / 1000
    # A task puts a file, seldom two, and its receipt.
    requests = objects * given["s3_get"] / 1000 + (lists + 2 * tasks) * given["s3_put"] / 1000
    cluster = core_hours / given["executor_cores"] * given["executor_dollars"]
    stored = (packed / 1e9, parquet / 1e9)
    return {
        "records": _large(records),
        "gzip": _bytes(packed),
        "objects to read, each one GET": _large(objects),
        "LIST requests": _large(lists),
        "seconds to list, one folder after the other": _large(lists * given["list_seconds"]),
        "tasks, each one or two files": _large(tasks),
        "hours of a core": _large(core_hours),
        f"executors of {given['executor_cores']:g} cores, for {given['hours']:g} hour": f"{executors:,.0f}",
        "GET a second meanwhile": _large(objects / (given["hours"] * 3600)),
        "Parquet": _bytes(parquet),
        "dollars: the cluster": _dollars(cluster),
        "dollars: requests to S3": _dollars(requests),
        "dollars a month to keep the day: gzip, Parquet": " and ".join(
            _dollars(size * given["s3_month"]) for size in stored
        ),
        "dollars of one question: Athena over text": _dollars(packed / 2**40 * given["athena_scan"]),
        "dollars of one question: Athena over the lake": _dollars(
            parquet * given["columns_read"] / 2**40 * given["athena_scan"]
        ),
        "dollars of one question: Logs Insights": _dollars(text / 2**30 * given["insights_scan"]),
        "questions after which the cluster has paid, against Athena over text": _questions(
            cluster + requests, packed - parquet * given["columns_read"], given
        ),
    }


def written(page: str, figures: dict[str, float]) -> str:
    """Return the page with its tables made anew."""
    given = assumed()
    rate = figures["spark-two"] * 1e6 / 2
    days = {name: needed(text, rate, given) for name, text in DAYS.items()}
    rows = [
        ["a day of text", *days],
        *([what, *(day[what] for day in days.values())] for what in days["1 TB"]),
    ]
    entries = tomllib.loads(ASSUMED.read_text("utf-8"))
    taken = [["taken for granted", "value", "unit", "why"]]
    taken += [[f"`{name}`", f"{one['value']:,}", one["unit"], one["why"]] for name, one in entries.items()]
    for name, body in (("needs", table(rows)), ("assumptions", table(taken))):
        begin = _BEGIN.format(name)
        before, _, rest = page.partition(begin)
        page = f"{before}{begin}\n\n{body}\n\n{_END}{rest.partition(_END)[2]}"
    return page


def measured() -> dict[str, float]:
    """Return the figures of the section `spark`."""
    return load()["spark"].figures


def _questions(dollars: float, saved: float, given: dict[str, float]) -> str:
    return _large(dollars / (saved / 2**40 * given["athena_scan"]))


def _large(number: float) -> str:
    if number < 10:
        return f"{number:.1f}"
    units: Iterable[tuple[float, str]] = ((1e12, " trillion"), (1e9, " billion"), (1e6, " million"))
    for size, name in units:
        if number >= size:
            return f"{number / size:,.1f}{name}"
    return f"{number:,.0f}"


def _bytes(number: float) -> str:
    for size, name in ((1e15, "PB"), (1e12, "TB"), (1e9, "GB")):
        if number >= size:
            return f"{number / size:,.1f} {name}"
    return f"{number / 1e6:,.0f} MB"


def _dollars(number: float) -> str:
    return f"${number:,.2f}" if number < 100 else f"${number:,.0f}"


def main() -> int:
    """Write the page."""
    PAGE.write_text(written(PAGE.read_text("utf-8"), measured()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
