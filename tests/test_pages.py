"""Every block of code of every page works and shows what the page says; every link leads somewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from docs.generate import PAGES
from tests.conftest import ROOT
from tests.forked import Forked
from tests.pages import NOT_RUN, Block, Runner, blocks, bucket, comparable, folder_for, is_run, profile_in
from tests.s3 import S3

TEXTS = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
    if "samples" not in path.parts
}
# Those of which tests/test_screens.py runs every command, on a terminal, and those made of the code.
ELSEWHERE = {"docs/terminal.md", *(f"docs/{name}" for name in PAGES)}


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    """Give an S3 with the samples."""
    with bucket() as started:
        yield started


def after(found: list[Block], number: int) -> str:
    """Return what a block of Python is said to print: the text that follows it."""
    following = found[number + 1 : number + 2]
    return following[0].text if following and following[0].language == "text" else ""


@pytest.mark.parametrize("page", [page for page in TEXTS if page not in ELSEWHERE])
def test_a_page_shows_what_happens(page: str, store_of_samples: Path, forked: Forked, s3: S3) -> None:
    found = [one for one in blocks(TEXTS[page]) if is_run(one)]
    with folder_for(page, store_of_samples) as folder:
        runner = Runner(folder, forked, profile_in(folder, s3))
        for number, block in enumerate(found):
            if block.language == "text" and block.title is None:
                assert number
                assert found[number - 1].language == "python", f"nothing prints this: {block.first_line}"
                continue
            for what, shown, showed in runner.run(block):
                said = after(found, number) if block.language == "python" else shown
                assert (what, comparable(showed)) == (what, comparable(said))
        runner.close()


def test_what_is_not_run_is_on_a_page_and_has_a_reason() -> None:
    begun = [block.first_line for text in TEXTS.values() for block in blocks(text)]
    assert [line for line in NOT_RUN if not any(one.startswith(line) for one in begun)] == []
    assert all(NOT_RUN.values())


def test_every_block_of_a_page_that_a_terminal_shows_is_run_or_named() -> None:
    found = [block for block in blocks(TEXTS["docs/terminal.md"]) if block.language != "console"]
    assert [block.first_line for block in found if is_run(block)] == []


def test_every_fence_is_of_a_block() -> None:
    for page, text in TEXTS.items():
        assert text.count("\n```") == 2 * len(blocks(text)), page
        assert "" not in {block.language for block in blocks(text) if is_run(block)}, page


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
    for page in TEXTS:
        if page != "README.md":
            assert (site / page.removeprefix("docs/")).with_suffix(".html").is_file()
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


def test_the_links_between_the_files_lead_somewhere_too() -> None:
    lost = []
    for page, text in TEXTS.items():
        for link in re.findall(r"\]\(([^)#\s]+)", text) + re.findall(r'src="([^"]+)"', text):
            if ":" not in link and not (ROOT / page).parent.joinpath(link).exists():
                lost.append((page, link))
    assert lost == []
