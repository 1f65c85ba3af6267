"""The methods that are analyses, each made of what its file says: of `FlowDB`, and of a store in Spark."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from flowdb.analyses import Analysis
from flowdb.errors import ParameterError, UsageError
from flowdb.groups import without_groups
from flowdb.results import Result

if TYPE_CHECKING:
    from flowdb.naming import Naming

__all__ = ["method", "question"]

_Answer = TypeVar("_Answer")


def question(
    analysis: Analysis, answer: Callable[[Mapping[str, object], bool], _Answer]
) -> Callable[..., _Answer]:
    """Return a function that asks an analysis, with its name, parameters and documentation.

    `answer` is given the values of the parameters, and whether there are to be names beside ids.
    """
    known = [parameter.name for parameter in analysis.parameters]

    def ask(*args: object, names: bool = False, **values: object) -> _Answer:
        if len(args) > len(known):
            raise UsageError(f"{analysis.name}: {len(args)} values for {len(known)} parameters")
        given = dict(zip(known, args, strict=False))
        if twice := given.keys() & values.keys():
            raise UsageError(f"{analysis.name}: {', '.join(sorted(twice))} is given twice")
        return answer(given | values, names)

    ask.__name__ = ask.__qualname__ = analysis.name
    ask.__doc__ = analysis.doc
    ask.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(
                parameter.name,
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                default=inspect.Parameter.empty if parameter.is_required else parameter.default,
            )
            for parameter in analysis.parameters
        ],
        return_annotation="Result",
    )
    return ask


def method(db: Naming, analysis: Analysis) -> Callable[..., Result]:
    """Return a function that asks an analysis of a store by DuckDB."""

    def answer(given: Mapping[str, object], names: bool) -> Result:
        query, bound = analysis.query(without_groups(analysis, given, db._groups))
        for parameter in analysis.parameters:
            if parameter.type == "REGION" and bound.get(parameter.name) is not None:
                _check_region(db, analysis.name, parameter.name, bound[parameter.name])
        if names:
            return Result(db.sql(query, bound, names=True), analysis.name)
        named = lambda: db.sql(query, bound, names=True) if db.has_names else None  # noqa: E731
        return Result(db._called(query, bound), analysis.name, named)

    return question(analysis, answer)


def _check_region(db: Naming, analysis: str, parameter: str, region: object) -> None:
    """Raise `ParameterError` for a region that the price table, which a person can replace, does not have."""
    regions = [name for (name,) in db.sql("SELECT DISTINCT region FROM prices ORDER BY region").fetchall()]
    if region not in regions:
        raise ParameterError(analysis, parameter, region, f"one of: {', '.join(map(str, regions))}")
