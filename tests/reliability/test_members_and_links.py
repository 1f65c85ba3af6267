"""What is in an archive stays in it, and what a source folder links to stays out of the store."""

from __future__ import annotations

import errno
import io
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import flowdb
from flowdb.sources import find
from tests.conftest import HEADER, Run, record, write_log

NAMES = [
    "../../etc/passwd.log",
    "/etc/cron.d/job.log",
    "C:\\Windows\\evil.log",
    "a/../../b.log",
    "\x1b]0;owned\x07.log",
    "'); DROP VIEW flows; --.log",
    "new\nline.log",
    '=HYPERLINK("http://x").log',
    "<img src=x onerror=alert(1)>.log",
    "-rf.log",
]


def everything(folder: Path) -> dict[str, bytes | None]:
    """Return all that lies below a folder, with its content."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def content(number: int) -> bytes:
    return f"{HEADER}\n{record(number)}\nbad {number}\n".encode()


def zip_of(path: Path, names: list[str]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for number, name in enumerate(names):
            archive.writestr(zipfile.ZipInfo(name), content(number))


def tar_of(path: Path, names: list[str]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for number, name in enumerate(names):
            entry = tarfile.TarInfo(name)
            entry.size = len(content(number))
            archive.addfile(entry, io.BytesIO(content(number)))


@pytest.mark.parametrize(("name", "pack"), [("a.zip", zip_of), ("a.tar.gz", tar_of)])
def test_members_are_read_and_written_nowhere(
    tmp_path: Path, run: Run, name: str, pack: Callable[[Path, list[str]], None]
) -> None:
    place = tmp_path / "deep" / "er"
    place.mkdir(parents=True)
    pack(place / name, NAMES)
    before = everything(tmp_path)
    done = run("ingest", "deep", "--store", "flows", env={"TMPDIR": str(place)})
    assert done.returncode == 0, done.stderr
    outside = {path: one for path, one in everything(tmp_path).items() if path.partition("/")[0] != "flows"}
    assert outside == before
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == ["flowdb"] * 2
    assert all(line.isprintable() for line in done.stderr.split("\n"))
    with flowdb.open(tmp_path / "flows") as db:
        assert db.sql("SELECT count(*) FROM flows").fetchall() == [(len(NAMES),)]
        bad = db.sql("SELECT source, line FROM bad_lines ORDER BY line_number, line").fetchall()
    told = [source.partition("!")[2] for source, _ in bad]
    assert sorted(told) == sorted(NAMES)
    assert {line for _, line in bad} == {f"bad {number}" for number in range(len(NAMES))}


def test_links_and_devices_in_a_tar_archive_are_not_followed(db: flowdb.FlowDB, tmp_path: Path) -> None:
    secret = write_log(tmp_path / "secret.log", [HEADER, record(7, srcaddr="6.6.6.6")])
    kinds = {
        "soft.log": (tarfile.SYMTYPE, str(secret)),
        "above.log": (tarfile.SYMTYPE, "../secret.log"),
        "hard.log": (tarfile.LNKTYPE, str(secret)),
        "inside.log": (tarfile.LNKTYPE, "a.log"),
        "device.log": (tarfile.CHRTYPE, ""),
        "block.log": (tarfile.BLKTYPE, ""),
        "pipe.log": (tarfile.FIFOTYPE, ""),
        "folder.log": (tarfile.DIRTYPE, ""),
    }
    (tmp_path / "logs").mkdir()
    with tarfile.open(tmp_path / "logs" / "a.tar", "w") as archive:
        entry = tarfile.TarInfo("a.log")
        entry.size = len(content(1))
        archive.addfile(entry, io.BytesIO(content(1)))
        for name, (kind, target) in kinds.items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, target
            archive.addfile(entry)
    report = db.ingest(tmp_path / "logs")
    assert (report.records, report.bad_lines, report.failures) == (1, 1, [])
    assert db.sql("SELECT srcaddr FROM flows").fetchall() == [("10.0.0.1",)]


def test_a_link_in_a_zip_archive_is_the_text_that_it_is(db: flowdb.FlowDB, tmp_path: Path) -> None:
    secret = write_log(tmp_path / "secret.log", [HEADER, record(7, srcaddr="6.6.6.6")])
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        link = zipfile.ZipInfo("link.log")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, str(secret))
        archive.writestr("a.log", content(1))
    report = db.ingest(tmp_path / "a.zip")
    seen = [*db.sql("SELECT srcaddr FROM flows").fetchall(), *db.sql("SELECT line FROM bad_lines").fetchall()]
    assert ("6.6.6.6",) not in seen
    assert report.sources_ingested + report.sources_failed == 1


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """Give a folder with a log, and with links of all kinds that lead out of it."""
    folder = tmp_path / "logs"
    write_log(folder / "a.log", [HEADER, record(1)])
    outside = write_log(tmp_path / "outside" / "secret.log", [HEADER, record(7, srcaddr="6.6.6.6")])
    write_log(tmp_path / "logs-beside" / "b.log", [HEADER, record(8, srcaddr="6.6.6.6")])
    (folder / "file.log").symlink_to(outside)
    (folder / "relative.log").symlink_to("../outside/secret.log")
    (folder / "folder").symlink_to(tmp_path / "outside")
    (folder / "beside.log").symlink_to(tmp_path / "logs-beside" / "b.log")
    (folder / "one.log").symlink_to("two.log")
    (folder / "two.log").symlink_to("three.log")
    (folder / "three.log").symlink_to(outside)
    (folder / "loop.log").symlink_to("pool.log")
    (folder / "pool.log").symlink_to("loop.log")
    (folder / "self").symlink_to(".")
    (folder / "gone.log").symlink_to(tmp_path / "nowhere.log")
    (folder / "stdin.log").symlink_to("/dev/stdin")
    (folder / "through.log").symlink_to("folder/secret.log")
    return folder


def test_no_link_leads_out_of_a_folder(db: flowdb.FlowDB, linked: Path) -> None:
    report = db.ingest(linked)
    assert db.sql("SELECT srcaddr FROM flows").fetchall() == [("10.0.0.1",)]
    assert db.sql("SELECT uri FROM sources").fetchall() == [(f"{linked}/a.log",)]
    assert [str(failure) for failure in sorted(report.failures, key=str)] == [
        f"{linked}/{name}: it cannot be read ({os.strerror(errno.ELOOP)})"
        for name in ("loop.log", "pool.log")
    ]


def test_a_link_to_the_folder_itself_may_be_named(linked: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(linked)
    assert [source.uri for source in find([tmp_path / "link"]).sources] == [f"{tmp_path}/link/a.log"]


def test_a_link_whose_target_is_swapped_for_another_file_is_no_log_of_the_folder(
    db: flowdb.FlowDB, linked: Path, tmp_path: Path
) -> None:
    inner = linked / "inner.log"
    inner.symlink_to(linked / "a.log")
    assert {Path(source.uri).name for source in find([linked]).sources} == {"a.log", "inner.log"}
    inner.unlink()
    inner.symlink_to(tmp_path / "outside" / "secret.log")
    assert {Path(source.uri).name for source in find([linked]).sources} == {"a.log"}
    assert os.path.realpath(inner) == str(tmp_path / "outside" / "secret.log")
