"""What docs/terminal.md shows is what a terminal shows, and its picture is of that."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

from docs.screens import PICTURE, commands, picture, screen
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "terminal.md").read_text(encoding="utf-8")
COMMANDS = commands(PAGE)


def words(svg: str) -> list[str]:
    """Return the texts of a picture."""
    texts = re.findall(r"<text[^>]*>(.*?)</text>", svg)
    return [word for text in texts for word in unescape(text).split()]


@pytest.mark.parametrize(("command", "shown"), COMMANDS)
def test_a_command_of_the_page_shows_what_the_page_says(store: Path, command: str, shown: str) -> None:
    assert screen(command, store.parent).strip() == shown.strip()


def test_the_picture_is_of_a_real_terminal_and_asks_nothing_of_the_network(store: Path) -> None:
    kept = PICTURE.read_text(encoding="utf-8")
    assert words(kept) == words(picture(store.parent))
    assert "url(http" not in kept
    assert "top-talkers" in words(kept)
    assert "images/terminal.svg" in PAGE


def test_every_option_that_the_page_names_exists(store: Path) -> None:
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", PAGE))
    asked = ("plot top-talkers", "plot traffic-over-time", "shell", "top-talkers", "ingest")
    helps = [screen(f"flowdb {name} --help", store.parent, color="auto") for name in asked]
    assert {option for option in named if not any(option in text for text in helps)} == set()
