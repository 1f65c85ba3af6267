"""What real shells complete, after what `flowdb completion` prints is read."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pexpect
import pytest

from tests.conftest import Run
from tests.terminals import BIN, environment, plain, spawned


def offered(words: list[str], incomplete: str, cwd: Path) -> list[str]:
    """Return what is offered for the last word of a command line."""
    env = environment(
        _FLOWDB_COMPLETE="zsh_complete",
        COMP_WORDS=" ".join(["flowdb", *words, incomplete]),
        COMP_CWORD=str(len(words) + 1),
    )
    done = subprocess.run(
        [BIN / "flowdb"], cwd=cwd, env=env, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return done[1::3]


def test_commands_analyses_choices_columns_and_dates_are_offered(store: Path) -> None:
    here = store.parent
    assert offered([], "top", here) == ["top-talkers"]
    assert offered([], "st", here) == ["status"]
    assert offered(["plot"], "traffic-ov", here) == ["traffic-over-time"]
    assert offered(["analyses"], "rejected_", here) == ["rejected-ports", "rejected-sources"]
    assert offered(["top-talkers", "--metric"], "", here) == ["bytes", "packets", "flows"]
    assert offered(["top-talkers", "--by"], "dst", here) == ["dstaddr", "dstport"]
    assert offered(["top-talkers", "--by"], "srcaddr,srcp", here) == ["srcaddr,srcport"]
    assert offered(["top-talkers", "--day"], "2024", here) == ["2024-01-15", "2024-01-14"]
    assert offered(["top-talkers", "--store", "none", "--since"], "2024", here) == []
    assert offered(["ingest", "--since"], "", here) == []
    assert offered(["plot", "top-talkers", "--column"], "s", here) == ["share"]
    assert offered(["top-talkers"], "--interf", here) == ["--interface-id"]
    assert offered(["sql", "SELECT", "--dialect"], "a", here) == ["athena"]


def test_to_complete_takes_less_than_a_third_of_a_second_and_loads_no_duckdb(store: Path) -> None:
    def spent() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    took = []
    for _ in range(5):
        started = spent()
        offered(["top-talkers", "--by"], "s", store.parent)
        took.append(spent() - started)
    assert min(took) < 0.3
    code = "import sys, flowdb.cli; flowdb.cli.main(['completion', 'zsh']); sys.exit('duckdb' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def shell(name: str, cwd: Path) -> Any:
    """Start a shell on a terminal that knows how flowdb is completed, or skip."""
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    script = subprocess.run(
        [BIN / "flowdb", "completion", name], env=environment(), capture_output=True, text=True, check=True
    ).stdout
    (cwd / "script").write_text(script, encoding="utf-8")
    options = {"bash": ["--norc", "--noprofile", "-i"], "zsh": ["-f", "-i"], "fish": ["--no-config", "-i"]}
    env = {"HOME": str(cwd), "XDG_CONFIG_HOME": str(cwd), "XDG_DATA_HOME": str(cwd), "TERM": "dumb"}
    return spawned(shutil.which(name) or name, options[name], cwd, width=200, env=env)


def test_bash_completes(store: Path) -> None:
    child = shell("bash", store.parent)
    child.sendline("PS1='ready> '; source ./script; echo $((40 + 2))")
    child.expect("42\r\n")
    child.send("flowdb top-t\t")
    child.expect("flowdb top-talkers ")
    child.send("--met\t")
    child.expect("--metric ")
    child.send("pack\t --top 1 -o csv\r")
    child.expect("10.0.12.174,")
    child.sendline("exit")
    child.expect(pexpect.EOF)


def test_zsh_completes(store: Path) -> None:
    child = shell("zsh", store.parent)
    child.sendline("PS1='ready> '; autoload -Uz compinit; compinit -u; source ./script; echo $((40 + 2))")
    child.expect("42\r")
    child.send("flowdb top-t\t")
    child.expect("top-talkers")
    child.send("--metric pack\t --top 1 -o csv\r")
    child.expect("10.0.12.174,")
    child.sendline("exit")
    child.expect(pexpect.EOF)


def test_fish_completes(store: Path) -> None:
    if shutil.which("fish") is None:
        pytest.skip("fish is not installed")
    script = subprocess.run(
        [BIN / "flowdb", "completion", "fish"], env=environment(), capture_output=True, text=True, check=True
    ).stdout
    asked = f"{script}\ncomplete --do-complete 'flowdb top-talkers --metric pack'"
    done = subprocess.run(
        ["fish", "--no-config", "-c", asked],
        cwd=store.parent,
        env=environment(HOME=str(store.parent)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["packets"]


def test_a_shell_that_is_not_known_is_told(run: Run) -> None:
    done = run("completion", "bsh")
    assert done.returncode == 2
    assert "'bsh' is not one of 'bash', 'zsh', 'fish' (did you mean 'bash'?)" in done.stderr
    assert os.linesep in run("completion", "fish").stdout
    assert plain(run("completion", "bash").stdout).startswith("_flowdb_completion()")
