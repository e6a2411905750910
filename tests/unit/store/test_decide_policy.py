"""Ceilings and decay: what the policy lets a kind of source claim, and what becomes of old claims."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.store.commands import Correct, Decide, Remove, Ruling
from fhirserver.store.state import Policies
from fhirserver.world.decay import aged
from fhirserver.world.policy import parse_policy
from fhirserver.world.sources import Source

HALF, LESS = Decimal("0.5"), Decimal("0.3")
POLICY = """
[[rule]]
type = "Coverage"
ceiling = { form = 0.4, hl7v2 = 0.9, operator = 0.8 }

[[rule]]
type = "Patient"
unit = "telecom"
ceiling = { form = 0.3 }
decay = { steps = [{ days = 180, to = 0.4 }, { days = 365, to = 0.2 }] }
"""
PHONE = {"telecom": [{"system": "phone", "value": "555-123-4567"}]}
KEY = "telecom[phone|+15551234567]"
KINDS = {"ehr": "ehr", "form": "form", "lab": "ehr", "agent": "agent", "operator": "operator"}


@pytest.fixture
def ruled(desk: Any) -> Any:
    form = Source("form", "form", base=HALF, maximum=Decimal("0.9"))
    sources = {**desk.policies.sources, "form": form, "feed": Source("feed", "hl7v2")}
    desk.policies = Policies(sources, desk.policies.validate, parse_policy(POLICY))
    return desk


def test_a_base_above_the_ceiling_is_lowered(ruled: Any) -> None:
    ruled.put("form", "Coverage", "1", {"status": "active"})
    assert ruled["Coverage", "1"].world.confidence == Decimal("0.4")
    ruled.put("feed", "Coverage", "2", {"status": "active"})
    assert ruled["Coverage", "2"].world.confidence == Decimal("0.9")
    ruled.put("ehr", "Coverage", "3", {"status": "active"})
    assert ruled["Coverage", "3"].world.confidence == Decimal("1.0")


def test_only_the_units_that_have_a_ceiling_are_lowered(ruled: Any) -> None:
    ruled.put("form", "Patient", "1", {"gender": "male", **PHONE})
    assert ruled["Patient", "1"].world.lower == {KEY: LESS}
    assert ruled["Patient", "1"].world.confidence == HALF


def test_what_a_full_statement_leaves_out_is_no_surer_than_the_lowest_ceiling(ruled: Any) -> None:
    ruled.put("form", "Patient", "1", {"gender": "male"})
    ruled.put("agent", "Patient", "1", PHONE, mode="partial", confidence=HALF)
    assert "telecom" in ruled.world("Patient", "1"), "silence at 0.3 against 0.5"


@pytest.mark.parametrize(
    ("type", "content", "where"),
    [("Coverage", {"status": "active"}, "Coverage.status"), ("Patient", PHONE, "Patient.telecom")],
)
def test_more_than_the_ceiling_stated_outright_is_refused(
    ruled: Any, type: str, content: Any, where: str
) -> None:
    with pytest.raises(Refusal) as caught:
        ruled.put("form", type, "1", content, confidence=HALF)
    assert caught.value.category is Category.UNPROCESSABLE
    assert caught.value.issues[0].expression == (where,)
    assert "'form'" in str(caught.value.issues[0].diagnostics)


def test_stated_per_unit_too(ruled: Any) -> None:
    with pytest.raises(Refusal):
        ruled.put("form", "Patient", "1", PHONE, confidences={KEY: HALF})
    ruled.put("form", "Patient", "1", {"gender": "male", **PHONE}, confidences={KEY: Decimal("0.2")})
    assert ruled["Patient", "1"].world.lower == {KEY: Decimal("0.2")}


def test_a_patch_a_removal_and_a_correction_mind_the_ceiling(ruled: Any) -> None:
    ruled.put("ehr", "Coverage", "1", {"status": "active"})
    ruled.amend("form", "Coverage", "1", status="draft")
    assert ruled.claim("Coverage", "1", "status", "form").confidence == Decimal("0.4")
    ruled.submit("operator", Correct("Coverage", "1", {"status": {"status": "draft"}}, Decimal("1.0")))
    assert ruled["Coverage", "1"].world.confidence == Decimal("0.8")
    with pytest.raises(Refusal):
        ruled.submit("form", Remove("Coverage", "1"), confidence=HALF)


def test_a_ruling_minds_the_ceiling(ruled: Any) -> None:
    ruled.put("form", "Coverage", "1", {"status": "active"})
    ruled.rule("approve", "Coverage", "1", "status", "form")
    assert ruled.claim("Coverage", "1", "status", "form").confidence == Decimal("0.8")
    with pytest.raises(Refusal):
        ruled.rule("approve", "Coverage", "1", "status", "form", confidence=Decimal("0.9"))


def test_caps_bound_the_sources_own_word_and_the_latest_counts(ruled: Any) -> None:
    ruled.put("ehr", "Coverage", "1", {"status": "active"})
    sure = []
    for cap in ("0.6", "0.8", "1.0", "0.6"):
        ruled.rule("cap", "Coverage", "1", "status", "ehr", confidence=Decimal(cap))
        sure.append(ruled["Coverage", "1"].world.confidence)
    assert sure == [Decimal("0.6"), Decimal("0.8"), Decimal("1.0"), Decimal("0.6")]
    position = ruled.claim("Coverage", "1", "status", "ehr").stamp.position
    ruled.submit("ehr", Decide("Coverage", "1", [Ruling("approve", "status", "ehr", position)]))
    assert ruled["Coverage", "1"].world.confidence == Decimal("0.95"), "an approval is the reviewer's word"


def age(desk: Any, days: int) -> int:
    """Let days go by, and let the claims age; returns how many lost confidence."""
    desk.at += timedelta(days=days)
    entity = desk["Patient", "1"]
    found = list(aged(entity.ledger, "Patient", desk.policies.policy, KINDS, desk.at))
    if found:
        rulings = [Ruling("decay", one.unit, one.source, one.claim, "age", one.confidence) for one in found]
        desk.submit("operator", Decide("Patient", "1", rulings))
    return len(found)


def sure(desk: Any, unit: str = KEY) -> Decimal:
    world = desk["Patient", "1"].world
    return Decimal(world.lower.get(unit, world.confidence))


def test_claims_lose_confidence_with_age_and_get_it_back_when_stated_again(ruled: Any) -> None:
    ruled.put("ehr", "Patient", "1", {"gender": "male", **PHONE})
    assert age(ruled, 100) == 0 and sure(ruled) == 1
    assert age(ruled, 100) == 1 and sure(ruled) == Decimal("0.4") and sure(ruled, "gender") == 1
    assert age(ruled, 1) == 0
    assert age(ruled, 200) == 1 and sure(ruled) == Decimal("0.2")
    ruled.put("ehr", "Patient", "1", {"gender": "male", **PHONE})
    assert sure(ruled) == 1 and ruled.world("Patient", "1")["telecom"] == PHONE["telecom"]
    assert age(ruled, 179) == 0 and age(ruled, 2) == 1


def test_a_repetition_counts_only_after_a_while(ruled: Any) -> None:
    ruled.put("ehr", "Patient", "1", {"gender": "male", **PHONE})
    commits = len(ruled.commits)
    for days in (0, 20, 24):
        ruled.at += timedelta(days=days)
        ruled.put("ehr", "Patient", "1", {"gender": "male", **PHONE})
    assert len(ruled.commits) == commits, "within a quarter of the first step it says nothing new"
    ruled.at += timedelta(days=2)
    ruled.put("ehr", "Patient", "1", {"gender": "male", **PHONE})
    assert len(ruled.commits) == commits + 1 and ruled["Patient", "1"].version == 1
    assert age(ruled, 170) == 0, "counted from the repetition"
    assert age(ruled, 11) == 1


def test_an_approval_makes_it_young_again(ruled: Any) -> None:
    ruled.put("agent", "Patient", "1", PHONE, confidence=HALF)
    age(ruled, 400)
    assert sure(ruled) == Decimal("0.2")
    ruled.rule("approve", "Patient", "1", KEY, "agent")
    assert sure(ruled) == Decimal("0.95")
    assert age(ruled, 100) == 0 and age(ruled, 100) == 1 and sure(ruled) == Decimal("0.4")


def test_a_renewal_keeps_one_decision_however_often(ruled: Any) -> None:
    ruled.put("ehr", "Patient", "1", {"gender": "male", **PHONE})
    for _ in range(5):
        age(ruled, 200)
        ruled.put("ehr", "Patient", "1", {"gender": "male", **PHONE})
    assert [made.kind for made in ruled["Patient", "1"].ledger.decisions] == ["renew"]
