"""The policy file: TOML, read and checked whole, every mistake named with its line. See ``docs/policy.md``.

Rules ``[[rule]]`` with ``type``, ``unit``, ``code``, ``verification``, ``writeback``, ``review``, ``ceiling`` and
``decay``.
"""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

from fhirserver.model.definitions import definitions
from fhirserver.world.rules import ANY, REVIEWS, VERIFICATIONS, Decay, Entry, Limits, Policy, Rule
from fhirserver.world.sources import KINDS

__all__ = [
    "REVIEWS",
    "VERIFICATIONS",
    "Decay",
    "Entry",
    "InvalidPolicy",
    "Limits",
    "Policy",
    "Rule",
    "default_policy",
    "parse_policy",
]

MEMBERS = ("type", "unit", "code", "verification", "writeback", "review", "ceiling", "decay")
_DECAY = frozenset({"steps", "half_life_days", "floor", "kinds"})
_UNCODED = frozenset(("ceiling", "decay"))
"""What holds for claims as they are made, one by one: before anybody knows the code of the whole."""
_HEADER = re.compile(r"\s*\[\[\s*[\"']?rule[\"']?\s*\]\]")


class InvalidPolicy(ValueError):
    """The policy file is wrong; ``problems`` name line, rule and member of each mistake."""

    def __init__(self, problems: Sequence[str]):
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class _Wrong(ValueError):
    """A member's value is wrong, and why."""


def parse_policy(text: str) -> Policy:
    """Read a policy file. Raises :class:`InvalidPolicy` with every mistake in it."""
    try:
        document = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise InvalidPolicy([f"not TOML: {error}"]) from None
    unknown = sorted(set(document) - {"rule"})
    rules = document.get("rule", [])
    if unknown or not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        what = f"unknown table '{unknown[0]}'; the only one is" if unknown else "write rules as"
        raise InvalidPolicy([f"{what} [[rule]]"])
    places = _places(text)
    problems: list[str] = []
    entries: dict[tuple[str, str, str], Entry] = {}
    for number, members in enumerate(rules, 1):
        entry, wrong = _entry(number, members, places[number - 1] if number <= len(places) else {})
        problems += wrong
        first = entries.setdefault(entry.key, entry)
        if first is not entry and not wrong:
            problems.append(f"line {entry.line}, rule {number}: rule {first.number} is for {entry.name} too")
    if problems:
        raise InvalidPolicy(problems)
    return Policy(entries, text)


