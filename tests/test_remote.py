"""Logs in S3, as its protocol brings them over a loopback port, and in other storages that fsspec knows."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from werkzeug.wrappers import Response

import flowdb
from flowdb import remote
from flowdb.errors import NoSources, SourceChanged, SourceError, SourceNotFound, UsageError
from flowdb.keys import Choice
from flowdb.readers import begun
from flowdb.sources import Opened, find
from tests.conftest import HEADER, Run, record
from tests.s3 import ACCESS_KEY, S3, SECRET_KEY, Request, failing, known, refusal, serving, slow

ACCOUNTS = ("111111111111", "222222222222")
REGIONS = ("us-east-1", "eu-west-1")


def log(number: int, **fields: Any) -> bytes:
    """Return a compressed log with one record."""
    return gzip.compress(f"{HEADER}\n{record(number, **fields)}\n".encode(), mtime=0)


@pytest.fixture(scope="module")
def server() -> Iterator[S3]:
    with serving() as started:
        yield started


@pytest.fixture
def s3(server: S3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[S3]:
    """Give the server, found through the environment, with credentials that it takes."""
    known(server, monkeypatch, tmp_path)
    server.reset()
    yield server
    assert [request.bucket for request in server.requests if request.bucket == "latest"] == []
    server.reset()


@pytest.fixture
def bucket(s3: S3, request: pytest.FixtureRequest) -> str:
    """Give the name of a bucket of the test's own, with three logs and other objects in it."""
    name = f"bucket-{abs(hash(request.node.name))}"
    s3.put(
        name,
        {
            "logs/a.log": f"{HEADER}\n{record(0)}\n{record(1)}\n".encode(),
            "logs/deep/er/b.log.gz": log(2),
            "logs/deep/": b"",
            "logs/notes.md": b"x",
            "other/c.log.gz": log(3),
        },
    )
    return name


def names(url: str, **choice: Any) -> list[str]:
    """Return the names of the sources found at a URL."""
    found = find([url], Choice.of(**choice))
    found.close()
    return [source.name for source in found.sources]


def test_whoever_watches_is_told_how_many_objects_are_listed(s3: S3, bucket: str, db: flowdb.FlowDB) -> None:
    listed: list[int] = []
    report = db.ingest(f"s3://{bucket}/logs", watch=lambda meter: listed.append(meter.listed))
    assert report.records == 3
    # a.log, b.log.gz, notes.md and what stands for a folder; the meter of the reading has listed none.
    assert (max(listed), listed[-1]) == (4, 0)


def test_a_prefix_is_all_that_lies_below_it_and_is_read_once(s3: S3, bucket: str, db: flowdb.FlowDB) -> None:
    report = db.ingest(f"s3://{bucket}/logs")
    assert (report.sources_found, report.records, report.failures) == (2, 3, [])
    assert report.notes == ["1 file without the name of a flow log left alone"]
    assert db.sql("SELECT uri, name, size, records FROM sources ORDER BY uri").fetchall() == [
        (f"s3://{bucket}/logs/a.log", "a.log", len(f"{HEADER}\n{record(0)}\n{record(1)}\n"), 2),
        (f"s3://{bucket}/logs/deep/er/b.log.gz", "b.log.gz", len(log(2)), 1),
    ]
    assert s3.fetched() == Counter({"logs/a.log": 1, "logs/deep/er/b.log.gz": 1})
    s3.requests.clear()
    report = db.ingest(f"s3://{bucket}/")
    assert (report.sources_skipped, report.sources_ingested, report.records) == (2, 1, 1)
    assert s3.fetched() == Counter({"other/c.log.gz": 1})


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", ["a.log", "b.log.gz", "c.log.gz"]),
        ("/", ["a.log", "b.log.gz", "c.log.gz"]),
        ("/logs", ["a.log", "b.log.gz"]),
        ("/logs/", ["a.log", "b.log.gz"]),
        ("/logs/a.log", ["a.log"]),
        ("/logs/notes.md", ["notes.md"]),
        ("/l*", ["a.log", "b.log.gz"]),
        ("/o*/?.log.gz", ["c.log.gz"]),
        ("/logs/d*/[a-f]r/*.gz", ["b.log.gz"]),
        ("/**/*.gz", ["b.log.gz", "c.log.gz"]),
        ("/logs/**", ["a.log", "b.log.gz", "notes.md"]),
    ],
)
def test_a_url_names_an_object_a_prefix_or_a_pattern(bucket: str, path: str, expected: list[str]) -> None:
    assert sorted(names(f"s3://{bucket}{path}")) == expected


