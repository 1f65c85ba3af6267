"""Sources that are made to fill memory or disk: each is refused, soon, in little memory, and alone."""

from __future__ import annotations

import gzip
import io
import lzma
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import flowdb
from flowdb import columnar, compression
from flowdb.errors import SourceDamaged
from tests.conftest import HEADER, ROOT, record, write_log

MEGABYTE = 1 << 20
REFUSED = (
    "it unpacks to more than 250 times its size, which no flow log does;"
    " if it is one, unpack it yourself and ingest the plain text"
)
MEASURED = """
import resource, sys
from pathlib import Path
import flowdb
with flowdb.open(sys.argv[1]) as db:
    report = db.ingest(*sys.argv[2:], workers=1)
print([str(failure) for failure in report.failures], report.records)
status = Path("/proc/self/status")
# Elsewhere than in Linux's own file, the peak of the process that started this one may count too.
print(
    int(status.read_text().partition("VmHWM:")[2].split()[0]) // 1024
    if status.exists()
    else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 20
)
"""


def long_text(megabytes: int) -> Iterator[bytes]:
    """Yield a log whose second line is of zeros."""
    yield HEADER.encode() + b"\n"
    for _ in range(megabytes):
        yield bytes(MEGABYTE)


def gzipped(pieces: Iterator[bytes] | list[bytes]) -> bytes:
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file:
        for piece in pieces:
            file.write(piece)
    return packed.getvalue()


def in_gzip(megabytes: int) -> bytes:
    return gzipped(long_text(megabytes))


def in_gzip_twice(megabytes: int) -> bytes:
    return gzipped([gzipped(long_text(megabytes))])


def in_zstd(megabytes: int) -> bytes:
    packed = pa.BufferOutputStream()
    with pa.CompressedOutputStream(packed, "zstd") as file:
        for piece in long_text(megabytes):
            file.write(piece)
    return bytes(packed.getvalue())


def in_xz(megabytes: int) -> bytes:
    packer = lzma.LZMACompressor(preset=0)
    return b"".join([*map(packer.compress, long_text(megabytes)), packer.flush()])


def in_zip(megabytes: int) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.log", "w") as file:
        for piece in long_text(megabytes):
            file.write(piece)
    return packed.getvalue()


def in_many_members(megabytes: int) -> bytes:
    """No member of it is large."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        content = b"".join(long_text(1))
        for number in range(megabytes):
            entry = tarfile.TarInfo(f"{number}.log")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def in_holes(megabytes: int) -> bytes:
    """A tar archive, not compressed, whose member is all hole: 512 bytes that say so."""
    return sparse_header(megabytes * MEGABYTE) + bytes(1024)


def sparse_header(size: int) -> bytes:
    entry = tarfile.TarInfo("a.log")
    entry.type = tarfile.GNUTYPE_SPARSE
    header = bytearray(entry.tobuf(tarfile.GNU_FORMAT))
    header[386:398] = header[398:410] = b"00000000000\0"
    header[482] = 0
    header[483:495] = b"%011o\0" % size
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header[:512])
    return bytes(header)


def with_padding(megabytes: int) -> bytes:
    """In gzip, an xz file and then zeros, which xz takes for padding and makes no text of."""
    return gzipped([lzma.compress(HEADER.encode()), *(bytes(MEGABYTE) for _ in range(megabytes))])


def left_alone(megabytes: int) -> bytes:
    """An archive whose large member is no log by its name."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo("picture.png")
        entry.size = megabytes * MEGABYTE
        archive.addfile(entry, io.BytesIO(bytes(entry.size)))
    return gzipped([packed.getvalue()])


BOMBS = [
    in_gzip,
    in_gzip_twice,
    in_zstd,
    in_xz,
    in_zip,
    in_many_members,
    in_holes,
    with_padding,
    left_alone,
]


