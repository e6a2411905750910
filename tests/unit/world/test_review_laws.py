"""Laws of review: what a reviewer decides can be taken back, exactly; what is weak never displaces what is sure."""

from __future__ import annotations

from decimal import Decimal
from random import Random

from hypothesis import given, settings

from fhirserver.kernel.json import canonical
from fhirserver.world.entity import Entity, apply
from fhirserver.world.gates import may_leave, outbound
from fhirserver.world.policy import default_policy
from fhirserver.world.survivorship import ABSENT, claims_on, wins
from fhirserver.world.units import same
from tests.desk import Desk
from tests.unit.world.strategies import (
    LADDER,
    PERSON,
    SOURCES,
    correction,
    desk,
    live_claims,
    review,
    say,
    seeds,
    shown,
)


def views(at: Desk) -> bytes:
    """What the sources say, to the byte."""
    return canonical([[v.source, v.units, [*v.units], sorted(v.at)] for v in at[PERSON].ledger.views])


def decide(pick: Random, at: Desk, kind: str) -> int | None:
    """A decision of a kind on a live claim; its position."""
    claims = live_claims(at)
    if at[PERSON].deleted or not claims:
        return None
    claim = pick.choice(claims)
    if kind == "correct":
        at.correct(*PERSON, correction(pick))
    else:
        at.rule(kind, *PERSON, claim.unit, claim.source)
    return at.state.position


def taken_back(pick: Random, kind: str) -> None:
    at = desk(pick)
    world, said = shown(at[PERSON]), views(at)
    position = decide(pick, at, kind)
    if position is None:
        return
    at.take_back(position)
    assert shown(at[PERSON]) == world
    assert views(at) == said


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_approve_and_undo_are_inverse(pick: Random) -> None:
    taken_back(pick, "approve")


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_reject_and_undo_are_inverse(pick: Random) -> None:
    taken_back(pick, "reject")


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_correct_and_undo_are_inverse(pick: Random) -> None:
    taken_back(pick, "correct")


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_several_decisions_taken_back_last_first(pick: Random) -> None:
    at = desk(pick, decisions=0)
    worlds = []
    for _ in range(3):
        world = shown(at[PERSON])
        position = review(pick, at)
        if position is not None:
            worlds.append((position, world))
    for position, world in reversed(worlds):
        at.take_back(position)
        assert shown(at[PERSON]) == world
    again: Entity | None = None
    for made in at.commits:
        for event in made.events:
            again = apply(again, event, made)
    assert again is not None
    assert again.as_row() == at[PERSON].as_row(), "replaying the log gives the same bytes"


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_some_units_taken_back_one_after_another_are_all_of_it(pick: Random) -> None:
    """A correction taken back unit by unit ends where taking it back at once does."""
    at = desk(pick)
    world, said = shown(at[PERSON]), views(at)
    if decide(pick, at, "correct") is None:
        return
    position = at.state.position
    units = [*at.commits[position - 1].events[0]["supersedes"]]
    pick.shuffle(units)
    for unit in units:
        at.take_back(position, {unit})
    assert shown(at[PERSON]) == world
    assert views(at) == said


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_a_correction_taken_back_leaves_what_its_source_said_since(pick: Random) -> None:
    """A later correction of other units stands, as if the first had never been."""
    seed = pick.random()
    one, other = desk(Random(seed), decisions=0), desk(Random(seed), decisions=0)
    first, second = {"gender": {"gender": "unknown"}}, {"birthDate": {"birthDate": "1999-09-09"}}
    if one[PERSON].deleted:
        return
    one.correct(*PERSON, first)
    position = one.state.position
    one.correct(*PERSON, second)
    one.take_back(position)
    other.correct(*PERSON, second)
    assert shown(one[PERSON]) == shown(other[PERSON])


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_a_weak_claim_never_displaces_a_sure_one_by_itself(pick: Random) -> None:
    """What the world is certain of stays so, whatever the agent or a form says, however often and of whatever date."""
    at = desk(pick)
    certain = {
        unit: win.claim.value
        for unit, win in wins(at[PERSON].ledger).items()
        if win.confidence == Decimal("1.0")
    }
    for _ in range(3):
        say(pick, at, pick.choice(("agent", "form")))
    after = wins(at[PERSON].ledger)
    assert all(same(after[unit].claim.value, value) for unit, value in certain.items())


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_nothing_below_its_gate_is_offered_to_a_sink(pick: Random) -> None:
    """Against the claims themselves: somebody else than the sink says it, is live, and is sure enough."""
    at, policy = desk(pick), default_policy()
    entity = at[PERSON]
    for sink in SOURCES:
        leaving = may_leave(entity, policy, sink)
        view = entity.ledger.view(sink)
        for unit, value in outbound(entity, sink, leaving).items():
            if view is not None and unit in view.units and same(view.units[unit], value):
                continue
            behind = [c for c in claims_on(entity.ledger, unit) if c.status == "live" and c.source != sink]
            gate = policy.gate("Patient", unit)
            assert any(same(c.value, value) and c.confidence >= gate for c in behind)
        assert all(
            w.claim.value is not ABSENT or w.confidence >= policy.gate("Patient", u)
            for u, w in leaving.items()
        )


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_a_sources_repetition_changes_nothing_whatever_was_decided(pick: Random) -> None:
    at = desk(pick)
    position, world = at.state.position, shown(at[PERSON])
    for source, (content, said) in at.spoken.items():
        sure = min(said["confidence"], pick.choice(LADDER))
        at.put(source, *PERSON, content, **{**said, "confidence": sure, "effective": "2027-05-05"})
    assert (at.state.position, shown(at[PERSON])) == (position, world)
