"""What the README names beside its blocks of code, which tests/test_pages.py runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
ENVIRONMENT = {
    key: value for key, value in os.environ.items() if key not in ("FLOWDB_STORE", "MAKEFLAGS")
} | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def test_make_demo_prints_three_analyses() -> None:
    done = subprocess.run(
        ["make", "demo"], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    shown = [line for line in done.stdout.splitlines() if line.startswith("$ flowdb ")]
    assert len(shown) == 4
    assert "12,000 records from 12 sources" in done.stderr
    for column in ("attempts", "cumulative_share", "interface_id"):
        assert column in done.stdout


def test_make_install_tells_how_to_begin() -> None:
    done = subprocess.run(
        ["make", "install"], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert f'export PATH="{ROOT}/.venv/bin:$PATH"' in done.stdout
    assert "flowdb --help" in done.stdout


def test_the_commands_of_make_exist() -> None:
    mentioned = set(re.findall(r"^make (\w+)$", README, re.MULTILINE)) | set(
        re.findall(r"`make ([a-z-]+)`", README)
    )
    assert {"install", "demo", "docs", "test", "lint", "bench", "help"} <= mentioned
    listed = subprocess.run(
        ["make", "help"], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=True
    ).stdout
    assert mentioned <= {line.split()[0] for line in listed.splitlines()}
    for target in mentioned:
        subprocess.run(
            ["make", "--dry-run", target], cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.DEVNULL, check=True
        )


def test_every_option_that_the_readme_names_exists() -> None:
    options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README)) - {"--help"}
    command = [sys.executable, "-m", "flowdb"]
    helps = [
        subprocess.run([*command, name, "--help"], capture_output=True, text=True, check=True).stdout
        for name in ("ingest", "top-talkers", "rejected-sources", "prune", "verify", "sql", "alert", "cost")
    ]
    assert {option for option in options if not any(option in text for text in helps)} == set()


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) < 150
