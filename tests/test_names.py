"""Names beside ids, and groups for ranges: of a store, of a person, in SQL, and at the time of a record."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

import flowdb
from flowdb.errors import ConfigError, ParameterError, UsageError
from tests.conftest import Run, record, write_log

HOUR = 3600
START = 1_705_312_800  # 2024-01-15T10:00
ACCOUNT, INTERFACE = "123456789012", "eni-0123456789abcdef0"
SETTINGS = f"""
[names]
files = ["names.csv", "interfaces.json"]
{ACCOUNT} = "production"
"10.0.1.1" = "api"

[groups]
office = ["198.51.100.0/24", "2001:db8::/32"]
vpc = ["10.0.0.0/16"]
"web servers" = ["10.0.1.0/28"]
"""
CSV = """id,name,first_seen,last_seen,team
10.0.0.1,old-web,,2024-01-15T10:59:59Z,a
10.0.0.1,web,2024-01-15T13:00:00+02:00,,a
10.0.0.2,"db, first",2024-01-15 10:00,2024-01-15 10:30,b
2001:DB8:0::7,six,,,c
"""
JSON = {
    "NetworkInterfaces": [
        {
            "NetworkInterfaceId": INTERFACE,
            "Description": "Primary network interface",
            "Attachment": {"AttachTime": "2024-01-15T09:00:00+00:00", "InstanceId": "i-0a"},
            "PrivateIpAddress": "10.0.7.7",
            "PrivateIpAddresses": [
                {"PrivateIpAddress": "10.0.7.7", "Association": {"PublicIp": "203.0.113.7"}},
                {"PrivateIpAddress": "10.0.7.8"},
            ],
            "Ipv6Addresses": [{"Ipv6Address": "2001:db8::77"}],
            "TagSet": [{"Key": "Name", "Value": "nat"}],
        },
        {"NetworkInterfaceId": "eni-0b", "Description": "", "PrivateIpAddress": "10.0.8.8"},
    ]
}


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a store with names: three addresses send in three hours, one of them from the office."""
    folder = tmp_path_factory.mktemp("named")
    lines = [
        record(0, start=START, srcaddr="10.0.0.1"),
        record(1, start=START + HOUR, srcaddr="10.0.0.1", bytes=200),
        record(2, start=START, srcaddr="10.0.0.2", bytes=50),
        record(3, start=START + HOUR, srcaddr="10.0.0.2", bytes=60),
        record(4, start=START, srcaddr="198.51.100.9", bytes=10),
        record(5, start=START, srcaddr="203.0.113.5", bytes=5, action="REJECT"),
        record(6, start=START, srcaddr="2001:db8::7", bytes=4),
    ]
    with flowdb.open(folder / "flows") as db:
        db.ingest(write_log(folder / "a.log", lines))
    (folder / "flows" / "flowdb.toml").write_text(SETTINGS)
    (folder / "flows" / "names.csv").write_text(CSV)
    (folder / "flows" / "interfaces.json").write_text(json.dumps(JSON))
    return folder / "flows"


@pytest.fixture
def db(named: Path) -> Iterator[flowdb.FlowDB]:
    with flowdb.open(named) as opened:
        yield opened


def test_names_stand_beside_ids_in_the_order_of_the_answer(db: flowdb.FlowDB) -> None:
    plain = db.top_talkers(by="interface_id,srcaddr")
    named = db.top_talkers(by="interface_id,srcaddr", names=True)
    rows = named.fetchall()
    assert named.columns[:4] == ["interface_id", "interface_id_name", "srcaddr", "srcaddr_name"]
    assert [row[2:4] for row in rows] == [
        ("10.0.0.1", "old-web, web"),
        ("10.0.0.2", "db, first"),
        ("198.51.100.9", "office"),
        ("203.0.113.5", None),
        ("2001:db8::7", "six"),
    ]
    assert {row[1] for row in rows} == {"nat"}
    assert [(row[0], row[2], *row[4:]) for row in rows] == plain.fetchall()


