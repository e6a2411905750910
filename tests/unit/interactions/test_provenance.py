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
