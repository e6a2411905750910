"""``CodeSystem/$lookup``, ``ValueSet/$validate-code``, ``ValueSet/$expand``."""

from __future__ import annotations

from fhirserver.kernel.json import JsonObject, loads
from fhirserver.model.validation import validate
from tests.facade import Facade

GENDER = "http://hl7.org/fhir/administrative-gender"
GENDERS = "http://hl7.org/fhir/ValueSet/administrative-gender"


def given(parameters: JsonObject, name: str) -> object:
    (one,) = (p for p in parameters["parameter"] if p["name"] == name)
    return next(value for key, value in one.items() if key.startswith("value"))


async def test_lookup(server: Facade) -> None:
    body = {
        "resourceType": "Parameters",
        "parameter": [{"name": "coding", "valueCoding": {"system": GENDER, "code": "female"}}],
    }
    for answer in (
        await server.reader.get(f"CodeSystem/$lookup?system={GENDER}&code=female"),
        await server.reader("POST", "CodeSystem/$lookup", body),
    ):
        assert given(loads(answer.content), "display") == "Female"
    assert (await server.reader.get(f"CodeSystem/$lookup?system={GENDER}&code=none")).status_code == 404
    assert (await server.reader.get("CodeSystem/$lookup?system=urn:none&code=x")).status_code == 404
    assert (await server.reader.get("CodeSystem/$lookup")).status_code == 400
    assert (await server.reader.get("CodeSystem/$lookup?code=a&code=b")).status_code == 400


async def test_validate_code(server: Facade) -> None:
    for code, result in (("female", True), ("none", False)):
        answer = await server.reader.get(f"ValueSet/$validate-code?url={GENDERS}&system={GENDER}&code={code}")
        assert given(loads(answer.content), "result") is result


async def test_expand(server: Facade) -> None:
    answer = await server.reader.get(f"ValueSet/$expand?url={GENDERS}&offset=1&count=2")
    expanded = loads(answer.content)
    assert [issue for issue in validate(expanded) if issue.severity == "error"] == []
    assert (expanded["expansion"]["total"], len(expanded["expansion"]["contains"])) == (4, 2)
    assert (await server.reader.get(f"ValueSet/$expand?url={GENDERS}&count=-1")).status_code == 400
    assert (await server.reader.get("ValueSet/$expand?url=urn:none")).status_code in (404, 422)


async def test_what_is_stored_counts_at_once(server: Facade) -> None:
    system: JsonObject = {
        "resourceType": "CodeSystem",
        "id": "colours",
        "url": "http://example.org/colours",
        "status": "active",
        "content": "complete",
        "concept": [{"code": "red", "display": "Red"}],
    }
    value_set: JsonObject = {
        "resourceType": "ValueSet",
        "id": "colours",
        "url": "http://example.org/vs",
        "status": "active",
        "compose": {"include": [{"system": "http://example.org/colours"}]},
    }
    assert (await server.reader.get("ValueSet/$expand?url=http://example.org/vs")).status_code == 404
    await server.ehr.put(system)
    await server.ehr.put(value_set)
    for code in ("red", "blue"):
        system["concept"] = [{"code": code, "display": code.title()}]
        await server.ehr.put(system)
        expanded = loads((await server.reader.get("ValueSet/$expand?url=http://example.org/vs")).content)
        assert [one["code"] for one in expanded["expansion"]["contains"]] == [code]
        where = f"system=http://example.org/colours&code={code}"
        looked_up = loads((await server.reader.get(f"CodeSystem/$lookup?{where}")).content)
        assert given(looked_up, "display") == code.title()
        checked = await server.reader.get(f"ValueSet/$validate-code?url=http://example.org/vs&{where}")
        assert given(loads(checked.content), "result") is True
    await server.ehr("DELETE", "ValueSet/colours")
    assert (await server.reader.get("ValueSet/$expand?url=http://example.org/vs")).status_code == 404
