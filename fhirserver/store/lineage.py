"""The lineage of a resource: per unit what holds and why, every claim on it, who made it and on what evidence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fhirserver.ports.storage import Key
from fhirserver.store.as_of import Moment, course
from fhirserver.store.store import Store
from fhirserver.store.words import Words
from fhirserver.world.chronicle import Chronicle, Told, identity
from fhirserver.world.decision import Decision
from fhirserver.world.entity import Entity
from fhirserver.world.evidence import Word
from fhirserver.world.ledger import Ledger
from fhirserver.world.reasons import rule_of, rulings, settled
from fhirserver.world.survivorship import Claim, Win, claims_on, contend
from fhirserver.world.units import member_of

Wanted = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Ruled:
    """A decision and who made it."""

    decision: Decision
    word: Word


@dataclass(frozen=True, slots=True)
class Traced:
    """One claim: its part in the outcome, who made it, what was decided about it.

    ``role`` is ``wins``, ``agrees``, ``contends`` or, for one that its source makes no more, ``past``.
    ``settled`` is the decision by which it is rejected or superseded; ``turns`` its states in the course of time,
    as (position, state), where that was asked for.
    """

    claim: Claim
    role: str
    word: Word
    rulings: tuple[Ruled, ...] = ()
    settled: Ruled | None = None
    turns: tuple[tuple[int, str], ...] = ()

    @property
    def status(self) -> str:
        return self.turns[-1][1] if self.turns else self.claim.status


@dataclass(frozen=True, slots=True)
class UnitLineage:
    """One unit: what holds (None: nothing, all claims being rejected or gone), by which rule, and all claims."""

    unit: str
    win: Win | None
    rule: str
    claims: tuple[Traced, ...]

    @property
    def corroborated(self) -> Sequence[str]:
        """The other sources that say what holds."""
        if self.win is None:
            return ()
        return [claim.speaker for claim in self.win.agreeing if claim is not self.win.claim]


def names_unit(type: str, names: Sequence[str]) -> Wanted:
    """Whether a unit is among those named by unit (``telecom[phone|…]``) or path (``Patient.telecom``, ``telecom``)."""
    if not names:
        return lambda unit: True
    asked = {name.removeprefix(f"{type}.") for name in names}
    return lambda unit: bool(asked & {unit, member_of(unit), member_of(unit).removesuffix("[x]")})


async def lineage_of(store: Store, entity: Entity, wanted: Wanted) -> Sequence[UnitLineage]:
    """The units of a resource as it is in ``entity``, with the claims that are made on them."""
    words = Words(store, entity.key)
    units = dict.fromkeys(unit for view in entity.ledger.views for unit in view.stated() if wanted(unit))
    in_order = [*(unit for unit in entity.world.units if unit in units), *units]
    return [await _unit(words, entity.ledger, unit, ()) for unit in dict.fromkeys(in_order)]


async def history_of(store: Store, key: Key, at: Moment, wanted: Wanted) -> Sequence[UnitLineage]:
    """The same, with every claim that was ever made until a moment and what became of it."""
    chronicle, ledger = Chronicle(wanted), Ledger()
    async for commit, entity in course(store, key, at):
        chronicle.take(commit.position, entity)
        ledger = entity.ledger
    words = Words(store, key)
    return [await _unit(words, ledger, unit, chronicle.told(unit)) for unit in chronicle.units]


async def _unit(words: Words, ledger: Ledger, unit: str, told: Sequence[Told]) -> UnitLineage:
    claims = claims_on(ledger, unit)
    win = contend(claims)
    turns = {identity(one.claim): tuple(one.turns) for one in told}
    ordered = [*win.agreeing, *win.losing] if win else claims
    if win:
        ordered.sort(key=lambda claim: claim is not win.claim)
    traced = [
        await _traced(words, ledger, claim, _role(claim, win), turns.get(identity(claim), ()))
        for claim in ordered
    ]
    for one in told:
        if not one.stands:
            traced.append(await _traced(words, ledger, one.claim, "past", tuple(one.turns)))
    return UnitLineage(unit, win, rule_of(ledger, win), tuple(traced))


def _role(claim: Claim, win: Win | None) -> str:
    if win is not None and claim is win.claim:
        return "wins"
    return "agrees" if win is not None and claim in win.agreeing else "contends"


async def _traced(
    words: Words, ledger: Ledger, claim: Claim, role: str, turns: tuple[tuple[int, str], ...]
) -> Traced:
    word = await words.at(claim.stamp.evidence, claim.source)
    made = [
        Ruled(one, await words.at(one.position)) for one in rulings(ledger, claim) if one.kind != "supersede"
    ]
    by = settled(ledger, claim) if role != "past" else None
    return Traced(
        claim, role, word, tuple(made), Ruled(by, await words.at(by.position)) if by else None, turns
    )
