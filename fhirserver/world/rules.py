"""The rules of a policy, and what follows from them for one unit of one type.

A rule states some members for a type and a unit, each of which may be ``*``, and may be for resources with one code
only. For each member the most specific rule that states it counts: those for the resource's code first, then type and
unit, then the type, then the unit for any type, then ``*``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from fhirserver.kernel.json import JsonObject
from fhirserver.world.units import member_of
from fhirserver.world.vocabulary import CERTAIN

VERIFICATIONS = ("none", "machine", "human")
REVIEWS = ("never", "doubtful", "always")
ANY = "*"
_CENT = Decimal("0.01")

Codes = frozenset[str]
"""The codes of one resource, as rules name them: ``system|code``."""
NO_CODES: Codes = frozenset()


def codes_of(content: JsonObject) -> Codes:
    """The codings of a resource's ``code`` that have a system and a code."""
    code = content.get("code")
    codings = code.get("coding") or () if isinstance(code, dict) else ()
    full = (c for c in codings if isinstance(c, dict) and c.get("system") and c.get("code"))
    return frozenset(f"{c['system']}|{c['code']}" for c in full)


@dataclass(frozen=True, slots=True)
class Decay:
    """How a claim loses confidence with the days since it was last stated, renewed, verified or approved.

    ``steps``: after so many days it counts for at most so much. ``half_life``: days in which it halves, in steps
    of whole half-lives, never below ``floor``. ``kinds``: the kinds of sources it is for; empty for all.
    """

    steps: tuple[tuple[int, Decimal], ...] = ()
    half_life: int = 0
    floor: Decimal = Decimal("0.01")
    kinds: frozenset[str] = frozenset()

    def after(self, sure: Decimal, days: float) -> Decimal:
        """What a confidence has become after so many days."""
        if self.half_life:
            halved = (sure / 2 ** min(int(days // self.half_life), 64)).quantize(_CENT, ROUND_HALF_EVEN)
            return sure if days < self.half_life else min(sure, max(self.floor, halved))
        return min([sure, *(to for after, to in self.steps if days >= after)])

    @property
    def renewable(self) -> float:
        """The age in days from which it is worth a commit that a source says the same again."""
        return min([days for days, _ in self.steps] or [self.half_life]) / 4


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds for one unit of one type: the members of all rules that apply, put together.

    ``ceiling`` is the most that a kind of source may claim, where it is bounded.
    """

    type: str = ANY
    unit: str = ANY
    verification: str = "human"
    writeback: Decimal = Decimal("0.95")
    review: str = "doubtful"
    ceiling: Mapping[str, Decimal] = field(default_factory=dict)
    decay: Decay | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One ``[[rule]]`` of the file: what it states, which one it is and where it begins."""

    type: str
    unit: str
    stated: Mapping[str, Any]
    number: int = 0
    line: int = 0
    code: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.type, self.unit, self.code)

    @property
    def name(self) -> str:
        return named(*self.key)


def named(type: str, unit: str, code: str) -> str:
    """What a rule is for, in words."""
    place = type if unit == ANY else f"{type}.{unit}"
    return f"{place} (code {code})" if code else place


@dataclass(frozen=True, slots=True)
class Limits:
    """The ceilings of one kind of source on one type: of the whole, and of the units where another holds."""

    whole: Decimal
    units: Mapping[str, Decimal]

    def of(self, unit: str) -> Decimal:
        return self.units.get(member_of(unit), self.whole) if self.units else self.whole

    @property
    def least(self) -> Decimal:
        return min(self.whole, *self.units.values()) if self.units else self.whole


@dataclass(frozen=True, slots=True)
class Policy:
    """All rules, by (type, unit, code), in the order of the file; ``text`` is the file they are from."""

    entries: Mapping[tuple[str, str, str], Entry]
    text: str = ""
    _rules: dict[tuple[str, str, Codes], Rule] = field(default_factory=dict, compare=False, repr=False)
    _limits: dict[tuple[str, str], Limits | None] = field(default_factory=dict, compare=False, repr=False)
    _decaying: dict[tuple[str, str], bool] = field(default_factory=dict, compare=False, repr=False)
    _codes: dict[str, Codes] = field(default_factory=dict, compare=False, repr=False)

    @property
    def digest(self) -> str:
        """What tells one policy from another: the SHA-256 of its text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def rule(self, resource_type: str, unit: str, codes: Codes = NO_CODES) -> Rule:
        """What holds for a unit such as ``telecom[phone|…]`` of a resource with these codes."""
        key = (resource_type, member_of(unit), codes and codes & self.codes(resource_type))
        found = self._rules.get(key)
        if found is None:
            found = self._rules[key] = self._put_together(*key)
        return found

    def gate(self, resource_type: str, unit: str, codes: Codes = NO_CODES) -> Decimal:
        """The least confidence with which the unit may leave for a sink."""
        return self.rule(resource_type, unit, codes).writeback

    def limits(self, resource_type: str, kind: str) -> Limits | None:
        """The ceilings of a kind of source on a type; None where it has none."""
        key = (resource_type, kind)
        if key not in self._limits:
            self._limits[key] = self._bounds(*key)
        return self._limits[key]

    def decay(self, resource_type: str, unit: str, kind: str) -> Decay | None:
        """How a kind of source's claims on a unit lose confidence with age; None where they do not."""
        decay = self.rule(resource_type, unit).decay
        return decay if decay is not None and (not decay.kinds or kind in decay.kinds) else None

    def decaying(self, resource_type: str, kind: str) -> bool:
        """Whether any claim of a kind of source about a type loses confidence with age."""
        key = (resource_type, kind)
        if key not in self._decaying:
            units = (ANY, *self.units(resource_type))
            self._decaying[key] = any(self.decay(resource_type, unit, kind) for unit in units)
        return self._decaying[key]

    def units(self, resource_type: str) -> list[str]:
        """The units for which there are rules of their own that apply to a type, in order."""
        return sorted({unit for type, unit, _ in self.entries if type in (resource_type, ANY)} - {ANY})

    def codes(self, resource_type: str) -> Codes:
        """The codes for which a type has rules of their own."""
        found = self._codes.get(resource_type)
        if found is None:
            found = frozenset(code for type, _, code in self.entries if code and type == resource_type)
            self._codes[resource_type] = found
        return found

    def applying(self, resource_type: str, member: str, codes: Codes = NO_CODES) -> Iterator[Entry]:
        """The rules that apply to an element, the most specific first; of two codes the one that stands first."""
        coded = [key[2] for key in self.entries if key[2] in codes] if codes else []
        places = ((resource_type, member), (resource_type, ANY))
        keys = [(*place, code) for place in places for code in coded]
        keys += [(*place, "") for place in (*places, (ANY, member), (ANY, ANY))]
        return (self.entries[key] for key in dict.fromkeys(keys) if key in self.entries)

    def _put_together(self, resource_type: str, member: str, codes: Codes) -> Rule:
        stated: dict[str, Any] = {}
        ceiling: dict[str, Decimal] = {}
        for entry in self.applying(resource_type, member, codes):
            stated = {**entry.stated, **stated}
            ceiling = {**entry.stated.get("ceiling", {}), **ceiling}
        return Rule(resource_type, member, **{**stated, "ceiling": ceiling})

    def _bounds(self, resource_type: str, kind: str) -> Limits | None:
        whole = self.rule(resource_type, ANY).ceiling.get(kind, CERTAIN)
        units = {u: self.rule(resource_type, u).ceiling.get(kind, CERTAIN) for u in self.units(resource_type)}
        units = {unit: ceiling for unit, ceiling in units.items() if ceiling != whole}
        return Limits(whole, units) if whole < CERTAIN or units else None
