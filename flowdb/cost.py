"""What a question would cost at AWS: bytes scanned and dollars, beside the seconds that it takes here.

The same question is asked in Athena over the logs as AWS delivers them, text or Parquet, partitioned by
day, over this store, uploaded, and in CloudWatch Logs Insights.
"""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from flowdb.errors import FlowdbError, QueryError, UsageError, plural, shortened
from flowdb.parquet_delivery import Delivery, measured
from flowdb.scans import Part, Planner, Scan, parts_of

if TYPE_CHECKING:
    from flowdb.readable import Readable

__all__ = ["COLUMNS", "WAYS", "Ask", "Bill", "Prices", "Question", "bills", "cells", "read_prices", "remarks"]

WAYS = ("Athena: text", "Athena: AWS Parquet", "Athena: this store", "Logs Insights", "flowdb")
"""Where a question is asked, in the order of its bills."""
_MB, _GB, _TB = 2**20, 2**30, 2**40
_DAYS = 30
_LEAST = 10.0  # MB that any query is charged for, unless the prices say otherwise
_ITEMS = ("athena-scan", "athena-least", "s3-get", "s3-list", "insights-scan", "internet")
_HEADER = ("item", "region", "amount")
_MOST = 1e9  # of any price, and of runs a day: more is a slip of the pen
_LISTED = 1000  # objects that one request lists

Ask = Callable[[str, object], duckdb.DuckDBPyRelation]
Prices = Mapping[str, float]
"""Amounts by the items of the view `athena_prices`, and `internet` of `prices`; some may be missing."""


@dataclass(frozen=True)
class Question:
    """A query in DuckDB's SQL with its values, and what runs it here to its end."""

    name: str
    sql: str
    values: Mapping[str, object] | None
    run: Callable[[], object]


@dataclass(frozen=True)
class Bill:
    """What one question costs in one of `WAYS`.

    `bytes` are those scanned, `billed_bytes` those that are paid for; a month has thirty days.
    `break_even_runs` is after how many runs it would have been cheaper to fetch all sources once,
    `break_even_days` after how many days. Dollars are None where the price table has no price,
    seconds where nothing ran.
    """

    question: str
    way: str
    objects: int
    bytes: int
    billed_bytes: int
    scan_dollars: float | None
    request_dollars: float | None
    dollars: float | None
    dollars_per_month: float | None
    break_even_runs: int | None
    break_even_days: float | None
    seconds: float | None


_SQL_TYPES = {"str": "VARCHAR", "int": "BIGINT", "float": "DOUBLE"}
COLUMNS = {
    field.name: "DECIMAL(38, 8)" if "dollars" in field.name else _SQL_TYPES[str(field.type).partition(" ")[0]]
    for field in fields(Bill)
}
"""What a bill has, with the DuckDB types."""


@dataclass(frozen=True)
class _File:
    """The end of a Parquet file: its bytes, row groups, and those of each column."""

    beside: int
    groups: int
    columns: Mapping[str, int]


def read_prices(ask: Ask, region: str, path: str | None = None) -> Prices:
    """Return the latest prices of a region; those in a CSV with item, region and amount take their place.

    Raises `UsageError` for a region without any.
    """
    rows = ask(
        "SELECT item, region, amount, as_of FROM athena_prices"
        " UNION ALL SELECT item, region, dollars, as_of FROM prices WHERE item = 'internet' ORDER BY as_of",
        None,
    ).fetchall()
    named = [(str(item), str(place), float(amount)) for item, place, amount, _ in rows if amount is not None]
    if path is not None:
        named += _replaced(path)
    if region not in {place for item, place, _ in named if item != "internet"}:
        places = sorted({place for item, place, _ in named if item != "internet"})
        raise UsageError(f"no prices for the region {region!r}; there are: {', '.join(places)}")
    return {item: amount for item, place, amount in named if place == region}


