"""``CodeSystem/$lookup``, ``ValueSet/$validate-code``, ``ValueSet/$expand``."""

from __future__ import annotations

import httpx

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


def asked(**inputs: object) -> JsonObject:
    """A Parameters; names are written with the type of their value: ``coding_Coding``."""
    parameters: list[JsonObject] = []
    for name, value in inputs.items():
        code, _, kind = name.partition("_")
        parameters.append({"name": code, "resource" if kind == "resource" else f"value{kind}": value})
    return {"resourceType": "Parameters", "parameter": parameters}


MALE = {"system": GENDER, "code": "male"}
INLINE = {
    "resourceType": "ValueSet",
    "status": "active",
    "compose": {"include": [{"system": GENDER, "concept": [{"code": "male"}]}]},
}


async def test_validate_code_in_every_way(server: Facade) -> None:
    stored = {**INLINE, "id": "men", "url": "http://example.org/men"}
    await server.ehr.put(stored)
    path = "ValueSet/$validate-code"
    wrong = {"system": GENDER, "code": "female"}
    for body, result in (
        (asked(url_Uri=GENDERS, coding_Coding=MALE), True),
        (asked(url_Uri=GENDERS, coding_Coding={**MALE, "display": "Man"}), False),
        (asked(url_Uri=GENDERS, code_Code="male", system_Uri=GENDER, display_String="male"), True),
        (
            asked(
                url_Uri=GENDERS,
                codeableConcept_CodeableConcept={"coding": [{"system": "urn:x", "code": "1"}, MALE]},
            ),
            True,
        ),
        (asked(url_Uri=GENDERS, codeableConcept_CodeableConcept={"text": "male"}), False),
        (asked(url_Uri=GENDERS, coding_Coding={"code": "male"}), False),
        (asked(url_Uri=GENDERS, code_Code="male"), True),
        (asked(valueSet_resource=INLINE, coding_Coding=MALE), True),
        (asked(valueSet_resource=INLINE, coding_Coding=wrong), False),
        (asked(url_Uri=stored["url"], coding_Coding=wrong), False),
    ):
        answer = await server.reader("POST", path, body)
        assert answer.status_code == 200, answer.text
        assert given(loads(answer.content), "result") is result, body
    here = await server.reader.get(f"ValueSet/men/$validate-code?system={GENDER}&code=male")
    assert given(loads(here.content), "result") is True
    assert (await server.reader.get("ValueSet/none/$validate-code?code=male")).status_code == 404


async def test_the_right_display_comes_with_a_wrong_one(server: Facade) -> None:
    answer = await server.reader.get(f"CodeSystem/$validate-code?url={GENDER}&code=male&display=Man")
    parameters = loads(answer.content)
    assert (given(parameters, "result"), given(parameters, "display")) == (False, "Male")


async def test_codes_of_a_code_system(server: Facade) -> None:
    for code, result in (("male", True), ("x", False)):
        answer = await server.reader.get(f"CodeSystem/$validate-code?url={GENDER}&code={code}")
        assert given(loads(answer.content), "result") is result
    body = asked(coding_Coding=MALE)
    assert (
        given(loads((await server.reader("POST", "CodeSystem/$validate-code", body)).content), "result")
        is True
    )
    assert (await server.reader.get("CodeSystem/$validate-code?code=male")).status_code == 400
    unknown = loads((await server.reader.get("CodeSystem/$validate-code?url=urn:none&code=male")).content)
    assert given(unknown, "result") is False
    assert given(unknown, "x-caused-by-unknown-system") == "urn:none"