def test_a_recycled_address_has_the_name_of_the_time(db: flowdb.FlowDB) -> None:
    first = db.top_talkers(until="2024-01-15T11:00", names=True).fetchall()
    second = db.top_talkers(since="2024-01-15T11:00", names=True).fetchall()
    assert [row[:2] for row in first[:2]] == [("10.0.0.1", "old-web"), ("10.0.0.2", "db, first")]
    # The second one is nobody's any more, and so what its group is.
    assert [row[:2] for row in second] == [("10.0.0.1", "web"), ("10.0.0.2", "vpc")]


def test_the_window_is_the_time_of_rows_that_have_none(db: flowdb.FlowDB) -> None:
    query = "SELECT '10.0.0.1' AS addr, $since::TIMESTAMP IS NULL AS open"
    for since, name in ((None, "old-web, web"), ("2024-01-15 12:00", "web")):
        moment = None if since is None else datetime.fromisoformat(since)
        rows = db.sql(query, {"since": moment}, names=True).fetchall()
        assert rows == [("10.0.0.1", name, since is None)]


def test_sql_has_names_and_groups(db: flowdb.FlowDB) -> None:
    assert db.sql("SELECT kind, id, name, source FROM names ORDER BY ALL").fetchall() == [
        ("account", ACCOUNT, "production", "flowdb.toml"),
        ("address", "10.0.0.1", "old-web", "names.csv"),
        ("address", "10.0.0.1", "web", "names.csv"),
        ("address", "10.0.0.2", "db, first", "names.csv"),
        ("address", "10.0.1.1", "api", "flowdb.toml"),
        ("address", "10.0.7.7", "nat", "interfaces.json"),
        ("address", "10.0.7.8", "nat", "interfaces.json"),
        ("address", "10.0.8.8", "eni-0b", "interfaces.json"),
        ("address", "2001:db8::7", "six", "names.csv"),
        ("address", "2001:db8::77", "nat", "interfaces.json"),
        ("address", "203.0.113.7", "nat", "interfaces.json"),
        ("interface", INTERFACE, "nat", "interfaces.json"),
    ]
    assert db.sql("SELECT name, cidr, source FROM groups ORDER BY ALL").fetchall() == [
        ("office", "198.51.100.0/24", "flowdb.toml"),
        ("office", "2001:db8::/32", "flowdb.toml"),
        ("vpc", "10.0.0.0/16", "flowdb.toml"),
        ("web servers", "10.0.1.0/28", "flowdb.toml"),
    ]
    query = """SELECT
        name_of('10.0.0.1'), name_of('10.0.0.1', '2024-01-15 10:30'), name_of('10.0.1.9', NULL),
        name_of('10.0.9.9'), name_of('2001:db8::7'), name_of('2001:db8::8'), name_of('203.0.113.1'),
        name_of('10.0.7.7', '2024-01-15 08:00'), name_of(NULL), in_group('198.51.100.200', 'office'),
        in_group('2001:DB8::1', 'office'), in_group('10.0.1.1', 'office'),
        in_group('10.0.1.1', 'web servers')"""
    assert db.sql(query).fetchall() == [
        ("web", "old-web", "web servers", "vpc", "six", "office", None, "vpc", None, True, True, False, True)
    ]


def test_times_of_names_are_utc(db: flowdb.FlowDB) -> None:
    cells = "name, first_seen::VARCHAR, last_seen::VARCHAR"
    query = f"SELECT {cells} FROM names WHERE id LIKE '10.0.0.%' ORDER BY ALL"
    assert db.sql(query).fetchall() == [
        ("db, first", "2024-01-15 10:00:00", "2024-01-15 10:30:00"),
        ("old-web", None, "2024-01-15 10:59:59"),
        ("web", "2024-01-15 11:00:00", None),
    ]


