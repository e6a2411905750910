"""Held claims, approvals, rejections, corrections, acts, deletion. DESIGN §4.2, §4.4."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.store.commands import Correct, Decide, Ruling

PHONE = "telecom[phone|+15551234567]"
HALF = Decimal("0.5")


def both(desk: Any) -> None:
    """The EHR says female at 1.0, the agent says male at 0.5."""
    desk.put("ehr", "Patient", "1", {"gender": "female", "birthDate": "1980-02-03"})
    assert desk.put("agent", "Patient", "1", {"gender": "male"}, confidence=HALF, mode="partial").held == (
        "Patient.gender",
    )


def gender(desk: Any) -> Any:
    return desk.world("Patient", "1").get("gender")


def test_a_weaker_claim_is_held_and_makes_no_version(desk: Any) -> None:
    both(desk)
    assert gender(desk) == "female" and desk["Patient", "1"].version == 1
    assert desk.claim("Patient", "1", "gender", "agent").confidence == HALF


def test_what_nobody_else_says_is_added_with_its_own_confidence(desk: Any) -> None:
    desk.put("ehr", "Patient", "1", {"gender": "female"}, mode="partial")
    written = desk.put("agent", "Patient", "1", {"birthDate": "1980-02-03"}, confidence=HALF, mode="partial")
    assert written.held == () and written.changed
    world = desk.world("Patient", "1")
    assert world["birthDate"] == "1980-02-03"
    assert [item["valueDecimal"] for item in world["_birthDate"]["extension"]] == [HALF]
    assert world["meta"]["extension"][-1]["valueDecimal"] == Decimal("1.0")
    assert "_gender" not in world


def test_what_a_full_statement_leaves_out_is_held_until_approved(desk: Any) -> None:
    desk.put("ehr", "Patient", "1", {"gender": "female"})
    phone = {"telecom": [{"system": "phone", "value": "555-123-4567"}]}
    assert desk.put("agent", "Patient", "1", phone, mode="partial").held == ("Patient.telecom",)
    desk.rule("approve", "Patient", "1", PHONE, "agent")
    assert len(desk.world("Patient", "1")["telecom"]) == 1
    desk.put("ehr", "Patient", "1", {"gender": "female"})
    assert "telecom" in desk.world("Patient", "1")


def test_absence_stated_in_full_is_held_like_a_value(desk: Any) -> None:
    both(desk)
    written = desk.put("agent", "Patient", "1", {"gender": "female"}, confidence=HALF)
    assert written.held == ("Patient.birthDate",)


def test_approval_beats_the_claims_it_was_made_against_and_no_later_one(desk: Any) -> None:
    both(desk)
    desk.rule("approve", "Patient", "1", "gender", "agent")
    assert gender(desk) == "male"
    assert desk.claim("Patient", "1", "gender", "agent").confidence == Decimal("0.95")
    desk.put("ehr", "Patient", "1", {"gender": "female", "birthDate": "1980-02-03"})
    assert gender(desk) == "male", "a repetition says nothing new"
    desk.put("ehr", "Patient", "1", {"gender": "other", "birthDate": "1980-02-03"})
    assert gender(desk) == "other", "a later statement is not bound by the approval"


def test_repeating_more_surely_never_undoes_an_approval(desk: Any) -> None:
    desk.put("form", "Patient", "1", {"gender": "female"}, confidence=Decimal("0.3"))
    desk.put("agent", "Patient", "1", {"gender": "male"}, confidence=Decimal("0.2"), mode="partial")
    desk.rule("approve", "Patient", "1", "gender", "agent")
    desk.put("form", "Patient", "1", {"gender": "female"}, confidence=HALF)
    assert gender(desk) == "male"
    desk.put("agent", "Patient", "1", {"gender": "male"}, confidence=HALF, mode="partial")
    claim = desk.claim("Patient", "1", "gender", "agent")
    assert gender(desk) == "male" and claim.confidence == Decimal("0.95")
    assert claim.stamp.position == 2 and claim.stamp.evidence == 5


def test_saying_it_more_surely_raises_the_claim(desk: Any) -> None:
    desk.put("agent", "Patient", "1", {"gender": "male"}, confidence=Decimal("0.2"))
    written = desk.put("agent", "Patient", "1", {"gender": "male"}, confidence=HALF)
    assert written.changed and desk["Patient", "1"].world.confidence == HALF
    assert not desk.put("agent", "Patient", "1", {"gender": "male"}, confidence=Decimal("0.3")).changed


def test_the_one_superseded_stays_so_when_the_approved_one_says_something_else(desk: Any) -> None:
    both(desk)
    desk.rule("approve", "Patient", "1", "gender", "agent")
    desk.put("agent", "Patient", "1", {"gender": "unknown"}, confidence=HALF, mode="partial")
    assert gender(desk) == "unknown"
    desk.put("agent", "Patient", "1", {"gender": "female"}, confidence=HALF, mode="partial")
    assert gender(desk) == "female" and "_gender" not in desk.world("Patient", "1"), "they corroborate again"


def test_rejection_removes_and_outlasts_repetition(desk: Any) -> None:
    both(desk)
    desk.rule("reject", "Patient", "1", "gender", "ehr", reason="typo")
    assert gender(desk) == "male"
    claim = desk.claim("Patient", "1", "gender", "ehr")
    assert (claim.status, claim.confidence) == ("rejected", Decimal("0.0"))
    desk.put("ehr", "Patient", "1", {"gender": "female", "birthDate": "1980-02-03"})
    assert gender(desk) == "male"
    desk.rule("reject", "Patient", "1", "gender", "agent")
    assert gender(desk) is None


def test_decisions_can_be_overtaken(desk: Any) -> None:
    both(desk)
    desk.rule("approve", "Patient", "1", "gender", "agent")
    desk.rule("reject", "Patient", "1", "gender", "agent")
    assert gender(desk) == "female", "what a rejected claim superseded is back"
    desk.rule("approve", "Patient", "1", "gender", "agent")
    assert gender(desk) == "male"
    desk.rule("approve", "Patient", "1", "gender", "ehr")
    assert gender(desk) == "female"


def test_all_claims_rejected_leaves_no_resource(desk: Any) -> None:
    desk.put("agent", "Coverage", "1", {"status": "active"}, confidence=HALF)
    desk.rule("reject", "Coverage", "1", "status", "agent")
    assert desk["Coverage", "1"].deleted


def test_an_empty_resource_is_still_one(desk: Any) -> None:
    desk.put("ehr", "Patient", "1", {})
    desk.put("agent", "Patient", "1", {"gender": "male"}, mode="partial")
    desk.rule("reject", "Patient", "1", "gender", "agent")
    assert not desk["Patient", "1"].deleted


def test_verify_and_doubt(desk: Any) -> None:
    desk.put("agent", "Patient", "1", {"gender": "male"}, confidence=HALF)
    desk.rule("verify", "Patient", "1", "gender", "agent")
    assert desk.claim("Patient", "1", "gender", "agent").confidence == Decimal("0.7")
    desk.rule("doubt", "Patient", "1", "gender", "agent")
    claim = desk.claim("Patient", "1", "gender", "agent")
    assert claim.checked == "doubt" and gender(desk) == "male"


def test_a_ruling_on_an_outdated_claim_is_a_conflict(desk: Any) -> None:
    both(desk)
    old = desk.claim("Patient", "1", "gender", "agent").stamp.position
    desk.put("agent", "Patient", "1", {"gender": "other"}, confidence=HALF, mode="partial")
    with pytest.raises(Refusal) as caught:
        desk.submit("operator", Decide("Patient", "1", [Ruling("approve", "gender", "agent", old)]))
    assert caught.value.category is Category.CONFLICT
    assert caught.value.issues[0].expression == ("Patient.gender",)


def test_rulings_and_corrections_mind_the_ceiling(desk: Any) -> None:
    both(desk)
    position = desk.claim("Patient", "1", "gender", "agent").stamp.position
    for write in (
        Decide("Patient", "1", [Ruling("approve", "gender", "agent", position)]),
        Correct("Patient", "1", {"gender": {"gender": "male"}}, Decimal("1.0")),
    ):
        with pytest.raises(Refusal) as caught:
            desk.submit("agent", write)
        assert caught.value.category is Category.UNPROCESSABLE


def test_correction_supersedes_what_was_said_and_nothing_later(desk: Any) -> None:
    both(desk)
    desk.correct("Patient", "1", {"gender": {"gender": "other"}})
    assert gender(desk) == "other"
    desk.put("ehr", "Patient", "1", {"gender": "female", "birthDate": "1980-02-03"})
    assert gender(desk) == "other"
    desk.put("ehr", "Patient", "1", {"gender": "unknown", "birthDate": "1980-02-03"}, effective="2027-01-01")
    assert gender(desk) == "unknown"
    desk.correct("Patient", "1", {"gender": {"gender": "other"}})
    assert gender(desk) == "other", "the same correction again is an act, not a repetition"


def test_correcting_a_number_replaces_the_old_one(desk: Any) -> None:
    desk.put("ehr", "Patient", "1", {"telecom": [{"system": "phone", "value": "555-123-4567"}]})
    right = {"system": "phone", "value": "555-123-9999"}
    desk.correct("Patient", "1", {PHONE: [right]})
    assert [item["value"] for item in desk.world("Patient", "1")["telecom"]] == ["555-123-9999"]
    desk.correct("Patient", "1", {"telecom[phone|+15551239999]": None})
    assert "telecom" not in desk.world("Patient", "1")


def test_equal_values_corroborate(desk: Any) -> None:
    desk.put("ehr", "Patient", "1", {"gender": "female"})
    written = desk.put("agent", "Patient", "1", {"gender": "female"}, confidence=HALF, mode="partial")
    assert written.held == () and not written.changed
    assert "_gender" not in desk.world("Patient", "1")


def test_deletion_is_a_claim_about_existence(desk: Any) -> None:
    both(desk)
    assert desk.remove("agent", "Patient", "1").held == ("Patient",)
    assert not desk["Patient", "1"].deleted
    desk.remove("ehr", "Patient", "1")
    assert desk["Patient", "1"].deleted
    written = desk.put("form", "Patient", "1", {"gender": "male"})
    assert written.held == ("Patient",) and written.version is None and not written.created
    desk.put("ehr", "Patient", "1", {"gender": "female"})
    assert not desk["Patient", "1"].deleted and gender(desk) == "female"


def slot(status: str) -> dict[str, Any]:
    return {
        "schedule": {"reference": "Schedule/1"},
        "status": status,
        "start": "2026-11-26T09:00:00Z",
        "end": "2026-11-26T09:30:00Z",
    }


def status(desk: Any) -> Any:
    return desk.world("Slot", "1")["status"]


def test_booking_holds_against_the_ehr_at_the_agents_own_confidence(desk: Any) -> None:
    desk.put("ehr", "Slot", "1", slot("free"))
    written = desk.put("agent", "Slot", "1", slot("busy"), confidence=HALF, if_match=1)
    assert written.held == () and status(desk) == "busy"
    assert desk["Slot", "1"].world.lower["status"] == HALF
    desk.put("ehr", "Slot", "1", slot("free"))
    assert status(desk) == "busy", "the EHR only repeats what it said before"
    desk.put("ehr", "Slot", "1", slot("busy-unavailable"))
    assert status(desk) == "busy-unavailable", "a later statement of the EHR wins"


def test_a_slot_freed_by_the_ehr_can_be_booked_again(desk: Any) -> None:
    desk.put("ehr", "Slot", "1", slot("free"))
    for _ in range(3):
        assert desk.amend("agent", "Slot", "1", status="busy").held == ()
        assert status(desk) == "busy"
        desk.put("ehr", "Slot", "1", slot("busy"))
        desk.put("ehr", "Slot", "1", slot("free"))
        assert status(desk) == "free"


def test_a_booking_taken_back_agrees_with_the_ehr_again(desk: Any) -> None:
    desk.put("ehr", "Slot", "1", slot("free"))
    desk.amend("agent", "Slot", "1", status="busy")
    desk.amend("agent", "Slot", "1", status="free")
    assert status(desk) == "free" and desk["Slot", "1"].world.lower == {}


def test_acting_is_only_for_the_types_of_the_settings(desk: Any) -> None:
    both(desk)
    assert desk.amend("agent", "Patient", "1", gender="other").held == ("Patient.gender",)


def test_a_future_effective_time_does_not_outrank_a_reviewer(desk: Any) -> None:
    desk.put("ehr", "Slot", "1", slot("free"))
    desk.put("agent", "Slot", "1", {"status": "busy"}, mode="partial", effective="2030-01-01")
    desk.rule("approve", "Slot", "1", "status", "ehr")
    assert status(desk) == "free"
