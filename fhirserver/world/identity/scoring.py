"""The score of a pair: bits of evidence that two records are of one person, field by field, and what follows from it.

A field's agreement tells log2(m/u) bits (:mod:`.training`); a common name tells less than a rare one. The members of
one household agree on family name, address and phone as one person's records do, and the twins among them on the birth
date as well. So a pair is weighed against strangers *and* against two of one household, whichever explains it better.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib.resources import files
from math import exp2, log2
from typing import Final, NamedTuple

from fhirserver.kernel.json import loads
from fhirserver.world.identity.person import Agreement, Person, compare

POSSIBLE: Final = 15.0
PROBABLE: Final = 22.0
CERTAIN: Final = 29.0
"""Bits from which a pair is possible, probable, certain."""
CERTAIN_BY_IDENTIFIER: Final = 24.0
"""The same where they share an identifier: it decides unless given name and birth date both say otherwise."""
_EVEN: Final = 20.0
"""Bits at which it is as likely as not: one record in a million is the one that is looked for."""
_HOUSEHOLD: Final = -17.0
"""log2 of how many pairs are of one household: eight for each pair of one person."""
_ONE_NAME: Final = ("same", "nickname", "slip")
_SHARE_FLOOR: Final = 2e-3
_NOT_CERTAIN: Final = {
    "given": ("different", "part", ""),
    "family": ("different", ""),
    "generation": ("different",),
    "birthDate": ("different", "year", "day"),
    "gender": ("different",),
}
"""Without a shared identifier a pair is not certain where a field is so; "" is a field that one does not state."""


class Grade(Enum):
    """http://hl7.org/fhir/R4/valueset-match-grade.html"""

    CERTAIN = "certain"
    PROBABLE = "probable"
    POSSIBLE = "possible"
    CERTAINLY_NOT = "certainly-not"


_RANGES: Final = {
    Grade.CERTAIN: (CERTAIN, 60.0),
    Grade.PROBABLE: (PROBABLE, CERTAIN - 0.1),
    Grade.POSSIBLE: (POSSIBLE, PROBABLE - 0.1),
    Grade.CERTAINLY_NOT: (-40.0, POSSIBLE - 0.1),
}


class Weighed(NamedTuple):
    """What one field's agreement tells, in bits; negative speaks against."""

    field: str
    level: str
    bits: float


@dataclass(frozen=True, slots=True)
class Score:
    """``bits`` of evidence that two records are of one, what each field tells, and the grade.

    ``household`` (0 or less) is what is taken off because two of one household agree so too; the bits of the fields and
    this make up ``bits``. ``reason`` says what rule decided the grade, if not the bits alone.
    """

    bits: float
    grade: Grade
    fields: tuple[Weighed, ...]
    household: float = 0.0
    reason: str = ""

    @property
    def probability(self) -> float:
        """From 0 to 1, for ``search.score``: by the bits, as far as the grade admits."""
        least, most = _RANGES[self.grade]
        return 1 / (1 + exp2(_EVEN - max(least, min(most, self.bits))))

    @property
    def explanation(self) -> str:
        """One line, without any value: ``28.2 bits: given same +6.8, family different -3.5, …``."""
        told = [f"{one.field} {one.level} {one.bits:+.1f}" for one in self.fields]
        if self.household < -0.05:
            told.append(f"as in one household {self.household:+.1f}")
        reason = f"; {self.reason}" if self.reason else ""
        return f"{self.bits:.1f} bits: {', '.join(told)}{reason}"


class _Chance(NamedTuple):
    """log2 of how often records of one person, of one household and of strangers agree so."""

    person: float
    household: float
    strangers: float


@cache
def _chances() -> Mapping[tuple[str, str], _Chance]:
    table = loads(files("fhirserver.world.identity").joinpath("parameters.json").read_bytes())
    return {
        (field, level): _chance(level, *(log2(float(chance)) for chance in of))
        for field, levels in table.items()
        for level, of in levels.items()
    }


def _chance(level: str, person: float, household: float, strangers: float) -> _Chance:
    """What is the same never speaks against one person, though those of one household share it more often."""
    return _Chance(person, min(household, person) if level == "same" else household, strangers)


def score(mine: Person, other: Person) -> Score:
    """How sure it is that two records are of one person. Symmetric."""
    return _scored(compare(mine, other))


def _scored(agreements: Iterable[Agreement]) -> Score:
    table = _chances()
    fields: list[Weighed] = []
    person = household = strangers = 0.0
    for field, level, share in agreements:
        chance = table[field, level]
        rarer = _rarer(share, chance.strangers) if share else 0.0
        person += chance.person
        household += chance.household + (rarer if field == "given" else 0.0)
        strangers += chance.strangers + rarer
        fields.append(Weighed(field, level, round(chance.person - chance.strangers - rarer, 2)))
    levels = {one.field: one.level for one in fields}
    apart = person - strangers
    household += _HOUSEHOLD + _unshared(levels)
    bits = person - _sum(strangers, household)
    grade, reason = _graded(bits, levels)
    return Score(round(bits, 2), grade, tuple(fields), round(bits - apart, 2), reason)


def _unshared(levels: Mapping[str, str]) -> float:
    """Two of one household may have one given name (father and son) or one birth date (twins), but not both."""
    if levels.get("birthDate") != "same" or levels.get("given") not in _ONE_NAME:
        return 0.0
    chance = _chances()["birthDate", "same"]
    return chance.strangers - chance.household


def _rarer(share: float, usual: float) -> float:
    """How much more often strangers agree on a name that this ``share`` of people have; never below zero."""
    return max(0.0, log2(max(share, _SHARE_FLOOR)) - usual)


def _sum(one: float, other: float) -> float:
    """log2 of 2**one + 2**other."""
    high, low = max(one, other), min(one, other)
    return high + log2(1 + 2 ** max(low - high, -60.0))


def _graded(bits: float, levels: Mapping[str, str]) -> tuple[Grade, str]:
    """The grade, and the rule that decided it."""
    if levels.get("identifier") == "same":
        if bits >= CERTAIN_BY_IDENTIFIER and levels.get("generation") != "different":
            return Grade.CERTAIN, "a shared identifier decides"
        return (
            Grade.PROBABLE if bits >= PROBABLE else Grade.POSSIBLE
        ), "all else speaks against the identifier"
    if _are_siblings(levels):
        return Grade.CERTAINLY_NOT, "so agree children born together"
    if bits >= CERTAIN:
        doubt = next((field for field in _NOT_CERTAIN if _is_doubtful(field, levels)), "")
        return (Grade.PROBABLE, f"not certain: {doubt}") if doubt else (Grade.CERTAIN, "")
    if bits >= PROBABLE:
        return Grade.PROBABLE, ""
    return (Grade.POSSIBLE if bits >= POSSIBLE else Grade.CERTAINLY_NOT), ""


def _is_doubtful(field: str, levels: Mapping[str, str]) -> bool:
    """Whether a field keeps a pair from being certain. A new family name does not where the number has only a slip."""
    if field == "family" and levels.get("identifier") == "near":
        return False
    return levels.get(field, "") in _NOT_CERTAIN[field]


def _are_siblings(levels: Mapping[str, str]) -> bool:
    """Twins: one birth date, one family and home, and two given names."""
    return (
        levels.get("given") == "different"
        and levels.get("birthDate") == "same"
        and levels.get("family") in ("same", "close")
        and (levels.get("address") in ("same", "near") or levels.get("phone") == "same")
    )
