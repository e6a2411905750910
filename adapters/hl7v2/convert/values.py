"""Rows that make a primitive value: of the text of their own place, of another one, or of none."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from adapters.hl7v2.convert.codes import Vocabulary
from adapters.hl7v2.convert.context import Context
from adapters.hl7v2.convert.drafts import Draft, Json
from adapters.hl7v2.convert.generating import Source, indented
from adapters.hl7v2.convert.writing import Place, locator, placer, placing
from adapters.hl7v2.maps.targets import Target

MOST = 128
"""Texts of a row whose values are kept: codes, units and days come again and again."""

Read = Callable[[str], Any]
"""Text to the JSON value; None where it is no such value."""


class TextRow:
    """Puts the value of a text where ``target`` says: translated by ``words``, one of ``allowed`` where these are
    given. What cannot be taken over is an issue. Without ``read`` the value is the text."""

    def __init__(
        self,
        target: Target,
        read: Read | None,
        words: Vocabulary | None,
        allowed: frozenset[str] | None,
        source: str,
    ):
        self.target, self.source = target, source
        self.made = lru_cache(maxsize=MOST)(_maker(target, read or _stripped, words, allowed))
        self.is_stripped = read is None and words is None and allowed is None
        self._place: Place | None = None

    @property
    def place(self) -> Place:
        """Puts a value there."""
        if self._place is None:
            self._place = placer(self.target, self.source)
        return self._place

    def put(self, context: Context, draft: Draft, start: Json, text: object, repetition: int) -> None:
        """The row, of the text that it is about."""
        if isinstance(text, str) and text:
            value, wrong = self.made(text)
            if wrong:
                context.issue(wrong, self.source)
            else:
                self.place(context, draft, start, value, repetition)

    def constant(self, source: Source, text: str, at: At) -> list[str]:
        """The row where it says the same whatever the message says, as lines of a function."""
        value, wrong = self.made(text) if text else (None, "")
        if wrong:
            return [f"context.issue({source.bind(wrong)}, {source.bind(self.source)})"]
        return self._placing(source, source.bind(value), at) if text else ["pass"]

    def lines(self, source: Source, text: str, at: At) -> list[str]:
        """The row as lines of a function; ``text`` is the variable that holds the text."""
        if self.is_stripped:
            return [
                f"if value := {text}.strip():",
                *indented(self._placing(source, "value", at)),
                f"else: context.issue({source.bind(self.made(' ')[1])}, {source.bind(self.source)})",
            ]
        return [
            f"value, wrong = {source.bind(self.made)}({text})",
            f"if wrong: context.issue(wrong, {source.bind(self.source)})",
            "else:",
            *indented(self._placing(source, "value", at)),
        ]

    def _placing(self, source: Source, value: str, at: At) -> list[str]:
        if not self.target.hops:
            return placing(source, self.target, self.source, value, at.draft, at.start, at.repetition)
        start = f"(context, {at.draft}, {at.start}"
        if not at.inner:
            return [f"{source.bind(self.place)}{start}, {value}, {at.repetition})"]
        draft, inner = f"draft{at.inner}", f"at{at.inner}"
        found = f"{source.bind(locator(self.target))}{start}, {at.repetition})"
        return [
            f"if {inner} is None: {draft}, {inner} = {found}",
            *placing(source, self.target, self.source, value, draft, inner, at.repetition),
        ]


class At(NamedTuple):
    """The variables that hold the resource, the object to start from and the repetition; ``inner`` is the number of
    those that hold where the hops of several rows lead, if they do."""

    draft: str
    start: str
    repetition: str
    inner: int = 0


def _stripped(text: str) -> str | None:
    return text.strip() or None


def _maker(
    target: Target, read: Read, words: Vocabulary | None, allowed: frozenset[str] | None
) -> Callable[[str], tuple[Any, str]]:
    """Text to the value, or to what is wrong with it."""

    def made(text: str) -> tuple[Any, str]:
        if words is not None:
            found = words.find(text)
            if found is not None:
                text = found.code
            if not text:
                return None, f"the map leaves this code open ({words.name})"
        value = read(text)
        if value is None:
            return None, f"no {target.type}"
        if allowed is not None and value not in allowed:
            return None, f"no code that {target.top or target.name} may have"
        return value, ""

    return made