def _places(text: str) -> list[dict[str, int]]:
    """For each ``[[rule]]`` the line of its header, under ``""``, and those of its members."""
    places: list[dict[str, int]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if _HEADER.match(line):
            places.append({"": number})
        elif places and (member := re.match(r"\s*[\"']?(\w+)[\"']?\s*[.=]", line)):
            places[-1].setdefault(member[1], number)
    return places


def _entry(number: int, members: dict[str, Any], lines: dict[str, int]) -> tuple[Entry, list[str]]:
    """One rule, and what is wrong with it."""
    type, unit = members.get("type", ANY), members.get("unit", ANY)
    stated: dict[str, Any] = {}
    problems: list[str] = []
    for name, value in {"type": type, "unit": unit, **members}.items():
        try:
            stated[name] = _READERS[name](value, type) if name in _READERS else _unknown_member(name)
        except _Wrong as wrong:
            where = f"line {lines.get(name, lines.get('', 0))}, rule {number}"
            problems.append(f"{where}: {wrong}")
    for name in sorted(_UNCODED & set(members)) if "code" in members else ():
        where = f"line {lines.get(name, lines.get('', 0))}, rule {number}"
        problems.append(f"{where}: a rule with a code has no {name}: that goes by type and unit only")
    type, unit, code = (str(stated.pop(name, "")) for name in ("type", "unit", "code"))
    return Entry(type, unit, stated, number, lines.get("", 0), code), problems


def _unknown_member(name: str) -> Any:
    raise _Wrong(f"unknown member '{name}'{_hint(name, MEMBERS)}; known: {', '.join(MEMBERS)}")


def _hint(given: object, among: Iterator[str] | Sequence[str]) -> str:
    close = get_close_matches(str(given), list(among), 1)
    return f" (did you mean '{close[0]}'?)" if close else ""


def _type(value: Any, _: str) -> str:
    types = definitions().resource_types
    if value != ANY and value not in types:
        raise _Wrong(f"type '{value}' is no resource type of R4{_hint(value, sorted(types))}")
    return str(value)


def _unit(value: Any, type: str) -> str:
    types = definitions().resource_types
    if value == ANY or (type != ANY and type not in types):
        return str(value)
    known = units_of(type) if type != ANY else frozenset().union(*map(units_of, types))
    if value not in known:
        choice = f"{value}[x]" if f"{value}[x]" in known else _choice(value, type)
        hint = f" (write '{choice}')" if choice else _hint(value, sorted(known))
        raise _Wrong(f"unit '{value}' is no element of {'any type' if type == ANY else type}{hint}")
    return str(value)


def _code(value: Any, type: str) -> str:
    if type == ANY:
        raise _Wrong("code needs a type that has a code, such as Observation")
    found = definitions().type(type) if type in definitions().resource_types else None
    element = found.elements.get("code") if found else None
    if found and (element is None or element.type != "CodeableConcept"):
        raise _Wrong(f"{type} has no code that a rule could name")
    if not isinstance(value, str) or not all(value.rpartition("|")[::2]):
        raise _Wrong('code is written "system|code"')
    return value


def _choice(value: Any, type: str) -> str:
    found = definitions().type(type)
    element = found.elements.get(str(value)) if found else None
    return element.choice if element else ""


@cache
def units_of(resource_type: str) -> frozenset[str]:
    """The elements of a type as units are named: choices by ``value[x]``, without the resource's id."""
    found = definitions().type(resource_type)
    elements = found.elements.items() if found else ()
    return frozenset(element.choice or name for name, element in elements if name != "id")


def _word(allowed: Sequence[str], name: str) -> Callable[[Any, str], str]:
    def read(value: Any, _: str) -> str:
        if value not in allowed:
            raise _Wrong(f"{name} is one of {', '.join(allowed)}")
        return str(value)

    return read


def _confidence(value: Any, name: str, least: Decimal = Decimal(0)) -> Decimal:
    right = isinstance(value, int | Decimal) and not isinstance(value, bool)
    if not right or not (number := Decimal(value)).is_finite() or not least <= number <= 1:
        raise _Wrong(f"{name} is a number from {least} to 1")
    return number


_LEAST = Decimal("0.01")
"""A claim that is to count for nothing is rejected by a reviewer, not by the policy."""


def _ceiling(value: Any, _: str) -> dict[str, Decimal]:
    if not isinstance(value, dict):
        raise _Wrong("ceiling is a table of kinds of sources, such as { agent = 0.5 }")
    for kind in value:
        _kind(kind, "ceiling")
    return {kind: _confidence(most, f"ceiling.{kind}", _LEAST) for kind, most in value.items()}


def _kind(value: Any, name: str) -> str:
    if value not in KINDS:
        raise _Wrong(f"{name}: '{value}' is no kind of source; kinds are {', '.join(sorted(KINDS))}")
    return str(value)


def _days(value: Any, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 36500:
        raise _Wrong(f"{name} is a whole number of days from 1 to 36500")
    return value


def _decay(value: Any, _: str) -> Decay | None:
    if value is False:
        return None
    if not isinstance(value, dict) or ("steps" in value) == ("half_life_days" in value):
        raise _Wrong("decay is a table with either steps or half_life_days, or false for none")
    unknown = sorted(set(value) - _DECAY)
    if unknown or ("steps" in value and "floor" in value):
        name = unknown[0] if unknown else "floor"
        raise _Wrong(f"decay has no member '{name}' here; known: {', '.join(sorted(_DECAY))}")
    given = value.get("kinds", [])
    if not isinstance(given, list):
        raise _Wrong("decay.kinds is a list of kinds of sources")
    kinds = frozenset(_kind(kind, "decay.kinds") for kind in given)
    if "steps" in value:
        return Decay(_steps(value["steps"]), kinds=kinds)
    floor = _confidence(value.get("floor", _LEAST), "decay.floor", _LEAST)
    return Decay(half_life=_days(value["half_life_days"], "decay.half_life_days"), floor=floor, kinds=kinds)


def _steps(value: Any) -> tuple[tuple[int, Decimal], ...]:
    tables = isinstance(value, list) and value and all(isinstance(one, dict) for one in value)
    if not tables or any(set(one) != {"days", "to"} for one in value):
        raise _Wrong("decay.steps is a list such as [{ days = 180, to = 0.7 }]")
    steps = [(_days(one["days"], "days"), _confidence(one["to"], "to", _LEAST)) for one in value]
    for (days, to), (later, less) in itertools.pairwise(steps):
        if later <= days or less >= to:
            raise _Wrong("decay.steps: every step is after more days, to a smaller confidence")
    return tuple(steps)


_READERS: dict[str, Callable[[Any, str], Any]] = {
    "type": _type,
    "unit": _unit,
    "code": _code,
    "verification": _word(VERIFICATIONS, "verification"),
    "writeback": lambda value, _: _confidence(value, "writeback"),
    "review": _word(REVIEWS, "review"),
    "ceiling": _ceiling,
    "decay": _decay,
}


@cache
def default_policy() -> Policy:
    """The shipped policy: scheduling needs 0.7; identity, coverage and clinical units need an operator."""
    return parse_policy((files("fhirserver.world") / "default_policy.toml").read_text())
