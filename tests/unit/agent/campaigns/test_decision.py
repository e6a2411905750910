"""The decision at the moment of dialling: each rule with its reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.campaigns.contacts import Contact, contacts, next_number
from agent.campaigns.decision import Facts, Go, Later, Over, Terms, Unsettled, decide
from agent.campaigns.definition import Campaign, campaign
from agent.campaigns.members import Member
from agent.campaigns.preferences import opt_out

NOW = datetime(2026, 12, 1, 17, tzinfo=UTC)  # noon in New York
ANN = "+12125550101"
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "ann",
    "telecom": [{"system": "phone", "use": "mobile", "value": "(212) 555-0101"}],
}
VISIT: dict[str, Any] = {
    "resourceType": "Appointment",
    "id": "v",
    "status": "booked",
    "start": "2026-12-03T15:00:00Z",
    "participant": [{"actor": {"reference": "Patient/ann"}, "status": "needs-action"}],
}
CONSENT: dict[str, Any] = {
    "status": "active",
    "dateTime": "2026-01-01",
    "category": [
        {
            "coding": [
                {"system": "https://credence.health/fhir/CodeSystem/consent-category", "code": "outreach"}
            ]
        }
    ],
    "provision": {"type": "permit"},
}
MEMBER = Member(
    "CommunicationRequest/1", "k", "Patient/ann", "Task/r", "active", NOW, NOW, ("Appointment/v",)
)


def terms(**changes: Any) -> Terms:
    document = {
        "goal": "g",
        "purpose": "confirm",
        "audience": {"searches": ["Patient?_id=ann"]},
        "channels": [
            {"channel": "sms", "then_minutes": 60},
            {"channel": "call", "attempts": 2, "then_minutes": 60},
        ],
        "triggers": [{"kind": "once"}],
        "limits": {"per_day": 3, "per_week": 4, "spacing_minutes": 30},
        **changes,
    }
    return Terms(campaign(document), "America/New_York")


def facts(**changes: Any) -> Facts:
    given: dict[str, Any] = {"patient": PATIENT, "consents": [CONSENT], "about": [VISIT], **changes}
    return Facts(given.pop("now", NOW), given.pop("member", MEMBER), **given)


def made(minutes: int, channel: str = "sms", outcome: str = "sent", **more: Any) -> Contact:
    """A contact so many minutes ago."""
    one = Contact(
        "Communication/1", f"k.{minutes}", 1, channel, ANN, NOW - timedelta(minutes=minutes), "completed", outcome,
        MEMBER.reference,
    )  # fmt: skip
    return replace(one, **more)


def test_the_first_channel_goes_first() -> None:
    found = decide(facts(), terms())
    assert isinstance(found, Go) and (found.channel, found.number) == ("sms", ANN)


@pytest.mark.parametrize(
    ("changes", "outcome", "why"),
    [
        ({"patient": None}, "no-record", "no such patient"),
        ({"patient": {**PATIENT, "deceasedBoolean": True}}, "deceased", "deceased"),
        ({"patient": {**PATIENT, "deceasedDateTime": "2026-01-01"}}, "deceased", "deceased"),
        ({"patient": {**PATIENT, "active": False}}, "inactive", "not active"),
        ({"patient": {"id": "ann"}}, "no-number", "no number"),
        ({"consents": []}, "no-consent", "no consent"),
        ({"consents": [{**CONSENT, "provision": {"type": "deny"}}]}, "no-consent", "denied"),
        ({"about": [{**VISIT, "status": "cancelled"}]}, "not-needed", "cancelled"),
        ({"about": [{**VISIT, "start": "2026-11-30T15:00:00Z"}]}, "not-needed", "past"),
        (
            {
                "about": [
                    {**VISIT, "participant": [{"actor": {"reference": "Patient/ann"}, "status": "accepted"}]}
                ]
            },
            "not-needed",
            "confirmed",
        ),
        ({"flags": [opt_out("Patient/ann", "", ("call", "sms"), {}, NOW)]}, "opted-out", "opted out"),
        ({"member": replace(MEMBER, due=NOW - timedelta(hours=200))}, "expired", "over"),
    ],
)
def test_who_is_left_out(changes: dict[str, Any], outcome: str, why: str) -> None:
    found = decide(facts(**changes), terms())
    assert isinstance(found, Over) and found.outcome == outcome and why in found.why and not found.tried


def test_a_channel_that_may_not_be_used_is_passed_over() -> None:
    flags = [opt_out("Patient/ann", ANN, ("sms",), {}, NOW)]
    found = decide(facts(flags=flags), terms())
    assert isinstance(found, Go) and found.channel == "call"


def test_a_barred_number_gives_way_to_another() -> None:
    telecom = [*PATIENT["telecom"], {"system": "phone", "use": "mobile", "value": "+12125550102"}]
    flags = [opt_out("Patient/other", ANN, ("sms",), {}, NOW, whole=False)]
    found = decide(facts(patient={**PATIENT, "telecom": telecom}, flags=flags), terms())
    assert isinstance(found, Go) and found.number == "+12125550102"


@pytest.mark.parametrize(
    ("contacts", "minutes", "why"),
    [
        ([made(10)], 50, "answer"),
        ([made(10, request="CommunicationRequest/9")], 20, "too soon"),
        ([made(n, request="x") for n in (300, 400, 500)], 1440 - 500, "3 contacts in 1 days"),
        ([made(n * 1440, request="x") for n in (2, 3, 4, 5)], 7 * 1440 - 5 * 1440, "4 contacts in 7 days"),
        ([made(1, outcome="not-placed"), made(3, outcome="not-placed")], 1, "carrier"),
    ],
)
def test_what_has_to_wait(contacts: list[Contact], minutes: int, why: str) -> None:
    found = decide(facts(contacts=contacts), terms(quiet={"begin": "00:00", "end": "00:00"}))
    assert isinstance(found, Later) and why in found.why
    assert found.until == NOW + timedelta(minutes=minutes)


def test_what_never_went_out_is_no_attempt() -> None:
    found = decide(facts(contacts=[made(120, outcome="not-placed")]), terms())
    assert isinstance(found, Go) and found.channel == "sms"


def test_an_open_attempt_is_settled_before_anything_else() -> None:
    open = made(10, status="in-progress", outcome="")
    assert decide(facts(contacts=[open]), terms()) == Unsettled(open)


@pytest.mark.parametrize("outcome", ["done", "reached", "transferred", "opted-out"])
def test_who_was_reached_is_not_reached_again(outcome: str) -> None:
    found = decide(facts(contacts=[made(300, outcome=outcome)]), terms())
    assert isinstance(found, Over) and found.outcome == outcome and found.tried
    answer = made(10, name="", outcome=outcome)
    assert isinstance(decide(facts(contacts=[answer, made(300)]), terms()), Over)


def test_channels_and_attempts_run_out() -> None:
    tried = [made(n, "call", "no-answer") for n in (100, 200)] + [made(300)]
    found = decide(facts(contacts=tried), terms())
    assert found == Over("unreached", "sms: tried 1 of 1; call: tried 2 of 2", True)
    found = decide(facts(contacts=tried[:2]), terms(attempts=2))
    assert isinstance(found, Over) and "as often as may be" in found.why


def test_an_answering_machine_is_called_again_only_where_that_is_wanted() -> None:
    heard = [made(200, "call", "voicemail"), made(300)]
    assert isinstance(decide(facts(contacts=heard), terms()), Go)
    assert isinstance(decide(facts(contacts=heard), terms(machine={"retry": False})), Over)


def test_the_hours_of_the_practice_hold_for_calls_too() -> None:
    given = replace(
        terms(channels=[{"channel": "call"}]), call_hours=("America/New_York", time(13), time(20))
    )
    found = decide(facts(), given)
    assert isinstance(found, Later) and found.until == NOW + timedelta(hours=1)


def test_dates_of_the_campaign() -> None:
    found = decide(facts(), terms(dates={"from": "2026-12-02", "to": "2026-12-03"}))
    assert isinstance(found, Later) and found.until == datetime(2026, 12, 2, 5, tzinfo=UTC)
    found = decide(facts(), terms(dates={"to": "2026-11-30"}))
    assert isinstance(found, Over) and found.outcome == "expired"


OUTCOMES = st.sampled_from(
    ["sent", "no-answer", "busy", "voicemail", "hung-up", "not-placed", "failed", "undelivered"]
)
HISTORIES = st.lists(
    st.builds(
        lambda minutes, channel, outcome, mine: made(
            minutes, channel, outcome, request=MEMBER.reference if mine else "CommunicationRequest/other"
        ),
        st.integers(1, 60_000),
        st.sampled_from(["sms", "call"]),
        OUTCOMES,
        st.booleans(),
    ),
    max_size=12,
)


@given(HISTORIES, st.integers(0, 47))
def test_whatever_there_was_no_limit_is_passed(history: list[Contact], hour: int) -> None:
    now = NOW + timedelta(hours=hour)
    ordered = sorted(history, key=lambda one: one.sent, reverse=True)
    found = decide(facts(now=now, contacts=ordered), terms(expires_hours=8760))
    if not isinstance(found, Go):
        return
    counted = [one for one in ordered if one.counts]
    assert sum(one.sent > now - timedelta(days=1) for one in counted) < 3
    assert sum(one.sent > now - timedelta(days=7) for one in counted) < 4
    assert all(one.sent <= now - timedelta(minutes=30) for one in counted)
    own = [one for one in counted if one.request == MEMBER.reference]
    assert sum(one.channel == found.channel for one in own) < {"sms": 1, "call": 2}[found.channel]
    assert 8 <= (now.hour - 5) % 24 < 21


@given(HISTORIES)
def test_waiting_comes_to_an_end(history: list[Contact]) -> None:
    """Looked at again and again when it is told to, a member is reached or over, and not looked at without end."""
    now, looks = NOW, 0
    ordered = sorted(history, key=lambda one: one.sent, reverse=True)
    while isinstance(found := decide(facts(now=now, contacts=ordered), terms()), Later):
        assert found.until > now
        now, looks = found.until, looks + 1
        assert looks < 20


def test_contacts_are_numbered_on() -> None:
    identifiers = [
        {"system": "https://credence.health/fhir/sid/call-out", "value": "k.1"},
        {"system": "https://credence.health/fhir/sid/outreach-contact", "value": "ann.7"},
    ]
    found = contacts(
        [{"resourceType": "Communication", "id": "c", "status": "completed", "identifier": identifiers}]
    )
    assert (found[0].number, next_number(found), next_number(())) == (7, 8, 1)


def test_a_campaign_is_read_as_it_is_written() -> None:
    assert isinstance(terms().campaign, Campaign)


FORM = [{"channel": "form"}, {"channel": "call"}]


def test_a_channel_that_is_off_is_passed_over_with_its_reason() -> None:
    off = replace(terms(channels=FORM), off={"form": "forms are off"})
    found = decide(facts(), off)
    assert isinstance(found, Go) and found.channel == "call"
    alone = decide(facts(), replace(terms(channels=FORM[:1]), off={"form": "forms are off"}))
    assert isinstance(alone, Over) and (alone.outcome, alone.why) == ("left-out", "form: forms are off")


def test_a_channel_that_could_not_be_used_is_no_contact_and_the_next_one_follows_at_once() -> None:
    skipped = made(1, "form", "skipped", status="not-done", why="what is missing was asked for lately")
    assert not skipped.counts
    found = decide(facts(contacts=[skipped]), terms(channels=FORM))
    assert isinstance(found, Go) and found.channel == "call"
    called = made(200, "call", "no-answer")
    over = decide(facts(contacts=[called, skipped]), terms(channels=FORM))
    assert isinstance(over, Over) and over.outcome == "unreached"
    assert "form: what is missing was asked for lately" in over.why


@pytest.mark.parametrize(
    ("provisions", "channel"),
    [
        ([("permit", "")], "form"),
        ([("permit", "sms")], "form"),
        ([("permit", "form")], "form"),
        ([("permit", ""), ("deny", "sms")], "call"),
        ([("permit", ""), ("deny", "form")], "call"),
        ([("permit", "call")], "call"),
    ],
)
def test_a_link_to_a_form_is_a_text_message(provisions: list[tuple[str, str]], channel: str) -> None:
    system = "https://credence.health/fhir/CodeSystem/contact-channel"
    consents = []
    for day, (type, code) in enumerate(provisions, 1):
        coded = {"code": [{"coding": [{"system": system, "code": code}]}]} if code else {}
        consents.append({**CONSENT, "dateTime": f"2026-01-0{day}", "provision": {"type": type, **coded}})
    found = decide(facts(consents=consents), terms(channels=FORM))
    assert isinstance(found, Go) and found.channel == channel
