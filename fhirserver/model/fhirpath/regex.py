"""Regular expressions for ``matches`` and its kin, kept from running away on hostile input."""

from __future__ import annotations

import re
from functools import lru_cache

from fhirserver.model.fhirpath.automaton import Automaton, Unsupported, repeats
from fhirserver.model.fhirpath.errors import FhirPathError

MAX_PATTERN = 2_000
MAX_SUBJECT = 100_000
MAX_BACKTRACKING = 10_000_000
"""Steps that a backtracking match may take at worst; beyond that an automaton matches."""

_NAMED = re.compile(r"(?<!\\)\(\?<(?![=!])")
_GROUP = re.compile(r"\\(.)|\$(\d)|\$\{(\w+)\}", re.DOTALL)


@lru_cache(1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    if len(pattern) > MAX_PATTERN:
        raise FhirPathError(f"the regular expression is longer than {MAX_PATTERN} characters")
    try:
        return re.compile(_NAMED.sub("(?P<", pattern), re.DOTALL)
    except (re.error, RecursionError, OverflowError):
        raise FhirPathError("not a regular expression") from None


@lru_cache(1024)
def _automaton(pattern: str) -> tuple[int, Automaton | None]:
    """How many repeats may multiply, and the automaton to match with when they do."""
    plain = _NAMED.sub("(?P<", pattern)
    _compiled(pattern)
    many = repeats(plain)
    try:
        return many, Automaton(plain) if many > 1 else None
    except (Unsupported, RecursionError):
        return many, None


def _runs_away(pattern: str, text: str) -> Automaton | None:
    """The automaton for a pattern that could take very long on ``text``; None when that cannot happen."""
    if len(text) > MAX_SUBJECT:
        raise FhirPathError(f"text longer than {MAX_SUBJECT} characters is not matched")
    many, automaton = _automaton(pattern)
    if (len(text) + 1) ** (many + 1) <= MAX_BACKTRACKING:
        return None
    if automaton is None and many > 1:
        raise FhirPathError("the regular expression could take too long on this text")
    return automaton


def search(pattern: str, text: str) -> bool:
    """Whether ``pattern`` matches somewhere in ``text``; ``.`` matches line ends too."""
    automaton = _runs_away(pattern, text)
    return automaton.search(text) if automaton else _compiled(pattern).search(text) is not None


def matches_all(pattern: str, text: str) -> bool:
    """Whether ``pattern`` matches all of ``text``."""
    automaton = _runs_away(pattern, text)
    return automaton.matches_all(text) if automaton else _compiled(pattern).fullmatch(text) is not None


def replace(pattern: str, text: str, substitution: str) -> str:
    """``text`` with every match replaced; ``$1`` stands for a group. An empty pattern replaces nothing."""
    if not pattern:
        return text

    def filled(match: re.Match[str]) -> str:
        return _GROUP.sub(lambda group: _part(match, group), substitution)

    if _runs_away(pattern, text):
        raise FhirPathError("the regular expression could take too long on this text")
    return _compiled(pattern).sub(filled, text)


def _part(match: re.Match[str], group: re.Match[str]) -> str:
    if group.group(1) is not None:
        return group.group(1)
    name = group.group(2) or group.group(3)
    try:
        return match.group(int(name) if name.isdigit() else name) or ""
    except IndexError:
        raise FhirPathError("the substitution names a group that is not there") from None
