"""Tables whose texts are codes, of one dictionary or several, are written as those with strings are."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowdb import native
from flowdb.partitions import FolderWriter
from flowdb.words import CODES, is_coded, size_of, spelled, with_one_dictionary_each

SETTINGS = settings(max_examples=100, derandomize=True, deadline=None)
WORDS = ["a", "bb", "10.0.0.1", "eni-1", "x" * 30, "", "é"]


@st.composite
def coded(draw: st.DrawFn) -> pa.DictionaryArray:
    """Draw codes into the first words of one order or another, sliced, some of them null."""
    words = draw(st.sampled_from([WORDS, WORDS[::-1]]))[: draw(st.integers(1, len(WORDS)))]
    codes = draw(st.lists(st.none() | st.integers(0, len(words) - 1), max_size=20))
    column = pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(words, pa.string()))
    return column.slice(draw(st.integers(0, 9)))


@pytest.fixture(params=["compiled", "plain"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the compiled part at work, and then not."""
    if request.param == "plain":
        monkeypatch.setattr(native, "functions", lambda: None)
    elif native.functions() is None:
        pytest.skip("flowdb was installed without its compiled part")


@pytest.mark.usefixtures("way")
@settings(SETTINGS, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(coded(), max_size=5))
def test_one_dictionary_has_what_occurs_and_no_text_twice(chunks: list[pa.DictionaryArray]) -> None:
    column = pa.chunked_array(chunks, CODES)
    table = with_one_dictionary_each(pa.table({"srcaddr": column}))
    table.validate(full=True)
    assert table["srcaddr"].type == CODES
    assert table["srcaddr"].to_pylist() == column.to_pylist()
    dictionaries = [chunk.dictionary.to_pylist() for chunk in table["srcaddr"].chunks]
    assert all(one == dictionaries[0] for one in dictionaries)
    for one in dictionaries:
        assert len(set(one)) == len(one)
        if native.functions() is not None:
            assert set(one) == set(column.to_pylist()) - {None}


def test_codes_count_and_their_dictionary_does_not() -> None:
    words = pa.array([f"word-{n}" for n in range(1000)])
    column = pa.DictionaryArray.from_arrays(pa.array([1, 2, 3], pa.int32()), words)
    assert size_of(pa.table({"srcaddr": column, "bytes": pa.array([1, 2, 3], pa.int64())})) == 36


def test_rows_of_both_kinds_are_written_into_one_file_as_they_came(tmp_path: Path) -> None:
    words = pa.array(["a", "b", "c"])
    codes = pa.DictionaryArray.from_arrays(pa.array([0, 2, None], pa.int32()), words)
    others = pa.DictionaryArray.from_arrays(pa.array([0, 1, 0], pa.int32()), words[::-1])
    ids = pa.array([1, 2, 3], pa.int64())
    for order in ([codes, others, words], [words, codes], [words, words, codes]):
        writer = FolderWriter(tmp_path, "x", 1, 1 << 20)
        for column in order:
            writer.add("data/date=2024-01-15", pa.table({"srcaddr": column, "source_id": ids}))
        (written,) = writer.finish()
        found = pq.read_table(tmp_path / written.row.path, columns=["srcaddr"])["srcaddr"]
        assert found.to_pylist() == [text for column in order for text in column.to_pylist()]
        writer.discard()


def test_both_are_spelled_alike() -> None:
    words = pa.array(["a", "b", None, "a"])
    assert [is_coded(one) for one in (words, words.dictionary_encode())] == [False, True]
    assert spelled(words.dictionary_encode()) == spelled(words) == words
