"""How long it takes until something is there: help, the module, the first answer."""

import shutil
import statistics
import sys
from pathlib import Path

from benchmarks.machine import table
from benchmarks.runs import BenchmarkError, run, spread, turns
from benchmarks.scoreboard import Section
from benchmarks.settings import Settings

SAMPLES = Path(__file__).parent.parent / "docs" / "samples"
ROUNDS = 5


def starting(settings: Settings) -> Section:
    """Measure whole processes from start to exit, the interpreter's own start beside them."""
    store = str(settings.work / "start")
    flowdb = str(Path(sys.executable).with_name("flowdb"))
    if run([flowdb, "ingest", str(SAMPLES), "--store", store]).status:
        raise BenchmarkError("the samples were not ingested")
    commands = {
        "python": ([sys.executable, "-c", "pass"], "Python itself"),
        "help": ([flowdb, "--help"], "`flowdb --help`"),
        "import": ([sys.executable, "-c", "import flowdb"], "`import flowdb`"),
        "first": ([flowdb, "top-talkers", "--store", store], "`flowdb top-talkers` on the samples"),
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _, name in turns(commands, settings.rounds * ROUNDS):
        done = run(commands[name][0])
        if done.status:
            raise BenchmarkError(f"{name} failed with status {done.status}")
        seconds[name].append(done.seconds)
    shutil.rmtree(store)
    rows = [["process", "median s", "min-max s"]]
    rows += [[title, *spread(seconds[name], 3)] for name, (_, title) in commands.items()]
    figures = {name: statistics.median(times) for name, times in seconds.items() if name != "python"}
    return Section("Start", table(rows), figures)
