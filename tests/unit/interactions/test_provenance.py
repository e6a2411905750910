"""Provenance: what X-Provenance says, what follows from the log, who may say what."""

from __future__ import annotations

import pytest

from fhirserver.kernel.json import dumps, loads
from fhirserver.model.validation import validate
from tests.facade import Facade, expressions, issues, patient, said

WHO = [{"who": {"display": "Nurse Joy"}, "onBehalfOf": {"reference": "Patient/p"}}]
CALL = [{"role": "source", "what": {"reference": "Communication/c"}}]


async def test_one_provenance_for_each_write(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    await server.ehr.put(patient("p", gender="female"))
    bundle = loads((await server.ehr.get("Provenance?target=Patient/p&_sort=recorded")).content)
    targets = [one["resource"]["target"][0]["reference"] for one in bundle["entry"]]
    assert targets == ["Patient/p/_history/1", "Patient/p/_history/2"]
    assert [issue for issue in validate(bundle) if issue.severity == "error"] == []
    one = bundle["entry"][0]["resource"]
    assert one["agent"][0]["who"]["display"] == "ehr"
    assert one["activity"]["coding"][0]["code"] == "assert"


async def test_what_the_header_says_is_kept_and_found(server: Facade) -> None:
    header = said(
        "0.5", "confirmed", "partial", agent=WHO, entity=CALL, occurredDateTime="2026-11-22T09:00:00Z"
    )
    answer = await server.agent.put(patient("p"), x_provenance=header)
    assert answer.status_code == 201, answer.text
    assert loads(answer.content)["meta"]["extension"][0]["valueDecimal"] == loads("0.5")
    for query in ("target=Patient/p", "entity=Communication/c", "recorded=gt2020", "when=2026-11-22"):
        (found,) = loads((await server.ehr.get(f"Provenance?{query}&target=Patient/p")).content)["entry"]
        one = found["resource"]
        assert (one["agent"], one["entity"]) == (WHO, CALL), query
        assert one["occurredDateTime"] == "2026-11-22T09:00:00.000Z"
    assert one["target"][0]["extension"][0]["valueString"] == "Patient.name"


async def test_provenance_by_agent(server: Facade) -> None:
    await server.ehr.put({"resourceType": "Practitioner", "id": "joy"})
    agent = [{"who": {"reference": "Practitioner/joy"}}]
    await server.ehr.put(patient("p"), x_provenance=said(agent=agent))
    bundle = (await server.ehr.get("Provenance?agent=Practitioner/joy&_include=Provenance:agent")).json()
    assert [one["resource"]["resourceType"] for one in bundle["entry"]] == ["Provenance", "Practitioner"]
    assert bundle["total"] == 1


async def test_revinclude_read_and_history(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    bundle = (await server.ehr.get("Patient?_id=p&_revinclude=Provenance:target")).json()
    id = bundle["entry"][1]["resource"]["id"]
    assert bundle["entry"][1]["search"]["mode"] == "include"
    assert (await server.ehr.get(f"Provenance/{id}")).headers["etag"] == 'W/"1"'
    assert (await server.ehr.get(f"Provenance/{id}/_history")).json()["total"] == 1
    assert (await server.ehr.get(f"Provenance/{id}/_history/1")).status_code == 200


async def test_a_derived_provenance_cannot_be_changed(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    (id,) = await server.ehr.ids("Provenance?target=Patient/p")
    before = (await server.ehr.get(f"Provenance/{id}")).content
    mine = {**loads(before), "agent": WHO}
    for answer in (
        await server.ehr.put(mine),
        await server.ehr("PUT", "Provenance?target=Patient/p", {**mine, "id": id}),
        await server.ehr("DELETE", f"Provenance/{id}"),
        await server.ehr("PATCH", f"Provenance/{id}", [], media="application/json-patch+json"),
    ):
        assert answer.status_code == 405, answer.text
        assert "derived from the log" in issues(answer)[0]["diagnostics"]
    assert (await server.ehr.get(f"Provenance/{id}")).content == before


async def test_clients_may_state_their_own_provenance(server: Facade) -> None:
    own = {
        "resourceType": "Provenance",
        "target": [{"reference": "Patient/p"}],
        "recorded": "2020-01-01T00:00:00Z",
        "agent": WHO,
    }
    made = await server.ehr.post(own)
    assert made.status_code == 201, made.text
    assert made.json()["id"] in await server.ehr.ids("Provenance?recorded=2020")
    assert (await server.ehr.put({**made.json(), "recorded": "2021-01-01T00:00:00Z"})).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "{",
        "[]",
        "nonsense",
        dumps(patient()).decode(),
        said(occurredDateTime="yesterday"),
        said(nonsense=1),
        said(mode="sometimes"),
        said(agent=[]),
        dumps(
            {
                "resourceType": "Provenance",
                "extension": [
                    {
                        "url": "https://credence.health/fhir/StructureDefinition/confidence",
                        "valueString": "much",
                    }
                ],
            }
        ).decode(),
    ],
)
async def test_a_malformed_header_is_400(server: Facade, header: str) -> None:
    answer = await server.ehr.put(patient("p"), x_provenance=header)
    assert answer.status_code == 400, answer.text
    assert expressions(answer)
    assert (await server.ehr.get("Patient/p")).status_code == 404


@pytest.mark.parametrize("confidence", ["0.51", "1.0", "1.5", "-0.1"])
async def test_a_confidence_above_the_ceiling_is_422(server: Facade, confidence: str) -> None:
    answer = await server.agent.put(patient("p"), x_provenance=said(confidence))
    assert (answer.status_code, expressions(answer)) == (422, ["http.X-Provenance"])


async def test_a_type_the_source_may_not_write_is_403(server: Facade) -> None:
    body = {"resourceType": "Practitioner", "id": "x"}
    for answer in (await server.agent.put(body), await server.agent.post(body)):
        assert answer.status_code == 403
        assert "Practitioner" in issues(answer)[0]["diagnostics"]


async def test_partial_says_nothing_of_what_it_leaves_out(server: Facade) -> None:
    await server.ehr.put(patient("p", gender="female"))
    telecom = [{"system": "phone", "value": "+15550100"}]
    body = {"resourceType": "Patient", "id": "p", "telecom": telecom}
    answer = await server.lab.put(body, x_provenance=said(mode="partial"))
    assert "x-held" not in answer.headers
    world = answer.json()
    assert (world["gender"], world["telecom"], len(world["name"])) == ("female", telecom, 1)


async def test_the_later_effective_time_wins_whatever_came_first(server: Facade) -> None:
    await server.ehr.put(patient("p", gender="female"), x_provenance=said(occurredDateTime="2026-01-02"))
    late = await server.lab.put(patient("p", gender="male"), x_provenance=said(occurredDateTime="2026-01-01"))
    assert late.headers["x-held"] == "Patient.gender"
    assert (await server.ehr.get("Patient/p")).json()["gender"] == "female"


async def test_non_ascii_in_the_header(server: Facade) -> None:
    header = said(agent=[{"who": {"display": "Zoë Ångström"}}]).encode()
    await server.ehr("PUT", "Patient/p", patient("p"), x_provenance=header)  # type: ignore[arg-type]
    (found,) = loads((await server.ehr.get("Provenance?target=Patient/p")).content)["entry"]
    assert found["resource"]["agent"][0]["who"]["display"] == "Zoë Ångström"


async def found(server: Facade, query: str) -> list[str]:
    """The targets of the Provenances that a search finds, on all its pages; not the server's own definitions."""
    url, targets = f"Provenance?{query}&_count=2", []
    while url:
        bundle = (await server.reader.get(url)).json()
        for one in bundle.get("entry", ()):
            targets += [target["reference"] for target in one["resource"]["target"]]
        url = next((one["url"] for one in bundle["link"] if one["relation"] == "next"), "")
    return sorted(one for one in targets if one.startswith(("Patient/", "Encounter/")))


async def test_every_search_parameter(server: Facade) -> None:
    """Those of https://hl7.org/fhir/R4/provenance.html#search, on Provenances that follow from the log."""
    author = "http://terminology.hl7.org/CodeSystem/provenance-participant-type|author"
    stamp = {
        "type": [{"system": "urn:iso-astm:E1762-95:2013", "code": "1.2.840.10065.1.12.1.1"}],
        "when": "2026-11-22T09:00:00Z",
        "who": {"reference": "Practitioner/joy"},
    }
    role = [{"coding": [{"system": "urn:roles", "code": "nurse"}]}]
    header = said(
        agent=[{"who": {"reference": "Practitioner/joy"}, "role": role}],
        entity=CALL,
        location={"reference": "Location/desk"},
        signature=[stamp],
        reason=[{"text": "new patient"}],
        policy=["urn:policy"],
        occurredDateTime="2026-11-22T09:00:00Z",
    )
    answer = await server.ehr.put(patient("p"), x_provenance=header)
    assert answer.status_code == 201, answer.text
    visit = {"resourceType": "Encounter", "id": "e", "status": "planned", "class": {"code": "AMB"}}
    await server.ehr.put({**visit, "subject": {"reference": "Patient/p"}})
    await server.ehr.put(patient("q"))
    told = "Patient/p/_history/1"
    for query in (
        "agent=Practitioner/joy",
        "agent-role=urn:roles|nurse",
        "entity=Communication/c",
        "location=Location/desk",
        "signature-type=1.2.840.10065.1.12.1.1",
        "target=Patient/p",
        "when=2026-11-22",
    ):
        assert await found(server, query) == [told], query
    others = ["Encounter/e/_history/1", "Patient/q/_history/1"]
    assert await found(server, f"agent-type={author}") == others
    assert await found(server, "agent:identifier=urn:ietf:rfc:3986|urn:credence:source:ehr") == others
    assert await found(server, "patient=p") == [others[0], told]
    assert await found(server, "patient=Patient/q") == [others[1]]
    assert await found(server, "recorded=gt2020-01-01&patient=p") == [others[0], told]
    assert await found(server, "recorded=lt2020-01-01") == []
    one = (await server.reader.get("Provenance?location=Location/desk")).json()["entry"][0]["resource"]
    assert (one["reason"], one["policy"], one["signature"]) == (
        [{"text": "new patient"}],
        ["urn:policy"],
        [stamp],
    )


async def test_patients_of_several_in_one_transaction(server: Facade) -> None:
    """Each target says whom it is about; a Provenance is found by any of them, also after a deletion."""
    entries = []
    for id in "pq":
        visit = {"resourceType": "Encounter", "id": f"e{id}", "status": "planned", "class": {"code": "AMB"}}
        visit["subject"] = {"reference": f"Patient/{id}"}
        entries.append({"resource": visit, "request": {"method": "PUT", "url": f"Encounter/e{id}"}})
    assert (await server.ehr.transaction(*entries)).status_code == 200
    await server.ehr("DELETE", "Encounter/ep")
    ids = await server.reader.ids("Provenance?patient=p&_sort=recorded")
    assert len(ids) == 2 and await server.reader.ids("Provenance?patient=q") == ids[:1]
    one = loads((await server.reader.get(f"Provenance/{ids[0]}")).content)
    assert [issue for issue in validate(one) if issue.severity == "error"] == []
    named = [target["extension"][0]["valueReference"]["reference"] for target in one["target"]]
    assert named == ["Patient/p", "Patient/q"]


async def test_what_is_a_patients_outside_of_the_compartment_is_theirs(server: Facade) -> None:
    """R4's Patient compartment has no Device; a Device is about its patient all the same."""
    await server.ehr.put({"resourceType": "Device", "id": "d", "patient": {"reference": "Patient/p"}})
    assert len(await server.reader.ids("Provenance?patient=p")) == 1


async def test_revinclude_and_history_page_by_page(server: Facade) -> None:
    for gender in ("male", "female", "other"):
        await server.ehr.put(patient("p", gender=gender))
    bundle = (await server.reader.get("Patient?_id=p&_revinclude=Provenance:target")).json()
    assert len(bundle["entry"]) == 4
    by_patient = (await server.reader.get("Patient?_id=p&_revinclude=Provenance:patient")).json()
    assert by_patient["entry"] == bundle["entry"]
    url, seen = "Provenance/_history?_count=2", []
    while url:
        page = (await server.reader.get(url)).json()
        seen += [one["resource"]["target"][0]["reference"] for one in page["entry"]]
        url = next((one["url"] for one in page["link"] if one["relation"] == "next"), "")
    assert seen[:3] == [f"Patient/p/_history/{version}" for version in (3, 2, 1)]
    assert len(set(seen)) == len(seen) > 3
