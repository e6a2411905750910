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
