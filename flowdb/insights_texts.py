"""The functions of texts of CloudWatch Logs Insights as SQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flowdb.insights_calls import MANY, Function, Refused, of_texts, tells
from flowdb.insights_patterns import captures, rejection
from flowdb.insights_values import Type, Value, as_condition, as_number, as_text, bound
from flowdb.quoting import quote_text

__all__ = ["TEXTS"]

_SPACE = quote_text(" \t\n\r\f\v")
_LONGEST = 2**31 - 1


def _concat(given: Sequence[Value]) -> Value:
    return Value(f"concat({', '.join(map(as_text, given))})", Type.TEXT)


def _trim(name: str) -> Callable[[Sequence[Value]], Value]:
    def make(given: Sequence[Value]) -> Value:
        characters = as_text(given[1]) if len(given) > 1 else _SPACE
        return Value(f"{name}({as_text(given[0])}, {characters})", Type.TEXT)

    return make


def _substr(given: Sequence[Value]) -> Value:
    text = as_text(given[0])
    start, *length = (
        f"least(greatest(TRY_CAST({as_number(one)} AS BIGINT), 0), {_LONGEST})" for one in given[1:]
    )
    counted = f", {length[0]}" if length else ""
    return Value(f"substring({text}, {start} + 1{counted})", Type.TEXT)


def _contains(given: Sequence[Value]) -> Value:
    if len(given) == 2:
        return tells("contains({0}, {1})")(given)
    if given[2].sql == "true":
        return tells("contains(lower({0}), lower({1}))")(given)
    if (condition := as_condition(given[2])) is None:
        raise Refused(2, "expected true or false")
    of_case, of_any = tells("contains({0}, {1})")(given), tells("contains(lower({0}), lower({1}))")(given)
    return Value(f"CASE WHEN {condition} THEN {of_any.sql} ELSE {of_case.sql} END", Type.BOOLEAN)


def _regex_replace(given: Sequence[Value]) -> Value:
    pattern = given[1].constant
    if not isinstance(pattern, str):
        raise Refused(1, "expected a regular expression as a text")
    if reason := rejection(pattern):
        raise Refused(1, f"no regular expression that flowdb knows: {reason}")
    # A $1 is a group, as Java has it, and so is RE2's own \1.
    by = f"regexp_replace({as_text(given[2])}, '\\$([0-9])', '\\\\\\1', 'g')"
    made = f"regexp_replace({as_text(given[0])}, {quote_text(captures(pattern)[0])}, {by}, 'g')"
    return Value(made, Type.TEXT)


def _dec_to_hex(given: Sequence[Value]) -> Value:
    number = f"TRY_CAST(trunc({as_number(given[0])}) AS BIGINT)"
    sign = "CASE WHEN this < 0 THEN '-0x' ELSE '0x' END"
    return Value(bound(number, f"{sign} || lower(to_hex(abs(this::HUGEINT)))"), Type.TEXT)


def _hex_to_dec(given: Sequence[Value]) -> Value:
    digits = f"regexp_extract(trim({as_text(given[0])}), '^(0[xX])?([0-9a-fA-F]{{1,15}})$', 2)"
    return Value(f"TRY_CAST('0x' || nullif({digits}, '') AS BIGINT)", Type.INTEGER)


TEXTS = {
    "concat": Function(1, MANY, _concat),
    "trim": Function(1, 2, _trim("trim")),
    "ltrim": Function(1, 2, _trim("ltrim")),
    "rtrim": Function(1, 2, _trim("rtrim")),
    "strlen": Function(1, 1, of_texts("length({0})", Type.INTEGER)),
    "messagesize": Function(1, 1, of_texts("strlen({0})", Type.INTEGER)),
    "toupper": Function(1, 1, of_texts("upper({0})")),
    "tolower": Function(1, 1, of_texts("lower({0})")),
    "substr": Function(2, 3, _substr),
    "replace": Function(3, 3, of_texts("replace({0}, {1}, {2})")),
    "regexreplace": Function(3, 3, _regex_replace),
    "regex_replace": Function(3, 3, _regex_replace),
    "strcontains": Function(2, 3, _contains),
    "startswith": Function(2, 2, tells("starts_with({0}, {1})")),
    "endswith": Function(2, 2, tells("ends_with({0}, {1})")),
    "isempty": Function(1, 1, of_texts("(coalesce({0}, '') = '')", Type.BOOLEAN)),
    "isblank": Function(1, 1, of_texts(f"(trim(coalesce({{0}}, ''), {_SPACE}) = '')", Type.BOOLEAN)),
    "md5": Function(1, 1, of_texts("md5({0})")),
    "sha256": Function(1, 1, of_texts("sha256({0})")),
    "urlencode": Function(1, 1, of_texts("url_encode({0})")),
    "urldecode": Function(1, 1, of_texts("try(url_decode({0}))")),
    "base64encode": Function(1, 1, of_texts("to_base64(encode({0}))")),
    "base64decode": Function(1, 1, of_texts("try(decode(from_base64({0})))")),
    "hextoascii": Function(1, 1, of_texts("try(decode(from_hex({0})))")),
    "hextodec": Function(1, 1, _hex_to_dec),
    "dectohex": Function(1, 1, _dec_to_hex),
}
"""What is computed of texts, by the names in lower case."""
