"""AuditEvents out of events: what each kind of event makes, and that it is valid FHIR."""

from __future__ import annotations

import pytest

from fhirserver.access.audit import event as words
from fhirserver.access.audit.derived import Known, audit_events
from fhirserver.access.audit.event import Event
from fhirserver.kernel.json import JsonObject
from fhirserver.model.validation import validate

SERVER = "http://127.0.0.1:8080/fhir"
P, Q = ("Patient", "p", 1), ("Patient", "q", 1)
AT = 1_764_374_400_000_000


def made(event: Event, *patients: str) -> list[JsonObject]:
    events = list(audit_events(event._replace(at=AT), Known(SERVER, patients)))
    assert [issue for one in events for issue in validate({**one, "id": "a"})] == []
    return events


@pytest.mark.parametrize(
    ("what", "type", "subtype"),
    [
        (words.LOGIN, "110114", ["110122"]),
        (words.LOGOUT, "110114", ["110123"]),
        (words.TOKEN, "110114", ["ITI-71"]),
        (words.INTROSPECT, "110114", ["ITI-102"]),
        (words.START, "110100", ["110120"]),
        (words.STOP, "110100", ["110121"]),
        (words.REVOKE, "access", ["revoke"]),
        (words.PAGE, "access", ["page"]),
        (words.NOTIFICATION, "110106", ["disclose", "notification"]),
        (words.WRITEBACK, "110106", ["disclose", "writeback"]),
        ("$everything", "rest", ["operation", "$everything"]),
        ("transaction", "rest", ["transaction"]),
        ("search-compartment", "rest", ["search"]),
        ("history-system", "rest", ["history-system"]),
        ("request", "rest", ["request"]),
    ],
)
def test_type_and_subtypes(what: str, type: str, subtype: list[str]) -> None:
    [event] = made(Event(what, principal="ana", address="192.0.2.1"))
    assert event["type"]["code"] == type
    assert [one["code"] for one in event["subtype"]] == subtype
    assert event["recorded"] == "2025-11-29T00:00:00.000Z" and event["action"] in "CRUDE"


def test_an_app_acts_for_a_user_by_an_authorization_and_for_a_reason() -> None:
    event = Event(
        "read", type="Patient", id="p", version="2", address="192.0.2.1", principal="Dr Grey", source="app",
        client="growth-chart", user="Practitioner/1", grant="g1", purpose="unconscious patient",
    )  # fmt: skip
    [one] = made(event, "p")
    client, server, user = one["agent"]
    assert client["who"]["identifier"] == {"value": "growth-chart"} and client["requestor"] is False
    assert client["network"] == {"address": "192.0.2.1", "type": "2"}
    assert server["network"] == {"address": SERVER, "type": "5"}
    assert user["who"] == {"reference": "Practitioner/1", "display": "Dr Grey"} and user["requestor"]
    assert user["policy"][0].endswith("/g1")
    assert one["purposeOfEvent"] == [{"text": "unconscious patient"}]
    assert one["meta"]["profile"][0].endswith("IHE.BasicAudit.PatientRead")


def test_a_pattern_is_claimed_only_where_all_that_it_asks_for_is_known() -> None:
    read = Event("read", type="Patient", id="p", version="1", address="192.0.2.1")
    assert "meta" in made(read)[0]
    for event in (
        read._replace(address=""),
        read._replace(status=404, issue="not-found"),
        read._replace(id="not an id"),
        read._replace(what="$everything"),
        read._replace(what="history-instance"),
    ):
        assert "meta" not in made(event)[0], event


def test_what_is_sent_unasked_is_a_disclosure_to_whoever_gets_it() -> None:
    place, shown = "https://hooks.example/", (P, Q, ("Observation", "o", 2))
    sent = Event(words.NOTIFICATION, type="Subscription", id="s1", shown=shown, address=place)
    sent = sent._replace(principal="app/Patient/p", client="app", grant="g1", details={"recipient": place})
    first, second = made(sent, "p", "q")
    profile = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PrivacyDisclosure.Source"
    assert first["meta"]["profile"] == second["meta"]["profile"] == [profile]
    assert (first["action"], first["outcome"]) == ("R", "0")
    ours, theirs, asked = first["agent"]
    assert [one["type"]["coding"][0]["code"] for one in first["agent"]] == ["110153", "110152", "110150"]
    assert ours["who"] == first["source"]["observer"] and ours["network"]["type"] == "5"
    assert theirs["network"] == {"address": "https://hooks.example/", "type": "5"} and not theirs["requestor"]
    assert asked["who"] == {"identifier": {"value": "app"}, "display": "app/Patient/p"} and asked["requestor"]
    told = [one["what"]["reference"] for one in first["entity"] if "what" in one]
    assert told == [
        "Patient/p",
        "Subscription/s1",
        "Patient/p/_history/1",
        "Patient/q/_history/1",
        "Observation/o/_history/2",
    ]
    assert "meta" not in made(sent)[0], "about no patient it is no disclosure of one's record"
    lost = made(sent._replace(status=504), "p")[0]
    assert "meta" not in lost and lost["outcome"] == "8"
    socket = made(sent._replace(address="192.0.2.7"), "p")[0]
    assert socket["agent"][1]["network"] == {"address": "192.0.2.7", "type": "2"}


def test_what_an_attacker_sent_is_kept_without_harm() -> None:
    nasty = Event(
        "read",
        type="Patient",
        id="../../etc/\x00\ud800passwd",
        query="a=%00\u202e",
        status=404,
        issue="value",
    )
    [event] = made(nasty)
    assert not any("reference" in one.get("what", {}) for one in event["entity"])
    assert event["entity"][0]["query"], "in base64, whatever it was"


@pytest.mark.parametrize(
    ("status", "outcome"), [(200, "0"), (304, "0"), (400, "4"), (401, "8"), (403, "8"), (500, "8")]
)
def test_outcomes(status: int, outcome: str) -> None:
    assert made(Event("read", status=status))[0]["outcome"] == outcome


def test_each_patient_has_an_event_that_shows_nothing_of_another() -> None:
    event = Event("search-type", AT, "Patient", shown=(P, Q, ("Organization", "o", 3)))
    owners = {P: frozenset({"p"}), Q: frozenset({"q"})}
    for one, patient in zip(audit_events(event, Known(SERVER, ["p", "q"], owners)), "pq", strict=True):
        shown = [entity["what"]["reference"] for entity in one["entity"] if "what" in entity]
        assert shown == [f"Patient/{patient}", f"Patient/{patient}/_history/1", "Organization/o/_history/3"]
