"""Runs what the pages of the documentation show: `python -m tests.pages docs/tutorial.md` writes it anew.

Every page has a folder of its own with a store of the sample logs, unless it begins without one. A block
with a title is a file there; what a block of Python prints is the block of text that follows it.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import flowdb
from tests.forked import Forked
from tests.lakes import lake_of
from tests.s3 import ACCESS_KEY, S3, SECRET_KEY, serving

__all__ = [
    "NOT_RUN",
    "Block",
    "Runner",
    "blocks",
    "bucket",
    "comparable",
    "console",
    "folder_for",
    "is_run",
    "printed",
    "profile_in",
    "written",
]

ROOT = Path(__file__).resolve().parent.parent
BUCKET = "my-flow-logs"
PROFILE = "audit"
WITHOUT_STORE = (
    "README.md",
    "docs/index.md",
    "docs/insights.md",
    "docs/tutorial.md",
    "docs/how-to/s3.md",
    "docs/how-to/finops.md",
)
WITH_LAKE = ("docs/how-to/spark.md",)
# How blocks begin that cannot be run, and why.
NOT_RUN = {
    "make install": "tests/test_readme.py runs it, where there is a Makefile",
    'export PATH="$PWD/.venv/bin:$PATH"': "tests have flowdb on the path already",
    "FLOWDB_STORE=/data/flows": "a crontab; what it runs is run above it, but for the bucket",
    "*/5 * * * * flowdb ingest": "a line of a crontab",
    "%load_ext sql": "tests/test_notebook.py runs it in a notebook",
    "%load_ext magic_duckdb": "tests/test_notebook.py runs it in a notebook",
    "aws s3 sync upload": "AWS's own tool is not installed",
    "spark-submit ingest.py": "the tool of a cluster, which a page has not",
    "pip install 'flowdb[report]'": "tests install nothing; the report of the tutorial is run",
    "srcaddr        srcaddr_name": "an excerpt; tests/test_names.py compares whole tables",
    "flowdb rejected-sources --since 15m --watch": "it ends with Ctrl-C; tests/test_repeating.py presses it",
    "mkdir -p ~/.local/share/bash-completion": "it writes into the home; tests/test_completion.py completes",
    "flowdb> SELECT count(*) AS records": "what is typed at a prompt; tests/test_prompt.py types",
    "flows/": "a drawing of a store",
}
_HOME = "/home/you"
_BLOCK = re.compile(r"^```([a-z]*)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r'title="([^"]+)"')
_VARIED = (
    (re.compile(r"in [\d.]+ s \([\d,]+ records/s, [\d.]+ bytes each\)"), "in T"),
    (re.compile(r"[\d,]+ bytes(,| checked in [\d.]+ s)"), "N bytes"),
    (re.compile(r"[\d.]+ MB, in [\d.]+ s"), "N MB, in T"),
    (re.compile(r"(from \d+ listed|in) [\d.]+ s\b"), r"\1 T"),
    (re.compile(r" +(\d+\.\d+|\d+) ?(s|ms)$", re.MULTILINE), " T"),
    (re.compile(r"^(store|last_commit_at|\w+_bytes|bytes_per_record) .*$", re.MULTILINE), r"\1"),
)


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a page: its language, its title if it has one, its text and where that is in the page."""

    language: str
    title: str | None
    text: str
    start: int

    @property
    def first_line(self) -> str:
        return self.text.partition("\n")[0]


def blocks(page: str) -> list[Block]:
    """Return the blocks of code of a page."""
    found = []
    for match in _BLOCK.finditer(page):
        title = _TITLE.search(match[2])
        found.append(Block(match[1], title[1] if title else None, match[3], match.start(3)))
    return found


def printed(page: str, block: Block) -> Block | None:
    """Return what a block of Python is said to print: the block of text that follows at once."""
    end = block.start + len(block.text)
    match = re.match(r"```\s*```text\n", page[end:])
    return next((one for one in blocks(page) if match and one.start == end + match.end()), None)


def console(block: str) -> list[tuple[str, str]]:
    """Return the commands of a block, each with what it is said to print; one may have several lines."""
    found: list[tuple[str, str]] = []
    command, shown, is_open = "", "", False
    for line in block.splitlines(keepends=True):
        if line.startswith("$ ") and not is_open:
            if command:
                found.append((command, shown))
            command, shown = line.removeprefix("$ ").rstrip("\n"), ""
        elif is_open:
            command += "\n" + line.rstrip("\n")
        else:
            shown += line
            continue
        is_open = not _is_whole(command)
    return [*found, (command, shown)] if command else found


def comparable(text: str) -> list[str]:
    """Return the lines of an output, without what differs from one run to the next."""
    for pattern, put in _VARIED:
        text = pattern.sub(put, text)
    return [line.rstrip() for line in text.splitlines() if line.strip()]


