"""Settings: which of option, variable, store and person wins, and what is said of what cannot be meant."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import flowdb
from flowdb.errors import ConfigError
from flowdb.settings import SETTINGS, Settings
from tests.conftest import ROOT, SAMPLES, Run


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a small store, which tests give settings."""
    folder = tmp_path_factory.mktemp("settings")
    with flowdb.open(folder / "flows") as db:
        db.ingest(next(SAMPLES.rglob("*.log.gz")))
    return folder


@pytest.fixture
def own(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the place of a person's own file; neither it nor that of the store is there."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(place / "config"))
    path = place / "config" / "flowdb" / "flowdb.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    for one in (path, place / "flows" / "flowdb.toml"):
        one.unlink(missing_ok=True)
    return path


def found(place: Path) -> dict[str, tuple[object, object]]:
    with flowdb.open(place / "flows") as db:
        return {row[0]: (row[1], row[2]) for row in db.config().fetchall()}


def refused(place: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        Settings.read(place / "flows")
    return str(caught.value)


def test_without_files_every_setting_is_its_default(place: Path, own: Path) -> None:
    settings = found(place)
    assert list(settings) == [one.key for one in SETTINGS]
    assert {source for _, source in settings.values()} == {"the default"}


def test_an_option_wins_over_a_variable_over_the_store_over_the_person(
    place: Path, own: Path, run: Run
) -> None:
    stores = place / "flows" / "flowdb.toml"

    def shown(*options: str, variable: str = "") -> str:
        env = {"XDG_CONFIG_HOME": str(place / "config"), "FLOWDB_OUTPUT_FORMAT": variable}
        done = run("sql", "SELECT 1 AS one", "--store", str(place / "flows"), *options, env=env)
        assert done.stderr == ""
        return done.stdout

    table = shown()
    assert table not in (csv := "one\n1\n", jsonl := '{"one":1}\n')
    own.write_text('[output]\nformat = "csv"\n')
    assert shown() == csv
    stores.write_text('output.format = "jsonl"\n')
    assert shown() == jsonl
    assert shown(variable="csv") == csv
    assert shown("-o", "table", variable="csv") == table


def test_config_tells_where_each_value_comes_from(
    place: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores = place / "flows" / "flowdb.toml"
    own.write_text(
        'store = "flows"\nwebhook = "https://user:secret@hooks.example.com/T0/secret"\n'
        '[output]\nraw = true\n[groups]\noffice = ["192.0.2.1"]\nhome = ["198.51.100.0/24"]\n'
    )
    stores.write_text('[output]\nnames = false\n[groups]\noffice = ["192.0.2.0/24", "2001:db8::/32"]\n')
    monkeypatch.setenv("FLOWDB_GRACE", "2d")
    assert found(place) == {
        "store": ("flows", str(own)),
        "grace": ("2d", "FLOWDB_GRACE"),
        "webhook": ("https://hooks.example.com/...", str(own)),
        "output.format": ("table", "the default"),
        "output.color": ("auto", "the default"),
        "output.raw": ("true", f"{own} [output]"),
        "output.names": ("false", f"{stores} [output]"),
        "names": (None, "the default"),
        "names.files": (None, "the default"),
        "groups.home": ("198.51.100.0/24", f"{own} [groups]"),
        "groups.office": ("192.0.2.0/24, 2001:db8::/32", f"{stores} [groups]"),
    }


def test_the_store_is_that_of_the_variable_else_of_the_file(
    place: Path, own: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.write_text('store = "../../flows"\n')
    env = {"XDG_CONFIG_HOME": str(place / "config")}
    (facts,) = json.loads(run("status", "-o", "json", env=env).stdout)
    assert facts["commits"] == 1
    with flowdb.open() as db:
        assert db.path.resolve() == place / "flows"
    monkeypatch.setenv("FLOWDB_STORE", str(place / "other"))
    with flowdb.open() as db:
        assert db.path == place / "other"
    assert run("status", env=env | {"FLOWDB_STORE": "other"}).stderr.startswith("flowdb: error: ")


def test_the_paths_are_told_where_no_file_is(place: Path, own: Path, run: Run, tmp_path: Path) -> None:
    done = run("config", "--path", env={"XDG_CONFIG_HOME": str(place / "config")})
    assert done.stdout.splitlines() == [str(own), str(tmp_path / "flows" / "flowdb.toml")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("outpt.format = 'csv'", "outpt is no setting; did you mean output?"),
        ("[output]\nformt = 'csv'", "output.formt is no setting; did you mean output.format?"),
        ("output = 3", "output is 3; expected a table: [output]"),
        ("store = 3", "store is 3; expected a text"),
        ("grace = 'soon'", "grace is 'soon'; expected an age such as 90s, 15m, 2h, 90d or 4w"),
        ("output.color = true", "output.color is True; expected one of: auto, always, never"),
        ("groups = 3", "groups is 3; expected a table of entries"),
        (
            "groups.a = ['192.0.2.0/33']",
            "groups.a is ['192.0.2.0/33']; expected ranges such as 198.51.100.0/24, not '192.0.2.0/33'",
        ),
        (
            "groups.a = '192.0.2.0/24'",
            "groups.a is '192.0.2.0/24'; expected a list of ranges such as [\"198.51.100.0/24\"]",
        ),
        (
            "groups.'192.0.2.1' = ['192.0.2.0/24']",
            "groups.192.0.2.1 is ['192.0.2.0/24']; expected a name that is no address and no list",
        ),
        (
            "names.web = 'x'",
            "names.web is 'x'; expected an address, an account or a resource; a range is named in [groups]",
        ),
        ("names.'192.0.2.1' = 3", "names.192.0.2.1 is 3; expected a text"),
        (
            "names.files = 'a.csv'",
            "names.files is 'a.csv'; expected a list of files, such as [\"names.csv\"]",
        ),
        (
            'names.files = ["a\\u0000.csv"]',
            "names.files is ['a\\x00.csv']; expected a list of files, such as [\"names.csv\"]",
        ),
        ("a." * 200 + "b = 1", "is not TOML (a key of more than 100 parts)"),
        ("x = = 3", "is not TOML (Invalid value (at line 1, column 5))"),
    ],
)
def test_what_cannot_be_meant_is_told_with_its_file_and_key(
    place: Path, own: Path, run: Run, text: str, said: str
) -> None:
    own.write_text(text)
    sentence = f"{own} {said}" if said.startswith("is ") else f"{own}: {said}"
    assert refused(place) == sentence
    done = run("config", env={"XDG_CONFIG_HOME": str(place / "config")})
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"flowdb: error: {sentence}\n")


def test_many_ranges_on_a_line_are_no_long_key(place: Path, own: Path) -> None:
    ranges = [f"10.0.{n}.0/24" for n in range(200)]
    own.write_text(f"""groups.a = {ranges} # {"a." * 200}\nnames."10.0.0.1" = '''\n"{"a." * 200}'''\n""")
    settings = Settings.read(place / "flows")
    assert settings.value("groups") == {"a": ranges}
    assert settings.value("names") == {"10.0.0.1": f'"{"a." * 200}'}


def test_a_webhook_that_is_none_is_shown_as_that(place: Path, own: Path) -> None:
    own.write_text("webhook = 'http://[::1'\n")
    assert found(place)["webhook"] == ("no URL", str(own))


def test_a_variable_that_is_no_good_is_told_by_its_name(
    place: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWDB_OUTPUT_RAW", "perhaps")
    assert refused(place) == "FLOWDB_OUTPUT_RAW is 'perhaps'; expected true or false"
    monkeypatch.setenv("FLOWDB_OUTPUT_RAW", "yes")
    monkeypatch.setenv("FLOWDB_GROUPS", "{office = ['192.0.2.0/24']}")
    monkeypatch.setenv("FLOWDB_NAMES_FILES", os.pathsep.join(["a.csv", "b.json"]))
    settings = Settings.read(place / "flows")
    assert settings.value("output.raw") is True
    assert settings.value("groups") == {"office": ["192.0.2.0/24"]}
    assert settings.value("names.files") == ["a.csv", "b.json"]


@pytest.mark.parametrize("text", ["store = 'elsewhere'", "webhook = 'http://example.com'"])
def test_a_store_sets_nothing_that_flowdb_does_for_a_person(place: Path, own: Path, text: str) -> None:
    path = place / "flows" / "flowdb.toml"
    path.write_text(text)
    key = text.partition(" ")[0]
    assert refused(place) == f"{path}: {key} is no setting of a store; it belongs into a file of your own"


def test_a_file_that_is_none_is_not_read(place: Path, own: Path) -> None:
    path = place / "flows" / "flowdb.toml"
    (place / "secret.toml").write_text("output.raw = true")
    path.symlink_to(place / "secret.toml")
    assert refused(place) == f"{path} is a link that leads out of the store"
    path.unlink()
    os.mkfifo(path)
    assert refused(place) == f"{path} is not a file"
    path.unlink()
    path.write_bytes(b"\xff")
    assert refused(place) == f"{path} is not a text in UTF-8"
    path.write_text("#" * (2 << 20))
    assert refused(place) == f"{path} has more than 1 MiB; put names into files"
    path.write_text("[" * 200_000)
    assert refused(place).startswith(f"{path} is not TOML (")


def test_settings_may_be_there_before_the_store(tmp_path: Path) -> None:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "flowdb.toml").write_text("grace = '2d'\n")
    with flowdb.open(tmp_path / "flows") as db:
        assert db.ingest(next(SAMPLES.rglob("*.log.gz"))).sources_ingested == 1


def test_the_page_on_settings_sets_each_of_them(place: Path, own: Path) -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    own.write_text(page.partition("```toml\n")[2].partition("```")[0])
    assert Settings.read().layers[0].values.keys() == {one.key for one in SETTINGS}
