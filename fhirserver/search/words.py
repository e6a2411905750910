"""``_text`` and ``_content``: which words a resource has, and what a search asks of them.

https://hl7.org/fhir/R4/search.html#content Words are compared without case and accents. A search is words with AND
(or nothing) between them, OR, NOT and parentheses; a star after a word stands for any ending; words in quotation
marks stand one after the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any, Final

from fhirserver.kernel.json import JsonObject, loads
from fhirserver.search.expression import (
    And,
    Chain,
    Expression,
    Has,
    Not,
    Or,
    PhraseIs,
    WordIs,
    conjunction,
    disjunction,
)
from fhirserver.search.values import fold

PARAMETERS: Final = ("_text", "_content")

_WORD = re.compile(r"([^\W_]{1,64})[^\W_]*")
"""A word, of which the first 64 characters count, where it is kept as where it is asked for."""
_TAG = re.compile(r"<[^>]*>")
_TOKEN = re.compile(r"\s*(?:([()]|\"[^\"]*\")|([^\s()]+))")
_UNREAD = frozenset({"resourceType", "div", "data", "contentType", "hash"})
_DEPTH = 20
_LENGTH = 2000


def narrative_words(resource: JsonObject) -> set[str]:
    """The words a person reads in the narrative."""
    return _words(_narrative(resource))


def _narrative(resource: JsonObject) -> str:
    text = resource.get("text")
    div = text.get("div") if isinstance(text, dict) else None
    return unescape(_TAG.sub(" ", div)) if isinstance(div, str) else ""


def other_words(resource: JsonObject) -> set[str]:
    """The words of all else: texts, codes, numbers; addresses of the web and attached data are no words."""
    return _words(" ".join(_texts(resource)))


def _texts(node: Any) -> Iterator[str]:
    waiting = [node]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting.extend(value for name, value in item.items() if name not in _UNREAD)
        elif isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, str):
            if "://" not in item and not item.startswith("urn:"):
                yield item
        elif item is not None and not isinstance(item, bool):
            yield str(item)


def _words(text: str) -> set[str]:
    return set(_WORD.findall(fold(text)))


def has_phrase(content: bytes, param: str, phrase: str) -> bool:
    """Whether the words of ``phrase``, folded and a space between them, stand together in an encoded resource."""
    resource = loads(content) if content else {}
    texts = [_narrative(resource), *(_texts(resource) if param == "_content" else ())]
    return any(f" {phrase} " in f" {' '.join(_WORD.findall(fold(text)))} " for text in texts)


def asks_for_words(expression: Expression) -> bool:
    """Whether words are asked for anywhere in a tree."""
    match expression:
        case WordIs() | PhraseIs():
            return True
        case And(of=of) | Or(of=of):
            return any(asks_for_words(one) for one in of)
        case Not(of=inner):
            return asks_for_words(inner)
        case Chain(where=where) | Has(where=where):
            return asks_for_words(where)
    return False


def asked(param: str, text: str) -> Expression:
    """What the value of ``_text`` or ``_content`` asks. Raises :class:`ValueError` with the place of an error."""
    if len(text) > _LENGTH:
        raise ValueError(f"expected at most {_LENGTH} characters")
    return _Reading(param, text).whole()


class _Reading:
    """A recursive descent over the parts."""

    def __init__(self, param: str, text: str):
        self._param = param
        self._tokens = [(m.start(m.lastindex or 0), m[1] or m[2]) for m in _TOKEN.finditer(text)]
        self._at = 0

    def whole(self) -> Expression:
        found = self._alternatives(0)
        if self._next() is not None:
            raise self._wrong("an end")
        return found

    def _next(self) -> str | None:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else None

    def _wrong(self, expected: str) -> ValueError:
        if self._at >= len(self._tokens):
            return ValueError(f"expected {expected} at the end")
        return ValueError(f"expected {expected} at character {self._tokens[self._at][0] + 1}")

    def _alternatives(self, depth: int) -> Expression:
        found = [self._together(depth)]
        while self._next() == "OR":
            self._at += 1
            found.append(self._together(depth))
        return disjunction(found)

    def _together(self, depth: int) -> Expression:
        found = [self._one(depth)]
        while self._next() not in (None, "OR", ")"):
            if self._next() == "AND":
                self._at += 1
            found.append(self._one(depth))
        return conjunction(found)

    def _one(self, depth: int) -> Expression:
        part = self._next()
        if depth > _DEPTH:
            raise ValueError("expected fewer parentheses")
        if part == "NOT":
            self._at += 1
            return Not(self._one(depth + 1))
        if part == "(":
            self._at += 1
            found = self._alternatives(depth + 1)
            if self._next() != ")":
                raise self._wrong(")")
            self._at += 1
            return found
        if part in (None, ")", "AND", "OR") or part is None:
            raise self._wrong("a word")
        return self._word(part)

    def _word(self, part: str) -> Expression:
        words = _WORD.findall(fold(part))
        if part.count('"') % 2:
            raise self._wrong("a quotation mark at the end of a phrase that begins")
        if not words:
            raise self._wrong("a word")
        self._at += 1
        if part.startswith('"'):
            return self._phrase(words)
        found = [WordIs(self._param, word) for word in words[:-1]]
        return conjunction([*found, WordIs(self._param, words[-1], part.endswith("*"))])

    def _phrase(self, words: list[str]) -> Expression:
        """Each of the words, which the index knows, and how they stand, which it does not."""
        if self._next() == "*":
            raise self._wrong("no star after a phrase")
        found: list[Expression] = [WordIs(self._param, word) for word in dict.fromkeys(words)]
        return conjunction(found if len(words) == 1 else [*found, PhraseIs(self._param, tuple(words))])
