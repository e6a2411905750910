"""What was ever claimed about the units of a resource, and what became of it: told from its states one after another.

Feed :class:`Chronicle` the entity after each commit about it, in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from fhirserver.world.entity import Entity
from fhirserver.world.ledger import Ledger
from fhirserver.world.survivorship import Claim, Win, claims_on, contend
from fhirserver.world.units import same

REPLACED, REMOVED, WITHDRAWN = "replaced", "removed", "withdrawn"
"""What becomes of a claim that its source makes no more: it said something else, said that the resource is no
more, or fell silent on the unit."""


@dataclass(slots=True)
class Told:
    """One claim, as it last stood, and the positions at which it came into each state, the first one first."""

    claim: Claim
    turns: list[tuple[int, str]] = field(default_factory=list)

    @property
    def status(self) -> str:
        return self.turns[-1][1]

    @property
    def stands(self) -> bool:
        """Whether its source still makes it, whatever was decided about it."""
        return self.status not in (REPLACED, REMOVED, WITHDRAWN)

    def turn(self, position: int, status: str) -> None:
        if not self.turns or self.status != status:
            self.turns.append((position, status))


@dataclass(frozen=True, slots=True)
class Held:
    """From the commit at ``position`` on, this was the outcome of the unit; None for none."""

    position: int
    win: Win | None


Identity = tuple[str, int]
"""Source and position of a claim on a unit."""


def identity(claim: Claim) -> Identity:
    return claim.source, claim.stamp.position


class Chronicle:
    """The claims ever made on the units that are ``wanted``, and the outcomes that held."""

    def __init__(self, wanted: Callable[[str], bool] = lambda unit: True):
        self._wanted = wanted
        self._told: dict[str, dict[Identity, Told]] = {}
        self._held: dict[str, list[Held]] = {}

    def take(self, position: int, entity: Entity) -> None:
        """The resource after the commit at ``position``."""
        for unit in _spoken_of(entity.ledger):
            if self._wanted(unit):
                self._told.setdefault(unit, {})
        for unit in self._told:
            claims = claims_on(entity.ledger, unit)
            self._claims(unit, claims, position, entity.ledger)
            self._outcome(unit, contend(claims), position)

    def _claims(self, unit: str, claims: Sequence[Claim], position: int, ledger: Ledger) -> None:
        told, there = self._told[unit], {identity(claim) for claim in claims}
        for claim in claims:
            one = told.setdefault(identity(claim), Told(claim))
            one.claim = claim
            one.turn(position, claim.status)
        speaking = {claim.source for claim in claims}
        for key, one in told.items():
            if key not in there and one.stands:
                one.turn(position, _gone(key[0], speaking, ledger))

    def _outcome(self, unit: str, win: Win | None, position: int) -> None:
        held = self._held.setdefault(unit, [])
        if not (held and _same_outcome(held[-1].win, win)):
            held.append(Held(position, win))

    @property
    def units(self) -> Sequence[str]:
        return list(self._told)

    def told(self, unit: str) -> Sequence[Told]:
        """Every claim ever made on a unit, in the order in which they were made."""
        return sorted(self._told.get(unit, {}).values(), key=lambda one: identity(one.claim)[::-1])

    def held(self, unit: str) -> Sequence[Held]:
        """What held, from when on."""
        return self._held.get(unit, [])


def _spoken_of(ledger: Ledger) -> Iterator[str]:
    for view in ledger.views:
        yield from view.stated()


def _gone(source: str, speaking: set[str], ledger: Ledger) -> str:
    if source in speaking:
        return REPLACED
    view = ledger.view(source)
    return REMOVED if view is not None and view.deleted is not None else WITHDRAWN


def _same_outcome(one: Win | None, other: Win | None) -> bool:
    if one is None or other is None:
        return one is other
    return (
        one.confidence == other.confidence
        and identity(one.claim) == identity(other.claim)
        and same(one.claim.value, other.claim.value)
    )
