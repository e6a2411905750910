"""``$everything`` of a patient, all patients, an encounter and a group."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from fhirserver.kernel.json import JsonObject
from tests.facade import Facade, entry, expressions, patient


def ref(text: str) -> JsonObject:
    return {"reference": text}


def observation(id: str, of: str, day: str = "", **members: Any) -> JsonObject:
    dated = {"effectiveDateTime": day} if day else {}
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"text": "x"},
        "subject": ref(f"Patient/{of}"),
        **dated,
        **members,
    }


def encounter(id: str, of: str, **members: Any) -> JsonObject:
    coded = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}
    return {
        "resourceType": "Encounter",
        "id": id,
        "status": "finished",
        "class": coded,
        "subject": ref(f"Patient/{of}"),
        **members,
    }


async def world(server: Facade) -> None:
    """Two patients; p has an encounter by a practitioner of an organisation, and a Binary."""
    org = {"resourceType": "Organization", "id": "org", "name": "Clinic", "partOf": ref("Organization/top")}
    for resource in (
        {"resourceType": "Organization", "id": "top", "name": "Trust"},
        org,
        {"resourceType": "Organization", "id": "unrelated", "name": "Other"},
        {"resourceType": "Practitioner", "id": "doc"},
        {
            "resourceType": "PractitionerRole",
            "id": "role",
            "practitioner": ref("Practitioner/doc"),
            "organization": ref("Organization/org"),
        },
        {"resourceType": "Binary", "id": "scan", "contentType": "text/plain", "data": "aGk="},
        patient("p", link=[{"other": ref("Patient/twin"), "type": "seealso"}]),
        patient("twin"),
        patient("q"),
        encounter("visit", "p", participant=[{"individual": ref("PractitionerRole/role")}]),
        observation("old", "p", "2019-05-05", encounter=ref("Encounter/visit")),
        observation("new", "p", "2021-05-05"),
        observation("undated", "p"),
        observation("of-q", "q", "2021-05-05", performer=[ref("Practitioner/doc")]),
        observation("about-q", "p", "2021-06-06", hasMember=[ref("Observation/of-q")]),
        {
            "resourceType": "DocumentReference",
            "id": "paper",
            "status": "current",
            "subject": ref("Patient/p"),
            "date": "2021-01-01T00:00:00Z",
            "content": [{"attachment": {"url": "Binary/scan"}}],
        },
    ):
        answer = await server.ehr.put(resource)
        assert answer.status_code == 201, answer.text


async def found(server: Facade, path: str) -> dict[str, str]:
    """Search mode by ``Type/id``."""
    answer = await server.reader.get(path)
    assert answer.status_code == 200, answer.text
    bundle = answer.json()
    assert bundle["type"] == "searchset"
    modes = [(_name(one["resource"]), one["search"]["mode"]) for one in bundle.get("entry", ())]
    assert len(dict(modes)) == len(modes)
    if all(link["relation"] != "next" for link in bundle["link"]) and "_cursor" not in path:
        assert bundle["total"] == len(modes)
    return dict(modes)


def _name(resource: JsonObject) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


MEMBERS = {
    "Patient/p",
    "Encounter/visit",
    "Observation/old",
    "Observation/new",
    "Observation/undated",
    "Observation/about-q",
    "DocumentReference/paper",
}
SUPPORT = {
    "Patient/twin",
    "Practitioner/doc",
    "PractitionerRole/role",
    "Organization/org",
    "Organization/top",
    "Binary/scan",
}


async def test_the_compartment_and_what_it_refers_to(server: Facade) -> None:
    await world(server)
    everything = await found(server, "Patient/p/$everything")
    assert {name for name, mode in everything.items() if mode == "match"} == MEMBERS
    assert {name for name, mode in everything.items() if mode == "include"} == SUPPORT
    assert next(iter(everything)) == "Patient/p"
    assert await found(server, "Patient/p/$everything") == everything


async def test_pages_neither_skip_nor_repeat_while_data_changes(server: Facade) -> None:
    await world(server)
    whole = list(await found(server, "Patient/p/$everything"))
    for size in range(1, len(whole) + 2):
        seen: list[str] = []
        path = f"Patient/p/$everything?_count={size}"
        while path:
            bundle = (await server.reader.get(path)).json()
            page = [_name(one["resource"]) for one in bundle["entry"]]
            assert len(page) == size or not any(link["relation"] == "next" for link in bundle["link"])
            seen += page
            following = [link["url"] for link in bundle["link"] if link["relation"] == "next"]
            path = following[0] if following else ""
            if len(seen) == size:  # what was given already changes
                await server.ehr.put(patient("p", gender="female" if size % 2 else "male"))
        if size == 1:
            assert set(seen) == set(whole) - {"Patient/twin"}  # p's link is gone
            whole = seen
        assert seen == whole, size


async def test_care_dates(server: Facade) -> None:
    await world(server)
    for query, out in (
        ("start=2020-01-01", {"Observation/old"}),
        ("end=2020", {"Observation/new", "Observation/about-q", "DocumentReference/paper", "Binary/scan"}),
        (
            "start=2021-05-05&end=2021-05-05",
            {"Observation/old", "Observation/about-q", "DocumentReference/paper"},
        ),
    ):
        everything = await found(server, f"Patient/p/$everything?{query}")
        assert MEMBERS - out <= everything.keys()
        assert not out & everything.keys(), query


async def test_types_and_since(server: Facade) -> None:
    await world(server)
    assert await found(server, "Patient/p/$everything?_type=Practitioner,Patient") == {
        "Patient/p": "match",
        "Patient/twin": "include",
        "Practitioner/doc": "include",
    }
    newest = (await server.reader.get("DocumentReference/paper")).json()["meta"]["lastUpdated"]
    since = await found(server, f"Patient/p/$everything?_since={newest}")
    assert "DocumentReference/paper" in since
    assert (await found(server, "Patient/p/$everything?_since=2100-01-01T00:00:00Z")) == {}
    everything = await found(server, "Patient/p/$everything?_since=2000-01-01T00:00:00%2B02:00")
    assert everything.keys() == MEMBERS | SUPPORT


async def test_provenance_where_it_is_asked_for(server: Facade) -> None:
    await world(server)
    own = {
        "resourceType": "Provenance",
        "id": "mine",
        "target": [ref("Patient/p")],
        "recorded": "2021-01-01T00:00:00Z",
        "agent": [{"who": ref("Practitioner/doc")}],
    }
    await server.ehr.put(own)
    await server.reader.get("Provenance")  # those derived from the log are there from now on
    plain = await found(server, "Patient/p/$everything")
    assert [name for name in plain if name.startswith("Provenance/")] == ["Provenance/mine"]
    told = await found(server, "Patient/p/$everything?_type=Provenance")
    assert len(told) == len(MEMBERS) + 2  # each was put by itself, and mine too
    assert await found(server, "Patient/p/$everything?_type=Provenance&_count=3") == dict(
        list(told.items())[:3]
    )


async def test_all_patients(server: Facade) -> None:
    await world(server)
    everything = await found(server, "Patient/$everything")
    assert everything.keys() == MEMBERS | SUPPORT | {"Patient/q", "Observation/of-q"}
    assert everything["Patient/twin"] == "match"


async def test_an_encounter(server: Facade) -> None:
    await world(server)
    everything = await found(server, "Encounter/visit/$everything")
    assert {name for name, mode in everything.items() if mode == "match"} == {
        "Encounter/visit",
        "Observation/old",
    }
    assert {name for name, mode in everything.items() if mode == "include"} == {
        "Patient/p",
        "PractitionerRole/role",
        "Practitioner/doc",
        "Organization/org",
        "Organization/top",
    }


async def test_a_group(server: Facade) -> None:
    await world(server)
    group = {"resourceType": "Group", "id": "g", "type": "person", "actual": True}
    await server.ehr.put({**group, "member": [{"entity": ref("Patient/q")}, {"entity": ref("Patient/twin")}]})
    everything = await found(server, "Group/g/$everything")
    assert everything == {
        "Group/g": "match",
        "Patient/twin": "match",
        "Patient/q": "match",
        "Observation/of-q": "match",
        "Practitioner/doc": "include",
    }


async def test_a_medicinal_product(server: Facade) -> None:
    name = [{"productName": "Cure"}]
    product: JsonObject = {"resourceType": "MedicinalProduct", "name": name}
    for resource in (
        {**product, "id": "cure"},
        {**product, "id": "other"},
        {"resourceType": "Organization", "id": "agency", "name": "Agency"},
        *(
            {
                "resourceType": "MedicinalProductAuthorization",
                "id": f"of-{id}",
                "subject": ref(f"MedicinalProduct/{id}"),
                "regulator": ref("Organization/agency"),
            }
            for id in ("cure", "other")
        ),
    ):
        answer = await server.ehr.put(resource)
        assert answer.status_code == 201, answer.text
    assert await found(server, "MedicinalProduct/cure/$everything") == {
        "MedicinalProduct/cure": "match",
        "MedicinalProductAuthorization/of-cure": "match",
        "Organization/agency": "include",
    }
    assert (await server.reader.get("MedicinalProduct/never/$everything")).status_code == 404


async def test_by_post_and_in_a_batch(server: Facade) -> None:
    await world(server)
    body = {"resourceType": "Parameters", "parameter": [{"name": "_type", "valueCode": "Patient"}]}
    posted = (await server.reader("POST", "Patient/p/$everything", body)).json()
    assert [_name(one["resource"]) for one in posted["entry"]] == ["Patient/p", "Patient/twin"]
    assert urlsplit(posted["link"][0]["url"]).query == "_type=Patient"
    answer = await server.reader.batch(entry("GET", "Patient/p/$everything?_count=2"))
    assert len(answer.json()["entry"][0]["resource"]["entry"]) == 2


async def test_refusals(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    for path in ("Patient/never/$everything", "Encounter/never/$everything", "Group/never/$everything"):
        assert (await server.reader.get(path)).status_code == 404
    for query in (
        "start=soon",
        "end=2020-13",
        "_since=yesterday",
        "_since=2020",
        "_type=Pat",
        "_type=",
        "_count=0",
        "_count=-1",
        "_count=%C2%B2",
        "_cursor=x",
        "_cursor=WyIwIiwiIl0x",
        "_cursor=W10",
        "_cursor=é",
        "start=2020&start=2021",
    ):
        answer = await server.reader.get(f"Patient/p/$everything?{query}")
        assert answer.status_code == 400, query
        assert expressions(answer), query
    for cursor in ("WyI5OTkiLCIiXQ", "WyI5IiwiWzFdIl0", "WyJzdXBwb3J0IiwiXHVkODAwIl0"):
        assert (await server.reader.get(f"Patient/p/$everything?_cursor={cursor}")).status_code in (200, 400)
    await server.ehr("DELETE", "Patient/p")
    assert (await server.reader.get("Patient/p/$everything")).status_code == 410
