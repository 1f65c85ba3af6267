"""The example notebook runs as it is, from the samples."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

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
