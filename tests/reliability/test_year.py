"""Three days of a store that is ingested into every hour: the year in small."""

from __future__ import annotations

from pathlib import Path

from tests.reliability.year import MOST_FILES, Month, problems, simulate


def test_a_date_never_has_many_files_and_a_year_is_played_on_where_it_ended(tmp_path: Path) -> None:
    (first,) = simulate(tmp_path, days=2, every=60, month_days=2)
    (second,) = simulate(tmp_path, days=3, every=60, month_days=2)
    assert (first.number, len(first.seconds)) == (1, 48)
    assert (second.number, len(second.seconds)) == (2, 24)
    for month in (first, second):
        assert 2 < month.most_files <= MOST_FILES
        assert month.files <= 40
        # Seconds of a busy machine are no test; how many times as long is told.
        assert 0.2 < month.growth < 5


def test_too_many_files_and_slow_ingests_are_told() -> None:
    months = [Month(1, [0.1], growth=1.5, most_files=20), Month(2, [0.1], growth=1.51, most_files=21)]
    assert problems(months) == [
        "month 2: a date had 21 files",
        "month 2: an ingest took 1.51 times as long as into a new store",
    ]
