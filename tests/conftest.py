"""What tests share: small logs, stores made of them, and the command line in a process of its own."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

import flowdb
from tests.cases import GivenStores
from tests.forked import Ended, Forked

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "docs" / "samples"
HEADER = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end"
    " action log-status"
)

Run = Callable[..., Ended]

# Nobody's own settings are those of a test.
os.environ["XDG_CONFIG_HOME"] = os.environ["XDG_CACHE_HOME"] = os.devnull


def record(
    number: int = 0,
    *,
    start: int | str = 1_705_312_800,
    srcaddr: str = "10.0.0.1",
    bytes: int | str = 100,
    action: str = "ACCEPT",
    interface: str = "eni-0123456789abcdef0",
) -> str:
    """Return a record of the default format; `number` makes it another one."""
    end = start + 30 if isinstance(start, int) else start
    ends = f"{srcaddr} 10.0.1.1 {40000 + number} 443 6"
    return f"2 123456789012 {interface} {ends} 1 {bytes} {start} {end} {action} OK"


def write_log(path: Path, lines: list[str]) -> Path:
    """Write a log, compressed if its name says so, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(f"{line}\n" for line in lines).encode()
    path.write_bytes(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)
    return path


def all_rows(db: flowdb.FlowDB) -> list[tuple[object, ...]]:
    """Return every record of a store but for the number of its source, in one order."""
    return db.sql("SELECT * EXCLUDE (source_id) FROM flows ORDER BY ALL").fetchall()


def data_files(store: Path) -> set[str]:
    """Return the files of records, their sums, and of bad lines that lie in a store."""
    return {
        path.relative_to(store).as_posix()
        for folder in ("data", "tgw", "hourly", "quarantine")
        for path in (store / folder).rglob("*")
        if path.is_file()
    }


def live_files(db: flowdb.FlowDB) -> set[str]:
    """Return the files of records and of bad lines that a store's catalogue names."""
    from flowdb.catalog import Catalog

    catalog = Catalog(db.path / "catalog.sqlite")
    try:
        return {file.path for file in catalog.files() if not file.path.startswith("meta/")}
    finally:
        catalog.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long and would come last, when the other process has nothing to do any more."""
    items.sort(key=lambda item: not item.path.name.startswith(("test_spark", "test_terminal", "test_wheel")))


@pytest.fixture(scope="module", params=["compiled", "plain"])
def way_of_reading(request: pytest.FixtureRequest) -> Iterator[str]:
    """Have clean blocks read by the compiled part, and then once more without it."""
    from flowdb import native

    if request.param == "compiled" and native.functions() is None:
        pytest.skip("flowdb was installed without its compiled part")
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "plain":
            patch.setattr(native, "functions", lambda: None)
        yield request.param


@pytest.fixture
def db(tmp_path: Path) -> Iterator[flowdb.FlowDB]:
    """Give a store that does not exist yet."""
    with flowdb.open(tmp_path / "flows") as opened:
        yield opened


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GivenStores]:
    """Give the given log of each analysis in a store, which no test changes."""
    with closing(GivenStores(tmp_path_factory.mktemp("given"))) as stores:
        yield stores


@pytest.fixture(scope="session")
def store_of_samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a store of the sample logs, which no test changes."""
    path = tmp_path_factory.mktemp("samples") / "flows"
    with flowdb.open(path) as db:
        db.ingest(SAMPLES)
    return path


@pytest.fixture
def store(tmp_path: Path, store_of_samples: Path) -> Path:
    """Give a copy of it, at the place where the command line looks for a store."""
    path = Path(shutil.copytree(store_of_samples, tmp_path / "flows"))
    flowdb.open(path).close()  # which notices that it was moved
    return path


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Give a folder with three logs, of 3, 2 and 1 records, on two dates."""
    folder = tmp_path / "logs"
    midnight = 1_705_363_200
    write_log(folder / "a.log", [HEADER, *(record(n) for n in range(3))])
    write_log(
        folder / "deep" / "er" / "b.log.gz", [HEADER, record(3, action="REJECT"), record(4, start=midnight)]
    )
    write_log(folder / "c.log", [record(5, start=midnight - 1)])
    return folder


@pytest.fixture(scope="session")
def forked() -> Iterator[Forked]:
    """Give what runs the command line in processes that start at once."""
    with Forked() as forked:
        yield forked


@pytest.fixture
def run(tmp_path: Path, forked: Forked) -> Run:
    """Give a function that runs the command line in `tmp_path`, and returns how it ended."""

    def run_flowdb(*args: str, input: str = "", env: dict[str, str] | None = None) -> Ended:
        return forked.run(*args, cwd=tmp_path, input=input, env=env)

    return run_flowdb
