"""What a change of resources means: the type of each event, from before and after."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirserver.world.configuration import Configured, library
from fhirserver.world.domain_events import (
    CAMPAIGN,
    CREATED,
    DELETED,
    TYPES,
    UPDATED,
    Changed,
    meaning,
    meanings,
    unknown,
    wanted,
)
from fhirserver.world.vocabulary import CALL_QUALITY, ESCALATION_STAGE, REVIEW_OUTCOME, TASK_CODE

_MODE = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"


def _visit(status: str, start: str = "2026-12-01T10:00:00Z", said: str = "needs-action") -> dict[str, Any]:
    patient = {"actor": {"reference": "Patient/p"}, "status": said}
    return {"resourceType": "Appointment", "status": status, "start": start, "participant": [patient]}


def _talk(status: str, mode: str = "PHONE", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Communication",
        "status": status,
        "medium": [{"coding": [{"system": _MODE, "code": mode}]}],
        **more,
    }


def _task(code: str, status: str, **more: Any) -> dict[str, Any]:
    coded = {"coding": [{"system": TASK_CODE, "code": code}]}
    return {
        "resourceType": "Task",
        "status": status,
        "code": coded,
        "focus": {"reference": "Coverage/c/_history/2"},
    } | more


def _business(system: str, code: str) -> dict[str, Any]:
    return {"businessStatus": {"coding": [{"system": system, "code": code}]}}


def _member(status: str) -> dict[str, Any]:
    category = [{"coding": [{"system": CAMPAIGN, "code": "reminders"}]}]
    return {"resourceType": "CommunicationRequest", "status": status, "category": category}


_REQUESTED = _business(ESCALATION_STAGE, "requested")


@pytest.mark.parametrize(
    "before, after, type",
    [
        (None, _visit("booked"), "appointment.booked"),
        (_visit("pending"), _visit("booked"), "appointment.booked"),
        (_visit("booked"), _visit("booked", "2026-12-02T10:00:00Z"), "appointment.rescheduled"),
        (_visit("booked"), _visit("booked", said="accepted"), "appointment.confirmed"),
        (_visit("booked"), _visit("cancelled"), "appointment.cancelled"),
        (_visit("booked"), _visit("noshow"), "appointment.missed"),
        (_visit("arrived"), _visit("checked-in"), UPDATED),
        (_visit("booked"), _visit("fulfilled"), "appointment.fulfilled"),
        (_visit("booked"), _visit("booked") | {"comment": "x"}, UPDATED),
        (None, _visit("proposed"), CREATED),
        (_visit("booked"), None, DELETED),
        (None, _talk("preparation"), "call.ordered"),
        (_talk("preparation"), _talk("in-progress"), "call.started"),
        (_talk("in-progress"), _talk("completed"), "call.ended"),
        (_talk("completed"), _talk("completed", note=[{"text": "x"}]), UPDATED),
        (_talk("preparation"), _talk("not-done"), "call.failed"),
        (None, _talk("in-progress", "WRITTEN"), "conversation.started"),
        (None, _talk("completed", basedOn=[{"reference": "CommunicationRequest/r"}]), "campaign.attempt"),
        (None, _member("active"), "campaign.requested"),
        (_member("active"), _member("revoked"), "campaign.settled"),
        (None, {"resourceType": "CommunicationRequest", "status": "active"}, CREATED),
        (None, _task("review", "requested"), "review.opened"),
        (_task("review", "requested"), _task("review", "in-progress"), UPDATED),
        (_task("review", "in-progress"), _task("review", "completed"), "review.decided"),
        (_task("review", "requested"), _task("review", "cancelled"), "review.closed"),
        (
            _task("review", "completed"),
            _task("review", "requested", **_business(REVIEW_OUTCOME, "reopened")),
            "review.reopened",
        ),
        (None, _task("writeback", "requested"), "writeback.requested"),
        (_task("writeback", "in-progress"), _task("writeback", "completed"), "writeback.completed"),
        (_task("writeback", "in-progress"), _task("writeback", "failed"), "writeback.failed"),
        (None, _task("intake", "failed"), "intake.failed"),
        (None, _task("escalation", "requested", **_REQUESTED), "escalation.requested"),
        (
            _task("escalation", "requested", **_REQUESTED),
            _task("escalation", "in-progress", **_business(ESCALATION_STAGE, "handback")),
            "escalation.handed_back",
        ),
        (None, _task("form", "ready"), "form.created"),
        (_task("form", "ready"), _task("form", "requested"), "form.sent"),
        (_task("form", "in-progress"), _task("form", "completed"), "form.completed"),
        (None, _task("campaign-run", "requested"), "campaign.started"),
        (_task("campaign-run", "in-progress"), _task("campaign-run", "on-hold"), "campaign.paused"),
        (_task("campaign-run", "on-hold"), _task("campaign-run", "in-progress"), "campaign.resumed"),
        (_task("campaign-run", "in-progress"), _task("campaign-run", "cancelled"), "campaign.ended"),
        (
            {"resourceType": "QuestionnaireResponse", "status": "in-progress"},
            {"resourceType": "QuestionnaireResponse", "status": "completed"},
            "form.answered",
        ),
        (
            None,
            {
                "resourceType": "MeasureReport",
                "group": [{"code": {"coding": [{"system": CALL_QUALITY, "code": "score"}]}}],
            },
            "call.scored",
        ),
        (None, library(Configured("agent", "desk", "Desk")), "configuration.changed"),
        (None, {"resourceType": "Library", "status": "active"}, CREATED),
        (None, {"resourceType": "Basic"}, CREATED),
    ],
)
def test_each_change_has_the_most_telling_type(before: Any, after: Any, type: str) -> None:
    of = (after or before)["resourceType"]
    assert meaning(Changed(of, "x", before, after)).type == type


def test_insurance_is_captured_from_who_is_no_authority_on_it() -> None:
    stated = {"resourceType": "Coverage", "status": "active"}
    heard = Changed("Coverage", "c", None, stated, frozenset({"asserted"}), Decimal("0.5"))
    assert meaning(heard).type == "coverage.captured"
    known = Changed("Coverage", "c", None, stated, frozenset({"asserted"}), Decimal(1))
    assert meaning(known).type == CREATED


def test_a_move_is_one_booking_and_one_replacement_in_a_commit() -> None:
    old, new = _visit("cancelled"), _visit("booked", "2026-12-03T09:00:00Z")
    told = meanings(
        [
            Changed("Slot", "s", {}, {"status": "busy"}),
            Changed("Appointment", "old", _visit("booked"), old),
            Changed("Appointment", "new", None, new),
        ]
    )
    assert [one.type for one in told] == [UPDATED, "appointment.replaced", "appointment.rescheduled"]
    assert told[1].related == ("Appointment/new",) and told[2].related == ("Appointment/old",)


def test_appointments_of_two_patients_are_not_a_move() -> None:
    other = _visit("booked") | {"participant": [{"actor": {"reference": "Patient/q"}, "status": "accepted"}]}
    told = meanings(
        [
            Changed("Appointment", "a", _visit("booked"), _visit("cancelled")),
            Changed("Appointment", "b", None, other),
        ]
    )
    assert [one.type for one in told] == ["appointment.cancelled", "appointment.booked"]


def test_a_task_leads_to_what_it_is_about() -> None:
    assert meaning(Changed("Task", "t", None, _task("review", "requested"))).related == ("Coverage/c",)


def test_types_are_asked_for_by_name_or_family() -> None:
    assert wanted(frozenset(), "call.ended") and wanted(frozenset({"*"}), "call.ended")
    assert wanted(frozenset({"call.*"}), "call.ended") and not wanted(
        frozenset({"call.*"}), "callback.requested"
    )
    assert not wanted(frozenset({"call.started"}), "call.ended")
    assert unknown(frozenset({"call.*", "call.ended", "*", "cal.*", "call.eaten"})) == ["cal.*", "call.eaten"]


_STATUS = st.sampled_from(
    ["", "requested", "in-progress", "completed", "failed", "booked", "cancelled", "not-done"]
)
_RESOURCE = st.none() | st.fixed_dictionaries(
    {
        "status": _STATUS,
        "code": st.sampled_from([{}, *(_task(c, "")["code"] for c in ("review", "writeback"))]),
    }
)
_CHANGE = st.builds(
    Changed,
    st.sampled_from(["Appointment", "Communication", "Task", "Coverage", "Patient", "Consent", "Basic"]),
    st.sampled_from("abc"),
    _RESOURCE,
    _RESOURCE,
)


@given(st.lists(_CHANGE, max_size=6))
def test_every_change_is_one_event_of_a_type_that_is_described(changes: list[Changed]) -> None:
    told = meanings(changes)
    assert len(told) == len(changes)
    assert all(one.type in TYPES for one in told)
