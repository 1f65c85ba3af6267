"""The page of a report in a browser: what it shows, what it can do, and what in it cannot run."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page

import flowdb
from tests.browser import Seen, chromium, opened
from tests.report_logs import HOSTILE, TITLE, make_store, sent

CONTRAST = 4.5


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Path:
    """A store of hostile names; made after the browser, without which nothing is."""
    path = tmp_path_factory.mktemp("report") / "flows"
    make_store(path)
    return path


@pytest.fixture(scope="module")
def path(store: Path) -> Path:
    """The report of it."""
    with flowdb.open(store) as db:
        return db.report(store.parent / "report.html", title=TITLE).path


@pytest.fixture(scope="module")
def seen(browser: Browser, path: Path) -> Iterator[Seen]:
    """The page, which tests leave as they found it."""
    with opened(browser, path) as found:
        yield found


@pytest.fixture
def page(seen: Seen) -> Page:
    return seen.page


@pytest.fixture(scope="module")
def small(store: Path) -> Path:
    """The page of one analysis alone, which is drawn sooner."""
    with flowdb.open(store) as db:
        return db.report(store.parent / "small.html", analysis="top_talkers").path


@pytest.fixture
def fresh(browser: Browser, small: Path) -> Iterator[Page]:
    """That page for a test that does something to it."""
    with opened(browser, small) as found:
        yield found.page


def table(page: Page, section: str) -> Locator:
    return page.locator(f'[data-name="{section}"]')


def shown(box: Locator, column: int) -> list[str]:
    """The cells of a column in the rows that can be seen."""
    cells: list[str] = box.locator("tbody tr:visible").evaluate_all(
        "(rows, column) => rows.map((row) => row.cells[column].textContent)", column
    )
    return cells


def totals() -> dict[str, int]:
    found: dict[str, int] = {}
    for one in sent():
        found[one.srcaddr] = found.get(one.srcaddr, 0) + one.bytes
    return found


def test_the_page_is_drawn_without_a_word_and_asks_for_nothing(seen: Seen, path: Path) -> None:
    assert seen.said == []
    assert [url for url in seen.asked if not url.startswith("data:")] == [path.as_uri()]


def test_every_chart_has_marks_and_a_description(page: Page) -> None:
    charts = page.locator(".chart").evaluate_all(
        """(charts) => charts.map((chart) => [
            chart.querySelectorAll(".mark-rect path").length,
            chart.closest("[aria-label]").getAttribute("aria-label"),
        ])"""
    )
    assert len(charts) >= 12
    assert [said for marks, said in charts if marks == 0 or "The table below" not in said] == []


def test_the_largest_source_has_the_longest_bar(page: Page) -> None:
    bars = page.locator("#top_talkers .chart [aria-roledescription=bar]").evaluate_all(
        "(bars) => bars.map((bar) => [bar.getAttribute('aria-label'), bar.getBBox().width])"
    )
    lengths = [width for _, width in bars]
    assert lengths == sorted(lengths, reverse=True)
    largest = max(totals(), key=lambda source: totals()[source])
    assert re.match(rf"{re.escape(largest)}: ", bars[0][0])


def test_a_head_sorts_its_column_up_and_down(fresh: Page) -> None:
    box = table(fresh, "top_talkers")
    names = box.locator("thead th").all_text_contents()
    head = box.locator("thead th").nth(names.index("bytes"))
    sources = totals()
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert shown(box, 0) == sorted(sources, key=lambda source: -sources[source])[:10]
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert shown(box, 0) == sorted(sources, key=lambda source: sources[source])[:10]
    box.locator("thead th").first.get_by_role("button").click()
    assert head.get_attribute("aria-sort") is None
    # Addresses are in the order of their numbers.
    assert shown(box, 0) == [f"10.0.{n}.1" for n in range(10)]


def test_a_search_leaves_the_rows_that_match(fresh: Page) -> None:
    box = table(fresh, "top_talkers")
    box.get_by_role("searchbox").fill("10.0.1")
    assert set(shown(box, 0)) <= {source for source in totals() if "10.0.1" in source}
    assert box.get_by_role("status").text_content() == "10 of 11 rows that match"
    box.get_by_role("searchbox").fill("nothing of the kind")
    assert shown(box, 0) == []
    assert box.get_by_role("status").text_content() == "0 of 0 rows that match"


def test_all_rows_are_shown_where_one_asks_for_them(fresh: Page) -> None:
    box = table(fresh, "top_talkers")
    assert len(shown(box, 0)) == 10
    box.get_by_role("button", name="Show all 40 rows").click()
    assert len(shown(box, 0)) == 40
    box.get_by_role("button", name="Show 10 rows").click()
    fresh.get_by_role("button", name="Show every row").click()
    assert len(shown(box, 0)) == 40
    assert fresh.locator("tbody tr:not(:visible)").count() == 0


def test_a_download_has_plain_numbers_and_no_formula(page: Page) -> None:
    box = table(page, "interfaces")
    with page.expect_download() as waiting:
        box.get_by_role("button", name="as CSV").click()
    assert waiting.value.suggested_filename == "interfaces.csv"
    text = Path(waiting.value.path()).read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    expected: dict[str, int] = {}
    for number, one in enumerate(sent()):
        name = HOSTILE[number % len(HOSTILE)]
        expected[name] = expected.get(name, 0) + one.bytes
    told = {
        # What begins like a formula has an apostrophe before it, what cannot be printed is written out.
        (f"'{name}" if name.startswith(("=", "-")) or "onmouseover" in name else name): size
        for name, size in expected.items()
    }
    told["eni-\\u202eevil"] = told.pop("eni-\u202eevil")
    told["'onmouseover='window.ran=2"] = told.pop("''onmouseover='window.ran=2")
    assert {row["interface_id"]: int(row["bytes"]) for row in rows} == told


def test_hostile_names_are_text(page: Page) -> None:
    assert page.evaluate("window.ran") is None
    assert page.title() == TITLE.replace("\u2028", "\\u2028")
    assert page.locator("img, iframe, object, embed, main script:not([type='application/json'])").count() == 0
    assert page.evaluate("document.scripts.length") == page.locator("script[data-for]").count() + 2
    attributes = page.locator("*").evaluate_all("(all) => all.flatMap((one) => one.getAttributeNames())")
    assert [name for name in attributes if name.startswith("on")] == []
    cells = shown(table(page, "interfaces"), 0)
    assert set(cells) == {name.replace("\u202e", "\\u202e") for name in HOSTILE}


def test_a_tooltip_is_text_too(page: Page) -> None:
    page.locator("#interfaces .chart .mark-rect path").first.hover()
    tip = page.locator("#vg-tooltip-element")
    assert tip.is_visible()
    assert tip.locator("img, script").count() == 0
    assert page.evaluate("window.ran") is None


def test_no_script_but_the_page_s_own_can_run(fresh: Page) -> None:
    assert fresh.evaluate(
        """() => {
            const refused = [];
            addEventListener("securitypolicyviolation", (event) => refused.push(event.violatedDirective));
            const script = document.createElement("script");
            script.textContent = "window.ran = 'script'";
            document.body.append(script);
            document.body.insertAdjacentHTML("beforeend", "<img src=x onerror=\\"window.ran='image'\\">");
            return new Promise((done) => setTimeout(() => done([window.ran ?? null, refused.sort()]), 300));
        }"""
    ) == [None, ["img-src", "script-src-attr", "script-src-elem"]]


@pytest.mark.parametrize("width", [360, 1600])
def test_nothing_is_wider_than_the_page(browser: Browser, path: Path, width: int) -> None:
    with opened(browser, path, width=width) as found:
        assert found.page.evaluate("document.documentElement.scrollWidth") == width
        wide = found.page.locator(".chart svg").evaluate_all(
            "(all) => all.filter((one) => one.getBoundingClientRect().right > innerWidth).length"
        )
        assert wide == 0
        assert found.said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(browser: Browser, path: Path, scheme: str) -> None:
    with opened(browser, path, scheme="dark" if scheme == "dark" else "light") as found:
        grounds = found.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (luminance(grounds) < 0.1) == (scheme == "dark")
        # What is drawn on the page's own ground, by its colour.
        colours = found.page.evaluate(
            """() => {
                const kinds = ["h1", ".lead", ".tile .note", "td", ".told", "summary", "footer p"];
                const texts = [".role-axis-label text", ".role-legend-label text"];
                const of = (names, property) => names.map((name) => {
                    const found = document.querySelector(name);
                    return [name, getComputedStyle(found)[property]];
                });
                return [...of(kinds, "color"), ...of(texts, "fill")];
            }"""
        )
        low = [(name, colour) for name, colour in colours if contrast(colour, grounds) < CONTRAST]
        assert low == []


def test_it_is_printed_with_its_sql_and_without_its_tools(fresh: Page) -> None:
    # The page's own listener was there first.
    count = "window.shut = document.querySelectorAll('details:not([open])').length"
    fresh.evaluate(f"addEventListener('beforeprint', () => {{ {count}; }})")
    printed = fresh.pdf(prefer_css_page_size=True)
    assert printed.startswith(b"%PDF-")
    assert fresh.evaluate("window.shut") == 0
    assert fresh.locator("details[open]").count() == 0
    fresh.emulate_media(media="print")
    assert fresh.locator("nav, .tools button, .tools input, .skip").locator("visible=true").count() == 0
    assert fresh.evaluate("getComputedStyle(document.querySelector('.wide')).overflowX") == "visible"


def test_everything_is_reached_by_keyboard(fresh: Page) -> None:
    fresh.keyboard.press("Tab")
    skip = fresh.get_by_role("link", name="Skip to the content")
    assert skip.evaluate(
        "(link) => link === document.activeElement && link.getBoundingClientRect().left >= 0"
    )
    fresh.keyboard.press("Enter")
    assert fresh.evaluate("document.activeElement.id") == "content"
    box = table(fresh, "top_talkers")
    box.get_by_role("searchbox").focus()
    for _ in range(4):
        fresh.keyboard.press("Tab")
    head = box.locator("thead th").first
    assert head.evaluate("(head) => head.contains(document.activeElement)")
    outline = fresh.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    fresh.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    fresh.locator("#top_talkers details summary").focus()
    fresh.keyboard.press("Enter")
    assert fresh.locator("#top_talkers details[open] code").text_content() == 'FROM top_talkers("top" := 500)'


def test_a_screen_reader_finds_its_way(page: Page) -> None:
    levels = page.locator("h1, h2, h3, h4").evaluate_all("(all) => all.map((one) => Number(one.tagName[1]))")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert max(later - earlier for earlier, later in pairwise(levels)) == 1
    for landmark in ("banner", "navigation", "main", "contentinfo"):
        assert page.get_by_role(landmark).count() == 1, landmark
    assert page.locator("main table:not(:has(caption))").count() == 0
    assert page.locator("thead th:not([scope=col])").count() == 0
    names = page.locator("button:visible, input:visible, nav a").evaluate_all(
        "(all) => all.map((one) => one.ariaLabel || one.textContent || one.labels?.[0]?.textContent || '')"
    )
    assert [name for name in names if not name.strip()] == []
    names = page.locator("[id]").evaluate_all("(all) => all.map((one) => one.id)")
    assert sorted(set(names)) == sorted(names)
    targets = page.locator("a[href^='#']").evaluate_all(
        "(all) => all.filter((one) => !document.getElementById(one.hash.slice(1))).length"
    )
    assert targets == 0


def test_the_sql_of_the_page_gives_its_rows(page: Page, store: Path) -> None:
    sections = page.locator("article:has(.table)").evaluate_all(
        """(all) => all.map((one) => [
            one.querySelector(":scope > details code").textContent,
            one.querySelectorAll(":scope > .table tbody tr").length,
        ])"""
    )
    others = page.locator("figure details code, #summary > details code").all_text_contents()
    with flowdb.open(store) as db:
        assert [len(db.sql(query).fetchall()[:500]) for query, _ in sections] == [
            rows for _, rows in sections
        ]
        assert [db.sql(query).fetchall() == [] for query in others] == [False] * len(others)


def luminance(colour: str) -> float:
    """The relative luminance of a colour as CSS writes it, `rgb(...)`, by WCAG."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
