"""The wheel works on its own: its SQL travels with it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from zipfile import ZipFile

from tests.conftest import ROOT, SAMPLES

LIBRARY = "flowdb/native.lib"


def test_a_wheel_without_the_compiled_part_is_for_every_platform(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    environment = {**os.environ, "FLOWDB_NATIVE": "0"}
    subprocess.run(build, cwd=tmp_path, env=environment, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.endswith("-py3-none-any.whl")
    assert LIBRARY not in ZipFile(wheel).namelist()


def test_a_wheel_in_a_clean_environment_answers_an_analysis(tmp_path: Path) -> None:
    dist = tmp_path / "dist"
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(dist), str(ROOT)]
    subprocess.run(build, cwd=tmp_path, check=True, capture_output=True)
    (wheel,) = dist.glob("*.whl")
    assert (LIBRARY in ZipFile(wheel).namelist()) == bool(shutil.which(os.environ.get("CC", "cc")))
    venv.create(tmp_path / "venv")
    scripts = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--python", scripts / "python"),
            *("install", "--quiet", "--disable-pip-version-check", "--no-compile", wheel),
        ],
        cwd=tmp_path,
        check=True,
    )
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "FLOWDB"))
    }

    def flowdb(*args: str) -> str:
        return subprocess.run(
            [scripts / "flowdb", *args],
            cwd=tmp_path,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    where = "import flowdb, pathlib; print(pathlib.Path(flowdb.__file__).parent)"
    package = subprocess.run(
        [scripts / "python", "-c", where],
        cwd=tmp_path,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    assert Path(package).is_relative_to(tmp_path / "venv")
    shipped = {path.relative_to(Path(package, "sql")) for path in Path(package, "sql").rglob("*.sql")}
    assert shipped == {path.relative_to(ROOT / "sql") for path in (ROOT / "sql").rglob("*.sql")}
    page = {path.name for path in Path(package, "page").iterdir()}
    assert page == {path.name for path in (ROOT / "flowdb" / "page").iterdir()}
    flowdb("ingest", str(SAMPLES))
    assert (
        flowdb("rejected-sources", "--top", "1", "-o", "csv").splitlines()[1].startswith("203.77.20.18,107,")
    )
