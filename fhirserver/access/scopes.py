"""SMART scopes as values: what an app asks for, and what it is told that it was given.

https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote

from fhirserver.model.definitions import definitions

LETTERS = "cruds"
"""Create, read, update, delete, search: in this order, as the specification asks."""
LEVELS = ("patient", "user", "system")
CONTEXT = frozenset(
    {
        "launch",
        "launch/patient",
        "launch/encounter",
        "openid",
        "fhirUser",
        "profile",
        "offline_access",
        "online_access",
    }
)
"""Scopes that are no access to resources."""
_V1 = {"read": "rs", "write": "cud", "*": LETTERS}
_SCOPE = re.compile(r"(patient|user|system)/(\*|[A-Z][A-Za-z]*)\.([a-z]+|\*)(?:\?(.+))?\Z")
_MOST_CHARACTERS = 8192
_RESULTS = frozenset(
    {
        "_sort",
        "_count",
        "_include",
        "_revinclude",
        "_summary",
        "_elements",
        "_total",
        "_contained",
        "_cursor",
        "_list",
    }
)
"""Parameters that say how results look: they restrict nothing."""


class InvalidScope(ValueError):
    """A scope that cannot be read; the message says which and why. It holds what the client sent."""


@dataclass(frozen=True, slots=True, order=True)
class Scope:
    """Access to resources: ``level`` is patient, user or system, ``type`` a resource type or ``*``, ``letters`` some of
    ``cruds`` in that order, ``criteria`` the search parameters that restrict it, as name and value."""

    level: str
    type: str
    letters: str
    criteria: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """As version 2 writes it."""
        tail = "&".join(f"{name}={quote(value, safe='|:/,$*-._~')}" for name, value in self.criteria)
        return f"{self.level}/{self.type}.{self.letters}{'?' + tail if tail else ''}"

    def covers(self, other: Scope) -> bool:
        """Whether all that ``other`` gives is given by this one, which has no criterion that the other has not."""
        return (
            self.level == other.level
            and self.type in ("*", other.type)
            and set(other.letters) <= set(self.letters)
            and set(self.criteria) <= set(other.criteria)
        )


def parse_scope(text: str) -> Scope | None:
    """One scope of either version; None for one that gives no access to resources (:data:`CONTEXT` and unknown ones).

    Raises :class:`InvalidScope` for what begins like access to resources and cannot be read.
    """
    level, slash, _ = text.partition("/")
    if not slash or level not in LEVELS:
        return None
    found = _SCOPE.match(text)
    if found is None:
        raise InvalidScope(f"'{text[:100]}' is not [level]/[type].[cruds]")
    type, letters = found[2], _V1.get(found[3], found[3])
    if type != "*" and type not in definitions().resource_types:
        raise InvalidScope(f"'{text[:100]}': there is no resource type {type}")
    if letters != "".join(one for one in LETTERS if one in letters):
        raise InvalidScope(f"'{text[:100]}': the letters are some of cruds, in this order")
    return Scope(level, type, letters, _criteria(text, type, found[4] or ""))


def _criteria(text: str, type: str, query: str) -> tuple[tuple[str, str], ...]:
    pairs = tuple(parse_qsl(query, keep_blank_values=True))
    if pairs and type == "*":
        raise InvalidScope(f"'{text[:100]}': search parameters need one resource type")
    for name, value in pairs:
        if name in _RESULTS or name.startswith("_has") or "." in name or not value:
            raise InvalidScope(f"'{text[:100]}': '{name[:50]}' cannot restrict a scope")
    return tuple(sorted(pairs))


@dataclass(frozen=True, slots=True)
class Scopes:
    """What was asked for, or granted: ``context`` without access to resources, ``access`` to them."""

    context: tuple[str, ...] = ()
    access: tuple[Scope, ...] = ()

    def __str__(self) -> str:
        """With spaces between; access as version 2 writes it."""
        return " ".join([*self.context, *map(str, self.access)])

    def __bool__(self) -> bool:
        return bool(self.context or self.access)

    def has(self, name: str) -> bool:
        """Whether a scope of the context is among them."""
        return name in self.context

    def within(self, most: Scopes) -> Scopes:
        """These as far as ``most`` allows them: letters of a scope that only some of another has are cut to those."""
        context = tuple(one for one in self.context if one in most.context)
        cut = [part for one in self.access for part in _within(one, most.access)]
        return Scopes(context, tuple(dict.fromkeys(cut)))


def parse_scopes(text: str) -> Scopes:
    """The scopes of a ``scope`` parameter. Unknown ones are dropped: what was granted is told.

    Raises :class:`InvalidScope`.
    """
    if len(text) > _MOST_CHARACTERS:
        raise InvalidScope(f"there may be {_MOST_CHARACTERS} characters of scopes")
    context: dict[str, None] = {}
    access: dict[Scope, None] = {}
    for one in text.split():
        scope = parse_scope(one)
        if scope is not None:
            access[scope] = None
        elif one in CONTEXT:
            context[one] = None
    return Scopes(tuple(context), tuple(access))


def _within(asked: Scope, allowed: Iterable[Scope]) -> list[Scope]:
    """What ``allowed`` leaves of a scope, one for each that leaves something; one that leaves all stands alone."""
    parts = []
    for one in allowed:
        letters = "".join(letter for letter in asked.letters if letter in one.letters)
        if one.level != asked.level or not letters:
            continue
        if one.type != "*" and asked.type not in ("*", one.type):
            continue
        type = one.type if asked.type == "*" else asked.type
        both = tuple(sorted({*asked.criteria, *one.criteria}))
        part = Scope(asked.level, type, letters, both)
        if part == asked:
            return [part]
        parts.append(part)
    return [part for part in parts if not any(other != part and other.covers(part) for other in parts)]