def test_a_pattern_lists_only_the_folders_that_it_matches(s3: S3, bucket: str) -> None:
    names(f"s3://{bucket}/o*/*.gz")
    assert s3.listed() == ["o*/*.gz/", "", "other/"]


def test_odd_keys_are_read_as_they_are(s3: S3, db: flowdb.FlowDB) -> None:
    keys = ["a b+c%20.log", "what?versionId=1.log", "x//y.log", "ünï#@.log", "[z]*.log"]
    s3.put("odd", {f"p/{key}": f"{record(number)}\n".encode() for number, key in enumerate(keys)})
    report = db.ingest("s3://odd/p")
    assert (report.records, report.failures) == (len(keys), [])
    uris = [uri for (uri,) in db.sql("SELECT uri FROM sources").fetchall()]
    assert sorted(uris) == sorted(f"s3://odd/p/{key}" for key in keys)
    assert [uri for uri in uris if db.ingest(uri).sources_skipped != 1] == []


def test_listings_of_more_than_a_thousand_keys_come_in_pages(s3: S3, db: flowdb.FlowDB) -> None:
    s3.put("many", {f"p/{number:05}.log": f"{record(number)}\n".encode() for number in range(1100)})
    told: list[int] = []
    report = db.ingest("s3://many/p/", watch=lambda meter: told.append(meter.listed))
    assert (report.sources_ingested, report.records) == (1100, 1100)
    assert s3.listed() == ["p/"] * 2
    # The listing is told of while it lasts.
    assert [count for count in told if count] == [1000, 1100]
    assert set(s3.fetched().values()) == {1}
    assert db.sql("SELECT count(DISTINCT srcport) FROM flows").fetchall() == [(1100,)]


@pytest.fixture(scope="module")
def years(server: S3) -> str:
    """Give a URL below which two accounts had a log a day in two regions for two years, in both layouts."""
    objects = {}
    for account in ACCOUNTS:
        for region in REGIONS:
            for year in (2022, 2023):
                for month in range(1, 13):
                    for day in range(1, 29):
                        name = f"{account}_vpcflowlogs_{region}_fl-1_{year}{month:02}{day:02}T1200Z_a.log"
                        folder = f"AWSLogs/{account}/vpcflowlogs/{region}/{year}/{month:02}/{day:02}"
                        if region == "eu-west-1":
                            folder = (
                                f"AWSLogs/aws-account-id={account}/aws-service=vpcflowlogs/aws-region={region}"
                                f"/year={year}/month={month:02}/day={day:02}/hour=12"
                            )
                        objects[f"org/{folder}/{name}"] = b"x"
    objects[f"org/AWSLogs/{ACCOUNTS[0]}/CloudTrail/us-east-1/2022/06/15/x.json.gz"] = b"x"
    server.put("years", objects)
    return "s3://years/org"


