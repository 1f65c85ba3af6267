"""The compiled reader gives what pyarrow's gives, or leaves the block to it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowdb import native, records, values
from flowdb.fields import BY_NAME
from flowdb.layouts import DEFAULT, Layout
from flowdb.words import spelled
from tests.conftest import ROOT, record

pytestmark = pytest.mark.skipif(
    native.functions() is None, reason="flowdb was installed without its compiled part"
)
SETTINGS = settings(max_examples=500, derandomize=True, deadline=None)
LONGEST = values.LONGEST_FIELD
TWO = Layout(("bytes", "srcaddr"))
NUMBERS = st.sampled_from(
    ["0", "00", "-0", "-", "--", "-1", "+1", "1.0", "0x1", "1e3", "", "255", "256", "65535", "65536",
     "99999999999", "9223372036854775807", "9223372036854775808", "9" * 19, "1" + "0" * 19,
     "0" * 18 + "7", "0" * 25 + "7", "253402300799",
     "253402300800", "253402300799999", "253402300800000"]
) | st.integers(0, 2**64).map(str)  # fmt: skip
TEXTS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=40)
ODD = st.sampled_from(
    ["\t", "\r", "\0", "  ", "\n\n", " \n", "\n ", "é", "\x7f", "\x1f", "bytes srcaddr\n", "x"]
)


@pytest.fixture(scope="module", autouse=True, params=["", "-DNARROW", "-DNARROW -U__SSE2__"])
def compiled_for(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have every test for what this processor can, for what any x86-64 can, and for what others can."""
    if not request.param:
        yield
        return
    if shutil.which("cc") is None:
        pytest.skip("there is no compiler")
    built = tmp_path_factory.mktemp("native") / "native.lib"
    source = zlib.crc32(b"".join(path.read_bytes() for path in native._SOURCES))
    options = ["-O1", "-shared", "-fPIC", f"-DSOURCE={source}u", *request.param.split()]
    compiled = [str(path) for path in native._SOURCES if path.suffix == ".c"]
    subprocess.run(["cc", *options, "-o", str(built), *compiled], check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(native, "_BUILT", built)
        patch.setattr(native, "_of_thread", threading.local())
        native.functions.cache_clear()
        assert native.functions() is not None
        yield
    native.functions.cache_clear()


def by_pyarrow(block: bytes, layout: Layout) -> list[pa.Array] | None:
    """Return the columns that the plain reader gives, each in one piece."""
    columns = records._read_csv(block, layout, 0)
    return columns and [pa.concat_arrays(column.chunks) for column in columns]


def read(block: bytes, layout: Layout) -> list[pa.Array] | None:
    """Return the columns that the compiled reader gives, with texts as strings."""
    columns = native.read(block, layout, 0, LONGEST)
    if columns is None:
        return None
    for column in columns:
        column.validate(full=True)
    return [spelled(column) for column in columns]


def test_a_clean_block_is_read_by_the_compiled_part() -> None:
    block = "".join(record(n) + "\n" for n in range(1000)).encode()
    found = read(block, DEFAULT)
    assert found is not None
    assert found == by_pyarrow(block, DEFAULT)


@SETTINGS
@given(st.data())
def test_a_block_of_any_layout_is_doubtful_or_read_as_by_pyarrow(data: st.DataObject) -> None:
    layout = Layout(
        tuple(data.draw(st.lists(st.sampled_from([*BY_NAME]), min_size=1, max_size=9, unique=True)))
    )
    rows = data.draw(
        st.lists(st.tuples(*(TEXTS if one.kind.is_text else NUMBERS for one in layout.fields)), max_size=12)
    )
    text = "".join(" ".join(row) + "\n" for row in rows)
    for _ in range(data.draw(st.integers(0, 1))):
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + data.draw(ODD) + text[at:]
    block = text.encode()[: -1 if data.draw(st.booleans()) else None]
    found = read(block, layout)
    if block and found is not None:
        assert found == by_pyarrow(block, layout)


@pytest.mark.parametrize("length", range(1, 41))
def test_wherever_a_block_ends_it_is_read_to_its_end(length: int) -> None:
    for block in (b"7 " + b"a" * length, b"7 " + b"a" * length + b"\n", b"- -\n" * length + b"- -"):
        found = read(block, TWO)
        assert found is not None
        assert found == by_pyarrow(block, TWO)


def test_what_lies_before_the_start_is_passed_over() -> None:
    found = native.read(b"bytes srcaddr\n1 a\n2 b", TWO, 14, LONGEST)
    assert [column.to_pylist() for column in found or []] == [[1, 2], ["a", "b"]]


@pytest.mark.parametrize(
    "block",
    [b"1\n", b"1 a b\n", b"1 a 2\nb 3 c\n", b"1 a\n\n2 b\n", b"1  a\n", b" 1 a\n", b"1 a \n", b"1\ta\n",
     b"1 a\r\n", b"1 a\x00\n", b"1 \xc3\xa9\n", b"x a\n", b"-1 a\n", b"18446744073709551617 a\n",
     b"9223372036854775808 a\n",
     b"1 " + b"a" * (LONGEST + 1) + b"\n", b" " * 40, b"\n" * 40, b"1 a\n" * 7 + b" "],
)  # fmt: skip
def test_a_block_with_anything_odd_is_doubtful(block: bytes) -> None:
    assert native.read(block, TWO, 0, LONGEST) is None


def test_what_another_source_became_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "native.c"
    other.write_bytes(native._SOURCES[0].read_bytes() + b"\n")
    replaced = ("_SOURCES", [other, *native._SOURCES[1:]])
    for name, value in (replaced, ("_BUILT", tmp_path / "missing"), ("_BUILT", other)):
        with monkeypatch.context() as patch:
            patch.setattr(native, name, value)
            assert native.functions.__wrapped__() is None
    assert native.functions.__wrapped__() is not None


def test_the_environment_can_leave_the_compiled_part_out() -> None:
    code = "from flowdb import native; print(native.functions() is None)"
    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"FLOWDB_NATIVE": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == "True\n"


@pytest.mark.parametrize(("distinct", "is_coded"), [(1, True), (1500, True), (5000, False)])
def test_texts_that_repeat_are_codes_and_others_strings(
    monkeypatch: pytest.MonkeyPatch, distinct: int, is_coded: bool
) -> None:
    monkeypatch.setattr(native, "_of_thread", threading.local())
    names = [f"address-{n * 7919 % distinct}" if n % 97 else "-" for n in range(5000)]
    block = "".join(f"{n} {name}\n" for n, name in enumerate(names)).encode()
    numbers, found = native.read(block, TWO, 0, LONGEST) or []
    assert pa.types.is_dictionary(found.type) == is_coded
    assert spelled(found).to_pylist() == [None if name == "-" else name for name in names]
    assert numbers.to_pylist() == [*range(5000)]


def test_a_dictionary_that_grew_large_starts_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "_MOST_WORDS", 20)
    monkeypatch.setattr(native, "_of_thread", threading.local())
    sizes = []
    for n in range(0, 60, 10):
        block = "".join(f"1 name-{m}\n" for m in range(n, n + 10)).encode()
        (_, found) = native.read(block, TWO, 0, LONGEST) or []
        assert spelled(found).to_pylist() == [f"name-{m}" for m in range(n, n + 10)]
        sizes.append(len(found.dictionary))
    assert sizes == [10, 20, 30, 10, 20, 30]


def test_a_text_of_any_length_is_known_again() -> None:
    names = ["x" * length + end for length in range(60) for end in "ab"] * 2
    block = "".join(f"1 {name}\n" for name in names).encode()
    (_, found) = native.read(block, TWO, 0, LONGEST) or []
    assert len(set(found.indices.to_pylist())) == 120
    assert spelled(found).to_pylist() == names
