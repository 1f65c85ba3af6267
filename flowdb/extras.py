"""Libraries that come with an extra of flowdb's, and the error where they are not installed."""

from __future__ import annotations

from importlib import import_module

from flowdb.errors import UsageError

__all__ = ["require"]


def require(what: str, extra: str, *modules: str) -> None:
    """Raise `UsageError` where libraries of an extra, which something needs, are not installed."""
    for module in modules:
        try:
            import_module(module)
        except ImportError as error:
            raise UsageError(
                f"{what} needs {module}, which is not installed: pip install 'flowdb[{extra}]'"
            ) from error
