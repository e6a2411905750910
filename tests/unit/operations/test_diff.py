"""``$diff``: between versions with who made each change, and between resources."""

from __future__ import annotations

from typing import Any

from fhirserver.kernel.json import JsonObject, loads
from fhirserver.model.validation import validate
from tests.facade import Facade, entry, expressions, patient, said


def changes(answer: Any) -> dict[str, JsonObject]:
    """The parts of each operation, by its path (and name)."""
    assert answer.status_code == 200, answer.text
    body = loads(answer.content)
    assert [issue for issue in validate(body) if issue.severity == "error"] == []
    found = {}
    for one in body.get("parameter", ()):
        assert one["name"] == "operation"
        parts = {part["name"]: _value(part) for part in one["part"]}
        found[".".join(filter(None, (parts["path"], parts.get("name"))))] = parts
    return found


def _value(part: JsonObject) -> Any:
    return next((value for name, value in part.items() if name != "name"), None)


async def test_the_newest_version_with_the_one_before(server: Facade) -> None:
    await server.ehr.put(patient("p", gender="male"))
    await server.ehr.put(patient("p", gender="female", birthDate="1970-01-01"))
    found = changes(await server.reader.get("Patient/p/$diff"))
    assert found.keys() == {"Patient.gender", "Patient.birthDate"}
    gender = found["Patient.gender"]
    assert (gender["type"], gender["previousValue"], gender["value"]) == ("replace", "male", "female")
    assert (found["Patient.birthDate"]["type"], found["Patient.birthDate"]["value"]) == ("add", "1970-01-01")


async def test_each_change_says_who_made_it(server: Facade) -> None:
    await server.ehr.put(patient("p", gender="male"))
    await server.ehr.put(patient("p", gender="female"))
    await server.lab.put(patient("p", birthDate="1970-01-01"), x_provenance=said(mode="partial"))
    found = changes(await server.reader.get("Patient/p/$diff?fromVersion=1"))
    told = {}
    for path in ("Patient.gender", "Patient.birthDate"):
        provenance = await server.reader.get(found[path]["provenance"]["reference"])
        told[path] = provenance.json()["agent"][0]["who"]["display"]
    assert told == {"Patient.gender": "ehr", "Patient.birthDate": "lab"}


async def test_versions_forth_and_back(server: Facade) -> None:
    for gender in ("male", "female", "other"):
        await server.ehr.put(patient("p", gender=gender))
    found = changes(await server.reader.get("Patient/p/_history/2/$diff"))
    assert (found["Patient.gender"]["previousValue"], found["Patient.gender"]["value"]) == ("male", "female")
    found = changes(await server.reader.get("Patient/p/_history/1/$diff?fromVersion=3"))
    assert (found["Patient.gender"]["previousValue"], found["Patient.gender"]["value"]) == ("other", "male")
    assert changes(await server.reader.get("Patient/p/_history/2/$diff?fromVersion=2")) == {}
    assert changes(await server.reader.get("Patient/p/_history/1/$diff")) == {}