def test_a_group_is_taken_wherever_a_range_is(db: flowdb.FlowDB) -> None:
    def sources(addr: str) -> list[str]:
        return sorted(row[0] for row in db.top_talkers(addr=addr).fetchall())

    assert sources("office") == ["198.51.100.9", "2001:db8::7"]
    assert sources("office, 203.0.113.5") == ["198.51.100.9", "2001:db8::7", "203.0.113.5"]
    assert sources("198.51.100.9,203.0.113.0/24") == ["198.51.100.9", "203.0.113.5"]
    listed = db.in_list(["office", "203.0.113.5"]).fetchall()
    assert [row[:2] for row in listed] == [
        ("198.51.100.0/24", "198.51.100.9"),
        ("2001:db8::/32", "2001:db8::7"),
        ("203.0.113.5", "203.0.113.5"),
    ]
    between = db.traffic_between("office", "web servers").fetchall()
    assert sum(row[5] for row in between) == 2
    asked = db.sql("SELECT srcaddr FROM top_talkers(addr := group_ranges('office')) ORDER BY 1").fetchall()
    assert [one for (one,) in asked] == ["198.51.100.9", "2001:db8::7"]


def test_a_group_that_is_not_there_is_told_with_the_nearest(db: flowdb.FlowDB) -> None:
    with pytest.raises(ParameterError) as caught:
        db.top_talkers(addr="ofice")
    expected = "expected an address, or a range such as 10.0.0.0/8, or a group: office"
    assert str(caught.value) == f"top_talkers: addr is 'ofice'; {expected}"
    with pytest.raises(UsageError, match="in_list: cidrs is 'x'; expected"):
        db.in_list(["office", "x"])
    with pytest.raises(duckdb.Error, match="there is no group 'x'; there are: office, vpc, web servers"):
        db.sql("SELECT in_group('10.0.0.1', 'x')").fetchall()


def test_alarms_and_renderings_know_groups(db: flowdb.FlowDB) -> None:
    fired = db.alert("top_talkers", "bytes > 0", window="2h", params={"addr": "office"})
    assert sorted(str(one.row["srcaddr"]) for one in fired) == ["198.51.100.9", "2001:db8::7"]
    rendered = db.render("top_talkers", addr="web servers,192.0.2.0/24")
    assert rendered == db.render("top_talkers", addr="10.0.1.0/28,192.0.2.0/24")
    assert r"192\.0\.2\." in rendered


def test_the_duckdb_shell_has_what_the_store_names(named: Path) -> None:
    flowdb.open(named).close()
    with duckdb.connect(named / "flowdb.duckdb", read_only=True) as shell:
        assert shell.execute("SELECT count(*) FROM names").fetchall() == [(12,)]
        query = (
            "SELECT srcaddr, name_of(srcaddr, first_seen) FROM top_talkers(addr := group_ranges('office'))"
        )
        assert shell.execute(query).fetchall() == [("198.51.100.9", "office"), ("2001:db8::7", "six")]


def test_the_shell_file_follows_the_settings(named: Path, tmp_path: Path) -> None:
    store = Path(shutil.copytree(named, tmp_path / "flows"))
    for text, count in (("[groups]\na = ['192.0.2.0/24']\n", 1), ("nonsense = 1\n", 0), ("", 0)):
        (store / "flowdb.toml").write_text(text)
        flowdb.open(store).close()
        with duckdb.connect(store / "flowdb.duckdb", read_only=True) as shell:
            assert shell.execute("SELECT count(*) FROM groups").fetchall() == [(count,)]
            assert shell.execute("SELECT count(*) FROM names").fetchall() == [(0,)]
    with flowdb.open(store) as db:
        assert db.verify().is_sound


