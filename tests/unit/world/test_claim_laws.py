"""The laws of claims, with withdrawals and decisions among the steps. DESIGN §4.2.

A life is a list of steps of several sources, each in its own order, and of decisions by a reviewer. The oracle is
the same life without some of its steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fhirserver.kernel.json import JsonObject, canonical
from fhirserver.ports.log import Commit, Statement
from fhirserver.world.entity import Entity, apply, from_row
from fhirserver.world.gates import below_gate, may_leave
from fhirserver.world.ledger import Ledger
from fhirserver.world.policy import parse_policy
from fhirserver.world.policy_change import consequences
from fhirserver.world.survivorship import claims_on, resolve, wins
from fhirserver.world.units import join
from tests.unit.world.strategies import LADDER, SOURCES, assertion, histories, interleaved, shown

seeds = st.integers(0, 2**48).map(Random)
POLICY = parse_policy(
    '[[rule]]\nwriteback = 0.7\n[[rule]]\ntype = "Patient"\nunit = "telecom"\nwriteback = 0.95\n'
    '[[rule]]\ntype = "Patient"\nunit = "gender"\nceiling = { agent = 0.3, ehr = 0.9 }\n'
)
KINDS = {"agent": "agent", "ehr": "ehr", "form": "form", "lab": "ehr"}


def withdrawal(pick: Random, source: str) -> JsonObject:
    units = pick.choice([[], ["gender"], ["telecom"], ["birthDate", "name"]])
    return {
        "e": "withdrawn",
        "type": "Patient",
        "id": "1",
        "source": source,
        "recorded": "2026-06-01T00:00:00.000Z",
        **({"units": units} if units else {}),
    }


def lives(pick: Random) -> list[list[JsonObject]]:
    """What each source says and takes back, in its own order."""
    found = histories(pick, removals=True)
    for said, source in zip(found, SOURCES, strict=True):
        if said and pick.random() < 0.6:
            said.insert(pick.randint(1, len(said)), withdrawal(pick, source))
    return found


def live(steps: Sequence[JsonObject], entity: Entity | None = None, reload: bool = False) -> Entity:
    start = entity.seen if entity else 0
    for position, event in enumerate(steps, start + 1):
        if entity is None and event["e"] != "asserted":
            event = {**event, "e": "asserted", "content": {}, "confidence": Decimal(1)}
        commit = Commit(position, f"c{position}", event["recorded"], 1, Statement(event.get("source", "x")))
        entity = apply(entity, event, commit)
        if reload:
            entity = from_row(entity.as_row())
    assert entity is not None
    return entity


def decision(pick: Random, entity: Entity, kinds: Sequence[str], **more: Any) -> JsonObject | None:
    """A decision about one of the claims there are."""
    claims = [claim for unit in wins(entity.ledger) for claim in claims_on(entity.ledger, unit)]
    if not claims:
        return None
    claim = pick.choice(claims)
    others = [c for c in claims_on(entity.ledger, claim.unit) if c.source != claim.source]
    made: JsonObject = {
        "kind": pick.choice(kinds),
        "unit": claim.unit,
        "source": claim.source,
        "claim": claim.stamp.position,
        **more,
    }
    if made["kind"] in ("approve", "verify", "cap", "decay"):
        made["confidence"] = Decimal("0.95") if made["kind"] == "approve" else pick.choice(LADDER)
    if made["kind"] == "approve":
        made["against"] = [[other.source, other.stamp.position] for other in others]
    recorded = f"2026-12-01T00:00:0{pick.randint(0, 9)}.000Z"
    return {"e": "decided", "type": "Patient", "id": "1", "recorded": recorded, "decisions": [made]}


KINDS_OF_DECISIONS = ("approve", "reject", "verify", "doubt", "cap", "decay")


def decided(pick: Random, entity: Entity, count: int = 4) -> Entity:
    for _ in range(count):
        step = decision(pick, entity, KINDS_OF_DECISIONS)
        entity = live([step], entity) if step else entity
    return entity


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_any_interleaving_with_withdrawals_gives_the_same_world(pick: Random) -> None:
    first, history = assertion(pick, "ehr"), lives(pick)
    one, other = [first, *interleaved(pick, history)], [first, *interleaved(pick, history)]
    assert shown(live(one)) == shown(live(other)) == shown(live(one, reload=True))


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_decisions_about_the_same_claims_give_the_same_world(pick: Random) -> None:
    """Decisions name claims by position; the order of arrival only changes those names."""
    history = [[event for event in said if event["e"] == "asserted"][:1] for said in histories(pick)]
    one, other = interleaved(pick, history), interleaved(pick, history)
    entities = [live(steps) for steps in (one, other)]
    decisions = Random(pick.random())
    state = decisions.getstate()
    worlds = []
    for entity in entities:
        decisions.setstate(state)
        unit = sorted(wins(entity.ledger))[0] if wins(entity.ledger) else ""
        for source in sorted(claim.source for claim in claims_on(entity.ledger, unit)):
            position = next(c.stamp.position for c in claims_on(entity.ledger, unit) if c.source == source)
            kind = decisions.choice(["reject", "verify", "cap", "decay"])
            made = {
                "kind": kind,
                "unit": unit,
                "source": source,
                "claim": position,
                "confidence": Decimal("0.4"),
            }
            step = {"e": "decided", "type": "Patient", "id": "1", "recorded": "2026-12-01T00:00:00.000Z"}
            entity = live([{**step, "decisions": [made]}], entity)
        worlds.append(shown(entity))
    assert worlds[0] == worlds[1]


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_withdrawal_restores_the_world_without_that_source(pick: Random) -> None:
    """Also when its claims were decided on, and had superseded others."""
    history = histories(pick, removals=True)
    arriving = [assertion(pick, "ehr"), *interleaved(pick, history)]
    gone = pick.choice(["agent", "form", "lab"])
    entity = live(arriving)
    for _ in range(3):
        step = decision(pick, entity, KINDS_OF_DECISIONS)
        if step and step["decisions"][0]["source"] == gone:
            entity = live([step], entity)
    after = live([{**withdrawal(pick, gone), "units": []}], entity)
    without = live([event for event in arriving if event["source"] != gone])
    assert shown(after) == shown(without)
    assert all(made.source != gone for made in after.ledger.decisions)


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_a_unit_taken_back_is_one_never_spoken_of(pick: Random) -> None:
    said = {**assertion(pick, "form"), "full": False, "absent": []}
    others = [assertion(pick, source) for source in ("agent", "ehr")]
    silent = {**said, "content": {k: v for k, v in said["content"].items() if k != "gender"}}
    step = {**withdrawal(pick, "form"), "units": ["gender"]}
    assert shown(live([*others, said, step])) == shown(live([*others, silent]))


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_repeating_after_decisions_changes_nothing(pick: Random) -> None:
    entity = decided(pick, live([assertion(pick, "ehr"), *interleaved(pick, histories(pick))]))
    for view in entity.ledger.views:
        if "]#" in "".join(view.units):
            continue  # runs of one key that have met since: the source would say them in another order
        event = {
            **assertion(pick, view.source),
            "content": join(view.units),
            "full": view.full is not None,
            "confidence": min(stamp.confidence for stamp in view.stamps),
            "recorded": "2027-01-01T00:00:00.000Z",
            "absent": [],
            "confidences": {},
        }
        event.pop("effective", None)
        assert live([event], entity) is entity


def confidence_of(ledger: Ledger, unit: str, source: str) -> Decimal:
    return next(claim.confidence for claim in claims_on(ledger, unit) if claim.source == source)


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_a_lower_cap_never_makes_a_claim_surer(pick: Random) -> None:
    entity = decided(pick, live([assertion(pick, "ehr"), *interleaved(pick, histories(pick))]), 2)
    step = decision(pick, entity, ("cap",))
    if step is None:
        return
    made = step["decisions"][0]
    sure = []
    for cap in LADDER:
        made["confidence"] = cap
        capped = live([{**step, "recorded": "2026-12-31T00:00:00.000Z"}], entity)
        sure.append(confidence_of(capped.ledger, made["unit"], made["source"]))
    assert sure == sorted(sure)
    assert confidence_of(live([step], entity).ledger, made["unit"], made["source"]) <= max(sure)


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_a_half_sure_claim_never_displaces_a_certain_one_unless_it_superseded_it(pick: Random) -> None:
    def believed(event: JsonObject) -> JsonObject:
        sure = Decimal("1.0") if event["source"] == "ehr" else pick.choice([Decimal("0.5"), Decimal("0.3")])
        return {**event, "confidence": sure, "confidences": {}}

    history = [[believed(event) for event in said] for said in histories(pick)]
    entity = live([believed(assertion(pick, "ehr")), *interleaved(pick, history)])
    for unit, win in wins(entity.ledger).items():
        certain = [c for c in claims_on(entity.ledger, unit) if c.confidence == 1]
        assert not certain or canonical(win.claim.value) == canonical(certain[0].value)
    changed = decided(pick, entity, 3)
    for win in wins(changed.ledger).values():
        overcome = [c for c in win.losing if c.status == "live"]
        assert all(c.confidence <= win.claim.confidence for c in overcome)


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_nothing_below_its_gate_leaves(pick: Random) -> None:
    entity = decided(pick, live([assertion(pick, "ehr"), *interleaved(pick, lives(pick))]))
    for sink in (*SOURCES, "nobody"):
        for unit, win in may_leave(entity, POLICY, sink).items():
            assert win.confidence >= POLICY.gate("Patient", unit)
            assert win.confidence == max(c.confidence for c in win.agreeing)
            assert sink not in {claim.source for claim in win.agreeing}
    for source in SOURCES:
        positions = [stamp.position for view in entity.ledger.views for stamp in view.stamps]
        for claim in below_gate(entity, POLICY, source, positions):
            assert claim.confidence < POLICY.gate("Patient", claim.unit)


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_the_ceilings_of_a_policy_hold_after_it_was_applied_and_applying_it_again_changes_nothing(
    pick: Random,
) -> None:
    entity = live([assertion(pick, "ehr"), *interleaved(pick, histories(pick))])
    found = consequences(entity, POLICY, POLICY, KINDS)
    step = {"e": "decided", "type": "Patient", "id": "1", "recorded": "2026-12-01T00:00:00.000Z"}
    caps = [
        {
            "kind": "cap",
            "unit": cap.unit,
            "source": cap.source,
            "claim": cap.claim,
            "confidence": cap.confidence,
        }
        for cap in found.caps
    ]
    after = live([{**step, "decisions": caps}], entity) if caps else entity
    for view in after.ledger.views:
        limits = POLICY.limits("Patient", KINDS[view.source])
        for unit in view.units:
            if limits is not None:
                assert confidence_of(after.ledger, unit, view.source) <= limits.of(unit)
    assert not consequences(after, POLICY, POLICY, KINDS).caps
    assert after.world == resolve(after.ledger)