async def test_meta_where_it_is_asked_for(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    await server.ehr.put(patient("p", meta={"tag": [{"code": "x"}]}))
    assert changes(await server.reader.get("Patient/p/$diff")) == {}
    found = changes(await server.reader.get("Patient/p/$diff?includeMeta=true"))
    assert {"Patient.meta.tag", "Patient.meta.versionId"} <= {path.partition("[")[0] for path in found}


async def test_two_resources(server: Facade) -> None:
    await server.ehr.put(patient("p", gender="male"))
    await server.ehr.put(patient("p", gender="other"))
    await server.ehr.put(patient("q", gender="female"))
    found = changes(await server.reader.get("$diff?from=Patient/p/_history/1&to=Patient/q"))
    assert (found["Patient.gender"]["previousValue"], found["Patient.gender"]["value"]) == ("male", "female")
    given = (("from", "Patient/p"), ("to", "Patient/q"))
    body = {"resourceType": "Parameters", "parameter": [{"name": n, "valueString": v} for n, v in given]}
    found = changes(await server.reader("POST", "$diff", body))
    assert found["Patient.gender"]["previousValue"] == "other"
    batch = await server.reader.batch(entry("GET", "$diff?from=Patient/p&to=Patient/q"))
    assert batch.json()["entry"][0]["resource"]["resourceType"] == "Parameters"


async def test_around_a_deletion(server: Facade) -> None:
    await server.ehr.put(patient("p", gender="male"))
    await server.ehr("DELETE", "Patient/p")
    assert (await server.reader.get("Patient/p/$diff")).status_code == 410
    answer = await server.reader.get("$diff?from=Patient/p/_history/1&to=Patient/p/_history/1")
    assert changes(answer) == {}
    await server.ehr.put(patient("p", gender="female"))
    found = changes(await server.reader.get("Patient/p/$diff?fromVersion=1"))
    assert found["Patient.gender"]["previousValue"] == "male"
    assert (await server.reader.get("Patient/p/$diff?fromVersion=2")).status_code == 410


async def test_refusals(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    await server.ehr.put({"resourceType": "Organization", "id": "o", "name": "x"})
    for path, status, where in (
        ("Patient/never/$diff", 404, "Patient"),
        ("Patient/p/$diff?fromVersion=9", 400, "http.fromVersion"),
        ("Patient/p/$diff?fromVersion=%C2%B2", 400, "http.fromVersion"),
        ("Patient/p/_history/7/$diff", 404, "http.url"),
        ("Patient/p/$diff?includeMeta=maybe", 400, "http.includeMeta"),
        ("$diff?from=Patient/p", 400, "Parameters.parameter.where(name='to')"),
        ("$diff?from=Patient/p&to=Patient/never", 404, "Patient"),
        ("$diff?from=Patient/p&to=nothing", 400, "http.to"),
        ("$diff?from=Patient/p&to=http://elsewhere.org/Patient/p", 400, "http.to"),
        ("$diff?from=Patient/p&to=Organization/o", 400, "http.to"),
        ("$diff?from=Patient/p/_history/x&to=Patient/p", 404, "http.from"),
    ):
        answer = await server.reader.get(path)
        assert (answer.status_code, expressions(answer)) == (status, [where]), path
    assert (await server.reader.get("Patient/$diff?from=Patient/p&to=Patient/p")).status_code == 404


async def test_the_answer_can_be_sent_back_as_a_patch(server: Facade) -> None:
    await server.ehr.put(patient("p", gender="male", telecom=[{"system": "phone", "value": "1"}]))
    await server.ehr.put(patient("p", birthDate="1970-01-01", telecom=[{"system": "phone", "value": "2"}]))
    undo = (await server.reader.get("Patient/p/_history/1/$diff?fromVersion=2")).content
    answer = await server.ehr("PATCH", "Patient/p", undo)
    assert answer.status_code == 200, answer.text
    first, now = [loads((await server.reader.get(f"Patient/p/_history/{n}")).content) for n in (1, 3)]
    assert {**first, "meta": None} == {**now, "meta": None}


def units(answer: Any) -> dict[str, list[dict[str, Any]]]:
    """The parts ``unit`` of each operation, by its path and name."""
    found = {}
    for one in loads(answer.content).get("parameter", ()):
        parts = {part["name"]: _value(part) for part in one["part"]}
        place = ".".join(filter(None, (parts["path"], parts.get("name"))))
        groups = [part["part"] for part in one["part"] if part["name"] == "unit"]
        found[place] = [{part["name"]: _value(part) for part in group} for group in groups]
    return found


async def test_each_changed_unit_says_whose_word_it_is(server: Facade) -> None:
    phone = {"system": "phone", "value": "555-123-4567"}
    await server.ehr.put(patient("p", gender="male", telecom=[phone]), x_provenance=said(mode="partial"))
    start = server.store.head
    partial = said("0.5", "confirmed", "partial", agent=[{"who": {"display": "Line 2"}}])
    second = {"system": "email", "value": "eve@example.org"}
    answer = await server.agent.put(patient("p", telecom=[phone, second]), x_provenance=partial)
    assert answer.status_code == 200, answer.text
    await server.lab.put(patient("p", gender="female"), x_provenance=said(mode="partial"))
    answer = await server.reader.get(f"Patient/p/$diff?fromAsOf={start}")
    assert changes(answer).keys() == {"Patient.gender", "Patient.telecom"}
    (gender,), (mail,) = units(answer)["Patient.gender"], units(answer)["Patient.telecom"]
    assert (gender["unit"], gender["sourceBefore"], gender["source"]) == ("gender", "ehr", "lab")
    assert (gender["confidenceBefore"], gender["confidence"], gender["rule"]) == (1, 1, "later")
    assert (mail["unit"], mail["source"], mail["method"]) == (
        "telecom[email|eve@example.org]",
        "agent",
        "confirmed",
    )
    assert "confidenceBefore" not in mail and str(mail["confidence"]) == "0.5"
    assert mail["agent"]["display"] == "Line 2"
    provenance = await server.reader.get(mail["provenance"]["reference"])
    assert provenance.json()["agent"][0]["who"]["display"] == "Line 2"


async def test_an_item_whose_key_changes_is_two_units(server: Facade) -> None:
    for value in ("5551234567", "5557654321"):
        await server.ehr.put(patient("p", telecom=[{"system": "phone", "value": value}]))
    named = units(await server.reader.get("Patient/p/$diff"))["Patient.telecom[0].value"]
    assert [(one["unit"], one.get("confidence")) for one in named] == [
        ("telecom[phone|+15551234567]", 1),
        ("telecom[phone|+15557654321]", 1),
    ]
    await server.ehr.put(patient("p", deceasedBoolean=True))
    (died,) = units(await server.reader.get("Patient/p/$diff"))["Patient.deceased"]
    assert (died["unit"], died["source"]) == ("deceased[x]", "ehr")


async def test_between_two_moments(server: Facade) -> None:
    kept = []
    for gender in ("male", "female", "other"):
        await server.ehr.put(patient("p", gender=gender))
        kept.append(server.store.head)
    found = changes(await server.reader.get(f"Patient/p/$diff?fromAsOf={kept[0]}&_asOf={kept[1]}"))
    assert (found["Patient.gender"]["previousValue"], found["Patient.gender"]["value"]) == ("male", "female")
    found = changes(await server.reader.get(f"Patient/p/$diff?_asOf={kept[1]}"))
    assert (found["Patient.gender"]["previousValue"], found["Patient.gender"]["value"]) == ("male", "female")
    for asked, status, where in (
        (f"fromAsOf={kept[0] - 1}", 404, "http.fromAsOf"),
        (f"_asOf={kept[0] - 1}", 404, "http._asOf"),
        ("fromAsOf=soon", 400, "http.fromAsOf"),
        (f"_asOf={kept[1]}&fromVersion=1", 400, "http._asOf"),
    ):
        answer = await server.reader.get(f"Patient/p/$diff?{asked}")
        assert (answer.status_code, expressions(answer)) == (status, [where]), asked


async def test_a_diff_with_its_units_is_still_a_patch(server: Facade) -> None:
    await server.ehr.put(patient("p", gender="male", telecom=[{"system": "phone", "value": "1"}]))
    await server.ehr.put(patient("p", birthDate="1970-01-01", telecom=[{"system": "phone", "value": "2"}]))
    await server.lab.put(patient("p", gender="other"), x_provenance=said(mode="partial"))
    undo = (await server.reader.get("Patient/p/_history/1/$diff?fromVersion=3")).content
    answer = await server.ehr("PATCH", "Patient/p", undo)
    assert answer.status_code == 200, answer.text
    assert (answer.json().get("birthDate"), answer.json()["telecom"][0]["value"]) == (None, "1")
