"""Three days of a store that is ingested into every half hour: the year in small."""

from __future__ import annotations

from pathlib import Path

from tests.reliability.year import Month, problems, simulate


def test_a_date_never_has_many_files_and_ingests_do_not_become_slow(tmp_path: Path) -> None:
    (month,) = simulate(tmp_path, days=3, every=30)
    assert len(month.seconds) == 48
    assert 2 < month.most_files <= 20
    assert month.files <= 40
    assert problems([month]) == []


def test_too_many_files_and_slow_ingests_are_told() -> None:
    months = [Month(1, [0.1, 0.2, 0.3], most_files=20), Month(2, [0.2, 0.31, 0.4], most_files=21)]
    assert problems(months) == [
        "month 2: a date had 21 files",
        "an ingest took 0.200 s in the first month, and 0.310 s in the last",
    ]