def bills(
    store: Readable,
    ask: Ask,
    questions: Iterable[Question],
    prices: Prices,
    runs_per_day: float,
    skip: Callable[[str, FlowdbError], None],
) -> Iterator[Bill]:
    """Yield the bills of each question, one for each of `WAYS`; `skip` is told of those that fail."""
    if not 0 < runs_per_day <= _MOST:
        raise UsageError(f"runs_per_day is {runs_per_day}; expected more than 0, and {_MOST:,.0f} at most")
    parts = parts_of(store)
    delivery = measured(ask, parts)
    till = _Till(store, parts, delivery, prices, runs_per_day)
    with ExitStack() as both:
        plain, pruned = (
            both.enter_context(closing(Planner(store, parts, has_statistics=one))) for one in (False, True)
        )
        for question in questions:
            try:
                scans = plain.scans(question.sql, question.values)
                read = pruned.scans(question.sql, question.values)
                begun = time.perf_counter()
                question.run()
                seconds = time.perf_counter() - begun
            except FlowdbError as error:
                skip(question.name, error)
            except duckdb.Error as error:
                skip(question.name, QueryError(str(error), question.sql))
            else:
                yield from till.bills(question.name, scans, read, seconds)


class _Till:
    """Adds up what scans of a store cost."""

    def __init__(
        self, store: Readable, parts: Sequence[Part], delivery: Delivery, prices: Prices, runs_per_day: float
    ) -> None:
        self._store = store
        self._delivery = delivery
        self._prices = prices
        self._runs_per_day = runs_per_day
        self._ends: dict[str, _File] = {}
        text = sum(source.size for part in parts for source in part.sources)
        self._once = _sum(
            self._requests(sum(len(part.sources) for part in parts), sum(map(_lists, parts))),
            self._price("internet", text / _GB),
        )

    def bills(
        self, question: str, scans: Sequence[Scan], pruned: Sequence[Scan], seconds: float
    ) -> Iterator[Bill]:
        """Yield the bills of a question with these scans, and with those that statistics leave.

        A text is one request, a Parquet file one for its end and one for the columns of each row group.
        """
        lists = sum(_lists(scan.part) for scan in scans)
        objects = sum(len(scan.part.sources) for scan in scans)
        text = sum(source.size for scan in scans for source in scan.part.sources)
        yield self._athena(question, WAYS[0], objects, text, objects, lists)
        parquet, gets = 0.0, 0
        for scan in scans:
            known = scan.columns & self._delivery.columns.keys()
            parquet += self._delivery.size(scan.part.records, len(scan.part.sources), known)
            gets += len(scan.part.sources) * (2 if known else 1)
        yield self._athena(question, WAYS[1], objects, round(parquet), gets, lists)
        size, gets, files = 0, 0, 0
        for scan in pruned:
            for row in scan.part.files:
                end = self._end(row.path)
                known = scan.columns & end.columns.keys()
                size += end.beside + sum(end.columns[name] for name in known)
                gets += 1 + (end.groups if known else 0)
                files += 1
        yield self._athena(question, WAYS[2], files, size, gets, len(pruned))
        read = dict.fromkeys(scan.part for scan in scans)
        raw = sum(source.raw_bytes for part in read for source in part.sources)
        dollars = self._price("insights-scan", raw / _GB)
        count = sum(len(part.sources) for part in read)
        yield self._bill(question, WAYS[3], count, raw, raw, dollars, 0.0)
        count = len({row.path for scan in pruned for row in scan.part.files})
        yield Bill(question, WAYS[4], count, size, 0, 0.0, 0.0, 0.0, 0.0, None, None, round(seconds, 3))

    def _athena(self, question: str, way: str, objects: int, size: int, gets: int, lists: int) -> Bill:
        least = self._prices.get("athena-least", _LEAST)
        billed = math.ceil(max(math.ceil(size / _MB), least)) * _MB
        return self._bill(
            question,
            way,
            objects,
            size,
            billed,
            self._price("athena-scan", billed / _TB),
            self._requests(gets, lists),
        )

    def _bill(
        self,
        question: str,
        way: str,
        objects: int,
        size: int,
        billed: int,
        scan: float | None,
        requests: float | None,
    ) -> Bill:
        whole = _sum(scan, requests)
        per_month = None if whole is None else whole * self._runs_per_day * _DAYS
        runs = math.ceil(self._once / whole) if whole and self._once is not None else None
        days = None if runs is None else runs / self._runs_per_day
        return Bill(
            question,
            way,
            objects,
            size,
            billed,
            _rounded(scan),
            _rounded(requests),
            _rounded(whole),
            _rounded(per_month),
            runs,
            None if days is None else round(days, 2),
            None,
        )

    def _price(self, item: str, amount: float) -> float | None:
        price = self._prices.get(item)
        return None if price is None else price * amount

    def _requests(self, gets: int, lists: int) -> float | None:
        return _sum(self._price("s3-get", gets / 1000), self._price("s3-list", lists / 1000))

    def _end(self, path: str) -> _File:
        """Return the end of a file of the store."""
        if path not in self._ends:
            import pyarrow.parquet as pq

            end = pq.read_metadata(self._store.folder.parquet(path))
            columns: dict[str, int] = {}
            for group in range(end.num_row_groups):
                for number in range(end.num_columns):
                    chunk = end.row_group(group).column(number)
                    columns[chunk.path_in_schema] = (
                        columns.get(chunk.path_in_schema, 0) + chunk.total_compressed_size
                    )
            # Behind the end there are its length and four letters.
            self._ends[path] = _File(end.serialized_size + 8, end.num_row_groups, columns)
        return self._ends[path]


