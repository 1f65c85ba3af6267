"""Every shape in every packing holds the records that the same lines hold in plain text."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
import zipfile
from io import BufferedReader, BytesIO

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flowdb.compression import Damaged
from flowdb.delivery import deliveries
from flowdb.layouts import LayoutUnknown, format_layout
from flowdb.shapes import SHAPES as TABLE
from flowdb.shapes import shape_of
from tests.conftest import ROOT, record
from tests.deliveries import PACKINGS, SHAPES
from tests.parsed import Parsed, parsed
from tests.reference import DEFAULT, TGW_NAMES

LINES = [
    *(record(n, bytes=n**2) for n in range(40)),
    "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA",
    "2 001234567890 - 2001:db8::1 2001:db8:1234:a100:8d6e:3477:df66:f105 1 22 6 54 88 1477913708 - ACCEPT OK",
]
PLAIN = SHAPES["text"](LINES)
EXPECTED = parsed(PLAIN)


def delivered(data: bytes, form: str | None = None) -> Parsed:
    """Return all that a source of these bytes holds."""
    found = Parsed()
    given_layout = None if form is None else format_layout(form)
    for _, _, batches in deliveries(BufferedReader(BytesIO(data)), given_layout):
        for batch in batches:
            found.take(batch)
    return found


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_in_each_packing_holds_the_records_of_plain_text(shape: str, packing: str) -> None:
    found = delivered(PACKINGS[packing](SHAPES[shape](LINES)))
    assert found.records == EXPECTED.records
    assert found.bad == []
    assert found.lines == len(LINES) + found.passed


def test_every_shape_of_the_table_is_delivered_here() -> None:
    delivered_here = {shape_of(write(LINES)).name for write in SHAPES.values()}
    delivered_here |= {shape_of(b"Permission Check Successful\n").name, shape_of(b"PAR1").name}
    assert delivered_here == {shape.name for shape in TABLE}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_bad_line_of_any_shape_is_in_quarantine_and_its_neighbours_are_records(shape: str) -> None:
    lines = [*LINES[:3], "2 one too few", *LINES[3:]]
    found = delivered(SHAPES[shape](lines))
    assert found.records == EXPECTED.records
    assert [reason for _, reason in found.bad] == ["4 fields, the layout has 14"]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_of_another_layout_is_read_by_the_format(shape: str) -> None:
    lines = ["2 eni-1235b8ca123456789 172.31.16.139", "2 eni-1235b8ca123456789 172.31.9.69"]
    found = delivered(SHAPES[shape](lines), "${version} ${interface-id} ${srcaddr}")
    assert [list(row.values()) for row in found.records] == [
        [2, "eni-1235b8ca123456789", "172.31.16.139"],
        [2, "eni-1235b8ca123456789", "172.31.9.69"],
    ]
    with pytest.raises(LayoutUnknown):
        delivered(SHAPES[shape](lines))


def test_the_header_of_a_file_beats_the_format() -> None:
    header = " ".join(DEFAULT).encode() + b"\n"
    assert delivered(header + PLAIN, "srcaddr dstaddr").records == EXPECTED.records


@pytest.mark.parametrize(
    ("form", "names"),
    [
        ("${version} ${account-id}", ("version", "account-id")),
        ("$${version} $${account-id}", ("version", "account-id")),
        ("'version'", None),
        ("version,account_id, Log-Status", ("version", "account-id", "log-status")),
        ("default", DEFAULT),
        (" Default ", DEFAULT),
        ("tgw", TGW_NAMES),
        ("${version} quantum-state", ("version", "quantum-state")),
        ("", None),
        ("quantum-state", None),
        ("version version", None),
        ("${version", None),
    ],
)
def test_a_format_is_what_aws_and_terraform_and_people_write(
    form: str, names: tuple[str, ...] | None
) -> None:
    if names is None:
        with pytest.raises(LayoutUnknown):
            format_layout(form)
    else:
        assert format_layout(form).names == names


@pytest.mark.parametrize(
    ("data", "form", "records"),
    [
        (
            b'{"version": 2, "accountId": "0123", "srcAddr": "a", "bytes": 25238.0, "dstPort": null}\n',
            None,
            [{"version": 2, "account_id": "0123", "srcaddr": "a", "bytes": 25238, "dstport": None}],
        ),
        (
            b'[{"srcaddr": "a", "dst_addr": "b", "bytes": 7}, {"srcaddr": "c", "dst_addr": "d", "bytes": 8}]',
            None,
            [{"srcaddr": "a", "dstaddr": "b"}, {"srcaddr": "c", "dstaddr": "d"}],
        ),
        (
            b'{"results": [[{"field": "srcAddr", "value": "a"}, {"field": "end", "value": "-"}, %s]]}'
            % b'{"field": "action", "value": "REJECT"}, {"field": "@ptr", "value": "x"}',
            None,
            [{"srcaddr": "a", "end_time": None, "action": "REJECT"}],
        ),
        (
            b'timestamp,message\n1.7284E+12,"1 ""a"""\n',
            "bytes srcaddr",
            [{"bytes": 1, "srcaddr": '"a"'}],
        ),
        (b'\xef\xbb\xbf{"message": "1 a\\n"}', "bytes srcaddr", [{"bytes": 1, "srcaddr": "a"}]),
        (b"Permission Check Successful", None, []),
        (b'{"events": [], "nextToken": null}', None, []),
        (b"", None, []),
    ],
)
def test_odd_documents_are_read(data: bytes, form: str | None, records: list[dict[str, object]]) -> None:
    found = delivered(data, form)
    assert [
        {name: row[name] for name in one} for row, one in zip(found.records, records, strict=True)
    ] == records
    assert found.bad == []