async def test_subsumes(server: Facade) -> None:
    roles = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
    query = f"CodeSystem/$subsumes?system={roles}&codeA=FAMMEMB&codeB="
    for code, outcome in (("MTH", "subsumes"), ("FAMMEMB", "equivalent")):
        assert given(loads((await server.reader.get(query + code)).content), "outcome") == outcome
    assert (await server.reader.get("CodeSystem/$subsumes?codeA=a&codeB=b")).status_code == 400
    codings = asked(codingA_Coding={"system": roles, "code": "MTH"}, codingB_Coding=MALE)
    assert (await server.reader("POST", "CodeSystem/$subsumes", codings)).status_code == 400
    for body, id in (
        (asked(codeA_Code="a", codeB_Code="b"), "SUBSUMES_SYSTEM_REQUIRED"),
        (asked(codingA_Coding={"code": "a"}, codingB_Coding=MALE), "SUBSUMES_CODING_NO_SYSTEM"),
    ):
        answer = await server.reader("POST", "CodeSystem/$subsumes", body)
        issue = loads(answer.content)["issue"][0]
        assert answer.status_code == 400 and issue["extension"][0]["valueString"] == id


async def test_expand_in_every_way(server: Facade) -> None:
    await server.ehr.put({**INLINE, "id": "men", "url": "http://example.org/men", "version": "2"})

    def found(answer: httpx.Response) -> list[str]:
        expanded = loads(answer.content)
        assert [issue for issue in validate(expanded) if issue.severity == "error"] == []
        return [one["code"] for one in expanded["expansion"].get("contains", ())]

    assert found(await server.reader.get("ValueSet/men/$expand?excludeNested=true")) == ["male"]
    assert found(await server.reader("POST", "ValueSet/$expand", asked(valueSet_resource=INLINE))) == ["male"]
    assert found(
        await server.reader.get("ValueSet/$expand?url=http://example.org/men&valueSetVersion=2")
    ) == ["male"]
    assert (await server.reader.get("ValueSet/$expand?url=http://example.org/men|3")).status_code == 404
    german = "ValueSet/$expand?url=http://terminology.hl7.org/ValueSet/v2-0001&displayLanguage=de&includeDesignations=true"
    contains = loads((await server.reader.get(german)).content)["expansion"]["contains"]
    female = next(one for one in contains if one["code"] == "F")
    assert female["display"] == "weiblich"
    assert "weiblich" not in [one["value"] for one in female["designation"]]
    assert "Female" in [one["value"] for one in female["designation"] if one.get("language") == "en"]
    assert (await server.reader.get(f"ValueSet/$expand?url={GENDERS}&activeOnly=perhaps")).status_code == 400
    assert (await server.reader.get("ValueSet/$expand")).status_code == 400


async def test_only_active_codes(server: Facade) -> None:
    retired = {"code": "inactive", "valueBoolean": True}
    system = {
        "resourceType": "CodeSystem",
        "id": "s",
        "url": "http://example.org/s",
        "status": "active",
        "content": "complete",
        "concept": [{"code": "a", "property": [retired]}, {"code": "b"}],
    }
    await server.ehr.put(system)
    whole = asked(valueSet_resource={**INLINE, "compose": {"include": [{"system": system["url"]}]}})
    active = {**whole, "parameter": [*whole["parameter"], {"name": "activeOnly", "valueBoolean": True}]}
    for body, codes in ((whole, ["a", "b"]), (active, ["b"])):
        expansion = loads((await server.reader("POST", "ValueSet/$expand", body)).content)["expansion"]
        assert ([one["code"] for one in expansion["contains"]], expansion["total"]) == (codes, len(codes))


async def test_a_batch_of_validations(server: Facade) -> None:
    def validation(**inputs: object) -> JsonObject:
        return {"name": "validation", "resource": asked(**inputs)}

    body = asked(url_Uri=GENDERS, system_Uri=GENDER)
    wrong = {"system": GENDER, "code": "none"}
    body["parameter"] += [validation(coding_Coding=MALE), validation(coding_Coding=wrong)]
    body["parameter"] += [validation(abstract_Boolean=True), validation(url_Uri="urn:none", code_Code="male")]
    answers = loads((await server.reader("POST", "ValueSet/$batch-validate-code", body)).content)
    found = [one["resource"] for one in answers["parameter"]]
    assert [one["resourceType"] for one in found] == ["Parameters"] * 2 + ["OperationOutcome"] * 2
    assert [given(one, "result") for one in found[:2]] == [True, False]
    assert "looked for coding | codeableConcept | code" in found[2]["issue"][0]["details"]["text"]
    body["parameter"] = [validation(url_Uri=GENDER, code_Code="male")]
    answers = loads((await server.reader("POST", "CodeSystem/$batch-validate-code", body)).content)
    assert given(answers["parameter"][0]["resource"], "result") is True


