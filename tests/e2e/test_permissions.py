"""What apps of one patient, of a user and of a system can see and do, on every way into the store."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from fhirserver.access.masks import Mask
from fhirserver.access.permissions import Permissions, permissions_of
from fhirserver.access.principals import Principal, token_digest
from fhirserver.access.scopes import parse_scopes
from fhirserver.app.wiring import make_application
from fhirserver.kernel.json import JsonObject
from tests.facade import BASE, SOURCES, Client, settings

pytestmark = pytest.mark.asyncio(loop_scope="module")

SSN = "http://hl7.org/fhir/sid/us-ssn"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
RESTRICTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
    "code": "R",
}


def scoped(text: str, patient: str = "") -> Permissions:
    return permissions_of(parse_scopes(text), patient)


APPS: dict[str, Permissions] = {
    "ada-app": scoped("patient/*.cruds", "ada"),
    "ada-reads": scoped("patient/*.rs", "ada"),
    "ada-labs": scoped(f"patient/Observation.rs?category={CATEGORY}|laboratory", "ada"),
    "searches": scoped("system/Observation.s"),
    "writes": scoped("system/Observation.c system/Observation.u"),
    "doctor": Permissions(scoped("user/*.cruds").grants, hidden=frozenset({"R"}), opens=True),
    "clerk": Permissions(
        scoped("user/*.cruds").grants,
        hidden=frozenset({"R"}),
        masks=(Mask("Patient", ("identifier",), SSN),),
    ),
}


OTHERS = {"Patient/bob", "Observation/b-lab", "Observation/b-secret", "Binary/b-doc"}


@dataclass
class World:
    """One client per app; ``all`` may do everything."""

    clients: dict[str, Client]

    def __getattr__(self, name: str) -> Client:
        return self.clients[name.replace("_", "-")]


@contextlib.asynccontextmanager
async def running(folder: Path) -> AsyncIterator[World]:
    plain = settings(folder)
    more = tuple(
        (
            token_digest(f"token-{name}"),
            Principal(
                name,
                SOURCES["ehr"],
                frozenset({"read", "write"}),
                permissions,
                client=name,
                grant=f"g-{name}",
            ),
        )
        for name, permissions in APPS.items()
    )
    application = make_application(replace(plain, principals=(*plain.principals, *more)))
    transport = httpx.ASGITransport(application)  # type: ignore[arg-type]
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(application.web.router.lifespan_context(application.web))
        clients = {}
        for name in ("admin", *APPS):
            headers = {"authorization": f"Bearer token-{name}"}
            http = httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers)
            clients[name] = Client(await stack.enter_async_context(http))
        yield World(clients)


def patient(id: str, family: str, **more: Any) -> JsonObject:
    identifier = [{"system": SSN, "value": f"ssn-{id}"}, {"system": "urn:mrn", "value": f"mrn-{id}"}]
    return {
        "resourceType": "Patient",
        "id": id,
        "name": [{"family": family}],
        "identifier": identifier,
        **more,
    }


def observation(id: str, of: str, category: str = "laboratory", **more: Any) -> JsonObject:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "category": [{"coding": [{"system": CATEGORY, "code": category}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}]},
        "subject": {"reference": f"Patient/{of}"},
        **more,
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with running(tmp_path_factory.mktemp("permissions")) as world:
        admin = world.admin
        for one in (
            {"resourceType": "Organization", "id": "clinic", "name": "Clinic"},
            patient("ada", "Okafor", managingOrganization={"reference": "Organization/clinic"}),
            patient("bob", "Bradtke", generalPractitioner=[{"reference": "Practitioner/doc"}]),
            {"resourceType": "Practitioner", "id": "doc", "name": [{"family": "Doc"}]},
            observation("a-lab", "ada", performer=[{"reference": "Practitioner/doc"}]),
            observation("a-vital", "ada", "vital-signs"),
            observation("b-lab", "bob", performer=[{"reference": "Practitioner/doc"}]),
            observation("b-secret", "bob", meta={"security": [RESTRICTED]}),
            {
                "resourceType": "Binary",
                "id": "a-doc",
                "contentType": "text/plain",
                "securityContext": {"reference": "Patient/ada"},
                "data": "YQ==",
            },
            {
                "resourceType": "Binary",
                "id": "b-doc",
                "contentType": "text/plain",
                "securityContext": {"reference": "Patient/bob"},
                "data": "Yg==",
            },
            {"resourceType": "Binary", "id": "loose", "contentType": "text/plain", "data": "Yw=="},
            {
                "resourceType": "List",
                "id": "both",
                "status": "current",
                "mode": "working",
                "subject": {"reference": "Patient/ada"},
                "entry": [
                    {"item": {"reference": "Observation/a-lab"}},
                    {"item": {"reference": "Observation/b-lab"}},
                ],
            },
        ):
            answer = await admin.put(one)
            assert answer.status_code == 201, answer.text
        yield world


async def found(client: Client, path: str) -> set[str]:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    entries = answer.json().get("entry", ())
    return {
        f"{one['resource']['resourceType']}/{one['resource']['id']}"
        for one in entries
        if one.get("search", {}).get("mode") != "outcome" and "resource" in one
    }


async def status(client: Client, path: str, method: str = "GET", body: Any = None, **headers: str) -> int:
    return (await client(method, path, body, **headers)).status_code


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("Patient/ada", 200),
        ("Patient/bob", 404),
        ("Patient/nobody", 404),
        ("Patient/bob/_history/1", 404),
        ("Patient/bob/_history", 404),
        ("Patient/ada/_history", 200),
        ("Observation/a-lab", 200),
        ("Observation/b-lab", 404),
        ("Observation/b-lab/_history/1", 404),
        ("Organization/clinic", 200),
        ("Binary/a-doc", 200),
        ("Binary/b-doc", 404),
        ("Binary/loose", 404),
        ("Subscription/any", 403),
        ("Patient/bob/$everything", 404),
        ("Patient/bob/$lineage", 404),
        ("Patient/ada?_asOf=1", 403),
        ("Observation?_contained=true", 200),
    ],
)
async def test_an_app_of_one_patient_reads_that_ones(world: World, path: str, code: int) -> None:
    assert await status(world.ada_reads, path) == code, (await world.ada_reads.get(path)).text


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        ("Patient", {"Patient/ada"}),
        ("Patient?_id=bob", set()),
        ("Observation", {"Observation/a-lab", "Observation/a-vital"}),
        ("Observation?subject=Patient/bob", set()),
        ("Observation?_id=b-lab,a-lab", {"Observation/a-lab"}),
        ("Observation?patient.name=Bradtke", set()),
        ("Observation?code:not=x", {"Observation/a-lab", "Observation/a-vital"}),
        ("Observation?_filter=subject ne Patient/ada", set()),
        ("Observation?_list=both", {"Observation/a-lab"}),
        ("Practitioner?_has:Patient:general-practitioner:name=Bradtke", set()),
        ("Practitioner?_has:Observation:performer:_id=b-lab", set()),
        ("Practitioner?_has:Observation:performer:_id=a-lab", {"Practitioner/doc"}),
        ("Practitioner?_id=doc&_revinclude=Observation:performer", {"Practitioner/doc", "Observation/a-lab"}),
        ("Practitioner?_id=doc&_revinclude=Patient:general-practitioner", {"Practitioner/doc"}),
        (
            "Observation?_id=a-lab&_include=Observation:performer&_revinclude:iterate=Observation:performer",
            {"Observation/a-lab", "Practitioner/doc"},
        ),
        ("Patient/bob/Observation", set()),
        ("Patient/bob/*", set()),
        ("Practitioner/doc/Observation", {"Observation/a-lab"}),
        ("?_type=Patient,Observation", {"Patient/ada", "Observation/a-lab", "Observation/a-vital"}),
        ("Observation/_history", {"Observation/a-lab", "Observation/a-vital"}),
        ("Patient/_history", {"Patient/ada"}),
    ],
)
async def test_searches_of_an_app_of_one_patient_know_no_other(
    world: World, path: str, ids: set[str]
) -> None:
    assert await found(world.ada_reads, path) == ids


async def test_the_whole_history_has_no_other_patients(world: World) -> None:
    seen = await found(world.ada_reads, "_history?_count=1000")
    assert "Patient/ada" in seen
    assert not seen & OTHERS


async def test_counts_are_those_of_what_is_seen(world: World) -> None:
    for path in ("Observation?_summary=count", "Observation?_total=accurate"):
        assert (await world.ada_reads.get(path)).json()["total"] == 2


async def test_everything_of_a_patient_has_no_other(world: World) -> None:
    seen = await found(world.ada_reads, "Patient/ada/$everything")
    assert {"Patient/ada", "Observation/a-lab", "Observation/a-vital"} <= seen
    assert not seen & OTHERS


async def test_graphql_has_no_other_patients(world: World) -> None:
    query = """{ Patient(id: "bob") { id name { family } }
                 ObservationList { id subject { resource { ... on Patient { id } } } } }"""
    answer = await world.ada_reads("POST", "$graphql", query.encode(), media="application/graphql")
    assert "Bradtke" not in answer.text and "b-lab" not in answer.text
    assert "a-lab" in answer.text


async def test_a_scope_with_criteria_is_kept_to(world: World) -> None:
    assert await found(world.ada_labs, "Observation") == {"Observation/a-lab"}
    assert await status(world.ada_labs, "Observation/a-vital") == 404
    assert await status(world.ada_labs, "Patient/ada") == 403
    assert await found(world.ada_labs, "Observation?_include=Observation:subject") == {"Observation/a-lab"}
    assert await found(world.ada_labs, "Observation?subject.name=Okafor") == set()


async def test_searching_is_not_reading_and_writing_is_not_either(world: World) -> None:
    assert await status(world.searches, "Observation/a-lab") == 403
    assert "Observation/a-lab" in await found(world.searches, "Observation")
    assert await status(world.writes, "Observation") == 403
    answer = await world.writes.post(observation("x", "bob"))
    assert answer.status_code == 201 and not answer.content
    denied = await world.writes.put(patient("zoe", "Zed"))
    assert denied.status_code == 403
    assert 'error="insufficient_scope"' in denied.headers["www-authenticate"]
    conditional = await world.writes(
        "POST", "Observation", observation("x", "bob"), if_none_exist="_id=b-lab"
    )
    assert conditional.status_code == 403, "a condition searches"


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("PUT", "Observation/b-lab", observation("b-lab", "bob"), 403),
        ("PUT", "Observation/b-lab", observation("b-lab", "ada"), 403),
        ("PUT", "Observation/a-new", observation("a-new", "bob"), 403),
        ("PUT", "Observation/a-vital", observation("a-vital", "bob"), 403),
        ("POST", "Observation", observation("x", "bob"), 403),
        ("POST", "Observation", observation("x", "bob", performer=[{"reference": "Patient/ada"}]), 403),
        ("PUT", "Patient/bob", patient("bob", "Hijacked"), 403),
        ("PUT", "Patient/new", patient("new", "New"), 403),
        ("DELETE", "Observation/b-lab", None, 404),
        ("DELETE", "Patient/bob", None, 404),
        ("PUT", "Organization/clinic", {"resourceType": "Organization", "id": "clinic", "name": "Mine"}, 403),
    ],
)
async def test_an_app_of_one_patient_writes_about_no_other(
    world: World, method: str, path: str, body: Any, code: int
) -> None:
    answer = await world.ada_app(method, path, body)
    assert answer.status_code == code, answer.text
    batch = {"method": method, "url": path}
    entry = {"request": batch, **({"resource": body} if body else {})}
    refused = await world.ada_app.bundle("batch", entry)
    assert refused.json()["entry"][0]["response"]["status"].startswith(str(code)), refused.text
    whole = await world.ada_app.bundle("transaction", entry)
    assert whole.status_code == code, whole.text


async def test_a_patch_leads_out_of_no_record(world: World) -> None:
    away = [{"op": "replace", "path": "/subject/reference", "value": "Patient/bob"}]
    for path, code in (("Observation/a-lab", 403), ("Observation/b-lab", 404)):
        answer = await world.ada_app("PATCH", path, away, media="application/json-patch+json")
        assert answer.status_code == code, answer.text
    assert (await world.admin.get("Observation/a-lab")).json()["subject"]["reference"] == "Patient/ada"


async def test_conditions_find_nothing_of_others(world: World) -> None:
    gone = await world.ada_app("DELETE", "Observation?_id=b-lab")
    assert gone.status_code in (204, 404), gone.text
    assert (await world.admin.get("Observation/b-lab")).status_code == 200
    link = {"reference": "Patient?identifier=urn:mrn|mrn-bob"}
    entry = {
        "request": {"method": "POST", "url": "Observation"},
        "resource": {**observation("x", "ada"), "subject": link},
    }
    assert (await world.ada_app.transaction(entry)).status_code in (403, 412)


async def test_an_app_of_one_patient_writes_about_that_one(world: World) -> None:
    assert (await world.ada_app.put(observation("a-own", "ada"))).status_code == 201
    assert (await world.ada_app.put(observation("a-own", "ada", "vital-signs"))).status_code == 200
    assert (await world.ada_app("DELETE", "Observation/a-own")).status_code == 204
    assert (await world.ada_app.get("Observation/a-own")).status_code == 410
    assert await status(world.ada_labs, "Observation/a-own") == 404


async def test_what_is_confidential_is_not_there_for_who_may_not_see_it(world: World) -> None:
    assert await status(world.clerk, "Observation/b-secret") == 404
    assert "Observation/b-secret" not in await found(world.clerk, "Observation")
    assert await found(world.clerk, "Patient?_has:Observation:patient:_id=b-secret") == set()


async def test_what_is_masked_is_neither_shown_nor_searched(world: World) -> None:
    shown = (await world.clerk.get("Patient/ada")).json()
    assert [one["system"] for one in shown["identifier"]] == ["urn:mrn"]
    assert shown["meta"]["security"][0]["code"] == "MASKED"
    for path in (
        f"Patient?identifier={SSN}|ssn-ada",
        "Patient?identifier=ssn-ada",
        "Patient?_content=ssn",
        f"Observation?patient.identifier={SSN}|ssn-ada",
        f"Organization?_has:Patient:organization:identifier={SSN}|ssn-ada",
        "Patient?_sort=identifier",
        f"Patient?_filter=identifier eq {SSN}|ssn-ada",
    ):
        assert await status(world.clerk, path) == 403, path
    assert await found(world.clerk, "Patient?identifier=urn:mrn|mrn-ada") == {"Patient/ada"}
    for path in (
        "Patient/ada/_history/1",
        "Patient?_id=ada",
        "Patient/ada/$everything",
        "Observation?_include=Observation:subject",
    ):
        answer = await world.clerk.get(path)
        assert answer.status_code == 200 and "ssn-ada" not in answer.text, path
    assert await status(world.clerk, "Patient/ada/$lineage") == 403


async def test_who_does_not_see_all_of_a_resource_does_not_take_the_rest_away(world: World) -> None:
    shown = (await world.clerk.get("Patient/bob")).json()
    answer = await world.clerk.put({**shown, "birthDate": "1970-01-01"})
    assert answer.status_code == 200 and "ssn-bob" not in answer.text
    kept = (await world.admin.get("Patient/bob")).json()
    assert {one["value"] for one in kept["identifier"]} == {"ssn-bob", "mrn-bob"} and kept[
        "birthDate"
    ] == "1970-01-01"


async def test_operations_of_reviewers_are_not_given_to_apps(world: World) -> None:
    match = {"resourceType": "Patient", "name": [{"family": "Bradtke"}], "birthDate": "1970-01-01"}
    answer = await world.ada_reads("POST", "Patient/$match", match)
    assert answer.status_code == 200 and answer.json()["total"] == 0, answer.text
    assert await status(world.ada_app, "Task/1/$claim", "POST") == 403


async def test_a_job_is_of_the_authorization_that_began_it(world: World) -> None:
    begun = await world.ada_reads("GET", "Observation", prefer="respond-async")
    assert begun.status_code == 202
    path = begun.headers["content-location"].removeprefix(f"{BASE}/")
    assert await status(world.clerk, path) == 404
    while (answer := await world.ada_reads.get(path)).status_code == 202:
        pass
    assert "a-lab" in answer.text and "b-lab" not in answer.text


async def test_a_reason_opens_what_is_confidential_for_who_may_give_one(world: World) -> None:
    reason = "unconscious in the emergency room"
    assert await status(world.clerk, "Observation/b-secret", x_break_glass=reason) == 403
    assert await status(world.doctor, "Observation/b-secret") == 404
    assert await status(world.doctor, "Observation/b-secret", x_break_glass="no") == 400
    assert await status(world.doctor, "Observation/b-secret", x_break_glass=reason) == 200
    assert await status(world.doctor, "Observation/b-secret") == 404, "the reason was for one request"