def cells(bill: Bill) -> list[object]:
    """Return what a bill has, in the order of `COLUMNS`."""
    return [getattr(bill, name) for name in COLUMNS]


def remarks(store: Readable) -> list[str]:
    """Return what is to be said of the sources of a store: not all may be gzip text, of which bills speak."""
    names = [source.name for source in store.catalog.sources()]
    others = sum(not name.endswith(".gz") for name in names)
    if not others:
        return []
    counted = f"{plural(others, 'source')} of {len(names):,}"
    return [f"{counted} not named as gzip text: the bytes of text are those that were delivered"]


def _lists(part: Part) -> int:
    """Return how many requests list the sources of a part."""
    return max(-(-len(part.sources) // _LISTED), 1)


def _sum(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else first + second


def _rounded(dollars: float | None) -> float | None:
    return None if dollars is None else round(dollars, 8)


def _replaced(path: str) -> list[tuple[str, str, float]]:
    """Return items, regions and amounts of a CSV."""
    try:
        with open(Path(path), encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise UsageError(f"{path}: it cannot be read ({error.strerror or error})") from error
    except (UnicodeError, csv.Error) as error:
        raise UsageError(f"{path}: it is no CSV in UTF-8 ({error})") from error
    if not rows or not set(_HEADER) <= rows[0].keys():
        raise UsageError(f"{path}: expected a line with item, region and amount, and prices below it")
    found: dict[tuple[str, str], float] = {}
    for number, row in enumerate(rows, 2):
        where = f"{path}, line {number}"
        item, region, text = ((row[name] or "").strip() for name in _HEADER)
        if item not in _ITEMS:
            raise UsageError(f"{where}: item is {shortened(item)}; expected one of: {', '.join(_ITEMS)}")
        if not region:
            raise UsageError(f"{where}: there is no region; expected one such as us-east-1")
        if (item, region) in found:
            raise UsageError(f"{where}: there are two amounts of {item} in {shortened(region)}")
        try:
            amount = float(text)
        except ValueError:
            amount = math.nan
        if not 0 <= amount <= _MOST:
            raise UsageError(
                f"{where}: amount is {shortened(text)}; expected a number from 0 to {_MOST:,.0f}"
            )
        found[item, region] = amount
    return [(item, region, amount) for (item, region), amount in found.items()]