async def test_subsumption_on_the_instance_and_by_version(server: Facade) -> None:
    tree = [{"code": "a", "concept": [{"code": "b"}]}]
    for version in ("1", "2"):
        stored = {
            "resourceType": "CodeSystem",
            "id": f"s{version}",
            "url": "http://example.org/s",
            "version": version,
        }
        await server.ehr.put({**stored, "status": "active", "content": "complete", "concept": tree})
        tree = [{"code": "a"}, {"code": "b"}]
    for query, outcome in (
        ("CodeSystem/s1/$subsumes?codeA=a&codeB=b", "subsumes"),
        ("CodeSystem/s2/$subsumes?codeA=a&codeB=b", "not-subsumed"),
        ("CodeSystem/$subsumes?system=http://example.org/s&version=1&codeA=b&codeB=a", "subsumed-by"),
        ("CodeSystem/$subsumes?system=http://example.org/s&codeA=b&codeB=a", "not-subsumed"),
    ):
        assert given(loads((await server.reader.get(query)).content), "outcome") == outcome
    for query in ("version=3&codeA=a&codeB=b", "codeA=a&codeB=x"):
        refused = await server.reader.get(f"CodeSystem/$subsumes?system=http://example.org/s&{query}")
        assert 400 <= refused.status_code < 500
        assert "http://example.org/s" in loads(refused.content)["issue"][0]["details"]["text"]


async def test_what_a_request_brings_and_keeps(server: Facade) -> None:
    system = {"resourceType": "CodeSystem", "url": "urn:c", "status": "active", "content": "complete"}
    brought = {**system, "concept": [{"code": "a"}], "title:de": "C"}
    question = asked(url_Uri="urn:c", code_Code="a")
    bringing = {
        **question,
        "parameter": [*question["parameter"], {"name": "tx-resource", "resource": brought}],
    }
    path = "CodeSystem/$validate-code"
    assert given(loads((await server.reader("POST", path, bringing)).content), "result") is True
    assert given(loads((await server.reader("POST", path, question)).content), "result") is False
    cache = {"name": "cache-id", "valueId": "mine"}
    for one in (bringing, question):
        cached = {**one, "parameter": [*one["parameter"], cache]}
        assert given(loads((await server.reader("POST", path, cached)).content), "result") is True
        bare = await server.ehr("POST", path, {**question, "parameter": [*question["parameter"], cache]})
        assert given(loads(bare.content), "result") is False
    broken = {**system, "concept": "a"}
    sent = {**question, "parameter": [*question["parameter"], {"name": "tx-resource", "resource": broken}]}
    assert (await server.reader("POST", path, sent)).status_code == 400


async def test_the_language_of_a_request(server: Facade) -> None:
    query = f"ValueSet/$validate-code?url={GENDERS}&system={GENDER}&code=male&display=Mann"
    english = loads((await server.reader.get(query, accept_language="en, de;q=0.1")).content)
    assert "(for the language(s) 'en, de;q=0.1')" in str(given(english, "message"))
    assert (await server.reader.get(f"{query}&displayLanguage=-")).status_code == 400


async def test_codes_in_a_batch(server: Facade) -> None:
    got = {"request": {"method": "GET", "url": f"CodeSystem/$validate-code?url={GENDER}&code=male"}}
    posted = {
        "request": {"method": "POST", "url": "ValueSet/$validate-code"},
        "resource": asked(url_Uri=GENDERS, coding_Coding={"system": GENDER, "code": "none"}),
    }
    lost = {"request": {"method": "GET", "url": "ValueSet/$validate-code?url=urn:none&code=a"}}
    answers = loads((await server.reader.batch(got, posted, lost)).content)["entry"]
    assert [one["response"]["status"][:3] for one in answers] == ["200", "200", "404"]
    assert [given(one["resource"], "result") for one in answers[:2]] == [True, False]
