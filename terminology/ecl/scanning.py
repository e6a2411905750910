"""The text of an expression constraint, read from left to right."""

from __future__ import annotations

import re

from terminology.ecl.model import Reference, invalid, too_costly

LONGEST = 200_000
DEEPEST = 60
_SPACE = re.compile(r"(?:[ \t\r\n]+|/\*(?:[^*]|\*(?!/))*+\*/)*+")
_CODE = re.compile(r"[1-9][0-9]{5,17}(?![0-9A-Za-z])")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_TERM = re.compile(r"\|([^|]*)\|")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*+)"', re.DOTALL)


class Scanner:
    """Where the reader stands in the text, and what may stand there. White space and comments are skipped."""

    def __init__(self, text: str):
        if len(text) > LONGEST:
            raise too_costly(f"a constraint may have {LONGEST:,} characters")
        self.text = text
        self.at = 0
        self.depth = 0
        self.skip()

    def skip(self) -> None:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at
        if self.text.startswith("/*", self.at):
            raise invalid("the comment does not end", self.at)

    def looks_at(self, *signs: str) -> bool:
        return self.text.startswith(signs, self.at)

    def take(self, sign: str) -> bool:
        """Whether the sign stands here; then the reader goes on behind it."""
        if not self.text.startswith(sign, self.at):
            return False
        self.at += len(sign)
        self.skip()
        return True

    def need(self, sign: str) -> None:
        if not self.take(sign):
            raise self.expected(f'"{sign}"')

    def word(self) -> str:
        """The word that stands here in lower case, without going on; empty if there is none."""
        found = _WORD.match(self.text, self.at)
        return found.group().lower() if found else ""

    def take_word(self, *words: str) -> str:
        """The word, if it is one of these (without regard to case); then the reader goes on behind it."""
        here = self.word()
        if here not in words:
            return ""
        self.at += len(here)
        self.skip()
        return here

    def code(self) -> Reference | None:
        """``73211009 |Diabetes mellitus|``; the term is not looked at."""
        start, found = self.at, _CODE.match(self.text, self.at)
        if found is None:
            return None
        self.at = found.end()
        self.skip()
        if self.looks_at("|"):
            self._term()
        return Reference(found.group(), start)

    def _term(self) -> None:
        found = _TERM.match(self.text, self.at)
        if found is None:
            raise invalid("the term does not end", self.at)
        if not found.group(1).strip():
            raise invalid("the term is empty", self.at)
        self.at = found.end()
        self.skip()

    def string(self) -> str | None:
        """A text in quotes, as it is written between them."""
        if not self.looks_at('"'):
            return None
        found = _STRING.match(self.text, self.at)
        if found is None:
            raise invalid("the text in quotes does not end", self.at)
        self.at = found.end()
        self.skip()
        return found.group(1)

    def match(self, pattern: re.Pattern[str], what: str) -> str:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise self.expected(what)
        self.at = found.end()
        self.skip()
        return found.group()

    def expected(self, what: str) -> Exception:
        return invalid(f"{what} is expected", self.at)

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise too_costly(f"brackets may be {DEEPEST} deep (character {self.at + 1})")

    def back(self) -> None:
        self.depth -= 1
