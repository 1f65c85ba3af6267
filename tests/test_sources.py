"""Finding log objects: everywhere they may lie, oldest first, whatever their names."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flowdb.errors import NoSources, SourceError, SourceNotFound
from flowdb.keys import Choice
from flowdb.sources import Opened, find, fingerprint


def names(*places: str | Path) -> list[str]:
    """Return the names of the sources found at these places."""
    return [source.name for source in find(places).sources]


def make(path: Path, content: bytes = b"x") -> Path:
    """Write a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_logs_are_found_at_any_depth_and_other_files_counted(tmp_path: Path) -> None:
    logs = ["a.log", "b/c/d.LOG.gz", "b/e.log.parquet"]
    packed = ["b/f.txt", "b/firehose-2024-01-15-00-00-00-abc", "g.tar", "h.json.ZST", "i.log.1.gz"]
    others = ["j.md", "k.log.bak", ".l.log", "aws-logs-write-test", "b/m.sqlite"]
    for name in (*logs, *packed, *others):
        make(tmp_path / name)
    found = find([tmp_path])
    assert {source.name: source.is_expected for source in found.sources} == {
        **{Path(name).name: True for name in logs},
        **{Path(name).name: False for name in packed},
    }
    assert found.ignored == len(others)
    assert [source.is_expected for source in find([tmp_path / "j.md", f"{tmp_path}/b/*.txt"]).sources] == [
        True,
        True,
    ]


def test_the_files_of_a_store_are_no_sources(tmp_path: Path) -> None:
    for name in ("a.log", "flows/catalog.sqlite", "flows/data/date=2024-01-15/b.parquet"):
        make(tmp_path / name)
    assert names(tmp_path) == ["a.log"]


def test_a_file_that_is_named_is_taken_whatever_its_ending(tmp_path: Path) -> None:
    assert names(make(tmp_path / "flows.txt"), make(tmp_path / "x.dat")) == ["flows.txt", "x.dat"]


def test_patterns_match_files_and_folders(tmp_path: Path) -> None:
    for name in ("2024/01/a.log", "2024/02/b.log", "2025/01/c.log", "2025/01/d.txt"):
        make(tmp_path / name)
    assert names(f"{tmp_path}/2024/*") == ["a.log", "b.log"]
    assert names(f"{tmp_path}/**/*.txt") == ["d.txt"]
    assert names(f"{tmp_path}/202?/01/*.log") == ["a.log", "c.log"]


def test_sources_come_oldest_first_by_their_names(tmp_path: Path) -> None:
    make(tmp_path / "1_vpcflowlogs_r_fl-1_20240102T0000Z_aa.log")
    make(tmp_path / "2_vpcflowlogs_r_fl-1_20240101T2355Z_bb.log")
    make(tmp_path / "AWSLogs/1/vpcflowlogs/r/2023/12/31/c.log")
    make(tmp_path / "aws-region=r/year=2022/month=05/day=06/d.log")
    os.utime(make(tmp_path / "e.log"), (0, 0))
    found = find([tmp_path]).sources
    assert [source.time for source in found] == [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2022, 5, 6, tzinfo=UTC),
        datetime(2023, 12, 31, tzinfo=UTC),
        datetime(2024, 1, 1, 23, 55, tzinfo=UTC),
        datetime(2024, 1, 2, tzinfo=UTC),
    ]


def test_a_name_with_an_impossible_time_is_dated_by_its_change(tmp_path: Path) -> None:
    path = make(tmp_path / "1_vpcflowlogs_r_fl-1_20241399T0000Z_aa.log")
    os.utime(path, (86_400, 86_400))
    assert find([path]).sources[0].time == datetime(1970, 1, 2, tzinfo=UTC)
    path = make(tmp_path / "2024/13/01/2024/02/03/1_vpcflowlogs_20249999T0000Z_aa.log")
    assert find([path]).sources[0].time == datetime(2024, 2, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    "name", ["a b.log", "it's.log", "[x].log", "*.log", "new\nline.log", "ünï.log", "-rf.log"]
)
def test_odd_names_are_found(tmp_path: Path, name: str) -> None:
    path = make(tmp_path / name)
    (source,) = find([tmp_path]).sources
    assert (source.uri, source.name) == (str(path), name)
    assert names(path) == [name]


@pytest.mark.skipif(sys.platform != "linux", reason="file names are text here")
def test_a_name_that_is_not_text_can_be_shown(tmp_path: Path) -> None:
    with open(os.fsencode(tmp_path) + b"/\xff.log", "wb") as file:
        file.write(b"x")
    make(tmp_path / "\\xff.log")
    spelled, raw = sorted(find([tmp_path]).sources, key=lambda source: len(source.uri))
    assert (spelled.uri, raw.uri) == (f"{tmp_path}/\\xff.log", f"bytes:{tmp_path}/\\xff.log")
    assert fingerprint(raw)


def test_links_are_followed_inside_a_folder_and_not_out_of_it(tmp_path: Path) -> None:
    outside = make(tmp_path / "outside.log")
    make(tmp_path / "logs/a.log")
    (tmp_path / "logs/inside.log").symlink_to(tmp_path / "logs/a.log")
    (tmp_path / "logs/escape.log").symlink_to(outside)
    (tmp_path / "logs/folder").symlink_to(tmp_path)
    assert names(tmp_path / "logs") == ["a.log", "inside.log"]
    assert names(tmp_path / "logs/escape.log") == ["escape.log"]


