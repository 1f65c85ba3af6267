"""What the paths of log objects tell, in each layout that AWS delivers in, and what is chosen by it."""

from __future__ import annotations

from datetime import datetime

import pytest

from flowdb.errors import ParameterError
from flowdb.keys import Choice, is_other_service

ACCOUNT, REGION = "123456789012", "us-east-1"
CLASSIC = f"AWSLogs/{ACCOUNT}/vpcflowlogs/{REGION}/2024/01/15/"
HIVE = (
    f"AWSLogs/aws-account-id={ACCOUNT}/aws-service=vpcflowlogs/aws-region={REGION}/year=2024/month=01/day=15/"
)
LAYOUTS = [
    CLASSIC,
    f"{CLASSIC}08/",
    HIVE,
    f"{HIVE}hour=08/",
    f"AWSLogs/o-abc123def4/{ACCOUNT}/vpcflowlogs/{REGION}/2024/01/15/",
    HIVE.replace("AWSLogs/", "AWSLogs/o-abc123def4/"),
]


def folders(path: str) -> list[str]:
    """Return a folder and all those that it lies in, from the outermost on."""
    parts = path.split("/")
    return ["/".join(parts[:end]) + "/" for end in range(1, len(parts))]


@pytest.mark.parametrize("prefix", ["", "bucket/", "/srv/logs/a b/", "bucket/2023/team/"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_folder_on_the_way_to_a_chosen_day_is_looked_into(prefix: str, layout: str) -> None:
    choice = Choice.of("2024-01-15T10:00", "2024-01-15T11:00", ACCOUNT, REGION)
    assert [folder for folder in folders(prefix + layout) if not choice.allows(folder)] == []
    assert choice.allows(f"{prefix}{layout}anything.gz")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("choice", "closed"),
    [
        (Choice.of(accounts="210987654321"), f"{ACCOUNT}/"),
        (Choice.of(regions="eu-west-1"), f"{REGION}/"),
        (Choice.of(since="2025-01-02"), "2024/"),
        (Choice.of(until="2023-12-31"), "2024/"),
        (Choice.of(since="2024-02-02"), "01/"),
        (Choice.of("2024-01-17"), "15/"),
        (Choice.of(until="2024-01-14T00:00"), "15/"),
    ],
)
def test_the_outermost_folder_that_cannot_hold_what_is_chosen_is_left_out(
    layout: str, choice: Choice, closed: str
) -> None:
    first = next(folder for folder in folders(f"bucket/{layout}") if not choice.allows(folder))
    assert first.endswith((f"/{closed}", f"={closed}"))


@pytest.mark.parametrize(
    ("since", "until", "days"),
    [
        ("2024-01-15", "2024-01-16", [14, 15, 16]),
        ("2024-01-15T23:59", "2024-01-16T00:01", [14, 15, 16, 17]),
        ("2024-01-18", None, [17, 18, 19]),
        (None, "2024-01-12", [11, 12]),
        ("0001-01-01", "9999-12-31", [11, 12, 13, 14, 15, 16, 17, 18, 19]),
    ],
)
def test_a_day_on_either_side_is_chosen_too(since: str | None, until: str | None, days: list[int]) -> None:
    choice = Choice.of(since, until)
    folder = f"AWSLogs/{ACCOUNT}/vpcflowlogs/{REGION}/2024/01"
    assert [day for day in range(11, 20) if choice.allows(f"{folder}/{day:02}/")] == days
    names = [f"x/{ACCOUNT}_vpcflowlogs_{REGION}_fl-1_202401{day:02}T0000Z_a.log.gz" for day in range(11, 20)]
    assert [11 + index for index, name in enumerate(names) if choice.allows(name)] == days


def test_a_name_tells_account_and_region_where_no_folder_does() -> None:
    name = f"flat/{ACCOUNT}_vpcflowlogs_{REGION}_fl-1_20240115T0000Z_a.log.gz"
    assert Choice.of(accounts=ACCOUNT, regions=["eu-west-1", REGION]).allows(name)
    assert not Choice.of(accounts="210987654321").allows(name)
    assert not Choice.of(regions="eu-west-1").allows(name)


@pytest.mark.parametrize(
    "path", ["notes/2024/report.log", "a.log", "2024/", "vpcflowlogs/x/", "AWSLogs/", "year=2024x/"]
)
def test_what_tells_nothing_is_looked_at(path: str) -> None:
    assert Choice.of("2030-01-01", None, "210987654321", "eu-west-1").allows(path)


def test_all_is_listed_at_once_where_there_is_nothing_to_choose() -> None:
    settled = {
        choice: next((folder for folder in folders(CLASSIC) if choice.is_settled(folder)), None)
        for choice in (Choice(), Choice.of(regions=REGION), Choice.of("2024-01-15"))
    }
    region = f"AWSLogs/{ACCOUNT}/vpcflowlogs/{REGION}/"
    assert list(settled.values()) == ["AWSLogs/", region, CLASSIC]


def test_the_logs_of_other_services_are_none_of_ours_unless_they_are_named() -> None:
    other = f"bucket/AWSLogs/{ACCOUNT}/elasticloadbalancing/{REGION}/x.log.gz"
    assert is_other_service(other, "bucket/")
    assert not is_other_service(other, f"bucket/AWSLogs/{ACCOUNT}/elasticloadbalancing/")
    assert [layout for layout in LAYOUTS if is_other_service(f"bucket/{layout}x.log.gz", "bucket/")] == []


def test_a_choice_has_to_mean_something() -> None:
    assert Choice.of(datetime(2024, 1, 15)) == Choice.of("2024-01-15")
    for name, value in (("since", "soon"), ("until", 5), ("accounts", "123"), ("regions", "mars")):
        with pytest.raises(ParameterError) as caught:
            Choice.of(**{name: value})  # type: ignore[arg-type]
        assert (caught.value.parameter, caught.value.value) == (name, value)
