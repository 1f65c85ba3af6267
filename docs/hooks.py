"""Brings into the site what its pages link to beside docs/: figures, small logs, a file of the package."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

__all__ = ["on_files", "on_page_markdown"]

_ROOT = Path(__file__).resolve().parent.parent
_FOLDER = "repository"
_LINK = re.compile(r"(\]\()([^)#\s:]+)")


def _beside(page: str, link: str) -> str | None:
    """Return the path in the repository that a link of a page leads to, if it is not below docs/."""
    at = page.removeprefix(f"{_FOLDER}/") if page.startswith(f"{_FOLDER}/") else f"docs/{page}"
    path = posixpath.normpath(posixpath.join(posixpath.dirname(at), link))
    return path if link.startswith("../") and (_ROOT / path).is_file() else None


def on_files(files: Any, config: Any) -> Any:
    """Add the files that pages link to."""
    from mkdocs.structure.files import File

    for page in [file for file in files if file.src_uri.endswith(".md")]:
        for _, link in _LINK.findall(page.content_string):
            path = _beside(page.src_uri, link)
            uri = f"{_FOLDER}/{path}"
            if path is not None and not path.startswith("docs/") and files.get_file_from_path(uri) is None:
                text = (_ROOT / path).read_text(encoding="utf-8")
                files.append(File.generated(config, uri, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Have links lead to where these files are in the site."""
    here = posixpath.dirname(page.file.src_uri)

    def led(match: re.Match[str]) -> str:
        path = _beside(page.file.src_uri, match[2])
        if path is None:
            return match[0]
        target = path.removeprefix("docs/") if path.startswith("docs/") else f"{_FOLDER}/{path}"
        return f"{match[1]}{posixpath.relpath(target, here)}"

    return _LINK.sub(led, markdown)
