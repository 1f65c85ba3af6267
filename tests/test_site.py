"""The site of the pages: every link leads somewhere, and nothing is loaded from elsewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser

from tests.browser import Seen, chromium
from tests.conftest import ROOT


class _Page(HTMLParser):
    """Where the links of a page of the site lead, what it has loaded, and what can be linked to in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.ids: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids |= {value for name, value in given.items() if name in ("id", "name")}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "link" and given.get("rel") in ("stylesheet", "icon", "preload", "preconnect"):
            self.loaded.append(given["href"])
        elif "src" in given:
            self.loaded.append(given["src"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site, with a warning being an error."""
    pytest.importorskip("material", reason="mkdocs-material is not installed (flowdb[docs])")
    folder = tmp_path_factory.mktemp("site")
    subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        check=True,
    )
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, _Page]:
    return {path: _Page(path) for path in site.rglob("*.html") if path.name != "404.html"}


def test_every_page_is_in_the_site(site: Path) -> None:
    for page in (ROOT / "docs").rglob("*.md"):
        assert (site / page.relative_to(ROOT / "docs")).with_suffix(".html").is_file()
    assert not list(site.rglob("*.py")) + list(site.rglob("*.log.gz"))


def test_every_link_and_anchor_of_the_site_leads_somewhere(site: Path, pages: dict[Path, _Page]) -> None:
    lost = []
    for path, page in pages.items():
        for link in page.links:
            target, _, anchor = link.partition("#")
            if ":" in target or target.startswith("//"):
                continue
            led = (path.parent / target).resolve() if target else path
            led = led / "index.html" if led.is_dir() else led
            if not led.is_file() or (anchor and led in pages and anchor not in pages[led].ids | {"__skip"}):
                lost.append((path.relative_to(site).as_posix(), link))
    assert lost == []
    assert sum(len(page.links) for page in pages.values()) > 1000


def test_the_site_loads_nothing_from_elsewhere(site: Path, pages: dict[Path, _Page]) -> None:
    loaded = {one for page in pages.values() for one in page.loaded}
    assert [one for one in loaded if ":" in one or one.startswith("//")] == []
    assert loaded
    for path in site.rglob("*.css"):
        text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert not re.search(r"""(url\(|@import\s*)["']?(https?:)?//""", text), path
    assert json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))["docs"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.mark.parametrize(("width", "scheme"), [(1600, "light"), (400, "dark")])
def test_a_page_shows_itself_from_disk(
    site: Path, browser: Browser, width: int, scheme: Literal["light", "dark"]
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    seen = Seen(context.new_page())
    for page in ("index", "tutorial", "commands", "analyses", "how-to/finops", "reliability"):
        seen.page.goto((site / f"{page}.html").as_uri())
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width, page
    colour = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (colour == "rgb(255, 255, 255)") == (scheme == "light")
    assert seen.said == []
    assert [url for url in seen.asked if not url.startswith(("file:", "data:"))] == []
    context.close()


def test_the_search_finds_from_disk(site: Path, browser: Browser) -> None:
    context = browser.new_context()
    seen = Seen(context.new_page())
    seen.page.goto((site / "how-to" / "s3.html").as_uri())
    seen.page.keyboard.press("s")
    seen.page.locator(".md-search__input").type("exfiltration")
    seen.page.locator(".md-search-result__link").first.wait_for()
    found = seen.page.locator(".md-search-result__link").evaluate_all("all => all.map(one => one.pathname)")
    assert any(path.endswith("/analyses.html") for path in found)
    assert seen.said == []
    assert [url for url in seen.asked if not url.startswith(("file:", "data:", "about:"))] == []
    context.close()
