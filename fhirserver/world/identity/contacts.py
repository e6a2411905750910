"""Phone numbers, e-mail addresses and postal addresses, and how far two agree."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from fhirserver.kernel.json import JsonObject
from fhirserver.world.identity.names import fold
from fhirserver.world.identity.similarity import is_spelling, one_slip

_DIGITS: Final = re.compile(r"\D")
_NUMBER: Final = re.compile(r"\d+[a-z]?")
_FEWEST_DIGITS: Final = 7
_ABBREVIATIONS: Final = {
    "st": "street", "str": "street", "rd": "road", "ave": "avenue", "av": "avenue", "dr": "drive", "ln": "lane",
    "ct": "court", "crt": "court", "blvd": "boulevard", "pl": "place", "sq": "square", "ter": "terrace",
    "tce": "terrace", "hwy": "highway", "pkwy": "parkway", "cir": "circle", "cct": "circuit", "cres": "crescent",
    "n": "north", "s": "south", "e": "east", "w": "west", "apt": "apartment", "ste": "suite", "fl": "floor",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """One postal address: house number, lines without it, postal code, city; all folded, "" where not stated."""

    number: str = ""
    lines: tuple[str, ...] = ()
    postal: str = ""
    city: str = ""


@lru_cache(maxsize=65536)
def phone_key(number: str) -> str:
    """The digits without the country code 1 or a leading zero; "" for what is too short to be a number."""
    digits = _DIGITS.sub("", number)
    if len(digits) == 11 and digits.startswith("1"):
        digits = digits[1:]
    digits = digits.lstrip("0")
    return digits if len(digits) >= _FEWEST_DIGITS else ""


def phones(resource: JsonObject) -> frozenset[str]:
    """The keys of the phone numbers of a resource."""
    return frozenset(key for value in _telecom(resource, "phone", "sms") if (key := phone_key(value)))


def emails(resource: JsonObject) -> frozenset[str]:
    """The e-mail addresses of a resource, in lower case."""
    return frozenset(value.strip().lower() for value in _telecom(resource, "email") if "@" in value)


def _telecom(resource: JsonObject, *systems: str) -> Iterable[str]:
    for item in resource.get("telecom") or ():
        if item.get("system") in systems and isinstance(item.get("value"), str) and item.get("use") != "old":
            yield item["value"]


def places(resource: JsonObject) -> tuple[Place, ...]:
    """The distinct addresses of a resource; a Location has one."""
    value = resource.get("address") or ()
    items = value if isinstance(value, list) else [value]
    found = (_place(item) for item in items if isinstance(item, dict))
    return tuple(dict.fromkeys(place for place in found if place != Place()))


def _place(item: JsonObject) -> Place:
    lines = [str(line) for line in item.get("line") or () if line]
    if not lines and item.get("text"):
        lines = str(item["text"]).split(",")[:1]
    number, rest = "", []
    for line in lines:
        words = [_ABBREVIATIONS.get(word, word) for word in fold(line).split()]
        if words and not number and _NUMBER.fullmatch(words[0]):
            number, words = words[0], words[1:]
        if words:
            rest.append(" ".join(words))
    postal = fold(str(item.get("postalCode") or "")).replace(" ", "")
    postal = postal[:5] if len(postal) == 9 and postal.isdigit() else postal
    return Place(number, tuple(rest), postal, fold(str(item.get("city") or "")))


def compare_keys(mine: frozenset[str], others: frozenset[str]) -> str:
    """``same``, ``near`` (one slip apart) or ``different`` over the two that agree best; "" where one has none."""
    if not mine or not others:
        return ""
    if not mine.isdisjoint(others):
        return "same"
    return "near" if any(one_slip(a, b) for a in mine for b in others) else "different"


_LEVELS: Final = ("same", "near", "part", "town", "different", "")


def compare_places(mine: Iterable[Place], others: Iterable[Place]) -> str:
    """The level over the two addresses that agree best; "" where one has none.

    ``same``: street and number agree, and nothing differs; ``near``: the street and one part more, or all but the
    street; ``part``: the street, or the number in the same town; ``town``: postal code or city; ``different``. One slip
    in a part is no difference. It is one level and not four, because who moves changes all parts at once.
    """
    theirs = tuple(others)
    levels = (_compared(one, other) for one in mine for other in theirs)
    return min(levels, key=_LEVELS.index, default="")


@lru_cache(maxsize=16384)
def _compared(one: Place, other: Place) -> str:
    told = {
        "number": _agrees(one.number, other.number, one_slip),
        "street": _street(one.lines, other.lines),
        "postal": _agrees(one.postal, other.postal, one_slip),
        "city": _agrees(one.city, other.city, is_spelling),
    }
    agreed = {part for part, found in told.items() if found}
    if not agreed:
        return "different" if False in told.values() else ""
    if {"number", "street"} <= agreed and False not in told.values():
        return "same"
    return _partly(agreed)


def _partly(agreed: set[str]) -> str:
    if len(agreed) > 2 or ("street" in agreed and len(agreed) == 2):
        return "near"
    if "street" in agreed or ("number" in agreed and len(agreed) == 2):
        return "part"
    return "town" if agreed & {"postal", "city"} else "different"


def _agrees(one: str, other: str, alike: Callable[[str, str], bool]) -> bool | None:
    """None where one does not say."""
    return (one == other or alike(one, other)) if one and other else None


def _street(mine: tuple[str, ...], others: tuple[str, ...]) -> bool | None:
    """Whether any two lines agree: a house name or unit may stand before or after the street."""
    if not mine or not others:
        return None
    return not set(mine).isdisjoint(others) or any(is_spelling(a, b) for a in mine for b in others)
