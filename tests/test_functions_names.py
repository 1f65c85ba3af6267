"""Functions given columns and tables that have the names of what is inside the functions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import flowdb
from flowdb import FlowDB

FUNCTIONS = Path(__file__).parent.parent / "sql" / "functions"
ADDRESS, RANGE, MOMENT = "'10.1.2.3'", "'10.0.0.0/14'", "TIMESTAMP '2024-01-15 12:34:56'"
KEYS = "['srcaddr', 'dstport', 'pair']"
ARGUMENTS: dict[str, tuple[str, ...]] = {
    "asks_service": ("40000", "443", "false", "true"),
    "bucket_start": ("INTERVAL 1 HOUR", MOMENT),
    "check_bucket": ("'1 hour'",),
    "check_keys": ("'by'", "'srcaddr,dstport'", KEYS),
    "check_number": ("'top'", "5", "1", "9"),
    "check_region": ("'us-east-1'",),
    "cidr4_octets": (RANGE,),
    "cidr4_pattern": (RANGE, "14"),
    "cidr_end": ("'10.0.0.0/14'", "'f'"),
    "cidr_parts": (RANGE,),
    "cidr_pattern": (RANGE,),
    "cut_bits": ("13", "2", "true"),
    "cut_digit": ("'d'", "2", "true"),
    "day_of_week": (MOMENT,),
    "dollars_for": ("1000000000000", "'nat-gateway'", "'eu-central-1'", "NULL::DOUBLE"),
    "ephemeral_port": ("'windows-xp'", "'last'"),
    "field_if": ("'eni-0a'", "'interface-id'"),
    "gigabytes": ("1000000000000",),
    "in_cidr": (ADDRESS, RANGE),
    "in_group": (ADDRESS, "'office'"),
    "in_part_hour": (MOMENT, "'2024-01-15 12:30'", "'2024-01-15 12:40'"),
    "in_window": ("DATE '2024-01-15'", MOMENT, "DATE '2024-01-15'", "DATE '2024-01-16'"),
    "ip4_key": (ADDRESS,),
    "ip6_key": ("'2001:db8::7'",),
    "ip_family": (ADDRESS,),
    "ip_key": (ADDRESS,),
    "is_answer": ("443", "40000", "18"),
    "is_cidr": (RANGE,),
    "is_ephemeral": ("3000", "'windows-xp'"),
    "is_key": ("'dstport'", "'srcaddr,dstport'", KEYS),
    "is_nat_gateway": ("'nat_gateway'", "'nat-0a'"),
    "is_private": (ADDRESS,),
    "is_refused": ("'reject'",),
    "is_request": ("40000", "443", "2"),
    "is_service": ("443",),
    "is_traffic": ("'OK'", "5", ADDRESS),
    "keeps_target": ("'ACCEPT'", "40000", "443"),
    "key_columns": ("'pair'",),
    "key_fields": ("'srcaddr,dstport'", KEYS),
    "keys_of": ("'srcaddr, dstport'",),
    "metric_fields": ("'packets'",),
    "name_of": (ADDRESS, MOMENT),
    "one_of": ("'by'", "'srcaddr'", KEYS),
    "part_of": ("100", "3", "7"),
    "protocol_name": ("17",),
    "record_moment": (MOMENT, f"{MOMENT} + INTERVAL 1 MINUTE", "DATE '2024-01-15'"),
    "refused_from": ("5", "DATE '2024-01-15'", "DATE '2024-01-16'", "'eni-0a'"),
    "regularity": ("[1.0, 20.0, 30.0]", "2.0"),
    "service_name": ("53", "17"),
    "service_port": ("443", "40000"),
    "span_us": ("INTERVAL 1 HOUR",),
    "sum_of_two": ("4", "5"),
    "tcp_flag_names": ("18",),
    "total": ("5",),
    "touches": (RANGE, ADDRESS, "'192.0.2.1'"),
    "traffic_path_name": ("7",),
    "utc": (MOMENT,),
}
"""What each function is given: by their order, and the last by its name where it has a default."""


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlowDB]:
    """A store without records."""
    folder = tmp_path_factory.mktemp("names")
    (folder / "a.log").write_text("srcaddr dstaddr\n", encoding="utf-8")
    with flowdb.open(folder / "store") as opened:
        opened.ingest(folder / "a.log")
        (opened.path / "flowdb.toml").write_text(
            "names.'10.1.2.3' = 'web'\ngroups.office = ['10.0.0.0/14']\n"
        )
        yield opened


def definition(name: str) -> tuple[list[str], str]:
    """The parameters of a function, as they are called with, and its body."""
    text = (FUNCTIONS / f"{name}.sql").read_text(encoding="utf-8")
    match = re.search(rf"^CREATE OR REPLACE MACRO {name}\((.*?)\) AS\b(.*)", text, re.M | re.S)
    assert match is not None
    parameters = [one.strip() for one in match[1].split(",") if one.strip()]
    return [f"{one.split(':=')[0]}:= " if ":=" in one else "" for one in parameters], match[2]


def names_in(body: str) -> list[str]:
    """The words of SQL that are neither keywords, nor called, nor part of a text or a comment."""
    return re.findall(r"\b[a-z]\w*\b(?!\()", re.sub(r"--.*|'[^'\n]*'", "", body))


def call(name: str, arguments: list[str]) -> str:
    prefixes, _ = definition(name)
    return f"{name}({', '.join(p + a for p, a in zip(prefixes, arguments, strict=True))})"


def test_every_function_of_values_is_tried() -> None:
    of_values = {
        path.stem
        for path in FUNCTIONS.glob("*.sql")
        if not re.search(r"\) AS TABLE$|MACRO \w+\(\) AS", path.read_text(encoding="utf-8"), re.M)
    }
    # What needs is given is constant: it looks at the sources once, for a whole query.
    assert set(ARGUMENTS) == of_values - {"needs"}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_a_column_or_a_table_may_be_named_like_what_is_inside(name: str, db: FlowDB) -> None:
    arguments = ARGUMENTS[name]
    bodies = [definition(name)[1]]
    for body in bodies:
        bodies += [definition(one)[1] for one in ARGUMENTS if f"{one}(" in body and one != name]
    # Names that begin so are those of the functions.
    words = {word for body in bodies for word in names_in(body) if not word.startswith("flowdb_")}
    ((expected,),) = db.sql(f"SELECT {call(name, [*arguments])}").fetchall()
    captured = []
    for word in sorted(words):
        for number, argument in enumerate(arguments):
            column = call(name, [*arguments[:number], f'"{word}"', *arguments[number + 1 :]])
            of_table = call(name, [*arguments[:number], f'"{word}".x', *arguments[number + 1 :]])
            for query in (
                f'SELECT {column} FROM (SELECT {argument} AS "{word}") AS given_here',
                f'SELECT {of_table} FROM (SELECT {argument} AS x) AS "{word}"',
            ):
                try:
                    found = db.sql(query).fetchall()
                except Exception as error:  # noqa: BLE001 -- whatever is wrong with it is told below
                    found = [(str(error).splitlines()[0],)]
                if found != [(expected,)]:
                    captured.append((query, found))
    assert captured == []
