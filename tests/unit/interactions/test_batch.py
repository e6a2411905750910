"""batch: every entry for itself. https://hl7.org/fhir/R4/http.html#transaction"""

from __future__ import annotations

import pytest

from fhirserver.kernel.json import JsonObject, loads
from fhirserver.model.validation import validate
from fhirserver.store.store import Store
from tests.facade import Facade, entry, issues, patient


async def test_none_fails_another_and_the_order_is_kept(server: Facade) -> None:
    answer = await server.ehr.batch(
        entry("GET", "Patient/b"),
        entry("POST", "Patient", patient(gender="wrong")),
        entry("PUT", "Patient/b", patient("b")),
        entry("DELETE", "Patient/none"),
        entry("GET", "Patient?nmae=x"),
        entry("GET", "Patient?name=okafor"),
        entry("GET", "Nothing/x"),
        entry("TRACE", "Patient/x"),
    )
    bundle = loads(answer.content)
    assert bundle["type"] == "batch-response"
    found = [one["response"]["status"] for one in bundle["entry"]]
    assert found == ["200", "422", "201", "204", "400", "200", "404", "400"]
    assert bundle["entry"][1]["response"]["outcome"]["issue"][0]["expression"] == [
        "Bundle.entry[1].resource.gender"
    ]
    assert bundle["entry"][4]["response"]["outcome"]["issue"][0]["expression"] == [
        "Bundle.entry[4].request.url"
    ]
    assert bundle["entry"][5]["resource"]["type"] == "searchset"
    assert [issue for issue in validate(bundle) if issue.severity == "error"] == []


async def test_a_fault_in_one_entry_is_that_entrys(server: Facade, monkeypatch: pytest.MonkeyPatch) -> None:
    await server.ehr.put(patient("p"))
    read = Store.read

    async def failing(self: Store, type: str, id: str) -> object:
        if id == "cursed":
            raise ZeroDivisionError("Ada Okafor")
        return await read(self, type, id)

    monkeypatch.setattr(Store, "read", failing)
    answer = await server.ehr.batch(entry("GET", "Patient/cursed"), entry("GET", "Patient/p"))
    assert [one["response"]["status"] for one in answer.json()["entry"]] == ["500", "200"]
    assert "Okafor" not in answer.json()["entry"][0]["response"]["outcome"]["issue"][0]["diagnostics"]


@pytest.mark.parametrize("kind", ["batch", "transaction"])
async def test_what_the_server_does_as_an_entry(server: Facade, kind: str) -> None:
    answer = await server.ehr.bundle(
        kind, entry("GET", "metadata"), entry("GET", "metadata?mode=normative"), entry("GET", "metadata/x")
    )
    whole, normative, nothing = answer.json()["entry"]
    assert whole["resource"] == (await server.ehr.get("metadata")).json()
    assert normative["resource"] == (await server.ehr.get("metadata?mode=normative")).json()
    assert nothing["response"]["status"] == "404"
    posted = (await server.ehr.batch(entry("DELETE", "metadata"))).json()["entry"][0]
    assert posted["response"]["status"] == "405"


async def test_conditions_and_operations(server: Facade) -> None:
    await server.ehr.put(patient("p", identifier=[{"system": "urn:mrn", "value": "7"}]))
    answer = await server.ehr.batch(
        entry("POST", "Patient", patient(), ifNoneExist="identifier=urn:mrn|7"),
        entry("PUT", "Patient/p", patient("p"), ifMatch='W/"9"'),
        entry("GET", "Patient/p", ifNoneMatch='W/"1"'),
        entry("GET", "Patient/p/$lineage"),
        entry("GET", "Patient/p/_history/1"),
        entry("GET", "Patient/p/_history"),
        entry("HEAD", "Patient/p"),
    )
    found = [one["response"]["status"] for one in answer.json()["entry"]]
    assert found == ["200", "412", "304", "200", "200", "200", "200"]


