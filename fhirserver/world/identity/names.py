"""Names of people: what they are made of, and how far two agree."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

from fhirserver.kernel.json import JsonObject
from fhirserver.world.identity.similarity import is_spelling, jaro_winkler

_GENERATIONS: Final = {
    "jr": "2", "junior": "2", "sr": "1", "senior": "1", "i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5",
    "1st": "1", "2nd": "2", "3rd": "3", "4th": "4",
}  # fmt: skip
_PLAIN: Final = str.maketrans("øđłħıð", "odlhid")
_NOT_A_LETTER: Final = re.compile(r"[^a-z0-9]+")
_NO_NAME: Final = re.compile(
    r"(?:baby|newborn|infant|bb|bg)(?:boy|girl|male|female)?[a-d1-4]?$|unknown|unnamed|none$"
)
"""What stands for the given name of a child that has none yet, or of somebody unknown."""
_PARTICLES: Final = frozenset(
    [
        "de",
        "del",
        "della",
        "di",
        "da",
        "dos",
        "van",
        "von",
        "der",
        "den",
        "la",
        "le",
        "el",
        "al",
        "bin",
        "ibn",
        "st",
        "y",
        "e",
    ]
)


@dataclass(frozen=True, slots=True)
class PersonName:
    """One name: given names in their order and the family name, all folded; "" and () where there is none."""

    given: tuple[str, ...] = ()
    family: str = ""

    @property
    def first(self) -> str:
        return self.given[0] if self.given else ""


@lru_cache(maxsize=65536)
def fold(text: str) -> str:
    """Lower case, no accents, words of letters and digits with one space between."""
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
        text = text.casefold().translate(_PLAIN).replace("æ", "ae").replace("œ", "oe").replace("þ", "th")
    text = text.lower().replace("'", "").replace("’", "")
    return " ".join(word for word in _NOT_A_LETTER.split(text) if word)


def person_names(patient: JsonObject) -> tuple[tuple[PersonName, ...], str]:
    """The distinct names of a resource, those that hold first, and the generation (``1`` for Sr, ``2`` for Jr …)."""
    names: dict[PersonName, None] = {}
    generation = ""
    ordered = sorted(_items(patient.get("name")), key=lambda one: one.get("use") in ("old", "maiden"))
    for item in ordered:
        name, suffix = _read(item)
        generation = generation or suffix
        if name.given or name.family:
            names[name] = None
    return tuple(names), generation


def _items(value: object) -> list[JsonObject]:
    listed = value if isinstance(value, list) else [value]
    return [one for one in listed if isinstance(one, dict)]


def _read(item: JsonObject) -> tuple[PersonName, str]:
    family, suffix = _generation(fold(str(item.get("family") or "")).split())
    texts = [fold(str(text)) for text in item.get("given") or () if text]
    given, other = _generation([word for text in texts if (word := text.replace(" ", ""))])
    said = next(
        (_GENERATIONS[f] for s in item.get("suffix") or () if (f := fold(str(s))) in _GENERATIONS), ""
    )
    if not family and not given and item.get("text"):
        words, suffix = _generation(_from_text(str(item["text"])))
        given, family = words[:-1], words[-1:]
    if given and _NO_NAME.match(given[0]):
        given = []
    return PersonName(tuple(given), " ".join(family)), said or suffix or other


def _from_text(text: str) -> list[str]:
    """The words of a whole name, the family name last: ``Doe, John`` is ``john doe``."""
    before, comma, after = text.partition(",")
    return [*fold(after).split(), *fold(before).split()] if comma and fold(after) else fold(before).split()


def _generation(words: list[str]) -> tuple[list[str], str]:
    """The words without a generation at their end, and that."""
    if len(words) > 1 and words[-1] in _GENERATIONS and words[-1] not in ("i", "v"):
        return words[:-1], _GENERATIONS[words[-1]]
    return words, ""


# --- given names


@cache
def _families_of_names() -> dict[str, frozenset[int]]:
    """For each given name the lines of the table that it stands on."""
    found: dict[str, set[int]] = {}
    for number, line in enumerate(_lines("nicknames.txt")):
        for name in line.split():
            found.setdefault(name, set()).add(number)
    return {name: frozenset(lines) for name, lines in found.items()}


@cache
def _shares() -> tuple[dict[str, float], dict[str, float]]:
    """Of common given and family names: the share of people who have them."""
    shares: dict[str, dict[str, float]] = {"[family]": {}, "[given]": {}}
    section = shares["[family]"]
    for line in _lines("common_names.txt"):
        name, _, count = line.partition(" ")
        if count:
            section[name] = int(count) / 100_000
        else:
            section = shares[name]
    return shares["[given]"], shares["[family]"]


def _lines(name: str) -> Iterator[str]:
    text = files("fhirserver.world.identity").joinpath(name).read_text("utf-8")
    return (line for line in text.splitlines() if line and not line.startswith("#"))


def given_share(name: str) -> float:
    """The share of people with a given name; 0.0 for one that is not common."""
    return _shares()[0].get(name, 0.0)


def family_share(name: str) -> float:
    """The share of people with a family name; 0.0 for one that is not common."""
    return _shares()[1].get(name, 0.0)


def is_known_given(name: str) -> bool:
    """Whether this is a given name that people have, rather than a slip of the hand."""
    return name in _families_of_names() or name in _shares()[0]


def is_nickname(one: str, other: str) -> bool:
    """Whether two given names are forms of one."""
    families = _families_of_names()
    return not families.get(one, frozenset()).isdisjoint(families.get(other, frozenset()))


@lru_cache(maxsize=65536)
def same_given(one: str, other: str) -> str:
    """``same``, ``nickname``, ``slip``, ``close``, ``initial`` or ``different``.

    A slip is one of a name that people have; ``close`` are two that nobody knows, which may as well be those of
    twins. Two names that people have are never spellings of one, however alike.
    """
    if one == other:
        return "same"
    if is_nickname(one, other):
        return "nickname"
    if (len(one) == 1 or len(other) == 1) and one[0] == other[0]:
        return "initial"
    known = is_known_given(one) + is_known_given(other)
    if known == 2 or not is_spelling(one, other):
        return "different"
    return "slip" if known else "close"


_ORDER: Final = ("same", "nickname", "slip", "close", "initial", "part", "swapped", "different", "")


def compare_given(mine: PersonName, other: PersonName) -> str:
    """The level for given names; "" where one has none."""
    if not mine.given or not other.given:
        return ""
    found = same_given(mine.first, other.first)
    if found != "different":
        return found
    if _whole(mine) == _whole(other):
        return "slip"
    crossed = [same_given(a, b) for a in mine.given for b in other.given if len(a) > 1 and len(b) > 1]
    return "part" if {"same", "nickname"} & set(crossed) else "different"


def _whole(name: PersonName) -> str:
    return "".join(name.given)


# --- family names


@lru_cache(maxsize=65536)
def same_family(one: str, other: str) -> str:
    """``same``, ``close``, ``part`` (one of two that are hyphenated or married) or ``different``."""
    mine, theirs = one.replace(" ", ""), other.replace(" ", "")
    if mine == theirs:
        return "same"
    if is_spelling(mine, theirs):
        return "close"
    words, others = _words(one), _words(other)
    if len(words) + len(others) > 2 and any(a == b or is_spelling(a, b) for a in words for b in others):
        return "part"
    return "different"


def _words(family: str) -> list[str]:
    return [word for word in family.split() if word not in _PARTICLES and len(word) > 2]


@dataclass(frozen=True, slots=True)
class Named:
    """How two sets of names agree: the levels, and where they are the same the given and family name."""

    given: str = ""
    family: str = ""
    same_given: str = ""
    same_family: str = ""


def compare_names(mine: Iterable[PersonName], others: Iterable[PersonName]) -> Named:
    """The two names that agree best, whichever stands first."""
    theirs = tuple(others)
    found = (_compared(one, other) for one in mine for other in theirs)
    return min(found, key=_rank, default=Named())


def _compared(one: PersonName, other: PersonName) -> Named:
    given, family = _levels(one, other)
    return Named(given, family, one.first if given == "same" else "", one.family if family == "same" else "")


def _rank(named: Named) -> tuple[int, str, str, str, str]:
    total = _ORDER.index(named.given) + _ORDER.index(named.family)
    return total, named.given, named.family, named.same_given, named.same_family


def _levels(one: PersonName, other: PersonName) -> tuple[str, str]:
    given = compare_given(one, other)
    family = same_family(one.family, other.family) if one.family and other.family else ""
    if given in ("different", "") and family in ("different", "") and _is_swapped(one, other):
        return "swapped", "swapped"
    return given, family


def _is_swapped(one: PersonName, other: PersonName) -> bool:
    """Whether the given name of one is the family name of the other, and where both have both, the other way too."""
    ways = [(one.first, other.family), (other.first, one.family)]
    told = [_agree(a, b.replace(" ", "")) for a, b in ways if a and b]
    return bool(told) and all(told)


def _agree(one: str, other: str) -> bool:
    return one == other or (len(one) > 2 and len(other) > 2 and jaro_winkler(one, other) >= 0.88)
