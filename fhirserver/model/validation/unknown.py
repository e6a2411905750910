"""What is said of a member that a type does not have: the one that is likely meant, too."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}\Z", re.ASCII)
_DELIMITED = re.compile(r"[A-Za-z0-9_:@$-]{1,64}\Z", re.ASCII)
_MOST_TYPES = 12

UNKNOWN_PROPERTY = "unknown property"
"""How what is said of a property that R4 does not have begins, behind its place."""


def step(name: str) -> str:
    """The name as a step of FHIRPath, in backticks where it needs them; "" for what could hold anything."""
    if _NAME.match(name):
        return name
    return f"`{name}`" if _DELIMITED.match(name) else ""


def words(name: str, known: Collection[str], choices: Mapping[str, str]) -> str:
    """``known`` are the members of the type; ``choices`` says which of them share a ``value[x]``."""
    said = UNKNOWN_PROPERTY
    choice = _choice_of(name, frozenset(choices.values()))
    if choice:
        members = sorted(n for n, c in choices.items() if c == choice and n[0] != "_")
        return f"{said}; {choice} is written {_listed(members, name)}"
    near = _nearest(name, known)
    return f"{said}; is {near} meant?" if near else said


def _choice_of(name: str, choices: frozenset[str]) -> str:
    """``deceased[x]`` for ``deceased`` and ``deceasedString``."""
    bare = name.removeprefix("_")
    for choice in sorted(choices):
        stem = choice.removesuffix("[x]")
        if bare.startswith(stem) and (bare == stem or bare[len(stem)].isupper()):
            return choice
    return ""


def _listed(members: list[str], name: str) -> str:
    if len(members) > _MOST_TYPES:
        members = difflib.get_close_matches(name, members, 3, 0.5) or members[:3]
        return f"{', '.join(members)} or as another of its types"
    return " or ".join(members)


def _nearest(name: str, known: Collection[str]) -> str:
    """Another spelling, or another case, of a name that is known."""
    by_case = {one.lower(): one for one in known}
    near = difflib.get_close_matches(name.lower(), by_case, 1, 0.75)
    return by_case[near[0]] if near else ""
