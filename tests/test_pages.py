"""Every block of code of every page works and shows what the page says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.generate import PAGES
from tests.conftest import ROOT
from tests.forked import Forked
from tests.pages import NOT_RUN, Runner, blocks, bucket, comparable, folder_for, is_run, printed, profile_in
from tests.s3 import S3

TEXTS = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
    if "samples" not in path.parts
}
# Those of which tests/test_screens.py runs every command, on a terminal, and those made of the code.
ELSEWHERE = {"docs/terminal.md", *(f"docs/{name}" for name in PAGES if name.endswith(".md"))}


@pytest.fixture(scope="module")
def s3(store_of_samples: Path) -> Iterator[S3]:
    """Give an S3 with the samples."""
    with bucket(store_of_samples) as started:
        yield started


@pytest.mark.parametrize("page", [page for page in TEXTS if page not in ELSEWHERE])
def test_a_page_shows_what_happens(page: str, store_of_samples: Path, forked: Forked, s3: S3) -> None:
    text = TEXTS[page]
    texts = set()
    with folder_for(page, store_of_samples) as folder:
        runner = Runner(folder, forked, profile_in(folder, s3))
        for block in filter(is_run, blocks(text)):
            if block.language == "text" and block.title is None:
                assert block in texts, f"nothing prints this: {block.first_line}"
                continue
            after = printed(text, block) if block.language == "python" else None
            texts |= {after}
            for what, shown, showed in runner.run(block):
                said = shown if after is None else after.text
                assert comparable(showed) == comparable(said), (
                    f"{what}: python -m tests.pages {page} writes it"
                )
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


def test_the_links_between_the_files_lead_somewhere_too() -> None:
    lost = []
    for page, text in TEXTS.items():
        for link in re.findall(r"\]\(([^)#\s]+)", text) + re.findall(r'src="([^"]+)"', text):
            if ":" not in link and not (ROOT / page).parent.joinpath(link).exists():
                lost.append((page, link))
    assert lost == []