def test_a_place_behind_a_link_is_the_one_that_the_system_opens(tmp_path: Path) -> None:
    make(tmp_path / "a.log")
    make(tmp_path / "far/a.log", b"the other")
    (tmp_path / "far/folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "far/folder")
    (source,) = find([f"{tmp_path}/link/../a.log"]).sources
    assert (source.uri, source.size) == (f"{tmp_path}/far/a.log", len(b"the other"))
    (source,) = find([f"{tmp_path}/far/../a.log"]).sources
    assert source.uri == f"{tmp_path}/a.log"


def test_a_pattern_that_matches_folders_in_folders_looks_into_each_once(tmp_path: Path) -> None:
    make(tmp_path / "a/b/c.log")
    make(tmp_path / "a/b/notes.md")
    found = find([f"{tmp_path}/**"])
    assert ([source.name for source in found.sources], found.ignored) == (["c.log"], 1)


def test_a_pattern_over_links_in_circles_comes_to_an_end(tmp_path: Path) -> None:
    make(tmp_path / "g/x/a.log")
    make(tmp_path / "g/.hidden/b.log")
    for link in ("one", "two", "three"):
        (tmp_path / "g" / link).symlink_to(tmp_path / "g")
    assert names(f"{tmp_path}/g/**/*.log") == ["a.log"]
    assert names(f"{tmp_path}/*/**/x/*.log") == ["a.log"]
    assert names(f"{tmp_path}/g/**") == ["a.log", "b.log"]


@pytest.mark.parametrize("seconds", [2**63 // 10**9 + 1, 2**34])
def test_a_file_of_a_far_future_fails_alone(tmp_path: Path, seconds: int) -> None:
    make(tmp_path / "logs/a.log")
    os.utime(make(tmp_path / "logs/b.log"), (seconds, seconds))
    if os.stat(tmp_path / "logs/b.log").st_mtime < 2**63 / 10**9:
        pytest.skip("a file system that keeps no such time")
    found = find([tmp_path / "logs"])
    assert [source.name for source in found.sources] == ["a.log"]
    assert [failure.source for failure in found.failures] == [str(tmp_path / "logs/b.log")]


@pytest.mark.parametrize("name", ["a\0b.log", "x" * 300])
def test_a_place_that_cannot_be_looked_at_fails_alone(tmp_path: Path, name: str) -> None:
    make(tmp_path / "a.log")
    (tmp_path / "empty").mkdir()
    found = find([f"{tmp_path}/{name}", tmp_path, tmp_path / "empty"])
    assert [source.name for source in found.sources] == ["a.log"]
    assert [failure.source for failure in found.failures] == [f"{tmp_path}/{name}"]
    assert found.empty == [str(tmp_path / "empty")]


def test_a_place_that_does_not_exist_is_named(tmp_path: Path) -> None:
    for place in (str(tmp_path / "nothing"), f"{tmp_path}/*.log"):
        with pytest.raises(SourceNotFound) as caught:
            find([tmp_path, place])
        assert caught.value.path == place


def test_a_folder_without_logs_is_named(tmp_path: Path) -> None:
    make(tmp_path / "notes.md")
    with pytest.raises(NoSources) as caught:
        find([tmp_path])
    assert (
        str(caught.value)
        == f"{tmp_path}: no flow logs in it; 1 other file left alone, which would be read if named"
    )


def test_a_choice_looks_into_no_folder_of_another_time_account_or_region(tmp_path: Path) -> None:
    for account in ("111111111111", "222222222222"):
        for region in ("us-east-1", "eu-west-1"):
            for day in ("2023/12/31", "2024/01/14", "2024/01/15", "2024/01/16", "2024/01/17"):
                folder = f"AWSLogs/{account}/vpcflowlogs/{region}/{day}"
                make(tmp_path / folder / f"{account[0]}-{region}-{day.replace('/', '')}.log")
    make(tmp_path / "AWSLogs/111111111111/CloudTrail/us-east-1/2024/01/15/x.json.gz")
    make(tmp_path / "elsewhere.log")
    choice = Choice.of("2024-01-15T06:00", "2024-01-16", accounts="111111111111", regions=["us-east-1"])
    found = find([tmp_path], choice)
    assert {source.name for source in found.sources} == {
        "elsewhere.log",
        "1-us-east-1-20240114.log",
        "1-us-east-1-20240115.log",
        "1-us-east-1-20240116.log",
    }
    with pytest.raises(NoSources, match="no flow logs of that time, account and region in it"):
        find([tmp_path / "AWSLogs"], Choice.of(since="2030-01-01"))


def test_an_empty_folder_beside_a_full_one_is_a_remark(tmp_path: Path) -> None:
    make(tmp_path / "full/a.log")
    (tmp_path / "empty").mkdir()
    found = find([tmp_path / "empty", tmp_path / "full"])
    assert (found.empty, len(found.sources)) == ([str(tmp_path / "empty")], 1)


def test_the_fingerprint_is_that_of_the_bytes_as_delivered(tmp_path: Path) -> None:
    import xxhash

    content = os.urandom(3 << 20)
    (source,) = find([make(tmp_path / "a.log", content)]).sources
    with Opened(source) as opened:
        assert b"".join(iter(lambda: opened.read(100_000), b"")) == content
        assert (opened.count, opened.has_changed()) == (len(content), False)
        assert opened.fingerprint == fingerprint(source) == xxhash.xxh3_128(content).hexdigest()


def test_a_file_that_grows_while_it_is_read_has_changed(tmp_path: Path) -> None:
    (source,) = find([make(tmp_path / "a.log")]).sources
    with Opened(source) as opened:
        with open(tmp_path / "a.log", "ab") as file:
            file.write(b"more")
        assert opened.has_changed()


def test_a_file_that_is_gone_is_an_error_of_its_source(tmp_path: Path) -> None:
    (source,) = find([make(tmp_path / "a.log")]).sources
    (tmp_path / "a.log").unlink()
    with pytest.raises(SourceError, match="it cannot be read") as caught:
        Opened(source)
    assert caught.value.source == str(tmp_path / "a.log")
