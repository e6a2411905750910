"""Whether a text, a number or a date is what a constraint asks for."""

from __future__ import annotations

import operator
import re
import unicodedata
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from terminology.ecl.model import SearchTerm, Truth

COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_WORD = re.compile(r"\w+")


def fold(text: str) -> str:
    """Without case and accents."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in parts if not unicodedata.combining(c))


def concrete(name: str, value: Decimal | Truth | tuple[SearchTerm, ...]) -> Callable[[str], bool]:
    """Whether the text of a relationship's value compares so. What is no number compares with none."""
    if isinstance(value, Decimal):
        return lambda text: (number := _number(text)) is not None and COMPARE[name](number, value)
    if isinstance(value, Truth):
        wanted = "true" if value.value else "false"
        return lambda text: text in ("true", "false") and (text == wanted) == (name == "=")
    return lambda text: any(fits(text, term) for term in value) == (name == "=")


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text.removeprefix("#"))
    except InvalidOperation:
        return None


def fits(text: str, term: SearchTerm) -> bool:
    """Whether a description (or another text) is found by the search term.

    ``match``: each of its words begins a word of the text, in any order. ``wild``: the whole text, ``*`` for
    anything.
    """
    if term.how == "exact":
        return text == term.text
    if term.how == "wild":
        return _wild(fold(term.text), fold(text))
    found = _WORD.findall(fold(text))
    return all(any(word.startswith(wanted) for word in found) for wanted in _wanted(term.text))


def words(term: SearchTerm) -> str:
    """The words that are searched for."""
    return " ".join(_wanted(term.text))


@lru_cache(maxsize=256)
def _wanted(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_WORD.findall(fold(text))))


def _wild(pattern: str, text: str) -> bool:
    """Without a regex, so that no pattern can take long: the parts between the stars are looked for in their order."""
    first, *others = _parts(pattern)
    if not others:
        return text == first
    if not text.startswith(first) or len(text) < len(first) + len(others[-1]):
        return False
    at = len(first)
    for part in others[:-1]:
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return text.endswith(others[-1]) and len(text) - len(others[-1]) >= at


@lru_cache(maxsize=256)
def _parts(pattern: str) -> tuple[str, ...]:
    r"""Split at the stars that no ``\`` stands before; ``\*``, ``\"`` and ``\\`` are the characters themselves."""
    parts = [""]
    for found in re.finditer(r"\\(.)|(\*)|([^\\*]+|\\)", pattern, re.DOTALL):
        if found.group(2):
            parts.append("")
        else:
            parts[-1] += found.group(1) or found.group(3)
    return tuple(parts)