@pytest.fixture
def low_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a megabyte be much."""
    monkeypatch.setattr(compression, "LARGEST_EXPANSION", MEGABYTE)


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb.__name__)
def test_a_bomb_is_refused_and_its_neighbour_lands(
    db: flowdb.FlowDB, tmp_path: Path, low_limit: None, bomb: Any
) -> None:
    (tmp_path / "bomb.log").write_bytes(bomb(20))
    write_log(tmp_path / "good.log.gz", [HEADER, record()])
    report = db.ingest(tmp_path / "bomb.log", tmp_path / "good.log.gz")
    assert [str(failure) for failure in report.failures] == [f"{tmp_path}/bomb.log: {REFUSED}"]
    assert isinstance(report.failures[0], SourceDamaged)
    assert report.records == 1
    assert db.sql("SELECT count(*), count(DISTINCT source_id) FROM flows").fetchall() == [(1, 1)]
    assert db.sql("FROM bad_lines").fetchall() == []


def test_a_bomb_on_standard_input_is_refused(tmp_path: Path) -> None:
    code = (
        "import sys; from flowdb import cli, compression; compression.LARGEST_EXPANSION = 1 << 20;"
        " sys.exit(cli.main(['ingest', '-']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, input=in_gzip(20), capture_output=True, check=False
    )
    assert done.returncode == 1
    said = done.stderr.decode()
    assert said.startswith("flowdb: error: stdin:")
    assert said.endswith(f": {REFUSED}\n")
    assert said.count("\n") == 1


def test_a_log_that_repeats_itself_is_none(db: flowdb.FlowDB, tmp_path: Path, low_limit: None) -> None:
    lines = [
        f"2 123456789012 eni-0123456789abcdef0 - - - - - - - {at} {at + 60} - NODATA"
        for at in range(1_705_312_800, 1_705_312_800 + 60 * 40_000, 60)
    ]
    log = write_log(tmp_path / "a.log.gz", [HEADER, *lines])
    size = sum(len(line) + 1 for line in lines)
    assert size > 2 * MEGABYTE
    assert size > 8 * log.stat().st_size
    assert db.ingest(log).records == 40_000


def test_much_of_little_is_taken_as_long_as_it_is_not_much(db: flowdb.FlowDB, tmp_path: Path) -> None:
    (tmp_path / "a.log.gz").write_bytes(
        gzipped([(HEADER + "\n" + record() + "\n").encode(), b"\n" * 9_000_000])
    )
    assert (tmp_path / "a.log.gz").stat().st_size * compression.LARGEST_RATIO < 9_000_000
    report = db.ingest(tmp_path / "a.log.gz")
    assert (report.records, report.failures) == (1, [])


def test_real_bombs_stop_soon_and_take_little_memory(tmp_path: Path) -> None:
    bombs = {"twice.log.gz": in_gzip_twice(1100), "a.log.zst": in_zstd(1100)}
    for name, content in bombs.items():
        (tmp_path / name).write_bytes(content)
        assert len(content) * compression.LARGEST_RATIO < compression.LARGEST_EXPANSION
    places = [str(tmp_path / name) for name in bombs]
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(tmp_path / "flows"), *places],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
        check=True,
    )
    outcome, peak = done.stdout.splitlines()
    assert outcome == f"{[f'{place}: {REFUSED}' for place in sorted(places)]} 0"
    assert int(peak) < 600


def test_an_archive_keeps_nothing_of_the_members_that_were_read(tmp_path: Path) -> None:
    entry = tarfile.TarInfo("a-picture.png").tobuf(tarfile.GNU_FORMAT)
    (tmp_path / "many.tar.gz").write_bytes(gzipped([entry * 60_000, bytes(1024)]))
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(tmp_path / "flows"), str(tmp_path / "many.tar.gz")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
        check=True,
    )
    assert done.stdout.startswith(f"['{tmp_path}/many.tar.gz: it is an archive without flow logs']")
    assert int(done.stdout.splitlines()[1]) < 300


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE])
def test_a_long_name_in_a_tar_archive_is_not_read_into_memory(
    db: flowdb.FlowDB, tmp_path: Path, kind: bytes
) -> None:
    entry = tarfile.TarInfo("x")
    entry.type, entry.size = kind, 50 * MEGABYTE
    content = entry.tobuf(tarfile.GNU_FORMAT) + b"a" * entry.size
    (tmp_path / "a.tar.gz").write_bytes(gzipped([content]))
    (failure,) = db.ingest(tmp_path / "a.tar.gz").failures
    assert "its tar archive is damaged (a header is too long)" in str(failure)


def test_a_member_that_claims_more_than_there_is_ends_with_the_archive(
    db: flowdb.FlowDB, tmp_path: Path
) -> None:
    entry = tarfile.TarInfo("picture.png")
    entry.size = 1 << 62
    (tmp_path / "a.tar").write_bytes(entry.tobuf(tarfile.GNU_FORMAT) + bytes(4096))
    (failure,) = db.ingest(tmp_path / "a.tar").failures
    assert "its tar archive is damaged" in str(failure)
    assert isinstance(failure, SourceDamaged)


def parquet(interfaces: pa.Array, path: Path, **options: Any) -> Path:
    columns = {"interface_id": interfaces, "start": pa.array([1_705_312_800] * len(interfaces))}
    pq.write_table(pa.table(columns), path, compression="zstd", **options)
    return path


def repeated(value: str, rows: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([value]))


def test_a_parquet_file_of_one_long_value_for_all_rows_is_refused(tmp_path: Path) -> None:
    path = parquet(
        repeated("x" * MEGABYTE, 100_000), tmp_path / "a.parquet", dictionary_pagesize_limit=1 << 30
    )
    assert path.stat().st_size < 100_000
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(tmp_path / "flows"), str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
        check=True,
    )
    outcome, peak = done.stdout.splitlines()
    assert outcome == f"{[f'{path}: {REFUSED}']} 0"
    assert int(peak) < 400


def test_a_parquet_file_of_one_endless_value_is_refused_before_it_is_read(
    db: flowdb.FlowDB, tmp_path: Path, low_limit: None
) -> None:
    path = parquet(pa.array(["x" * (20 * MEGABYTE)]), tmp_path / "a.parquet", use_dictionary=False)
    assert [str(failure) for failure in db.ingest(path).failures] == [f"{path}: {REFUSED}"]


def test_a_parquet_file_of_more_rows_than_it_can_have_is_refused(
    db: flowdb.FlowDB, tmp_path: Path, low_limit: None
) -> None:
    path = parquet(repeated("eni-1", 500_000), tmp_path / "a.parquet")
    assert path.stat().st_size < 40_000
    assert [str(failure) for failure in db.ingest(path).failures] == [f"{path}: {REFUSED}"]


def test_rows_of_long_values_are_read_in_smaller_batches_and_are_the_same(
    db: flowdb.FlowDB, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = pa.array([f"eni-{n % 7}" * (n % 11) for n in range(1000)]).dictionary_encode()
    path = parquet(names, tmp_path / "a.parquet")
    db.ingest(path)
    whole = db.sql("SELECT interface_id, start_time FROM flows").fetchall()
    assert len(whole) == 1000
    monkeypatch.setattr(columnar, "_LARGEST_BATCH", 2000)
    with flowdb.open(tmp_path / "pieces") as other:
        other.ingest(path)
        assert other.sql("SELECT interface_id, start_time FROM flows").fetchall() == whole
