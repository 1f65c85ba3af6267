"""Stores that are only asked, uploaded or lakes: the same answers, no changes, and few requests."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import flowdb
from flowdb import FlowDB, remote_folder
from flowdb.errors import (
    ExitCode,
    FlowdbError,
    QueryError,
    StoreDamaged,
    StoreError,
    StoreMissing,
    StoreReadOnly,
    UsageError,
)
from tests.cases import NAMES, given, given_log
from tests.conftest import HEADER, SAMPLES, Run, record, write_log
from tests.lakes import lake_of, put
from tests.s3 import S3, failing, known, refusal, serving
from tests.test_tgw import TGW_HEADER, tgw_record

VIEWS = (
    *("flows", "tgw_flows", "sources", "bad_lines", "coverage", "vpc_flow_logs", "names", "groups", "prices"),
    # A lake has none of these.
    *("hourly", "commits", "files"),
)
FORMS = ("uploaded", "on a disk", "in S3")
# A prefix may have whatever a key may have.
URL = "s3://uploaded/it's [1]* 100%/a=b/flöws?"


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with serving() as server, pytest.MonkeyPatch.context() as patch:
        known(server, patch, tmp_path_factory.mktemp("aws"))
        yield server


@pytest.fixture(autouse=True)
def forget(s3: S3) -> Iterator[None]:
    """Let no test see the requests of another."""
    s3.reset()
    yield
    s3.reset()


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlowDB]:
    """Give a store of all that there is: every field, bad lines, transit gateways, names and tables."""
    folder = tmp_path_factory.mktemp("local")
    for name in NAMES:
        shutil.copy(given_log(name), folder / f"{name}.log")
    write_log(folder / "tgw.log", [TGW_HEADER, tgw_record(0), tgw_record(1), "bad"])
    with flowdb.open(folder / "flows") as db:
        db.ingest(SAMPLES, folder, rollups=False)
        write_log(folder / "later.log", [HEADER, record(7)])
        db.ingest(folder / "later.log")
        (db.path / "flowdb.toml").write_text(
            '[names]\n"10.0.0.1" = "bastion"\nfiles = ["beside/names.csv"]\n'
            '[groups]\ninside = ["10.0.0.0/8"]\n'
        )
        (db.path / "beside").mkdir()
        (db.path / "beside" / "names.csv").write_text("id,name\n10.0.1.202,mail\n")
        db.athena_table("CREATE EXTERNAL TABLE vpc.logs (srcaddr string, bytes bigint) STORED AS PARQUET")
        yield db


def upload(s3: S3, db: FlowDB, url: str, folder: Path) -> None:
    """Put a backup of a store where a URL leads."""
    db.backup(folder)
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    s3.put(
        bucket,
        {
            f"{prefix}/{path.relative_to(folder).as_posix()}": path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        },
    )


@pytest.fixture(scope="module")
def url(s3: S3, local: FlowDB, tmp_path_factory: pytest.TempPathFactory) -> str:
    upload(s3, local, URL, tmp_path_factory.mktemp("up") / "backup")
    return URL


@pytest.fixture(scope="module", params=FORMS)
def place(
    request: pytest.FixtureRequest, url: str, local: FlowDB, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """Give the same store where it can be asked alone: uploaded, as a lake on a disk, and as one in S3."""
    if request.param == "uploaded":
        return url
    there = str(tmp_path_factory.mktemp("lakes")) if request.param == "on a disk" else "s3://uploaded"
    lake = lake_of(local, f"{there}/a b/c=d")
    for name in ("flowdb.toml", "beside/names.csv", "tables.json"):
        put(lake, local.path / name, name)
    return f"{there}/a b/c=d"


@pytest.fixture(scope="module")
def far(place: str) -> Iterator[FlowDB]:
    with flowdb.open(f"{place}/") as db:
        yield db


@pytest.fixture(scope="module")
def closed(place: str) -> Iterator[FlowDB]:
    with flowdb.open(place, sandbox=True) as db:
        yield db


def is_lake(db: FlowDB) -> bool:
    return "c=d" in db.place


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_shows_what_the_store_itself_shows(
    local: FlowDB, far: FlowDB, closed: FlowDB, view: str
) -> None:
    # Where a name is from is another file, of this machine.
    shown = "* EXCLUDE (source)" if view in ("names", "groups") else "*"
    query = f"SELECT {shown} FROM {view} ORDER BY ALL"
    here = local.sql(query)
    rows = here.fetchall()
    assert rows != []
    for there in (far.sql(query), closed.sql(query)):
        assert (there.columns, there.types) == (here.columns, here.types)
        if not is_lake(far) or view not in VIEWS[-3:]:
            assert there.fetchall() == rows


# On a disk the files are read as those of any store.
@pytest.mark.parametrize("place", [FORMS[0], FORMS[2]], indirect=True, scope="module")
@pytest.mark.parametrize("name", NAMES)
def test_an_analysis_answers_as_the_store_itself_does(local: FlowDB, far: FlowDB, name: str) -> None:
    here, there = getattr(local, name)(**given(name)), getattr(far, name)(**given(name))
    assert (there.columns, there.fetchall()) == (here.columns, here.fetchall())


@pytest.mark.parametrize(
    ("dialect", "query"),
    [
        ("athena", "SELECT srcaddr, sum(bytes) AS b FROM vpc.logs GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20"),
        ("trino", "SELECT \"start\", dstport FROM vpc_flow_logs WHERE action = 'REJECT' ORDER BY 1, 2"),
        ("insights", "stats sum(bytes) as b by srcAddr | sort b desc, srcAddr | limit 20"),
    ],
)
def test_other_languages_ask_it_too(
    local: FlowDB, far: FlowDB, closed: FlowDB, dialect: str, query: str
) -> None:
    rows = local.sql(query, dialect=dialect).fetchall()
    assert rows != []
    assert far.sql(query, dialect=dialect).fetchall() == rows
    assert closed.sql(query, dialect=dialect).fetchall() == rows


def test_it_tells_of_itself_what_the_store_tells(local: FlowDB, far: FlowDB, place: str) -> None:
    of_a_lake = ", parquet_bytes, rollup_bytes, bytes_per_record, files, commits, last_commit_at"
    columns = f"* EXCLUDE (store, retired_bytes{of_a_lake if is_lake(far) else ''})"
    assert far.status().project(columns).fetchall() == local.status().project(columns).fetchall()
    assert far.status().project("store").fetchall() == [(place,)]
    assert (repr(far), far.place) == (f"FlowDB({place!r})", place)
    assert far.sources().fetchall() == local.sources().fetchall()
    assert far.top_talkers(names=True, top=5).fetchall() == local.top_talkers(names=True, top=5).fetchall()
    if not is_lake(far):
        assert far.files().fetchall() == local.files().fetchall()
        assert far.history().fetchall() == local.history().fetchall()


@pytest.mark.parametrize("place", FORMS[1:], indirect=True, scope="module")
def test_a_lake_tells_of_its_files_and_commits(local: FlowDB, far: FlowDB) -> None:
    query = "SELECT parse_filename(path), kind, date, records, bytes, first_start, last_start FROM files"
    kinds = "WHERE kind IN ('flows', 'tgw', 'quarantine') ORDER BY ALL"
    assert far.sql(f"{query} {kinds}").fetchall() == local.sql(f"{query} {kinds}").fetchall()
    query = "SELECT commit_id, sources, records, bad_lines, raw_bytes, source_bytes, last_source FROM commits"
    assert far.sql(f"{query} ORDER BY 1").fetchall() == local.sql(f"{query} ORDER BY 1").fetchall()
    ((commits, last),) = far.status().project("commits, last_commit_at").fetchall()
    assert (commits, last.tzinfo) == (2, None)
    assert abs(datetime.now(UTC).replace(tzinfo=None) - last) < timedelta(hours=1)


def test_a_cost_is_that_of_the_store(local: FlowDB, far: FlowDB) -> None:
    # A lake does not note which of its files has which source: the folders that are listed are others.
    columns = "way, objects, bytes" if is_lake(far) else "* EXCLUDE (seconds)"
    ways = "starts_with(way, 'Athena: text')" if is_lake(far) else "true"
    here, there = (one.cost("top_talkers", {"by": "pair"}).filter(ways) for one in (local, far))
    assert there.project(columns).fetchall() == here.project(columns).fetchall() != []


def test_a_sandbox_reads_nothing_but_the_store(closed: FlowDB, url: str, local: FlowDB) -> None:
    some = next((local.path / "data").rglob("*.parquet"))
    for one in (str(some), f"{url}/{some.relative_to(local.path)}", "flowdb://catalog.sqlite"):
        with pytest.raises(QueryError):
            closed.sql("SELECT * FROM read_parquet($1)", [one]).fetchall()


CHANGES: dict[str, Callable[[FlowDB], object]] = {
    "ingest": lambda db: db.ingest(SAMPLES),
    "compact": lambda db: db.compact(),
    "prune": lambda db: db.prune(keep="1d"),
    "forget": lambda db: db.forget("x"),
    "backup": lambda db: db.backup("there"),
    "athena_table": lambda db: db.athena_table("CREATE EXTERNAL TABLE x (srcaddr string) STORED AS PARQUET"),
    "verify": lambda db: db.verify(repair=True),
}


@pytest.mark.parametrize("verb", CHANGES)
def test_what_would_change_it_is_refused(far: FlowDB, verb: str, place: str) -> None:
    with pytest.raises(StoreReadOnly) as caught:
        CHANGES[verb](far)
    said = (
        "it is behind a URL, and read only here: a store is changed where it was uploaded from,"
        " a lake by flowdb.spark.ingest"
    )
    if verb == "verify":
        what = "behind a URL" if "://" in place else "a lake"
        said = f"it is {what}; verify is for a store on a disk"
    elif is_lake(far):
        said = "it is a lake, and read only here: flowdb.spark.ingest adds to it"
    assert (str(caught.value), caught.value.exit_code) == (f"{place}: {said}", ExitCode.STORE)


def test_a_question_costs_one_request_and_what_it_has_not_read_yet(place: str, s3: S3) -> None:
    with flowdb.open(place) as db:
        db.top_talkers().fetchall()
        s3.reset()
        db.top_talkers().fetchall()
        asked = [(one.method, one.key.rpartition("/")[2]) for one in s3.requests]
    assert asked == {
        URL: [("HEAD", "catalog.sqlite")],
        "s3://uploaded/a b/c=d": [("GET", f"{2:020}.json")],
    }.get(place, [])


def test_another_upload_is_seen_by_the_next_question(s3: S3, tmp_path: Path) -> None:
    write_log(tmp_path / "a.log", [HEADER, record(0), record(1)])
    write_log(tmp_path / "b.log", [HEADER, record(2)])
    count = "SELECT count(*) FROM flows"
    with flowdb.open(tmp_path / "flows") as db:
        db.ingest(tmp_path / "a.log")
        upload(s3, db, "s3://growing/x", tmp_path / "one")
        with flowdb.open("s3://growing/x") as far:
            assert far.sql(count).fetchall() == [(2,)]
            db.ingest(tmp_path / "b.log")
            upload(s3, db, "s3://growing/x", tmp_path / "two")
            assert far.sql(count).fetchall() == [(3,)]
            assert far.status().project("records, commits").fetchall() == [(3, 2)]


def days(folder: Path, count: int) -> Path:
    """A store of so many days, of a file each, in which each column has some bytes."""
    lines = [
        record(
            n % 20_000,
            start=1_705_312_800 + 86_400 * day,
            bytes=n * 7919 % 1_000_003,
            srcaddr=f"10.{n % 97}.{n % 89}.1",
        )
        for day in range(count)
        for n in range(20_000)
    ]
    write_log(folder / "days.log", [HEADER, *lines])
    with flowdb.open(folder / "flows") as db:
        db.ingest(folder / "days.log", rollups=False)
        db.backup(folder / "up")
    return folder / "up"


def test_dates_and_columns_that_are_not_asked_for_are_not_read(
    s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So small files would be read whole.
    monkeypatch.setitem(remote_folder._SETTINGS, "external_file_cache_local_max_block_size", "16384")
    up = days(tmp_path, 3)
    s3.put(
        "days",
        {path.relative_to(up).as_posix(): path.read_bytes() for path in up.rglob("*") if path.is_file()},
    )
    with flowdb.open("s3://days") as db:
        db.sql("SELECT count(*) FROM flows").fetchall()
        s3.reset()
        rows = db.sql("SELECT count(*), sum(bytes) FROM flows WHERE date = '2024-01-16'").fetchall()
        assert rows == [(20_000, sum(n * 7919 % 1_000_003 for n in range(20_000)))]
        assert {key.partition("/")[2].partition("/")[0] for key in s3.fetched()} == {"date=2024-01-16"}
        read = sum(one.size for one in s3.requests if one.method == "GET")
    whole = sum(path.stat().st_size for path in (up / "data" / "date=2024-01-16").iterdir())
    assert 0 < read < whole / 2


def test_what_is_not_there_or_cannot_be_had_is_one_sentence(
    s3: S3, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.put("empty", {})
    for place in ("s3://empty/x", "s3://nobodys/x"):
        with pytest.raises(StoreMissing) as missing:
            flowdb.open(place)
        assert str(missing.value) == f"{place}: there is neither a lake nor an uploaded store here"
    with pytest.raises(UsageError, match=r"^gopher://x: it cannot be opened \(Protocol not known: gopher\)$"):
        flowdb.open("gopher://x")
    s3.faults.append(lambda _: refusal(403, "AccessDenied", "Access Denied"))
    with pytest.raises(StoreError, match=r"^s3://uploaded/.*: access to it is refused \(") as refused:
        flowdb.open(url)
    assert refused.value.exit_code == ExitCode.STORE
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(
        StoreError, match=r": no AWS credentials were found; name a profile, or ask anonymously$"
    ):
        flowdb.open(url)


def test_a_lake_whose_log_is_refused_is_one_plain_sentence(s3: S3, local: FlowDB) -> None:
    s3.put("refused", {})
    lake_of(local, "s3://refused/lake")
    s3.faults.append(
        lambda one: refusal(403, "AccessDenied", "No") if one.key.endswith(f"{1:020}.json") else None
    )
    said = r"^s3://refused/lake: the storage refused \([ -~]* privileges [ -~]*\)$"
    with pytest.raises(StoreError, match=said):
        flowdb.open("s3://refused/lake")


def test_a_file_that_is_gone_or_cut_is_damage_and_one_that_is_refused_is_none(s3: S3, tmp_path: Path) -> None:
    write_log(tmp_path / "a.log", [HEADER, *(record(n) for n in range(9))])
    with flowdb.open(tmp_path / "flows") as db:
        db.ingest(tmp_path / "a.log")
        upload(s3, db, "s3://broken/x", tmp_path / "up")
        (file,) = [path for (path,) in db.sql("SELECT path FROM files WHERE kind = 'flows'").fetchall()]
    content = (tmp_path / "up" / file).read_bytes()
    query = "SELECT srcaddr, count(*) FROM flows GROUP BY 1"

    def said() -> tuple[type[Exception], str]:
        with flowdb.open("s3://broken/x") as far, pytest.raises(FlowdbError) as caught:
            far.sql(query).fetchall()
        return type(caught.value), str(caught.value)

    s3.faults.append(failing(f"x/{file}", 404, "NoSuchKey"))
    assert said() == (StoreDamaged, f"s3://broken/x: its file {file} is missing")
    s3.faults[:] = [failing(f"x/{file}", 403, "AccessDenied")]
    assert said() == (StoreError, "s3://broken/x: access to it is refused (Please try again)")
    s3.faults.clear()
    s3.put("broken", {f"x/{file}": content[:100]})
    assert said()[0] is StoreDamaged
    s3.put("broken", {f"x/{file}": content})
    with flowdb.open("s3://broken/x") as far:
        assert far.sql(query).fetchall() == [("10.0.0.1", 9)]


def test_the_command_line_takes_a_url_and_the_options_of_s3(
    s3: S3, url: str, local: FlowDB, run: Run, tmp_path: Path
) -> None:
    elsewhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_REGION": "us-east-1"}
    options = ["--endpoint-url", s3.endpoint, "--region", "eu-central-1", "--requester-pays"]
    asked = ["top-talkers", "--top", "3", "-o", "csv"]
    expected = run(*asked, "--store", str(local.path))
    s3.reset()
    done = run(*asked, "--store", url, *options, env=elsewhere)
    assert (done.returncode, done.stdout, done.stderr) == (0, expected.stdout, "")
    assert {one.headers.get("x_amz_request_payer") for one in s3.requests} == {"requester"}
    assert all("/eu-central-1/s3/" in one.headers["authorization"] for one in s3.requests)
    # An analysis with prices has a region of its own.
    done = run("egress", "--region", "us-east-1", "-o", "csv", "--store", url)
    assert (done.returncode, done.stdout.startswith("path,aws_service,region,")) == (0, True)
    (tmp_path / "flowdb").mkdir()
    (tmp_path / "flowdb" / "flowdb.toml").write_text(f'store = "{url}"\n')
    count, answer = "SELECT count(*) + 1 AS n FROM sources", f"{len(NAMES) + 15}"
    done = run("sql", count, "-o", "csv", env={"XDG_CONFIG_HOME": str(tmp_path)})
    assert done.stdout == f"n\n{answer}\n"
    done = run("shell", input=f"{count};\n", env={"FLOWDB_STORE": url})
    assert (done.returncode, done.stdout.split()[-1], done.stderr) == (0, answer, "")


@pytest.mark.parametrize(
    "words",
    [
        ("ingest", "logs"),
        ("compact",),
        ("prune", "--keep", "1d"),
        ("forget", "x"),
        ("backup", "there"),
        ("athena-table", "x.sql"),
    ],
)
def test_a_command_that_would_change_it_asks_nothing_of_s3(
    s3: S3, words: tuple[str, ...], run: Run, tmp_path: Path
) -> None:
    (tmp_path / "x.sql").write_text("CREATE EXTERNAL TABLE x (srcaddr string) STORED AS PARQUET")
    done = run(*words, env={"FLOWDB_STORE": "s3://key:secret@uploaded/x"})
    said = (
        "it is behind a URL, and read only here: a store is changed where it was uploaded from,"
        " a lake by flowdb.spark.ingest"
    )
    assert (done.returncode, done.stdout) == (ExitCode.STORE, "")
    assert done.stderr == f"flowdb: error: s3://uploaded/x: {said}\n"
    assert s3.requests == []