def test_a_sandbox_shows_what_the_store_names_and_nothing_of_a_person(
    named: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    own = tmp_path / "flowdb" / "flowdb.toml"
    own.parent.mkdir()
    own.write_text("names.'10.0.0.9' = 'secret'\ngroups.home = ['203.0.113.0/24']\n")
    with flowdb.open(named, sandbox=True) as db:
        assert db.sql("SELECT count(*) FROM names").fetchall() == [(12,)]
        assert db.sql("SELECT DISTINCT name FROM groups ORDER BY 1").fetchall() == [
            ("office",),
            ("vpc",),
            ("web servers",),
        ]
        assert db.top_talkers(addr="home", names=True).fetchall()[0][:2] == ("203.0.113.5", None)
    with flowdb.open(named) as db:
        assert db.sql("SELECT count(*) FROM names").fetchall() == [(13,)]
        assert db.top_talkers(addr="home", names=True).fetchall()[0][:2] == ("203.0.113.5", "home")


def test_what_a_store_names_is_its_own_alone(
    named: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    own = tmp_path / "flowdb" / "flowdb.toml"
    own.parent.mkdir()
    own.write_text("groups.office = ['203.0.113.0/24']\n[names]\nfiles = ['own.csv']\n'10.0.1.1' = 'mine'\n")
    (own.parent / "own.csv").write_text("name,id\nmine too,10.0.0.1\nours,203.0.113.5\n")
    with flowdb.open(named) as db:
        rows = db.top_talkers(by="pair", names=True).fetchall()
        assert [row[:4] for row in rows[:1] + rows[3:4]] == [
            ("10.0.0.1", "old-web, web", "10.0.1.1", "api"),
            ("203.0.113.5", "ours", "10.0.1.1", "api"),
        ]
        assert db.sql("SELECT count(*) FROM groups WHERE name = 'office'").fetchall() == [(2,)]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "id,name\n10.0.0.1,a\nweb,b\n", "line 3: id is 'web'; expected an address, an account, or"),
        ("a.csv", "id,name\n10.0.0.1,\n", "line 2: name is None; expected a text"),
        ("a.csv", "id,name\n1::2::3,x\n", "line 2: id is '1::2::3'; expected an address"),
        (
            "a.csv",
            "id,name,last_seen\n10.0.0.1,a,soon\n",
            "line 2: last_seen is 'soon'; expected a time (UTC)",
        ),
        (
            "a.csv",
            "id,name,first_seen,last_seen\n10.0.0.1,a,2024-01-02,2024-01-01\n",
            "line 2: last_seen is before first_seen",
        ),
        (
            "a.csv",
            "ip,name\n10.0.0.1,a\n",
            "a.csv has no column id; expected id, name, first_seen, last_seen",
        ),
        ("a.csv", "id,name\n10.0.0.1,a,b\n", "a.csv cannot be read as CSV ("),
        ("a.csv", "", "a.csv has no column id"),
        ("a.json", "{", "a.json is not JSON in UTF-8"),
        ("a.json", '[{"a": 1}]', "a.json is not what aws ec2 describe-network-interfaces answers"),
        (
            "b.csv",
            None,
            "flowdb.toml: names.files has 'b.csv', which cannot be read (No such file or directory)",
        ),
        ("../c.csv", "id,name\n", "flowdb.toml: names.files has '../c.csv', which is not in the store"),
    ],
)
def test_a_file_of_names_that_is_no_good_is_told(
    tmp_path: Path, name: str, content: str | None, said: str
) -> None:
    write_log(tmp_path / "a.log", [record()])
    with flowdb.open(tmp_path / "flows") as db:
        db.ingest(tmp_path / "a.log")
        (db.path / "flowdb.toml").write_text(f"names.files = ['{name}']\n")
        if content is not None:
            (db.path / name).write_text(content)
        with pytest.raises(ConfigError) as caught:
            db.sql("FROM names")
        assert said in str(caught.value)
        assert db.top_talkers().fetchall()[0][0] == "10.0.0.1"


def test_a_link_out_of_the_store_is_not_followed(tmp_path: Path) -> None:
    write_log(tmp_path / "a.log", [record()])
    with flowdb.open(tmp_path / "flows") as db:
        db.ingest(tmp_path / "a.log")
        (tmp_path / "secret.csv").write_text("id,name\n10.0.0.1,secret\n")
        (db.path / "names.csv").symlink_to(tmp_path / "secret.csv")
        (db.path / "flowdb.toml").write_text("names.files = ['names.csv']\n")
        with pytest.raises(ConfigError, match=r"has 'names\.csv', which is not in the store"):
            db.sql("FROM names")
        db.backup(tmp_path / "copy")
        assert not (tmp_path / "copy" / "names.csv").exists()


