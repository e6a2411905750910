"""``$lineage``: per unit the winner, the contenders, and the statement each rests on."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from fhirserver.kernel.json import JsonObject, loads
from fhirserver.model.validation import validate
from tests.facade import Facade, patient, said


def units(parameters: JsonObject) -> dict[str, JsonObject]:
    return {bare(one)["path"]: bare(one) for one in parameters["parameter"]}


def bare(parameter: JsonObject) -> dict[str, Any]:
    values: dict[str, Any] = {"claim": []}
    for part in parameter["part"]:
        if part["name"] == "claim":
            values["claim"].append(bare(part))
        else:
            values[part["name"]] = next(value for name, value in part.items() if name.startswith("value"))
    return values


async def test_who_says_what_and_on_what_it_rests(server: Facade) -> None:
    await server.ehr.put(patient("p", gender="female"))
    await server.agent.put(patient("p", gender="male"), x_provenance=said("0.3", "mentioned", "partial"))
    answer = await server.reader.get("Patient/p/$lineage")
    parameters = loads(answer.content)
    assert [issue for issue in validate(parameters) if issue.severity == "error"] == []
    gender = units(parameters)["Patient.gender"]
    assert (gender["value"], gender["source"]) == ('{"gender":"female"}', "ehr")
    ehr, agent = gender["claim"]
    assert (ehr["role"], agent["role"]) == ("wins", "contends")
    assert (agent["confidence"], agent["method"]) == (Decimal("0.3"), "mentioned")
    for claim in gender["claim"]:
        provenance = await server.reader.get(claim["provenance"]["reference"])
        assert provenance.status_code == 200
        assert provenance.json()["agent"][0]["who"]["display"] == claim["source"]


async def test_a_repetition_that_is_surer_is_what_the_claim_rests_on(server: Facade) -> None:
    for confidence in ("0.2", "0.5"):
        await server.agent.put(patient("p", gender="male"), x_provenance=said(confidence, mode="partial"))
    gender = units(loads((await server.reader.get("Patient/p/$lineage")).content))["Patient.gender"]
    (claim,) = gender["claim"]
    provenance = loads((await server.reader.get(claim["provenance"]["reference"])).content)
    assert claim["confidence"] == provenance["extension"][0]["valueDecimal"] == Decimal("0.5")


async def test_refusals(server: Facade) -> None:
    assert (await server.reader.get("Patient/never/$lineage")).status_code == 404
    await server.ehr.put(patient("p"))
    assert (await server.reader.get("Patient/p/$lineage?units=x")).status_code == 400
    await server.ehr("DELETE", "Patient/p")
    assert (await server.reader.get("Patient/p/$lineage")).status_code == 410
