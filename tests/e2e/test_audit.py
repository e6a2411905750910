"""The audit as a privacy officer sees it: every access and refusal, for nobody else's eyes."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fhirserver.access.audit.accounting import Accounting
from fhirserver.access.audit.chain import events_of
from fhirserver.access.audit.event import Event
from fhirserver.access.audit.recorder import Recorder
from fhirserver.kernel.json import JsonObject
from fhirserver.model.validation import validate
from fhirserver.ports.log import Statement
from fhirserver.store.commands import Command, Put
from tests.facade import Facade, entry, facade, issues, patient

BALP = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."


@pytest.fixture(params=["memory", "sqlite"])
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Facade]:
    async with facade(tmp_path, request.param) as running:
        yield running


def recorder(server: Facade) -> Recorder:
    found = server.application._edge.context.audit
    assert isinstance(found, Recorder)
    return found


async def trail(server: Facade) -> list[Event]:
    await recorder(server).flush()
    batches = await server.store.storage.trail.read(0, 1000)
    return [event for batch in batches for event in events_of(batch)]


async def found(server: Facade, query: str) -> list[JsonObject]:
    """AuditEvents, the oldest first."""
    await recorder(server).flush()
    answer = await server.officer.get(f"AuditEvent?_sort=date&_count=1000&{query}")
    assert answer.status_code == 200, answer.text
    return [one["resource"] for one in answer.json().get("entry", ())]


def codes(event: JsonObject) -> list[str]:
    return [one["code"] for one in event.get("subtype", ())]


def references(event: JsonObject) -> list[str]:
    return [one["what"]["reference"] for one in event["entity"] if "reference" in one.get("what", {})]


def profile(event: JsonObject) -> str:
    return "".join(url.removeprefix(BALP) for url in event["meta"].get("profile", ()))


OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "o",
    "status": "final",
    "code": {"text": "pulse"},
    "subject": {"reference": "Patient/p"},
}


async def test_each_interaction_makes_the_audit_event_of_its_pattern(server: Facade) -> None:
    assert (await server.ehr.put(patient("p"))).status_code == 201
    assert (await server.ehr.put(OBSERVATION)).status_code == 201
    created = await server.ehr.post({"resourceType": "Organization", "name": "Practice"})
    organization = created.json()["id"]
    await server.lab.get("Observation/o")
    await server.lab.get(f"Organization/{organization}/_history/1")
    await server.lab.get("Patient?name=okafor")
    await server.lab.get("Patient/p/Observation?code=x")
    await server.lab.get("Organization?name=none")
    await server.ehr("DELETE", "Observation/o")
    events = [one for one in await found(server, "type=rest") if codes(one) != ["request"]]
    ours = [(profile(one), codes(one)[0], one["action"], one["outcome"]) for one in events]
    assert ours == [
        ("PatientUpdate", "update", "U", "0"),
        ("PatientUpdate", "update", "U", "0"),
        ("Create", "create", "C", "0"),
        ("PatientRead", "read", "R", "0"),
        ("Read", "vread", "R", "0"),
        ("PatientQuery", "search-type", "E", "0"),
        ("PatientQuery", "search", "E", "0"),
        ("Query", "search-type", "E", "0"),
        ("PatientDelete", "delete", "D", "0"),
    ]
    for one in events:
        assert validate(one) == [], one
    read, query = events[3], events[5]
    assert references(read) == ["Patient/p", "Observation/o/_history/1"]
    assert references(query) == ["Patient/p", "Patient/p/_history/1"]
    (asked,) = [one["query"] for one in query["entity"] if "query" in one]
    assert base64.b64decode(asked).endswith(b"/fhir/Patient?name=okafor")
    assert read["agent"][0]["who"]["identifier"]["value"] == "lab"
    assert read["agent"][0]["network"] == {"address": "127.0.0.1", "type": "2"}
    assert references(events[8]) == ["Patient/p", "Observation/o/_history/2"]


async def test_refusals_are_noted_with_their_reason_and_who_was_refused(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    refused = [
        await server.anonymous.get("Patient/p"),
        await server.reader.put(patient("p")),
        await server.ehr.get("Patient/nobody"),
        await server.ehr.get("Patient?nonsense=1"),
        await server.ehr.get("Patient/p/$nothing"),
        await server.ehr.get("Nonsense/..%2f..%2fetc"),
        await server.ehr("POST", "Patient", b"{", content_type="application/fhir+json"),
    ]
    assert [one.status_code for one in refused] == [401, 403, 404, 400, 404, 404, 400]
    events = await found(server, "outcome=4,8")
    told = [(one["outcome"], one["outcomeDesc"], one["agent"][0]["who"]["display"]) for one in events]
    assert told == [
        ("8", "401 login", "unknown"),
        ("8", "403 forbidden", "reader"),
        ("4", "404 not-found", "ehr"),
        ("4", "400 not-supported", "ehr"),
        ("4", "404 not-supported", "ehr"),
        ("4", "404 not-supported", "unknown"),
        ("4", "400 structure", "ehr"),
    ]
    assert all(validate(one) == [] for one in events)
    assert "Patient/p" in references(events[0]), "whose record was tried"
    assert not any(profile(one) for one in events), "the patterns are of what succeeded"


async def test_the_entries_of_bundles_are_noted_one_by_one(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    await server.ehr.batch(entry("GET", "Patient/p"), entry("GET", "Patient/q"))
    await server.ehr.transaction(
        entry("POST", "Patient", patient()),
        entry("PUT", "Patient/z", patient("z")),
        entry("GET", "Patient/p"),
    )
    events = [(one.what, one.type, one.status) for one in await trail(server) if one.principal == "ehr"]
    assert events == [
        ("update", "Patient", 201),
        ("read", "Patient", 200),
        ("read", "Patient", 404),
        ("batch", "", 200),
        ("create", "Patient", 201),
        ("update", "Patient", 201),
        ("read", "Patient", 200),
        ("transaction", "", 200),
    ]
    noted = [one.commits for one in await trail(server) if one.what == "transaction"]
    assert noted == [(server.store.head,)] and len({one.request for one in await trail(server)}) == 4


async def test_a_search_that_shows_several_patients_is_noted_for_each(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    await server.ehr.put(patient("q"))
    await server.ehr.put(OBSERVATION)
    await server.lab.get("Patient?name=okafor&_revinclude=Observation:subject")
    mine = await found(server, "agent:identifier=lab&entity=Patient/p")
    assert [references(one) for one in mine] == [
        ["Patient/p", "Patient/p/_history/1", "Observation/o/_history/1"]
    ]
    [other] = await found(server, "agent:identifier=lab&patient=q")
    assert references(other) == ["Patient/q", "Patient/q/_history/1"], "nothing of another patient"


async def test_only_who_has_the_role_reads_audit_events_by_whatever_way(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    await server.ehr.get("Patient/p")
    told = (await found(server, "patient=p"))[0]["id"]
    history = {"resourceType": "List", "id": "l", "status": "current", "mode": "working"}
    await server.admin.put({**history, "entry": [{"item": {"reference": f"AuditEvent/{told}"}}]})
    named = [
        f"AuditEvent/{told}",
        f"AuditEvent/{told}/_history",
        f"AuditEvent/{told}/_history/1",
        f"AuditEvent/{told}/$meta",
        f"AuditEvent/{told}/$lineage",
        "AuditEvent",
        "AuditEvent/_history",
        "AuditEvent?patient=p",
        "Patient?_has:AuditEvent:patient:action=R",
        "Patient?_revinclude=AuditEvent:patient",
        "Patient/p/AuditEvent",
        "?_type=Patient,AuditEvent",
        "Patient/p/$everything?_type=AuditEvent",
        "List?item:AuditEvent.action=R",
    ]
    for path in named:
        for client in (server.ehr, server.admin, server.ana):
            answer = await client.get(path)
            assert answer.status_code == 403, (path, answer.text)
        assert (await server.anonymous.get(path)).status_code == 401
    silent = [
        "Patient?_revinclude=*&_id=p",
        "List?_include=*",
        "List?_include=List:item",
        "Patient/p/*",
        "?_id=" + told,
        "_history?_count=1000",
        "Patient/p/$everything",
        "Provenance?_include=*&_count=1000",
    ]
    for path in silent:
        answer = await server.admin.get(path)
        assert answer.status_code == 200, (path, answer.text)
        shown = [one.get("resource", {}).get("resourceType") for one in answer.json().get("entry", ())]
        assert "AuditEvent" not in shown, path
    whole = (await server.admin.get("_history?_count=1")).json()["total"]
    assert whole == len((await server.admin.get("_history?_count=1000")).json()["entry"])
    query = '{ List(id:"l") { entry { item { resource { ... on AuditEvent { action } } } } } }'
    graph = await server.admin("POST", "$graphql", {"query": query}, media="application/json")
    assert "action" not in graph.text
    for client in (server.admin, server.ehr):
        listed = await client(
            "POST", "$graphql", {"query": "{ AuditEventList { action } }"}, media="application/json"
        )
        assert "errors" in listed.json() and listed.json().get("data") in (None, {"AuditEventList": None})


async def test_the_officer_reads_audit_events_and_nothing_else(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    [told] = await found(server, "patient=p")
    path = f"AuditEvent/{told['id']}"
    for asked in (
        path,
        f"{path}/_history/1",
        f"{path}/_history",
        "AuditEvent/_history",
        "Patient/p/AuditEvent",
    ):
        assert (await server.officer.get(asked)).status_code == 200, asked
    for asked in ("Patient/p", "Patient", "_history", "Patient/p/$everything"):
        answer = await server.officer.get(asked)
        assert answer.status_code == 403 and issues(answer)[0]["code"] == "forbidden", asked


async def test_no_client_writes_changes_or_deletes_what_the_audit_says(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    [told] = await found(server, "patient=p")
    changed = {**told, "action": "D"}
    for client in (server.ehr, server.admin, server.officer):
        refused = [
            await client.put(changed),
            await client.put({**changed, "id": "mine"}),
            await client("PATCH", f"AuditEvent/{told['id']}", [{"op": "remove", "path": "/agent"}]),
            await client("DELETE", f"AuditEvent/{told['id']}"),
            await client("DELETE", "AuditEvent?action=U"),
            await client.transaction(entry("PUT", f"AuditEvent/{told['id']}", changed)),
            await client.transaction(entry("DELETE", f"AuditEvent/{told['id']}")),
            await client("POST", f"AuditEvent/{told['id']}/$meta-add", {"resourceType": "Parameters"}),
        ]
        assert all(one.status_code in (403, 405) for one in refused), [one.text for one in refused]
    fresh = {name: value for name, value in told.items() if name != "id"}
    assert (await server.ehr.post(fresh)).status_code == 405
    assert (await server.ehr.transaction(entry("POST", "AuditEvent", fresh))).status_code == 405
    assert (await server.agent.post(fresh)).status_code == 201, "a producer that is named for it"
    assert (await server.officer.get(f"AuditEvent/{told['id']}")).json() == told


async def test_audit_events_are_searched_by_all_their_parameters(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    await server.ehr.get("Patient/p", x_request_id="mine-1-of-the-test")
    [told] = await found(server, "subtype=read")
    at = told["recorded"]
    for query in (
        "action=R",
        "type=rest",
        "subtype=http://hl7.org/fhir/restful-interaction|read",
        "agent:identifier=ehr",
        "address=127.0.0.1&action=R",
        "patient=Patient/p&action=R",
        "entity=Patient/p&action=R",
        "entity-role=1&action=R",
        "entity-type=1&action=R",
        "altid=ehr&action=R",
        "outcome=0&action=R",
        f"date={at}&action=R",
        f"date=ge{at[:10]}&action=R",
        f"_id={told['id']}",
        "_profile=" + BALP + "PatientRead",
        "entity:identifier=mine-1-of-the-test",
    ):
        assert told["id"] in [one["id"] for one in await found(server, query)], query
    assert await found(server, "date=lt2001-01-01") == []


async def test_a_time_that_is_asked_for_derives_no_other(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    await recorder(server).flush()
    events = server.application._edge.context.audit_events
    assert await found(server, "date=lt2001-01-01") == []
    assert await events.derived() == [], "no batch is of that time"
    assert await found(server, "date=ge2001-01-01") != []
    assert await events.derived() == [[1, 2]], "the questions themselves are noted too"


async def test_what_nobody_noted_is_made_up_from_the_log(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    writes = [Put("Patient", "x", patient("x"), False)]
    await server.store.submit(Command(Statement("lab", "feed", client="app", grant="g1"), writes))
    two = [Put("Patient", id, patient(id), False) for id in ("y", "z")]
    await server.store.submit(Command(Statement("lab", "feed"), two))
    accounting = Accounting(server.store, recorder(server))
    accounting._position, accounting._batch = 0, 0
    await recorder(server).flush()
    while await accounting.step(2**62):
        pass
    told = [one for one in await trail(server) if one.details.get("noted") and one.source == "lab"]
    assert [(one.what, one.type, one.id, one.shown, one.principal) for one in told] == [
        ("create", "Patient", "x", (), "feed"),
        ("transaction", "", "", (("Patient", "y", 1), ("Patient", "z", 1)), "feed"),
    ]
    assert [(one.client, one.grant) for one in told] == [("app", "g1"), ("", "")]
    mine = [one for one in await trail(server) if one.id == "p"]
    assert [one.address for one in mine] == ["127.0.0.1"], "it was noted, and is not made up"
    assert not await accounting.step(2**62) and recorder(server).accounted == server.store.head
    assert {id for one in await found(server, "agent:identifier=feed,app") for id in references(one)} >= {
        "Patient/x",
        "Patient/y",
        "Patient/z",
    }


async def test_pages_of_the_console_are_noted_with_who_asked_for_them(server: Facade) -> None:
    async with server.browser() as browser:
        assert (await browser.get("/console/queue")).status_code == 303
        form = await browser.post("/console/sign-in", data={"token": "token-ana"})
        assert form.status_code in (200, 303, 403)
    [page] = [one for one in await trail(server) if one.what == "page"]
    assert (page.status, page.query, page.principal) == (401, "GET /console/queue", "")


async def test_what_is_derived_goes_with_a_rebuild_and_comes_again(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    before = await found(server, "patient=p")
    await server.store.rebuild()
    assert await server.store.storage.read("AuditEvent", before[0]["id"]) is None
    assert [one for one in await found(server, "patient=p") if one["id"] == before[0]["id"]] == before
