"""What is noted of a request, and that nothing is answered where nothing can be noted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fhirserver.access.audit.event import Event
from fhirserver.access.permissions import UNRESTRICTED, Permissions
from fhirserver.access.principals import Principal
from fhirserver.interactions.exchange import Request, Result
from fhirserver.interactions.noting import event_of, refusal_event
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.storage import Key, Version
from fhirserver.world.sources import Source
from tests.facade import Facade, issues, patient

WHO = Principal("app", Source("ehr"), frozenset({"read"}), client="c", user="Practitioner/1", grant="g")
VERSION = Version("Patient", "p", 3, 7, "2026-11-29T08:00:00.000Z", False, b"{}")


def test_an_event_says_who_did_what_from_where() -> None:
    request = Request(WHO, "GET", "Patient", "p", address="192.0.2.1", number="n1")
    event = event_of(request, "read", Result(200, version=VERSION), [7])
    assert event == Event(
        "read", event.at, "Patient", "p", "3", principal="app", source="ehr", client="c", user="Practitioner/1",
        grant="g", address="192.0.2.1", request="n1", commits=(7,),
    )  # fmt: skip
    assert isinstance(event, Event) and event.at > 10**15


def test_a_search_says_what_was_asked_and_shown() -> None:
    params = [("name", "Müller & Söhne"), ("_count", "5")]
    request = Request(WHO, "GET", "Observation", params=params, compartment=Key("Patient", "p"))
    event = event_of(request, "search-compartment", Result(200, shown=[VERSION]))
    assert event.query == "name=M%C3%BCller+%26+S%C3%B6hne&_count=5"
    assert event.shown == (("Patient", "p", 3),) and event.patients == ("p",)
    assert event.details == {"compartment": "Patient/p"}
    other = replace(request, compartment=Key("Encounter", "e"))
    assert event_of(other, "search-compartment", Result(200)).patients == ()


def test_the_reason_of_a_break_glass_access_is_its_purpose() -> None:
    opened = Permissions(
        (UNRESTRICTED,), hidden=frozenset({"R"}), broken="unconscious, no relative", opens=True
    )
    request = Request(replace(WHO, permissions=opened), "GET", "Patient", "p")
    assert event_of(request, "read", Result(200)).purpose == "unconscious, no relative"
    assert event_of(Request(WHO, "GET", "Patient", "p"), "read", Result(200)).purpose == ""


def test_a_refusal_is_short_whatever_was_sent() -> None:
    request = Request(WHO, "GET", "x" * 5_000, "y" * 5_000, params=[("a", "b" * 50_000)])
    event = refusal_event(request, "read", refuse(Category.NOT_FOUND, "not-found", "It is not there"))
    assert (event.status, event.issue) == (404, "not-found")
    assert len(event.type) <= 64 and len(event.id) <= 200 and len(event.query) <= 16 * 1024


class FullAudit:
    """A trail that cannot be written."""

    def __init__(self) -> None:
        self.noted: list[Event] = []

    is_full = True

    def note(self, event: Event) -> None:
        self.noted.append(event)

    async def room(self) -> None:
        raise refuse(Category.BUSY, "transient", "The audit trail cannot be written")


async def test_nothing_is_answered_that_could_not_be_noted(
    server: Facade, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await server.ehr.put(patient("p"))).status_code == 201
    edge = server.application._edge
    audit = FullAudit()
    monkeypatch.setattr(edge, "context", replace(edge.context, audit=audit))
    for answer in (await server.ehr.get("Patient/p"), await server.ehr.put(patient("q"))):
        assert answer.status_code == 503 and issues(answer)[0]["code"] == "transient"
    assert [event.status for event in audit.noted] == [503, 503]
    monkeypatch.undo()
    assert (await server.ehr.get("Patient/q")).status_code == 404, "it was not written"