def test_a_message_that_is_not_utf_8_is_a_bad_line_and_its_neighbours_are_records() -> None:
    first, second, third = (json.dumps({"message": line}).encode() for line in LINES[:3])
    for odd in (b"\xff", b"\xc3", b"\xe5\x90"):
        found = delivered(first + second.replace(b"ACCEPT", b"ACC" + odd) + third)
        assert found.records == [EXPECTED.records[0], EXPECTED.records[2]]
        assert found.bad == [(2, "a control character: 0x00")]
        assert delivered(first + b'{"odd' + odd + b'": 1}' + third).lines == 3


@pytest.mark.parametrize(
    ("data", "error", "said"),
    [
        (b'{"message": "2", "n": ' + b"1" * 5000 + b"}", Damaged, "its JSON has a value that cannot be read"),
        (b"[" * 100_000 + b"]" * 100_000, Damaged, "its JSON is nested too deeply"),
        (b'{"message": "' + b"x" * (40 << 20) + b'"}', Damaged, "a value in its JSON is too long"),
        (b'{"class_uid": 4001, "action": "Allowed", "start_time": 1}', LayoutUnknown, "as Parquet only"),
        (PACKINGS["zip"](b"").replace(b"one.log", b"one.png"), LayoutUnknown, "an archive without flow logs"),
    ],
    ids=["digits", "depth", "length", "OCSF", "no logs"],
)
def test_what_no_service_writes_is_refused_at_once(data: bytes, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        delivered(data)


def test_an_archive_is_looked_into_like_a_folder() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("README.txt", "once upon a time\n")
        archive.writestr("manifest.json", '{"a": 1}')
        archive.writestr("picture.png", b"\x89PNG")
        archive.writestr("logs/a.log", PLAIN)
        archive.writestr("logs/b.txt", PLAIN)
    assert delivered(file.getvalue()).records == EXPECTED.records * 2


@pytest.mark.parametrize("blank", [b" \n", b"\xef\xbb\xbf"])
def test_blank_lines_take_no_memory_worth_speaking_of(blank: bytes) -> None:
    code = (
        "import re, resource; from io import BufferedReader, BytesIO; from pathlib import Path;"
        "from flowdb.delivery import deliveries; status = Path('/proc/self/status');"
        f"data = {SHAPES['text'](LINES[:1])!r} + {blank!r} * ((12 << 20) // {len(blank)});"
        "found = [b for _, _, bs in deliveries(BufferedReader(BytesIO(data))) for b in bs];"
        "assert sum(len(t) for b in found for t in b.records) == 1, found;"
        # Elsewhere than in Linux's own file, the peak of the process that started this one may count too.
        "peak = re.search(r'VmHWM:\\s*(\\d+)', status.read_text())[1] if status.exists() else"
        " resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; print(peak)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 400_000 * (1024 if sys.platform == "darwin" else 1)


def test_what_stands_among_log_events_and_is_none_is_a_bad_line() -> None:
    data = '{"events": [{"message": "%s"}, {"timestamp": 1}, {"message": "a\\nb"}]}' % LINES[0]  # noqa: UP031
    found = delivered(data.encode())
    assert len(found.records) == 1
    assert found.bad == [(2, "2 fields, the layout has 14"), (3, "a control character: 0x0d")]


@pytest.mark.parametrize(
    ("data", "error", "said"),
    [
        (b'{"name": "flowdb", "version": "1.0"}', LayoutUnknown, "it is JSON without log events"),
        (b"[1, 2, 3]", LayoutUnknown, "it is JSON without log events"),
        (b'{"events": [{"message": "', Damaged, "its JSON is cut short or damaged"),
        (b'{"message": "%s"} junk' % LINES[0].encode(), Damaged, "its JSON is"),
        (PACKINGS["zip"](PLAIN)[:-30], Damaged, "its zip archive is damaged"),
        (PACKINGS["zip"](PLAIN).replace(b"logs/one", b"\0ogs/one"), Damaged, "its zip archive is damaged"),
        (PACKINGS["tar"](PLAIN)[:1500], Damaged, "its tar archive is damaged"),
        (PACKINGS["tar"](PLAIN) * 3, Damaged, "its tar archive has something behind its end"),
        (gzip.compress(PACKINGS["tar"](PLAIN))[:-4], Damaged, "its gzip data is cut short"),
        (PACKINGS["zstd"](PLAIN)[:-3], Damaged, "its zstd data is cut short"),
        (PACKINGS["zstd"](PLAIN) + b"more", Damaged, "its zstd data is"),
        (PACKINGS["bz2"](PLAIN)[:-3], Damaged, "its bzip2 data is cut short"),
        (PACKINGS["bz2"](PLAIN) + b"more", Damaged, "its bzip2 data is"),
        (PACKINGS["xz"](PLAIN)[:-3], Damaged, "its xz data is cut short"),
        (PACKINGS["xz"](PLAIN) + b"more", Damaged, "its xz data is"),
        (PACKINGS["lz4"](PLAIN)[:-3], Damaged, "its lz4 data is cut short"),
        (PACKINGS["lz4"](PLAIN) + b"more" * 9, Damaged, "its lz4 data is"),
    ],
)
def test_a_source_that_is_cut_short_or_something_else_says_so(
    data: bytes, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        delivered(data)


REAL = [path.read_bytes() for folder in ("shapes", "real", "official")
        for path in sorted((ROOT / "tests" / "data" / folder).glob("*.*"))]  # fmt: skip


@st.composite
def changed(draw: st.DrawFn) -> bytes:
    """Draw a delivery, in some shape and packing, in which bytes were put in, taken out and changed."""
    lines = draw(st.lists(st.sampled_from(LINES), min_size=1, max_size=6))
    data = draw(st.sampled_from([SHAPES[draw(st.sampled_from(sorted(SHAPES)))](lines), *REAL]))
    inner = draw(st.booleans())
    packing = PACKINGS[draw(st.sampled_from(sorted(PACKINGS)))]
    content = bytearray(data if inner else packing(data))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(content)))
        match draw(st.integers(0, 2)):
            case 0:
                content[at:at] = draw(st.binary(max_size=4))
            case 1:
                del content[at : at + draw(st.integers(1, 40))]
            case _:
                content[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
    return packing(bytes(content)) if inner else bytes(content)


@settings(max_examples=400, derandomize=True, deadline=None)
@given(st.binary(max_size=200) | changed())
@example(b"PK\x03\x04")
@example(b"\x1f\x8b")
@example(b"{")
@example(b"[[[[[[[[")
@example(b"EVENTS\t")
def test_whatever_the_bytes_every_line_is_accounted_for_or_the_source_is_refused(data: bytes) -> None:
    try:
        found = delivered(data)
    except (Damaged, LayoutUnknown):
        return
    assert found.lines == len(found.records) + len(found.bad) + found.passed