def test_one_day_of_years_is_found_without_listing_the_years(s3: S3, years: str) -> None:
    found = names(years, since="2022-06-15", until="2022-06-16", accounts=[ACCOUNTS[0]])
    assert sorted(found) == [
        f"{ACCOUNTS[0]}_vpcflowlogs_{region}_fl-1_202206{day}T1200Z_a.log"
        for region in sorted(REGIONS)
        for day in (14, 15, 16)
    ]
    classic = f"org/AWSLogs/{ACCOUNTS[0]}/"
    hive = f"org/AWSLogs/aws-account-id={ACCOUNTS[0]}/"
    service = f"{hive}aws-service=vpcflowlogs/aws-region=eu-west-1/"
    assert sorted(s3.listed()) == sorted(
        [
            "org/",  # what tells a prefix from an object
            "org/",
            "org/AWSLogs/",
            *(classic, f"{classic}vpcflowlogs/", f"{classic}vpcflowlogs/us-east-1/"),
            f"{classic}vpcflowlogs/us-east-1/2022/",
            f"{classic}vpcflowlogs/us-east-1/2022/06/",
            *(f"{classic}vpcflowlogs/us-east-1/2022/06/{day}/" for day in (14, 15, 16)),
            *(hive, f"{hive}aws-service=vpcflowlogs/", service),
            *(f"{service}year=2022/", f"{service}year=2022/month=06/"),
            *(f"{service}year=2022/month=06/day={day}/" for day in (14, 15, 16)),
        ]
    )


def test_a_region_is_listed_at_once_and_other_services_not_at_all(s3: S3, years: str) -> None:
    assert len(names(years, regions="us-east-1")) == 2 * 2 * 12 * 28
    assert Counter(prefix.count("/") for prefix in s3.listed()) == {1: 2, 2: 1, 3: 4, 4: 4, 5: 2}
    assert [prefix for prefix in s3.listed() if "CloudTrail" in prefix] == []
    with pytest.raises(
        NoSources, match=r"^s3://years/org: no flow logs of that time, account and region in it"
    ):
        names(years, since="2025-01-01")


