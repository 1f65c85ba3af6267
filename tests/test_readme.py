"""Every command and every block of code in the README works, and shows what the README says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
ENVIRONMENT = {
    key: value for key, value in os.environ.items() if key not in ("FLOWDB_STORE", "MAKEFLAGS")
} | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def blocks(language: str) -> list[str]:
    """Return the blocks of code of a language."""
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def console(block: str) -> list[tuple[str, str]]:
    """Return the commands of a block, each with what it is said to print."""
    parts = re.split(r"^\$ (.*)\n", block, flags=re.MULTILINE)[1:]
    return list(zip(parts[::2], parts[1::2], strict=True))


def comparable(text: str) -> list[str]:
    """Return the lines of an output, without what differs from one run to the next."""
    text = re.sub(r"in [\d.]+ s \([\d,]+ records/s, [\d.]+ bytes each\)", "in T", text)
    text = re.sub(r"[\d,]+ bytes(,| checked in [\d.]+ s)", "N bytes", text)
    return [line.rstrip() for line in text.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with docs/samples, in which the commands run one after another."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "docs").symlink_to(ROOT / "docs")
    return folder


def test_the_console_shows_what_the_readme_says(folder: Path) -> None:
    commands = [command for block in blocks("console") for command in console(block)]
    assert len(commands) >= 6
    for command, shown in commands:
        done = subprocess.run(
            command,
            shell=True,
            cwd=folder,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert (command, done.returncode, comparable(done.stdout)) == (command, 0, comparable(shown))


def test_the_python_works(folder: Path, tmp_path: Path) -> None:
    (block,) = blocks("python")
    check = "assert len(rows) == 20 and refused[0][0] > 0 and report.sources_found == 12"
    (tmp_path / "block.py").write_text(f"{block}\n{check}\n", encoding="utf-8")
    subprocess.run([sys.executable, str(tmp_path / "block.py")], cwd=folder, env=ENVIRONMENT, check=True)


def test_make_demo_prints_three_analyses() -> None:
    assert "make demo\n" in blocks("sh")
    done = subprocess.run(
        ["make", "demo"], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    shown = [line for line in done.stdout.splitlines() if line.startswith("$ flowdb ")]
    assert len(shown) == 4
    assert "12,000 records from 12 sources" in done.stderr
    for column in ("attempts", "cumulative_share", "interface_id"):
        assert column in done.stdout


def test_the_other_commands_exist() -> None:
    mentioned = {
        target for block in blocks("sh") for target in re.findall(r"^make (\w+)$", block, re.MULTILINE)
    }
    mentioned |= set(re.findall(r"`make ([a-z-]+)`", README))
    assert {"demo", "test", "lint", "bench", "help"} <= mentioned
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


def test_the_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) < 180
