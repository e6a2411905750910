"""``$graphql`` on the system and on a resource."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from fhirserver.kernel.json import JsonObject, dumps, loads
from fhirserver.operations.graphql import execute
from tests.facade import Facade, entry, expressions, patient


def ref(text: str) -> JsonObject:
    return {"reference": text}


ADA: JsonObject = patient(
    "ada",
    name=[
        {"use": "official", "family": "Okafor", "given": ["Ada", "Ngozi"]},
        {"use": "nickname", "given": ["Addie"]},
    ],
    telecom=[
        {"system": "phone", "use": "home", "value": "1"},
        {"system": "phone", "use": "work", "value": "2"},
        {"system": "email", "use": "work", "value": "a@x.org"},
    ],
    birthDate="1970-01-02",
    _birthDate={"extension": [{"url": "urn:t", "valueTime": "10:00:00"}]},
    active=True,
    generalPractitioner=[ref("Practitioner/doc"), ref("#gp")],
    managingOrganization=ref("Organization/gone"),
    contact=[{"name": {"family": "Kin"}}],
    contained=[{"resourceType": "Practitioner", "id": "gp", "name": [{"family": "Inside"}]}],
)


def observation(id: str, value: str, **members: Any) -> JsonObject:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"text": "weight"},
        "subject": ref("Patient/ada"),
        "performer": [ref("Practitioner/doc")],
        "valueString": value,
        **members,
    }


@pytest.fixture
async def filled(server: Facade) -> Facade:
    for resource in (
        {"resourceType": "Practitioner", "id": "doc", "name": [{"family": "Heal"}]},
        ADA,
        patient("bob", name=[{"family": "Bobson"}], birthDate="1980-01-01"),
        patient("cid", name=[{"family": "Cidson"}], birthDate="1990-01-01"),
        observation("o1", "one"),
        observation("o2", "two"),
    ):
        answer = await server.ehr.put(resource)
        assert answer.status_code == 201, answer.text
    return server


async def ask(server: Facade, query: str, path: str = "", **variables: Any) -> JsonObject:
    body = {"query": query, "variables": variables}
    answer = await server.reader("POST", f"{path}$graphql", body, media="application/json")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/json")
    result: JsonObject = loads(answer.content)
    return result


async def data(server: Facade, query: str, path: str = "", **variables: Any) -> JsonObject:
    result = await ask(server, query, path, **variables)
    assert "errors" not in result, result
    found: JsonObject = result["data"]
    return found


async def on_ada(server: Facade, query: str, **variables: Any) -> JsonObject:
    return await data(server, query, "Patient/ada/", **variables)


async def test_the_three_ways_to_ask(filled: Facade) -> None:
    query = "{ name { family given } }"
    expected = {
        "data": {
            "name": [{"family": "Okafor", "given": ["Ada", "Ngozi"]}, {"family": None, "given": ["Addie"]}]
        }
    }
    assert await ask(filled, query, "Patient/ada/") == expected
    got = await filled.reader.get(f"Patient/ada/$graphql?query={quote(query)}", accept="application/json")
    assert (got.json(), got.headers["content-type"]) == (expected, "application/json")
    posted = await filled.reader("POST", "Patient/ada/$graphql", query.encode(), media="application/graphql")
    assert posted.json() == expected
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "query", "valueString": query}]}
    assert (await filled.reader("POST", "Patient/ada/$graphql", parameters)).json() == expected


async def test_a_resource_by_id(filled: Facade) -> None:
    found = await data(filled, '{ Patient(id: "ada") { id resourceType active birthDate __typename } }')
    assert found == {
        "Patient": {
            "id": "ada",
            "resourceType": "Patient",
            "active": True,
            "birthDate": "1970-01-02",
            "__typename": "Patient",
        }
    }


async def test_values_of_every_kind(filled: Facade) -> None:
    found = await on_ada(
        filled,
        "{ _birthDate { extension { url valueTime } } contact { __typename name { family } } photo { url } }",
    )
    assert found == {
        "_birthDate": {"extension": [{"url": "urn:t", "valueTime": "10:00:00"}]},
        "contact": [{"__typename": "PatientContact", "name": {"family": "Kin"}}],
        "photo": None,
    }


async def test_a_missing_resource_is_an_error_with_a_path(filled: Facade) -> None:
    result = await ask(filled, '{ a: Patient(id: "never") { id } b: Patient(id: "bob") { id } }')
    assert result["data"] == {"a": None, "b": {"id": "bob"}}
    (error,) = result["errors"]
    assert (error["path"], error["locations"]) == (["a"], [{"line": 1, "column": 3}])
    assert error["extensions"]["resource"]["issue"][0]["code"] == "not-found"


async def test_lists_by_search(filled: Facade) -> None:
    found = await data(filled, '{ PatientList(birthdate: "ge1975", _sort: "-birthdate") { id } }')
    assert found == {"PatientList": [{"id": "cid"}, {"id": "bob"}]}
    found = await data(filled, '{ PatientList(family: ["bob", "cid"], _count: 1) { id } }')
    assert found == {"PatientList": [{"id": "bob"}]}
    found = await data(filled, '{ PatientList(_sort: "birthdate", _count: 1, _offset: 1) { id } }')
    assert found == {"PatientList": [{"id": "bob"}]}
    found = await data(filled, '{ PatientList(general_practitioner: "Practitioner/doc") { id } }')
    assert found == {"PatientList": [{"id": "ada"}]}
    result = await ask(filled, '{ PatientList(birthdate: "soon") { id } }')
    assert result["data"] == {"PatientList": None}
    assert result["errors"][0]["path"] == ["PatientList"]


async def test_connections_page_forth_and_back(filled: Facade) -> None:
    query = """query page($at: ID) { PatientConnection(_sort: "birthdate", _count: 1, _cursor: $at) {
      count offset pagesize edges { mode score resource { id } } first previous next last } }"""
    seen, at = [], None
    while True:
        page = (await data(filled, query, at=at))["PatientConnection"]
        assert (page["count"], page["offset"], page["pagesize"]) == (3, len(seen), 1)
        seen.append(page["edges"][0]["resource"]["id"])
        if page["next"] is None:
            break
        at = page["next"]
    assert seen == ["ada", "bob", "cid"]
    page = (await data(filled, query, at=page["previous"]))["PatientConnection"]
    assert page["edges"] == [{"mode": "match", "score": None, "resource": {"id": "bob"}}]
    page = (await data(filled, query, at=page["previous"]))["PatientConnection"]
    assert (page["edges"][0]["resource"]["id"], page["previous"], page["offset"]) == ("ada", None, 0)
    assert (await data(filled, query, at=page["first"]))["PatientConnection"] == page
    last = (await data(filled, query, at=page["last"]))["PatientConnection"]
    assert (last["edges"][0]["resource"]["id"], last["offset"], last["next"]) == ("cid", 2, None)
    before = (await data(filled, query, at=last["previous"]))["PatientConnection"]
    assert (before["edges"][0]["resource"]["id"], before["offset"]) == ("bob", 1)
    for nonsense in ("nonsense", "", "é", "MS4x", "LTE", "Og", "OTk5OTk5OTk5OTk5"):
        assert "errors" in await ask(filled, query, at=nonsense), nonsense


async def test_connections_from_an_offset(filled: Facade) -> None:
    query = """query page($at: ID) { PatientConnection(_sort: "birthdate", _count: 1, _offset: 1, _cursor: $at) {
      offset edges { resource { id } } previous next last } }"""
    page = (await data(filled, query))["PatientConnection"]
    assert (page["offset"], page["edges"][0]["resource"]["id"]) == (1, "bob")
    following = (await data(filled, query, at=page["next"]))["PatientConnection"]
    assert (following["offset"], following["edges"][0]["resource"]["id"]) == (2, "cid")
    nothing = (
        "{ PatientConnection(birthdate: 2050) { count offset edges { mode } first previous next last } }"
    )
    page = (await data(filled, nothing))["PatientConnection"]
    assert (page["count"], page["offset"], page["edges"], page["next"]) == (0, 0, None, None)
    assert page["last"] == page["first"]


async def test_references_are_followed(filled: Facade) -> None:
    query = "{ generalPractitioner { reference resource { __typename ... on Practitioner { name { family } } } } }"
    found = await on_ada(filled, query)
    assert [one["resource"]["name"][0]["family"] for one in found["generalPractitioner"]] == [
        "Heal",
        "Inside",
    ]
    found = await on_ada(filled, "{ generalPractitioner { resource(type: Patient) { birthDate } } }")
    assert found == {"generalPractitioner": [{"resource": None}, {"resource": None}]}
    found = await on_ada(filled, "{ managingOrganization { resource(optional: true) { id } } }")
    assert found == {"managingOrganization": {"resource": None}}
    result = await ask(filled, "{ managingOrganization { reference resource { id } } }", "Patient/ada/")
    assert result["data"]["managingOrganization"] == {"reference": "Organization/gone", "resource": None}
    assert result["errors"][0]["path"] == ["managingOrganization", "resource"]


async def test_reverse_lookups(filled: Facade) -> None:
    found = await on_ada(filled, "{ ObservationList(_reference: patient, _sort: _id) { id valueString } }")
    assert found == {
        "ObservationList": [{"id": "o1", "valueString": "one"}, {"id": "o2", "valueString": "two"}]
    }
    nested = """{ PatientList(family: "okafor") { ObservationConnection(_reference: subject, _count: 1) {
        count edges { resource { id subject { resource { ... on Patient { birthDate } } } } } } } }"""
    (ada,) = (await data(filled, nested))["PatientList"]
    assert ada["ObservationConnection"]["count"] == 2
    (edge,) = ada["ObservationConnection"]["edges"]
    assert edge["resource"]["subject"]["resource"] == {"birthDate": "1970-01-02"}
    result = await ask(filled, "{ ObservationList(_reference: nothing) { id } }", "Patient/ada/")
    assert "_reference is a parameter" in result["errors"][0]["message"]


async def test_lists_are_narrowed(filled: Facade) -> None:
    for arguments, expected in (
        ("use: official", ["Okafor"]),
        ('fhirpath: "given.count() > 1"', ["Okafor"]),
        ('fhirpath: "$index = 1"', [None]),
        ("_offset: 1", [None]),
        ("_count: 1", ["Okafor"]),
        ("_count: 0", None),
        ("use: old", None),
    ):
        name = (await on_ada(filled, f"{{ name({arguments}) {{ family }} }}"))["name"]
        assert (name and [one["family"] for one in name]) == expected, arguments
    assert await on_ada(filled, "{ name { given(_count: 1) } }") == {
        "name": [{"given": ["Ada"]}, {"given": ["Addie"]}]
    }
    result = await ask(filled, '{ name(fhirpath: "family(") { family } }', "Patient/ada/")
    assert (result["data"], result["errors"][0]["path"]) == ({"name": None}, ["name"])


async def test_directives_of_fhir(filled: Facade) -> None:
    found = await on_ada(filled, "{ name @flatten { family given } }")
    assert found == {"family": ["Okafor"], "given": ["Ada", "Ngozi", "Addie"]}
    found = await on_ada(filled, "{ name @first @flatten { family @singleton given @first } }")
    assert found == {"family": "Okafor", "given": ["Ada"]}
    found = await on_ada(filled, "{ name @first @singleton { family } }")
    assert found == {"name": {"family": "Okafor"}}
    found = await on_ada(filled, '{ name @slice(path: "use") { given } }')
    assert found == {
        "name.official": [{"given": ["Ada", "Ngozi"]}],
        "name.nickname": [{"given": ["Addie"]}],
    }
    found = await on_ada(
        filled, '{ telecom(system: phone) @flatten @slice(path: "use") { value @singleton } }'
    )
    assert found == {"value.home": "1", "value.work": "2"}
    found = await on_ada(filled, '{ name @slice(path: "$index") @flatten { family } }')
    assert found == {"family.0": ["Okafor"]}
    found = await on_ada(
        filled,
        "{ generalPractitioner @flatten { resource @flatten { ... on Practitioner { name @flatten { family } } } } }",
    )
    assert found == {"family": ["Heal", "Inside"]}
    result = await ask(filled, "{ name @singleton { family } }", "Patient/ada/")
    assert result["errors"][0]["path"] == ["name"]


async def test_include_skip_alias_fragments_variables(filled: Facade) -> None:
    query = """query q($id: ID!, $with: Boolean = false, $use: code) {
      one: Patient(id: $id) { ...names birthDate @include(if: $with) gender @skip(if: true) }
      two: Patient(id: "bob") { ...names ... on Practitioner { qualification { id } } }
    }
    fragment names on Patient { name(use: $use) { ...family } }
    fragment family on HumanName { family }"""
    with pytest.raises(AssertionError, match="never a Practitioner"):
        await data(filled, query, id="ada")
    query = query.replace(
        "... on Practitioner { qualification { id } }", "... on DomainResource { id } ... { active }"
    )
    found = await data(filled, query, id="ada", use="official")
    assert found == {
        "one": {"name": [{"family": "Okafor"}]},
        "two": {"name": None, "id": "bob", "active": None},
    }
    assert (await data(filled, query, id="ada", **{"with": True}))["one"]["birthDate"] == "1970-01-02"
    merged = await on_ada(filled, "{ name { family } name { given } }")
    assert merged["name"][0] == {"family": "Okafor", "given": ["Ada", "Ngozi"]}


async def test_one_operation_is_chosen(filled: Facade) -> None:
    body = {"query": "query a { active } query b { birthDate }", "operationName": "b"}
    answer = await filled.reader("POST", "Patient/ada/$graphql", body, media="application/json")
    assert answer.json() == {"data": {"birthDate": "1970-01-02"}}
    del body["operationName"]
    answer = await filled.reader("POST", "Patient/ada/$graphql", body, media="application/json")
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("{ name { family middle } }", "HumanName has no field 'middle'"),
        ("{ name }", "say which"),
        ("{ birthDate { year } }", "no fields"),
        ("{ name(colour: red) { family } }", "no argument 'colour'"),
        ("{ name @shuffle { family } }", "no directive @shuffle"),
        ("{ name @include { family } }", "needs if"),
        ("{ ... on Nothing { id } }", "no type 'Nothing'"),
        ("{ ...nothing }", "no fragment"),
        ("{ x: active x: birthDate }", "both called 'x'"),
        ("{ name(use: $u) { family } }", "not declared"),
        ("query q($u: code!) { name(use: $u) { family } }", "needs a value"),
        ('query q($u: Int = "x") { name(_count: $u) { family } }', "not of its type"),
        ("{ ObservationList { id } }", "needs _reference"),
        ("{ PatientList(_reference: subject) { id } }", "refers to a Patient: link"),
        ("{ ObservationList(_reference: patient, nothing: 1) { id } }", "no argument 'nothing'"),
        ("{ name(use: {a: 1}) { family } }", "object"),
        ("{ name(_count: 99999999999999999999999) { family } }", "too large"),
    ],
)
async def test_what_is_not_there_is_said(filled: Facade, query: str, says: str) -> None:
    result = await ask(filled, query, "Patient/ada/")
    assert "data" not in result
    assert says in result["errors"][0]["message"]
    assert result["errors"][0]["locations"][0]["line"] == 1


async def test_requests_that_are_no_graphql(filled: Facade) -> None:
    for query in (
        "",
        "{",
        "{ name { family }",
        "mutation { x }",
        "subscription { x }",
        "fragment a on Patient { id }",
    ):
        answer = await filled.reader.get(f"Patient/ada/$graphql?query={quote(query)}")
        assert (answer.status_code, expressions(answer)) == (400, ["http.query"]), query
    for body in (
        {},
        {"query": 5},
        {"query": "{id}", "variables": 3},
        {"query": "{id}", "operationName": 1},
        [1],
    ):
        answer = await filled.reader("POST", "$graphql", body, media="application/json")
        assert answer.status_code == 400, body
        assert expressions(answer) or body == [1]
    assert (await filled.reader("POST", "$graphql", b"\xff", media="application/graphql")).status_code == 400
    assert (await filled.reader("POST", "$graphql", b"x", media="text/plain")).status_code == 415
    assert (await filled.reader.get("Patient/never/$graphql?query={id}")).status_code == 404
    assert (await filled.reader.get("Patient/$graphql?query={id}")).status_code == 404
    assert (await filled.reader.get("$graphql?query={id}&other=1")).status_code == 400
    assert (await filled.anonymous.get("$graphql?query={id}")).status_code == 401


async def test_hostile_documents(filled: Facade) -> None:
    deep = "{ ObservationList { subject { resource { ... on Patient " * 30
    bomb = "{ ...f0 } " + " ".join(
        f"fragment f{n} on Patient {{ ...f{n + 1} ...f{n + 1} }}" for n in range(60)
    )
    bomb += " fragment f60 on Patient { a: id b: id }"
    for query in (
        "{" * 5000,
        deep,
        "{ a " * 400 + "}" * 400,
        "{ ...a } fragment a on Patient { ...b } fragment b on Patient { ...a }",
        bomb,
        "{ " + " ".join(f"a{n}: id" for n in range(6000)) + " }",
        "{ id " + "," * 300_000 + "}",
        '{ name(use: "\ud800") { family } }',
        '{ name(fhirpath: "' + "(" * 500 + '") { family } }',
    ):
        try:
            text = dumps({"query": query})
        except ValueError:
            continue
        answer = await filled.reader("POST", "Patient/ada/$graphql", text, media="application/json")
        assert answer.status_code in (200, 400), query[:50]
        assert answer.status_code == 400 or answer.json()["errors"], query[:50]


async def test_an_answer_that_grows_too_large_is_stopped(
    filled: Facade, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = "{ PatientList { id } again: PatientList { id } }"
    assert "errors" not in await ask(filled, query)
    for name, most, says in (("MAX_VALUES", 60, "more than 60 values"), ("MAX_SECONDS", 0.0, "longer than")):
        with monkeypatch.context() as limits:
            limits.setattr(execute, name, most)
            result = await ask(filled, query)
            assert "data" not in result and says in result["errors"][0]["message"]


async def test_introspection(filled: Facade) -> None:
    found = await data(
        filled,
        """{ __schema { queryType { name } directives { name } }
             patient: __type(name: "Patient") { kind fields { name type { name kind ofType { name } } } }
             Patient(id: "ada") { id } }""",
    )
    assert found["__schema"]["queryType"] == {"name": "Query"}
    assert {"flatten", "first", "singleton", "slice", "skip"} <= {
        one["name"] for one in found["__schema"]["directives"]
    }
    fields = {one["name"]: one["type"] for one in found["patient"]["fields"]}
    assert fields["contact"] == {"name": None, "kind": "LIST", "ofType": {"name": "PatientContact"}}
    assert fields["birthDate"]["name"] == "date"
    assert "ObservationList" in fields
    assert found["Patient"] == {"id": "ada"}


async def test_the_whole_schema_as_tools_ask_for_it(filled: Facade) -> None:
    from graphql import build_client_schema, get_introspection_query

    schema = build_client_schema(await data(filled, get_introspection_query()))
    assert len(schema.type_map) > 700


async def test_a_schema_asked_for_again_and_again_is_refused(filled: Facade) -> None:
    often = " ".join(
        f"a{n}: __schema {{ types {{ fields {{ args {{ type {{ name }} }} }} }} }}" for n in range(40)
    )
    assert "values" in (await ask(filled, f"{{ {often} }}"))["errors"][0]["message"]
    result = await ask(filled, "{ __schema { types { nothing } } }")
    assert "no field 'nothing'" in result["errors"][0]["message"]


async def test_in_a_batch(filled: Facade) -> None:
    answer = await filled.reader.batch(entry("GET", "Patient/ada/$graphql?query=%7Bid%7D"))
    (only,) = answer.json()["entry"]
    assert only["response"]["status"] == "200"
    assert (only["resource"]["resourceType"], only["resource"]["contentType"]) == (
        "Binary",
        "application/json",
    )