def test_a_backup_has_the_names(named: Path, tmp_path: Path) -> None:
    with flowdb.open(named) as db:
        db.backup(tmp_path / "copy")
        expected = db.sql("FROM names ORDER BY ALL").fetchall()
    with flowdb.open(tmp_path / "copy") as copy:
        assert copy.sql("FROM names ORDER BY ALL").fetchall() == expected


def test_tables_show_names_where_one_is_known_and_other_formats_where_asked(named: Path, run: Run) -> None:
    def shown(*options: str) -> str:
        done = run("top-talkers", "--store", str(named), "--top", "1", *options)
        assert done.stderr == ""
        return done.stdout

    assert shown().splitlines()[0].split()[:2] == ["srcaddr", "srcaddr_name"]
    assert shown("--addr", "203.0.113.5").splitlines()[0].split()[:2] == ["srcaddr", "flows"]
    assert shown("--no-names").splitlines()[0].split()[:2] == ["srcaddr", "flows"]
    assert shown("-o", "csv").startswith("srcaddr,flows,")
    rows = [*csv.reader(io.StringIO(shown("-o", "csv", "--names")))]
    assert [row[:2] for row in rows] == [["srcaddr", "srcaddr_name"], ["10.0.0.1", "old-web, web"]]
    (row,) = json.loads(shown("-o", "json", "--names", "--addr", "203.0.113.5"))
    assert row["srcaddr_name"] is None
    assert shown("-o", "markdown").startswith("| srcaddr | srcaddr_name |")
    query = "SELECT srcaddr FROM flows WHERE srcport = 40000"
    assert run("sql", query, "--store", str(named), "-o", "csv", "--names").stdout == (
        'srcaddr,srcaddr_name\n10.0.0.1,"old-web, web"\n'
    )


def test_the_sql_that_is_shown_has_ranges_for_groups(named: Path, run: Run) -> None:
    done = run("top-talkers", "--store", str(named), "--addr", "web servers", "--show-sql", "-o", "csv")
    assert done.stderr.splitlines()[-1] == "FROM top_talkers(\"addr\" := '10.0.1.0/28');"


def test_a_store_without_settings_answers_as_ever(store: Path, run: Run) -> None:
    for form in ("table", "csv", "markdown"):
        plain = run("top-talkers", "--by", "pair", "--no-names", "-o", form).stdout
        assert run("top-talkers", "--by", "pair", "-o", form).stdout == plain


def test_large_files_of_names_are_read_once_until_they_change(
    named: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Path(shutil.copytree(named, tmp_path / "flows"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (store / "flowdb.toml").write_text("names.files = ['names.csv']\n")
    rows = [f"10.9.{n >> 8}.{n & 255},{'x' * 40}-{n}" for n in range(30_000)]

    def answered(name: str, moment: int) -> list[tuple[object, ...]]:
        (store / "names.csv").write_text("\n".join(["id,name", f"10.0.0.1,{name}", *rows]))
        os.utime(store / "names.csv", (moment, moment))
        flowdb.open(store).close()
        answers = []
        for _ in range(2):
            with flowdb.open(store) as db:
                answers += db.top_talkers(top=1, names=True).project("srcaddr, srcaddr_name").fetchall()
                answers += db.sql("SELECT count(*), name_of('10.9.0.7') FROM names").fetchall()
        with flowdb.open(store, sandbox=True) as db:
            answers += db.sql("SELECT count(*), name_of('10.9.0.7') FROM names").fetchall()
        with duckdb.connect(store / "flowdb.duckdb", read_only=True) as shell:
            answers += shell.execute("SELECT count(*), name_of('10.9.0.7') FROM names").fetchall()
        return answers

    counted = (30_001, "x" * 40 + "-7")
    expected = [("10.0.0.1", "web"), counted, ("10.0.0.1", "web"), counted, counted, counted]
    assert answered("web", 1) == expected
    (kept,) = (tmp_path / "cache" / "flowdb").iterdir()
    kept.write_bytes(b"no parquet")
    assert answered("web", 1) == expected
    assert answered("api", 2)[0] == ("10.0.0.1", "api")