def test_the_command_line_takes_what_python_takes(s3: S3, run: Run) -> None:
    key = "AWSLogs/{0}/vpcflowlogs/{1}/2024/01/{2}/{0}_vpcflowlogs_{1}_fl-1_202401{2}T0000Z_a.log.gz"
    s3.put(
        "choose",
        {
            key.format(account, region, day): log(1)
            for account in ACCOUNTS
            for region in REGIONS
            for day in (15, 25)
        },
    )
    options = ["--since", "2024-01-15", "--until", "2024-01-16", "--account", ACCOUNTS[1]]
    storage = ["--endpoint-url", s3.endpoint, "--region", "eu-central-1", "--requester-pays"]
    done = run(
        *("ingest", "s3://choose", "--json", *options, "--region-only", REGIONS[0], *storage),
        env={"AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["sources_found"] == 1
    assert {request.headers.get("x_amz_request_payer") for request in s3.requests} == {"requester"}
    assert all("/eu-central-1/s3/" in request.headers["authorization"] for request in s3.requests)


def test_a_profile_gives_credentials_and_endpoint(
    s3: S3, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "aws-config").write_text(
        "[profile audit]\naws_access_key_id = AKIAAUDIT\naws_secret_access_key = x\n"
        f"endpoint_url = {s3.endpoint}\n"
    )
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    find([f"s3://{bucket}/logs/"], storage={"profile": "audit"}).close()
    assert all("Credential=AKIAAUDIT/" in request.headers["authorization"] for request in s3.requests)
    (failure,) = find([f"s3://{bucket}/logs/"], storage={"profile": "nobody"}).failures
    assert str(failure) == (
        f"s3://{bucket}/logs/: it cannot be read (The config profile (nobody) could not be found)"
    )


def test_a_public_bucket_is_asked_without_credentials(
    s3: S3, bucket: str, db: flowdb.FlowDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    (failure,) = db.ingest(f"s3://{bucket}/logs/").failures
    assert failure.reason == "no AWS credentials were found; name a profile, or ask anonymously"
    assert s3.requests == []
    assert db.ingest(f"s3://{bucket}/logs/", storage={"anon": True}).records == 3
    assert [request for request in s3.requests if "authorization" in request.headers] == []


def test_wrong_credentials_are_one_sentence_without_a_secret(s3: S3, bucket: str, run: Run) -> None:
    def fault(request: Request) -> Response:
        return refusal(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist.")

    s3.faults.append(fault)
    done = run("ingest", f"s3://{bucket}/logs")
    assert done.returncode == 1
    assert done.stderr == (
        f"flowdb: error: s3://{bucket}/logs/: access to it is refused"
        " (The AWS Access Key Id you provided does not exist)\n"
    )
    assert not any(secret in done.stderr for secret in (ACCESS_KEY, SECRET_KEY))


def test_a_place_that_is_not_there_is_named(s3: S3, bucket: str, run: Run) -> None:
    for url in (f"s3://{bucket}/nowhere", "s3://no-such-bucket/logs", f"s3://{bucket}/no*.log"):
        with pytest.raises(SourceNotFound) as caught:
            find([url])
        assert str(caught.value) == f"{url}: there is no such bucket, object or prefix"
    done = run("ingest", "s3://no-such-bucket")
    assert (done.returncode, done.stderr) == (
        1,
        "flowdb: error: s3://no-such-bucket/: it cannot be read (The specified bucket does not exist)\n",
    )
    with pytest.raises(NoSources, match=f"s3://{bucket}/nowhere/: no flow logs in it"):
        find([f"s3://{bucket}/nowhere/"])
    with pytest.raises(UsageError, match=r"^nope://x/y: it cannot be opened \(Protocol not known: nope"):
        find(["nope://x/y"])


@pytest.mark.parametrize(("status", "code"), [(503, "SlowDown"), (500, "InternalError")])
def test_an_object_that_is_refused_twice_is_read(
    s3: S3, bucket: str, db: flowdb.FlowDB, status: int, code: str
) -> None:
    s3.faults.append(failing("logs/a.log", status, code, times=2))
    report = db.ingest(f"s3://{bucket}/logs/")
    assert (report.records, report.failures) == (3, [])
    assert s3.fetched() == Counter({"logs/a.log": 3, "logs/deep/er/b.log.gz": 1})


def test_an_object_that_keeps_failing_is_left_for_the_next_ingest(
    s3: S3, bucket: str, db: flowdb.FlowDB
) -> None:
    s3.faults.append(failing("logs/a.log", 503, "ServiceUnavailable"))
    report = db.ingest(f"s3://{bucket}/logs/")
    assert [str(failure) for failure in report.failures] == [
        f"s3://{bucket}/logs/a.log: it cannot be read (Please try again)"
    ]
    assert (report.sources_ingested, report.records) == (1, 1)
    assert s3.fetched()["logs/a.log"] == 3
    s3.reset()
    assert db.ingest(f"s3://{bucket}/logs/").records == 2
    assert s3.fetched() == Counter({"logs/a.log": 1})


def test_an_object_that_is_gone_after_the_listing_fails_alone(s3: S3, bucket: str, db: flowdb.FlowDB) -> None:
    s3.faults.append(failing("logs/a.log", 404, "NoSuchKey"))
    report = db.ingest(f"s3://{bucket}/logs/")
    assert [str(failure) for failure in report.failures] == [
        f"s3://{bucket}/logs/a.log: it was listed, but is not there any more"
    ]
    assert report.records == 1


def test_an_object_that_changed_after_the_listing_fails_alone(s3: S3, bucket: str, db: flowdb.FlowDB) -> None:
    def fault(request: Request) -> None:
        if request.key == "logs/a.log":
            s3.put(bucket, {"logs/a.log": f"{HEADER}\n{record(8)}\n{record(9)}\n".encode()})

    s3.faults.append(fault)
    report = db.ingest(f"s3://{bucket}/logs/")
    assert [(type(failure), str(failure)) for failure in report.failures] == [
        (
            SourceChanged,
            f"s3://{bucket}/logs/a.log: it changed since it was listed; the next ingest tries again",
        )
    ]
    assert report.records == 1
    s3.reset()
    assert db.ingest(f"s3://{bucket}/logs/").records == 2


def test_an_object_that_is_in_the_store_with_other_content_is_refused(
    s3: S3, bucket: str, db: flowdb.FlowDB
) -> None:
    db.ingest(f"s3://{bucket}/logs/")
    s3.put(bucket, {"logs/a.log": f"{HEADER}\n{record(8)}\n".encode()})
    report = db.ingest(f"s3://{bucket}/logs/")
    assert [(type(failure), failure.source) for failure in report.failures] == [
        (SourceChanged, f"s3://{bucket}/logs/a.log")
    ]


def test_a_local_copy_of_what_is_in_s3_is_not_read_twice(
    s3: S3, bucket: str, db: flowdb.FlowDB, tmp_path: Path
) -> None:
    db.ingest(f"s3://{bucket}/other/")
    (tmp_path / "c.log.gz").write_bytes(log(3))
    assert db.ingest(tmp_path / "c.log.gz").sources_skipped == 1


def test_objects_are_fetched_side_by_side_and_a_slow_one_holds_up_no_other(s3: S3, db: flowdb.FlowDB) -> None:
    s3.put("slow", {f"{number:02}.log": f"{record(number)}\n".encode() for number in range(40)})
    s3.faults += [slow(0.1), slow(1.5, "03.log")]
    started = time.perf_counter()
    report = db.ingest("s3://slow")
    assert (report.records, report.failures) == (40, [])
    assert time.perf_counter() - started < 40 * 0.1 + 1.5
    assert 4 <= s3.most_at_once <= 16


def test_no_more_is_fetched_ahead_than_so_many_beginnings(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_PIECE", 100_000)
    content = b"x" * 1_000_000
    s3.put("large", {f"{number:02}.log": content for number in range(40)})
    found = find(["s3://large"])
    try:
        jobs = begun(enumerate(found.sources))
        _, source = next(jobs)
        with Opened(source) as opened:
            buffer = bytearray(10)
            assert opened.readinto(buffer) == 10
            time.sleep(0.5)
            # The beginnings of this one and of those that come next, and the next piece of this one.
            assert len(s3.fetched()) == 17
            assert s3.fetched().total() == 18
            rest = b"".join(iter(lambda: opened.read(70_000), b""))
            assert bytes(buffer) + rest == content
            assert (opened.count, opened.has_changed()) == (len(content), False)
        assert s3.fetched()["00.log"] == 10
    finally:
        found.close()


def test_an_answer_that_breaks_off_is_asked_for_again(s3: S3, bucket: str, db: flowdb.FlowDB) -> None:
    content = f"{HEADER}\n{record(0)}\n{record(1)}\n".encode()
    left = [2]

    def fault(request: Request) -> Response | None:
        if request.method != "GET" or not left[0]:
            return None
        left[0] -= 1
        # The server closes the connection before it has sent as much as it said.
        response = Response(content[:50], 206)
        response.automatically_set_content_length = False
        response.headers["Content-Length"] = str(len(content))
        return response

    s3.faults.append(fault)
    report = db.ingest(f"s3://{bucket}/logs/a.log")
    assert (report.records, report.failures, left) == (2, [], [0])


def test_an_interrupt_waits_for_no_object(s3: S3, bucket: str, db: flowdb.FlowDB) -> None:
    s3.faults.append(slow(5, "logs/a.log"))
    command = [sys.executable, "-m", "flowdb", "ingest", f"s3://{bucket}/logs/", "--store", str(db.path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while not s3.fetched() and process.poll() is None:
            time.sleep(0.05)
        started = time.perf_counter()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert time.perf_counter() - started < 4
    assert (process.returncode, said.strip()) == (130, "flowdb: interrupted; nothing is left half done")
    assert db.sql("SELECT count(*) FROM commits").fetchall() == [(0,)]


@pytest.fixture
def memory() -> Iterator[Any]:
    """Give the storage that is nothing but memory, empty."""
    storage = fsspec.filesystem("memory")
    storage.store.clear()
    yield storage
    storage.store.clear()


def test_any_storage_that_fsspec_knows_can_be_read(memory: Any, db: flowdb.FlowDB) -> None:
    memory.pipe({"/logs/2024/01/15/a.log.gz": log(1), "/logs/2024/01/19/b.log": log(2), "/logs/c.md": b"x"})
    report = db.ingest("memory://logs", since="2024-01-15", until="2024-01-16")
    assert (report.records, report.sources_found, report.failures) == (1, 1, [])
    report = db.ingest("memory://logs/*/*/*/*.log*")
    assert (report.records, report.sources_skipped) == (1, 1)
    assert db.sql("SELECT uri FROM sources ORDER BY source_id").fetchall() == [
        ("memory://logs/2024/01/15/a.log.gz",),
        ("memory://logs/2024/01/19/b.log",),
    ]


def test_an_object_elsewhere_that_changes_or_goes_while_it_is_read_fails(memory: Any) -> None:
    memory.pipe({"/a.log": b"x", "/b.log": b"x"})
    found = find(["memory://a.log", "memory://b.log"])
    one, other = found.sources
    with Opened(one) as opened:
        assert opened.read() == b"x"
        assert not opened.has_changed()
        memory.pipe("/a.log", b"y")
        assert opened.has_changed()
    memory.rm("/b.log")
    with (
        Opened(other) as opened,
        pytest.raises(SourceError, match="it was listed, but is not there any more"),
    ):
        opened.read()
    found.close()


def test_an_object_on_the_web_is_known_without_what_gave_access_to_it(
    s3: S3, bucket: str, db: flowdb.FlowDB, run: Run
) -> None:
    host = s3.endpoint.removeprefix("http://")
    signed = f"http://someone:pa55word@{host}/{bucket}/logs/a.log?X-Amz-Signature=5ec7e7&X-Amz-Credential=me"
    assert db.ingest(signed).records == 2
    uri = f"{s3.endpoint}/{bucket}/logs/a.log"
    assert db.sql("SELECT uri, name FROM sources").fetchall() == [(uri, "a.log")]
    assert db.ingest(signed.replace("5ec7e7", "another")).sources_skipped == 1
    done = run("ingest", signed.replace("a.log", "gone.log"))
    assert (done.returncode, done.stderr) == (
        2,
        f"flowdb: error: {s3.endpoint}/{bucket}/logs/gone.log: there is no such bucket, object or prefix\n",
    )
    s3.faults.append(failing("logs/deep/er/b.log.gz", 403, "AccessDenied"))
    done = run("ingest", signed.replace("a.log", "deep/er/b.log.gz"))
    assert done.returncode == 1
    assert "5ec7e7" not in done.stderr
    assert "pa55word" not in done.stderr


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://u:p@host/a.log", "https://host/a.log"),
        ("https://token@host/a.log#x", "https://host/a.log"),
        ("https://h/a?X-Amz-Date=1&x-amz-security-token=2&Signature=3", "https://h/a"),
        ("https://h/a?sv=1&sig=2&se=3&skoid=4", "https://h/a"),
        ("https://h/a?file=1&token=2", "https://h/a?7b4ad0e9c1ee3a0e"),
        ("ftp://u:p@host/a@b.log", "ftp://host/a@b.log"),
        ("abfs://container@host/a.log", "abfs://container@host/a.log"),
        ("s3a://bucket/what?.log", "s3://bucket/what?.log"),
    ],
)
def test_a_url_is_shown_without_anything_secret(url: str, shown: str) -> None:
    got = remote.shown(url)
    if "?file" in url:
        assert got.startswith("https://h/a?")
        assert got != remote.shown(url.replace("file=1", "file=2"))
        assert "token" not in got
    else:
        assert got == shown


def test_nothing_remote_is_loaded_for_what_is_local(tmp_path: Path, logs: Path) -> None:
    code = (
        "import sys, flowdb; flowdb.open('flows').ingest('logs');"
        " sys.exit(bool({'fsspec', 's3fs', 'botocore', 'aiohttp'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == 0


def test_credentials_in_the_place_of_a_bucket_are_not_said(run: Run) -> None:
    done = run("ingest", "s3://KEY:SECRET@bucket/prefix")
    assert (done.returncode, done.stdout) == (2, "")
    assert "SECRET" not in done.stderr
    assert done.stderr.count("\n") == 1
