"""What is kept for the next process: found again as it was, and never where others may have written it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import flowdb
from flowdb import caches, generated
from tests.conftest import all_rows


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder of caches of a person who has none yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    return tmp_path / "caches" / "flowdb"


@pytest.fixture
def of_a_new_process() -> Iterator[None]:
    """Have this process know no template, before and after."""
    generated._template.cache_clear()
    yield
    generated._template.cache_clear()


def test_what_was_kept_is_found_and_replaces_what_there_was(folder: Path) -> None:
    assert caches.kept("a-1") is None
    caches.keep("a-1", b"first", "a-*")
    caches.keep("b-1", b"another", "b-*")
    caches.keep("a-2", b"", "a-*")
    assert [caches.kept(name) for name in ("a-1", "a-2", "b-1")] == [None, b"", b"another"]
    assert sorted(os.listdir(folder)) == ["a-2", "b-1"]


@pytest.mark.skipif(os.name == "nt", reason="permissions are others there")
def test_what_others_can_read_or_write_is_nobodys(folder: Path) -> None:
    caches.keep("a", b"kept", "a")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "a").stat().st_mode & 0o777 == 0o600
    (folder / "a").chmod(0o620)
    assert caches.kept("a") is None


def test_what_was_damaged_is_not_found(folder: Path) -> None:
    caches.keep("a", b"kept", "a")
    (folder / "a").write_bytes((folder / "a").read_bytes()[:-1])
    assert caches.kept("a") is None
    (folder / "a").write_bytes(b"")
    assert caches.kept("a") is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_what_is_no_file_is_not_waited_for(folder: Path) -> None:
    folder.mkdir(parents=True)
    os.mkfifo(folder / "a")
    assert caches.kept("a") is None


def test_where_nothing_can_be_kept_nothing_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", os.devnull)
    caches.keep("a", b"kept", "a")
    assert caches.kept("a") is None


@pytest.mark.usefixtures("of_a_new_process")
def test_a_store_made_from_the_kept_template_is_as_one_made_anew(
    folder: Path, tmp_path: Path, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(name: str) -> tuple[set[tuple[str, str]], list[tuple[object, ...]]]:
        with flowdb.open(tmp_path / name) as db:
            db.ingest(logs)
            rows = all_rows(db)
        return generated._objects(tmp_path / name / "flowdb.duckdb"), rows

    (objects, rows) = made("anew")
    (template,) = folder.iterdir()
    generated._template.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(generated, "_empty_statements", lambda: pytest.fail("it was made anew"))
        found, again = made("kept")
    generated._template.cache_clear()
    template.write_bytes(template.read_bytes()[:-1])
    mended, _ = made("mended")
    generated._template.cache_clear()
    caches.keep(template.name, bytes(5000), template.name)  # whole, but no database
    assert made("made again")[1] == rows

    def elsewhere(those: set[tuple[str, str]], name: str) -> set[tuple[str, str]]:
        return {(one, sql.replace(str(tmp_path / name), "")) for one, sql in those}

    assert elsewhere(found, "kept") == elsewhere(objects, "anew") == elsewhere(mended, "mended")
    assert len(objects) > 100
    assert again == rows
    assert len(rows) == 6
