"""Columns of texts as codes into a dictionary: each text is there once, and the writer need not compare them.

The compiled reader makes them, of few texts or many; what is read otherwise has strings.
"""

from __future__ import annotations

import pyarrow as pa

from flowdb import native

__all__ = ["CODES", "continues", "is_coded", "size_of", "spelled", "with_one_dictionary_each"]

CODES = pa.dictionary(pa.int32(), pa.string())
"""The type of such a column."""
_STRING = pa.string()


def is_coded(column: pa.Array | pa.ChunkedArray) -> bool:
    """Tell whether a column is codes."""
    return bool(pa.types.is_dictionary(column.type))


def spelled(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Return a column of texts as strings."""
    return column.cast(pa.string()) if is_coded(column) else column


def size_of(table: pa.Table) -> int:
    """Return the bytes that a table takes beside those of dictionaries, which it shares with others."""
    return sum(
        column.nbytes if column.type == _STRING else len(table) * column.type.bit_width // 8
        for column in table.columns
    )


def with_one_dictionary_each(table: pa.Table) -> pa.Table:
    """Return a table whose every column of codes has one dictionary, of no more texts than the column has."""
    known: dict[tuple[int, ...], bool] = {}
    for index, name in enumerate(table.column_names):
        if is_coded(table[name]):
            table = table.set_column(index, table.field(index), _with_one_dictionary(table[name], known))
    return table


def _with_one_dictionary(column: pa.ChunkedArray, known: dict[tuple[int, ...], bool]) -> pa.ChunkedArray:
    """Bring a column onto one dictionary; `known` is that of `continues`."""
    runs: list[list[pa.DictionaryArray]] = []
    longest: list[pa.Array] = []
    for chunk in column.chunks:
        words = chunk.dictionary
        if runs and continues(longest[-1], words, known):
            runs[-1].append(chunk)
            longest[-1] = max(longest[-1], words, key=len)
        else:
            runs.append([chunk])
            longest.append(words)
    pieces = [
        native.renumbered(pa.chunked_array(run), words) for run, words in zip(runs, longest, strict=True)
    ]
    if any(piece is None for piece in pieces):
        return column.unify_dictionaries()
    joined = pa.chunked_array(pieces, CODES)
    return joined.unify_dictionaries() if len(pieces) > 1 else joined


def continues(one: pa.Array, other: pa.Array, known: dict[tuple[int, ...], bool]) -> bool:
    """Tell whether one of two dictionaries begins with the other.

    `known` are the pairs that were compared before, by their places in memory: all are there still.
    """
    pair = tuple(number for words in (one, other) for number in (words.buffers()[1].address, len(words)))
    if pair not in known:
        shared = min(len(one), len(other))
        known[pair] = one.slice(0, shared).equals(other.slice(0, shared))
    return known[pair]
