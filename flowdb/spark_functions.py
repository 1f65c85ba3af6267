"""The functions of `sql/functions/` as functions of a Spark session: what each is, is said by its macro."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from flowdb.analyses import function_texts
from flowdb.constants import described
from flowdb.expansion import expanded_function
from flowdb.macros import macro
from flowdb.rendered_spark import written
from flowdb.rewrites import rewritten

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

__all__ = ["FUNCTIONS", "function_statements"]

FUNCTIONS = (
    *(
        "day_of_week",
        "ephemeral_port",
        "gigabytes",
        "in_cidr",
        "in_window",
        "ip4_key",
        "ip6_key",
        "ip_family",
    ),
    *("ip_key", "is_answer", "is_cidr", "is_ephemeral", "is_nat_gateway", "is_private", "is_refused"),
    *("is_request", "is_service", "is_traffic", "protocol_name", "record_moment", "service_name"),
    *("service_port", "tcp_flag_names", "touches", "traffic_path_name"),
)
"""Those that a session gets: what a person asks of records. The others are parts of analyses."""
_PARAMETER = re.compile(r"^-- param: (\w+) ([A-Z]+)", re.M)
_TYPES = {"TEXT": "VARCHAR", "DOUBLE": "DOUBLE"}
_SPARK_TYPES = {"VARCHAR": "STRING", "INTEGER": "INT", "TIMESTAMP": "TIMESTAMP_NTZ"}


def function_statements(prefix: str = "") -> Iterator[str]:
    """Yield the statements that make the functions in a session, with a prefix before their names."""
    for name, signature, body in _functions():
        yield f"CREATE OR REPLACE TEMPORARY FUNCTION `{prefix}{name}`{signature} RETURN {body}"


@cache
def _functions() -> tuple[tuple[str, str, str], ...]:
    """Return each function: its name, its parameters and the type that it returns, and its body."""
    texts = function_texts()
    return tuple(_function(name, dict(_PARAMETER.findall(texts[name]))) for name in FUNCTIONS)


def _function(name: str, kinds: dict[str, str]) -> tuple[str, str, str]:
    kinds = {one: _TYPES.get(kind, kind) for one, kind in kinds.items()}
    defaults = macro(name).parameters
    required = [f"NULL::{kind}" for one, kind in kinds.items() if defaults[one] is None]
    ((_, returned),) = described(f"SELECT {name}({', '.join(required)})")
    listed = ", ".join(_parameter(one, kind, defaults[one]) for one, kind in kinds.items())
    body = written(rewritten(expanded_function(name)))
    return name, f"({listed}) RETURNS {_SPARK_TYPES.get(returned, returned)}", body


def _parameter(name: str, kind: str, default: Expr | None) -> str:
    given = "" if default is None else f" DEFAULT {default.sql(dialect='spark')}"
    return f"`{name}` {_SPARK_TYPES.get(kind, kind)}{given}"