@contextmanager
def folder_for(page: str, store: Path) -> Iterator[Path]:
    """Give the folder in which a page runs, with a copy of the store if the page has one."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for beside in ("docs", "tests"):
            (folder / beside).symlink_to(ROOT / beside)
        if page not in WITHOUT_STORE:
            shutil.copytree(store, folder / "flows")
            with flowdb.open(folder / "flows") as db:  # which notices that it was moved
                if page in WITH_LAKE:
                    lake_of(db, str(folder / "lake"))
        yield folder


@contextmanager
def bucket(store: Path) -> Iterator[S3]:
    """Give an S3 with a bucket of the sample logs, and of what `flowdb backup` copies of a store of them."""
    logs = ROOT / "docs" / "samples"
    with serving() as s3, tempfile.TemporaryDirectory() as name:
        s3.put(BUCKET, {path.relative_to(logs).as_posix(): path.read_bytes() for path in logs.rglob("*.gz")})
        upload = Path(name) / "upload"
        with flowdb.open(store) as db:
            db.backup(upload)
        files = [path for path in upload.rglob("*") if path.is_file()]
        s3.put(BUCKET, {f"flowdb/{one.relative_to(upload).as_posix()}": one.read_bytes() for one in files})
        yield s3


def profile_in(folder: Path, s3: S3) -> dict[str, str]:
    """Write a profile of AWS's configuration for an S3, and return the environment that names it."""
    config = folder / ".aws-config"
    config.write_text(
        f"[profile {PROFILE}]\nregion = us-east-1\nendpoint_url = {s3.endpoint}\n"
        f"aws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n"
    )
    return {
        "AWS_CONFIG_FILE": str(config),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / ".aws-credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@dataclass
class Runner:
    """Runs the blocks of one page in its folder."""

    folder: Path
    forked: Forked
    env: Mapping[str, str]
    names: dict[str, Any] = field(default_factory=dict)

    def run(self, block: Block) -> list[tuple[str, str, str]]:
        """Run a block, and return what it ran, each with what that is to show and what it showed."""
        if block.language == "toml":
            tomllib.loads(block.text)
        if block.title is not None:
            (self.folder / block.title).write_text(block.text, encoding="utf-8")
        if block.title is not None or block.language == "toml":
            return []
        if block.language == "console":
            return [(command, shown, self.command(command)) for command, shown in console(block.text)]
        if block.language == "sh":
            self.command(block.text, is_to_work=True)
            return []
        if block.language == "python":
            return [(block.text, "", self.python(block.text))]
        raise AssertionError(f"a block that nothing runs: {block.language!r} {block.first_line!r}")

    def command(self, command: str, *, is_to_work: bool = False) -> str:
        """Run a command and return what it printed; `flowdb` alone in a fork, all else in a shell."""
        if _is_plain(command):
            done = self.forked.run(*shlex.split(command)[1:], cwd=self.folder, env=self.env)
            code, said = done.returncode, done.stdout + done.stderr
        else:
            own = {
                key: value for key, value in os.environ.items() if key not in ("FLOWDB_STORE", "MAKEFLAGS")
            }
            path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
            ran = subprocess.run(
                ["bash", "-c", command],
                cwd=self.folder,
                env={**own, **self.env, "PATH": path},
                capture_output=True,
                text=True,
                check=False,
            )
            code, said = ran.returncode, ran.stdout + ran.stderr
        assert not is_to_work or code == 0, said
        lines = said.replace(str(self.folder), _HOME).splitlines()
        return "".join(f"{line.rstrip()}\n" for line in lines)

    def python(self, code: str) -> str:
        """Run a piece of Python, which knows the names of those before it, and return what it printed."""
        printed = io.StringIO()
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(printed):
            exec(compile(code, "<page>", "exec"), self.names)
        return printed.getvalue()

    def close(self) -> None:
        """Close what the Python of the page opened."""
        for value in self.names.values():
            if isinstance(value, flowdb.FlowDB):
                value.close()


def written(page: str, runner: Runner) -> str:
    """Return a page with what its commands and its Python print now."""
    parts, at = [], 0
    for block in filter(is_run, blocks(page)):
        if block.language == "text" and block.title is None:
            continue
        ran = runner.run(block)
        said = printed(page, block) if block.language == "python" else None
        if block.language == "console":
            text = "\n".join(f"$ {command}\n{showed}" for command, _, showed in ran)
            parts += [page[at : block.start], text]
            at = block.start + len(block.text)
        elif said is not None:
            parts += [page[at : said.start], ran[0][2]]
            at = said.start + len(said.text)
    return "".join([*parts, page[at:]])


def is_run(block: Block) -> bool:
    """Tell whether a block can be run here."""
    return not any(block.first_line.startswith(line) for line in NOT_RUN)


def _is_whole(command: str) -> bool:
    try:
        shlex.split(command)
    except ValueError:
        return False
    return True


def _is_plain(command: str) -> bool:
    """Tell whether a command is flowdb alone, of which a shell would make nothing else."""
    if not command.startswith("flowdb "):
        return False
    expanded = re.sub(r"'[^']*'", "", command)
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', "", expanded)
    return not re.search(r"[$`]", expanded) and not re.search(r"[*?~|&;<>(){}\n]", bare)


def main() -> None:
    """Write the pages that are named anew."""
    with tempfile.TemporaryDirectory() as name, Forked() as forked:
        store = Path(name) / "flows"
        with flowdb.open(store) as db:
            db.ingest(ROOT / "docs" / "samples")
        with bucket(store) as s3:
            for page in sys.argv[1:]:
                text = (ROOT / page).read_text(encoding="utf-8")
                with folder_for(page, store) as folder:
                    runner = Runner(folder, forked, profile_in(folder, s3))
                    (ROOT / page).write_text(written(text, runner), encoding="utf-8")
                    runner.close()


if __name__ == "__main__":
    main()
