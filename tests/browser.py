"""Pages as a browser shows them: Debian's Chromium, where it is installed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

__all__ = ["Seen", "chromium", "opened"]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_PATIENCE = 30_000


class Seen:
    """A page that is open, what it said on the console, and what it asked the network for."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.said: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        page.on("dialog", lambda dialog: self.said.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: self.asked.append(request.url))


@contextmanager
def chromium() -> Iterator[Browser]:
    """Give a browser without a window; skips the tests where there is none."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here: apt-get install chromium")
    with sync_playwright() as playwright:
        # Whoever is root, as in a container, has no sandbox of Chromium's own.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened(
    browser: Browser, path: Path, *, width: int = 1280, scheme: Literal["light", "dark"] = "light"
) -> Iterator[Seen]:
    """Open a file in a browser of a width, and wait until its charts are drawn."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    context.set_default_timeout(_PATIENCE)
    page = context.new_page()
    seen = Seen(page)
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-drawn]", state="attached")
    yield seen
    context.close()
