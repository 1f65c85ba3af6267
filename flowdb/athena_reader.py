"""Reads the tokens of an Athena statement that is no query, one after the other."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sqlglot.tokens import Token  # type: ignore[attr-defined]

from flowdb.athena import Statement

__all__ = ["Reader"]


@dataclass(slots=True)
class Reader:
    """Reads the tokens of a statement one after the other."""

    statement: Statement
    place: int = field(default=0)

    @property
    def token(self) -> Token | None:
        """The next token, if there is one."""
        tokens = self.statement.tokens
        return tokens[self.place] if self.place < len(tokens) else None

    @property
    def is_done(self) -> bool:
        """Whether nothing is left."""
        return self.token is None

    def text(self, token: Token) -> str:
        """Return a token as it is written."""
        return self.statement.whole[token.start : token.end + 1]

    def takes(self, *words: str) -> bool:
        """Go beyond these words, if they are the next ones, and tell whether they were."""
        left = list(words)
        place = self.place
        while left and place < len(self.statement.tokens):
            # PARTITIONED BY is one token.
            found = self.text(self.statement.tokens[place]).upper().split()
            if found != left[: len(found)]:
                return False
            del left[: len(found)]
            place += 1
        if left:
            return False
        self.place = place
        return True

    def needs(self, *words: str) -> None:
        """Go beyond these words, which are to be the next ones."""
        if not self.takes(*words):
            raise self.refused(f"expected {' '.join(words)}")

    def name(self) -> str:
        """Return the next token as a name, in lower case, as Athena keeps names."""
        token = self.token
        is_name = token is not None and (
            bool(token.text) if self.text(token)[0] in '`"' else re.match(r"\w", self.text(token))
        )
        if token is None or not is_name:
            raise self.refused("expected a name")
        self.place += 1
        return token.text.lower()

    def string(self) -> str:
        """Return the next token, which is in quotes of either kind."""
        token = self.token
        if token is None or self.text(token)[0] not in "'\"":
            raise self.refused("expected a text in quotes")
        self.place += 1
        return token.text

    def table(self) -> tuple[str, str]:
        """Return a database, empty where none is named, and a table."""
        first = self.name()
        return (first, self.name()) if self.takes(".") else ("", first)

    def refused(self, what: str) -> Exception:
        """Return the error for what stands at the next token."""
        token = self.token
        if token is None:
            return self.statement.error(f"{what} at the end of the statement", self.statement.end)
        return self.statement.error(f"{what}, not {self.text(token)!r}", token.start)

    def skip_parentheses(self) -> None:
        """Go beyond what is in parentheses."""
        depth = 0
        while (token := self.token) is not None:
            self.place += 1
            depth += {"(": 1, ")": -1}.get(self.text(token), 0)
            if depth == 0:
                return