@pytest.mark.parametrize("preferred", ["minimal", "representation", "OperationOutcome"])
@pytest.mark.parametrize("kind", ["batch", "transaction"])
async def test_what_is_preferred_of_writes_does_not_take_answers_away(
    server: Facade, kind: str, preferred: str
) -> None:
    await server.ehr.put(patient("p"))
    entries = [
        entry("GET", "Patient/p"),
        entry("GET", "Patient?_id=p"),
        entry("POST", "Patient/_search?_id=p"),
        entry("GET", "Patient/p/$meta"),
        entry("POST", "Patient/$validate", patient()),
        entry("POST", "CodeSystem/$lookup?system=http://hl7.org/fhir/administrative-gender&code=male"),
        entry("PUT", "Patient/q", patient("q")),
    ]
    tag = {"name": "meta", "valueMeta": {"tag": [{"system": "urn:t", "code": "x"}]}}
    if kind == "batch":
        add = {"resourceType": "Parameters", "parameter": [tag]}
        entries.append(entry("POST", "Patient/p/$meta-add", add))
    answer = await server.ehr.bundle(kind, *entries, prefer=f"return={preferred}")
    found = answer.json()["entry"]
    put = found.pop(6)
    kinds = ["Patient", "Bundle", "Bundle", "Parameters", "OperationOutcome", "Parameters", "Parameters"]
    assert [one["resource"]["resourceType"] for one in found] == kinds[: len(found)]
    assert not any("outcome" in one["response"] for one in found)
    assert ("resource" in put, "outcome" in put["response"]) == (
        preferred == "representation",
        preferred == "OperationOutcome",
    )


async def test_entries_do_not_lead_to_each_other(server: Facade) -> None:
    place, other = "urn:uuid:5f0c0c5e-0001-4000-8000-000000000001", "urn:oid:1.2.3"
    answer = await server.ehr.batch(
        entry("PUT", "Patient/p", patient("p"), full_url=place),
        entry("POST", "Patient", patient(link=[{"other": {"reference": place}, "type": "seealso"}])),
        entry("POST", "Patient", patient(managingOrganization={"reference": other})),
        entry("POST", "Organization", {"resourceType": "Organization", "name": "x"}, full_url=other),
    )
    found = answer.json()["entry"]
    assert [one["response"]["status"] for one in found] == ["201", "400", "400", "201"]
    places = [one["response"]["outcome"]["issue"][0]["expression"] for one in found[1:3]]
    assert places == [
        ["Bundle.entry[1].resource.link[0].other.reference"],
        ["Bundle.entry[2].resource.managingOrganization.reference"],
    ]


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        (entry("GET", "Patient/none"), "request.url"),
        (entry("GET", "Patient/gone"), "request.url"),
        (entry("DELETE", "Patient/p", ifMatch='W/"9"'), "request.ifMatch"),
        (entry("PUT", "Patient/p", patient("p"), ifMatch='W/"9"'), "request.ifMatch"),
        (entry("PUT", "Patient/p", patient("p"), ifNoneMatch="*"), "request.ifNoneMatch"),
        (entry("PUT", "Patient?family=okafor", patient()), "request.url"),
        (entry("DELETE", "Patient?family=okafor"), "request.url"),
        (entry("POST", "Patient", patient(), ifNoneExist="family=okafor"), "request.ifNoneExist"),
    ],
)
@pytest.mark.parametrize("kind", ["batch", "transaction"])
async def test_what_the_request_asks_for_is_refused_at_the_request(
    server: Facade, kind: str, asked: JsonObject, where: str
) -> None:
    for id in ("p", "q", "gone"):
        await server.ehr.put(patient(id))
    await server.ehr("DELETE", "Patient/gone")
    answer = await server.ehr.bundle(kind, asked)
    if answer.status_code == 200:
        (told,) = answer.json()["entry"]
        (issue,) = told["response"]["outcome"]["issue"]
    else:
        (issue,) = issues(answer)
    assert issue["expression"] == [f"Bundle.entry[0].{where}"]
