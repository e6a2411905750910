"""Regular expressions for ``matches`` and its kin, kept from running away on hostile input."""

from __future__ import annotations

import re
from functools import lru_cache

from fhirserver.model.fhirpath.errors import FhirPathError

MAX_PATTERN = 2_000
MAX_SUBJECT = 100_000
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


def _checked(text: str) -> str:
    if len(text) > MAX_SUBJECT:
        raise FhirPathError(f"text longer than {MAX_SUBJECT} characters is not matched")
    return text


def search(pattern: str, text: str) -> bool:
    """Whether ``pattern`` matches somewhere in ``text``; ``.`` matches line ends too."""
    return _compiled(pattern).search(_checked(text)) is not None


def matches_all(pattern: str, text: str) -> bool:
    """Whether ``pattern`` matches all of ``text``."""
    return _compiled(pattern).fullmatch(_checked(text)) is not None


def replace(pattern: str, text: str, substitution: str) -> str:
    """``text`` with every match replaced; ``$1`` stands for a group. An empty pattern replaces nothing."""
    if not pattern:
        return text

    def filled(match: re.Match[str]) -> str:
        return _GROUP.sub(lambda group: _part(match, group), substitution)

    return _compiled(pattern).sub(filled, _checked(text))


def _part(match: re.Match[str], group: re.Match[str]) -> str:
    if group.group(1) is not None:
        return group.group(1)
    name = group.group(2) or group.group(3)
    try:
        return match.group(int(name) if name.isdigit() else name) or ""
    except IndexError:
        raise FhirPathError("the substitution names a group that is not there") from None
