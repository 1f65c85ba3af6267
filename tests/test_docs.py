"""The pages that are generated are those that the code would generate now."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import flowdb
from docs.generate import PAGES
from flowdb import analyses
from flowdb.errors import ExitCode
from tests.conftest import ROOT

MODULES = sorted((ROOT / "flowdb").glob("*.py"))


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_has_not_drifted(name: str) -> None:
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == PAGES[name]()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_what_a_module_exports_is_what_is_public_in_it(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    exported: list[str] = []
    defined = set()
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            if node.targets[0].id == "__all__":
                exported = ast.literal_eval(node.value)
            else:
                defined.add(node.targets[0].id)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            defined.add(node.target.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined.add(node.name)
    public = {name for name in defined if not name.startswith("_")}
    if path.name not in ("__init__.py", "__main__.py", "cli.py"):
        assert sorted(public) == sorted(exported)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_module_is_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_modules_import_one_way() -> None:
    uses = {}
    for path in MODULES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = [
            node.module.removeprefix("flowdb.")
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("flowdb.")
        ]
        names += [
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module == "flowdb"
            for alias in node.names
        ]
        uses[path.stem] = {name for name in names if (ROOT / "flowdb" / f"{name}.py").exists()}
    del uses["__init__"], uses["__main__"]
    placed: set[str] = set()
    while uses:
        free = {name for name, needs in uses.items() if needs <= placed}
        assert free, f"these import each other: {uses}"
        placed |= free
        uses = {name: needs for name, needs in uses.items() if name not in free}


def test_the_package_exports_what_it_names() -> None:
    assert [name for name in flowdb.__all__ if not hasattr(flowdb, name)] == []


def test_exit_codes_are_those_of_the_readme() -> None:
    codes = {code.name: code.value for code in ExitCode}
    assert codes == {"OK": 0, "FAILED": 1, "USAGE": 2, "STORE": 3, "ALERT": 4, "INTERRUPTED": 130}


def test_every_file_of_sql_has_a_summary() -> None:
    for path in (ROOT / "sql").rglob("*.sql"):
        assert path.read_text(encoding="utf-8").startswith("-- summary: "), path


def test_methods_are_documented_from_their_files(tmp_path: Path) -> None:
    db = flowdb.open(tmp_path)
    for one in analyses.analyses().values():
        method = getattr(db, one.name)
        assert method.__doc__ is not None
        assert method.__doc__.startswith(one.summary)
        assert one.name in dir(db)
