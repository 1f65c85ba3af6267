"""The example notebook runs as it is, from the samples."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import flowdb
from tests.conftest import ROOT, SAMPLES


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_example_notebook_runs(tmp_path: Path) -> None:
    shutil.copytree(SAMPLES, tmp_path / "samples")
    notebook = nbformat.read(ROOT / "docs" / "notebook.ipynb", as_version=4)  # type: ignore[no-untyped-call]
    client = NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    kinds = [{kind for one in cell.outputs for kind in one.data} for cell in cells]
    assert all("text/plain" in each for each in kinds)
    is_picture = ["image/svg+xml" in each for each in kinds]
    assert sum(is_picture) == 2
    assert ["text/html" in each for each in kinds] == [not one for one in is_picture]
    shown = notebook.cells[-2].outputs[0].data["text/html"]
    assert ">api<" in shown


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("magic", ["sql", "magic_duckdb"])
def test_magics_of_others_ask_a_store_as_the_page_says(
    magic: str, store_of_samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLOOMBER_STATS_ENABLED", "false")  # JupySQL would tell its makers
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    (block,) = re.findall(rf"^```text\n(%load_ext {magic}\n.*?)^```$", page, re.MULTILINE | re.DOTALL)
    *first, question = block.splitlines()
    sources = [f"import flowdb\ndb = flowdb.open({str(store_of_samples)!r})", "\n".join(first), question]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]  # type: ignore[no-untyped-call]
    notebook = nbformat.v4.new_notebook(cells=cells)  # type: ignore[no-untyped-call]
    NotebookClient(notebook, timeout=60).execute()
    shown = "".join(one.data["text/html"] for one in cells[-1].outputs if one.output_type == "execute_result")
    with flowdb.open(store_of_samples) as db:
        rows = db.sql("SELECT srcaddr, bytes FROM top_talkers(top := 5)").fetchall()
    assert re.findall(r"<td>([^<]*)</td>", shown) == [str(cell) for row in rows for cell in row]
