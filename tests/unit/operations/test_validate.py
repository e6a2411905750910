"""``$validate`` at every level, with bodies of every form."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from fhirserver.kernel.json import JsonObject
from tests.facade import Facade, expressions, issues, patient


def wrapped(resource: Any = None, **more: str) -> JsonObject:
    parameters: list[JsonObject] = (
        [{"name": "resource", "resource": resource}] if resource is not None else []
    )
    kinds = {"mode": "valueCode", "profile": "valueUri"}
    parameters += [{"name": name, kinds[name]: value} for name, value in more.items()]
    return {"resourceType": "Parameters", **({"parameter": parameters} if parameters else {})}


def errors(answer: httpx.Response) -> list[JsonObject]:
    assert answer.status_code == 200, answer.text
    return [issue for issue in issues(answer) if issue["severity"] in ("error", "fatal")]


def wrong_at(answer: httpx.Response) -> list[str]:
    return [path for issue in errors(answer) for path in issue["expression"]]


def all_ok(answer: httpx.Response) -> bool:
    return not errors(answer) and "All OK" in issues(answer)[0]["diagnostics"]


WELL = patient(text={"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">Ada</div>'})


async def test_a_valid_resource_is_all_ok(server: Facade) -> None:
    await server.ehr.put({**WELL, "id": "p"})
    for answer in (
        await server.reader("POST", "Patient/$validate", WELL),
        await server.reader("POST", "$validate", WELL),
        await server.reader("POST", "Patient/p/$validate", {**WELL, "id": "p"}),
        await server.reader("POST", "Patient/$validate", wrapped(WELL)),
        await server.reader("POST", "$validate", wrapped(WELL)),
        await server.reader("POST", "Patient/p/$validate", wrapped()),
        await server.reader.get("Patient/p/$validate"),
    ):
        assert all_ok(answer), answer.text


@pytest.mark.parametrize("path", ["Patient/$validate", "$validate", "Patient/p/$validate"])
async def test_an_issue_points_at_the_element_through_the_wrapper(server: Facade, path: str) -> None:
    bad = patient(birthDate="not-a-date", contact=[{"gender": "other"}])
    raw = await server.reader("POST", path, bad)
    assert "Patient.birthDate" in expressions(raw)
    inside = await server.reader("POST", path, wrapped(bad))
    assert "Parameters.parameter[0].resource.birthDate" in expressions(inside)
    later = wrapped(bad)
    later["parameter"].insert(0, {"name": "mode", "valueCode": "create"})
    assert "Parameters.parameter[1].resource.birthDate" in expressions(
        await server.reader("POST", path, later)
    )


async def test_parameters_are_a_resource_too(server: Facade) -> None:
    bad = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "x", "valueQuantity": {"value": "1", "comparator": "?"}},
            {"name": "y", "valueDate": "2020-13"},
        ],
    }
    for path in ("Parameters/$validate", "$validate"):
        answer = await server.reader("POST", path, bad)
        assert errors(answer)
        assert "Parameters.parameter[0].value.ofType(Quantity).value" in expressions(answer)
        assert "Parameters.parameter[1].value.ofType(date)" in expressions(answer)
        inside = await server.reader("POST", path, wrapped(bad))
        assert "Parameters.parameter[0].resource.parameter[1].value.ofType(date)" in expressions(inside)


async def test_what_is_no_resource_at_all_is_an_outcome_too(server: Facade) -> None:
    for body in ({"resourceType": "Nobody"}, {}, {"resourceType": 7}):
        assert errors(await server.reader("POST", "$validate", body))
        assert errors(await server.reader("POST", "Patient/$validate", body))
        assert errors(await server.reader("POST", "$validate", wrapped(body)))
    assert wrong_at(
        await server.reader("POST", "Patient/$validate", {"resourceType": "Basic", "code": {"text": "x"}})
    ) == ["Basic"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("Patient/$validate", None),
        ("Patient/$validate", b"{"),
        ("Patient/$validate", b"[]"),
        ("Patient/$validate", wrapped()),
        ("Patient/$validate", wrapped(WELL, mode="destroy")),
        ("Patient/$validate", wrapped(WELL, mode="profile")),
        ("Patient/$validate", wrapped(mode="delete")),
        ("Patient/$validate?mode=create", wrapped(WELL, mode="create")),
        ("Patient/$validate?strict=true", WELL),
        (
            "Patient/$validate",
            {"resourceType": "Parameters", "parameter": [{"name": "resource", "valueString": "x"}]},
        ),
        (
            "Patient/$validate",
            {
                "resourceType": "Parameters",
                "parameter": [{"name": "resource", "resource": WELL}, {"name": "other", "valueString": "x"}],
            },
        ),
        (
            "$validate",
            {
                "resourceType": "Parameters",
                "parameter": [{"name": "resource", "resource": WELL}, {"name": "mode", "valueInteger": 1}],
            },
        ),
        (
            "$validate",
            {
                "resourceType": "Parameters",
                "parameter": [{"name": "resource", "resource": WELL, "valueString": "both"}],
            },
        ),
    ],
)
async def test_a_malformed_request_is_refused(server: Facade, path: str, body: Any) -> None:
    answer = await server.reader("POST", path, body)
    assert answer.status_code == 400, answer.text
    assert issues(answer)[0]["severity"] == "error"


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b'{"resourceType": "Patient", "gender": "male", "gender": "female"}', "Patient.gender"),
        (b'{"resourceType": "Patient", "name": [{"family": "x",}]}', "Patient.name[0]"),
        (b'{"resourceType": "Patient", "multipleBirthInteger": 01}', "Patient"),
        (b'{"resourceType": "Patient", "name": [{"a b": 1, "a b": 2}]}', "Patient.name[0]"),
    ],
)
async def test_what_is_no_json_is_told_its_place(server: Facade, body: bytes, place: str) -> None:
    for path in ("Patient/$validate", "Patient"):
        answer = await server.ehr("POST", path, body)
        assert (answer.status_code, expressions(answer)[:1]) == (400, [place]), answer.text
        assert "line 1, column" in issues(answer)[0]["diagnostics"]


async def test_a_long_body_that_is_no_json_is_told_the_first_fault(server: Facade) -> None:
    answer = await server.ehr("POST", "Patient", b'{"resourceType": "Patient", "x": [' + b"1," * 150_000)
    assert (answer.status_code, len(issues(answer))) == (400, 1)


async def test_the_mode_says_what_a_write_would_be_refused_for(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    assert not errors(await server.ehr("POST", "Patient/$validate?mode=create", WELL))
    practitioner = {"resourceType": "Practitioner", "name": [{"family": "Lane"}]}
    (no,) = errors(await server.agent("POST", "Practitioner/$validate?mode=create", practitioner))
    assert no["code"] == "forbidden"
    assert errors(await server.reader("POST", "Patient/$validate?mode=create", WELL))
    assert errors(await server.ehr("POST", "Patient/p/$validate?mode=create", WELL))
    update = "Patient/p/$validate?mode=update"
    assert not errors(await server.ehr("POST", update, patient("p")))
    assert wrong_at(await server.ehr("POST", update, wrapped(patient("q")))) == [
        "Parameters.parameter[0].resource.id"
    ]
    assert wrong_at(await server.ehr("POST", "Patient/$validate?mode=update", patient())) == ["Patient.id"]
    assert not errors(await server.ehr("POST", "Patient/p/$validate", wrapped(mode="delete")))
    assert not errors(await server.ehr.get("Patient/p/$validate?mode=delete"))
    assert errors(await server.ehr.get("StructureDefinition/confidence/$validate?mode=delete"))
    assert (await server.ehr.get("Patient/p")).json()["meta"]["versionId"] == "1"


async def test_an_invariant_is_checked(server: Facade) -> None:
    answer = await server.reader("POST", "Patient/$validate", patient(contact=[{"gender": "other"}]))
    assert any("pat-1" in issue["diagnostics"] for issue in errors(answer))


async def test_on_what_is_not_there(server: Facade) -> None:
    assert (await server.reader.get("Patient/none/$validate")).status_code == 404
    assert (await server.reader.get("Patient/$validate")).status_code == 400


async def test_it_is_advertised(server: Facade) -> None:
    rest = (await server.reader.get("metadata")).json()["rest"][0]
    assert "validate" in {one["name"] for one in rest["operation"]}
    assert all("validate" in {one["name"] for one in resource["operation"]} for resource in rest["resource"])


async def test_in_a_batch(server: Facade) -> None:
    answer = await server.reader.batch(
        {"request": {"method": "POST", "url": "Patient/$validate"}, "resource": patient(birthDate="x")}
    )
    outcome = answer.json()["entry"][0]["resource"]
    assert outcome["issue"][0]["expression"] == ["Patient.birthDate"]


async def test_xml(server: Facade) -> None:
    inner = b'<Patient xmlns="http://hl7.org/fhir"><birthDate value="x"/></Patient>'
    head = b'<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="resource"/><resource>'
    wrapper = head + b"%s</resource></parameter></Parameters>"
    media = "application/fhir+xml"
    for path in ("Patient/$validate", "$validate"):
        raw = await server.reader("POST", path, inner, media, accept="application/fhir+json")
        assert wrong_at(raw) == ["Patient.birthDate"]
        inside = await server.reader("POST", path, wrapper % inner, media, accept="application/fhir+json")
        assert wrong_at(inside) == ["Parameters.parameter[0].resource.birthDate"]
    unknown = b'<Patient xmlns="http://hl7.org/fhir"><shoe value="x"/></Patient>'
    answer = await server.reader("POST", "Patient/$validate", unknown, media, accept="application/fhir+json")
    assert (answer.status_code, expressions(answer)[0]) == (200, "Patient.shoe")
    broken = await server.reader("POST", "Patient/$validate", b"<Patient", media)
    assert broken.status_code == 400


async def test_stored_profiles_are_found(server: Facade) -> None:
    profile = {
        "resourceType": "StructureDefinition",
        "id": "named",
        "url": "http://example.org/named",
        "name": "Named",
        "status": "active",
        "kind": "resource",
        "abstract": False,
        "type": "Patient",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
        "derivation": "constraint",
        "differential": {"element": [{"id": "Patient.birthDate", "path": "Patient.birthDate", "min": 1}]},
    }
    named = "Patient/$validate?profile=http://example.org/named"
    (unknown,) = errors(await server.reader("POST", named, WELL))
    assert unknown["code"] == "not-found"
    await server.ehr.put(profile)
    assert errors(await server.reader("POST", named, WELL))
    assert errors(await server.reader("POST", "$validate", wrapped(WELL, profile="http://example.org/named")))
    assert errors(
        await server.reader("POST", "$validate", {**WELL, "meta": {"profile": ["http://example.org/named"]}})
    )
    assert not errors(await server.reader("POST", named, {**WELL, "birthDate": "2000"}))
    await server.ehr.put(patient("p"))
    assert errors(await server.reader.get(f"Patient/p/$validate?mode=profile&profile={profile['url']}"))


async def test_a_search_uses_a_value_set_that_was_just_stored(server: Facade) -> None:
    gender = "http://hl7.org/fhir/administrative-gender"
    await server.ehr.put(patient("m", gender="male"))
    await server.ehr.put(patient("f", gender="female"))
    for code, found in (("male", ["m"]), ("female", ["f"])):
        include = [{"system": gender, "concept": [{"code": code}]}]
        await server.ehr.put(
            {
                "resourceType": "ValueSet",
                "id": "v",
                "url": "http://example.org/v",
                "status": "active",
                "compose": {"include": include},
            }
        )
        assert await server.reader.ids("Patient?gender:in=http://example.org/v") == found
        assert await server.reader.ids("Patient?gender:in=ValueSet/v") == found
