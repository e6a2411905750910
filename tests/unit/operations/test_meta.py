"""``$meta``, ``$meta-add``, ``$meta-delete``: labels of a resource, a version, a type, the system."""

from __future__ import annotations

from typing import Any

from fhirserver.kernel.json import JsonObject, loads
from fhirserver.model.validation import validate
from tests.facade import Facade, entry, expressions, patient

VIP = {"system": "urn:tags", "code": "vip"}
SECRET = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}
PROFILE = "http://example.org/StructureDefinition/own"


def labels(**meta: Any) -> JsonObject:
    return {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": meta}]}


def returned(answer: Any) -> JsonObject:
    assert answer.status_code == 200, answer.text
    body = loads(answer.content)
    assert [issue for issue in validate(body) if issue.severity == "error"] == []
    (parameter,) = body["parameter"]
    assert parameter["name"] == "return"
    meta: JsonObject = parameter["valueMeta"]
    return meta


def codes(meta: JsonObject, name: str = "tag") -> list[str]:
    return [label["code"] for label in meta.get(name, ())]


async def test_the_meta_of_a_resource_is_that_of_a_read(server: Facade) -> None:
    await server.ehr.put(patient("p", meta={"tag": [VIP]}))
    read = loads((await server.reader.get("Patient/p")).content)["meta"]
    assert returned(await server.reader.get("Patient/p/$meta")) == read
    assert returned(await server.reader("POST", "Patient/p/$meta")) == read


async def test_the_meta_of_a_version(server: Facade) -> None:
    await server.ehr.put(patient("p", meta={"tag": [VIP]}))
    await server.ehr.put(patient("p", gender="female"))
    assert "vip" in codes(returned(await server.reader.get("Patient/p/_history/1/$meta")))
    assert "vip" not in codes(returned(await server.reader.get("Patient/p/_history/2/$meta")))
    assert (await server.reader.get("Patient/p/_history/3/$meta")).status_code == 404
    assert (await server.reader.get("Patient/p/_history/x/$meta")).status_code == 404


async def test_labels_are_added_once_and_none_is_lost(server: Facade) -> None:
    await server.ehr.put(patient("p", meta={"tag": [{**VIP, "display": "Important"}], "profile": [PROFILE]}))
    body = labels(tag=[{**VIP, "display": "other"}, {"code": "new"}, {"code": "new"}], security=[SECRET])
    meta = returned(await server.ehr("POST", "Patient/p/$meta-add", body))
    assert codes(meta)[:2] == ["vip", "new"]
    assert meta["tag"][0]["display"] == "Important"
    assert (meta["profile"], meta["security"], meta["versionId"]) == ([PROFILE], [SECRET], "2")
    again = returned(await server.ehr("POST", "Patient/p/$meta-add", body))
    assert again["versionId"] == "2"
    assert await server.reader.ids("Patient?_tag=new&_security=R") == ["p"]


async def test_labels_are_taken_off(server: Facade) -> None:
    await server.ehr.put(patient("p", meta={"tag": [VIP, {"code": "b"}], "profile": [PROFILE]}))
    body = labels(tag=[{**VIP, "version": "9"}, {"code": "not there"}], profile=[PROFILE])
    meta = returned(await server.ehr("POST", "Patient/p/$meta-delete", body))
    assert "vip" not in codes(meta) and "b" in codes(meta) and "profile" not in meta
    meta = returned(await server.ehr("POST", "Patient/p/$meta-delete", labels(tag=[{"code": "b"}])))
    assert len(codes(meta)) == 1  # the server's own
    assert (await server.reader.get("Patient/p")).json()["name"][0]["family"] == "Okafor"


async def test_a_label_is_a_statement_with_provenance(server: Facade) -> None:
    await server.ehr.put(patient("p", gender="female"))
    returned(await server.ana("POST", "Patient/p/$meta-add", labels(tag=[VIP])))
    found = (await server.reader.get("Provenance?target=Patient/p")).json()["entry"]
    newest = found[0]["resource"]
    assert newest["agent"][0]["who"]["display"] == "ana"
    assert newest["target"][0]["extension"][0]["valueString"] == "Patient.meta"
    await server.ehr.put(patient("p", gender="male"))  # says nothing of labels that is new
    assert "vip" in codes(returned(await server.reader.get("Patient/p/$meta")))


async def test_what_others_know_better_is_held(server: Facade) -> None:
    await server.ehr.put(patient("p", meta={"security": [SECRET]}))
    answer = await server.agent("POST", "Patient/p/$meta-delete", labels(security=[SECRET]))
    assert answer.headers["X-Held"] == "Patient.meta"
    assert codes(returned(answer), "security") == ["R"]


async def test_labels_in_use(server: Facade) -> None:
    await server.ehr.put(patient("p", meta={"tag": [VIP], "profile": [PROFILE]}))
    await server.ehr.put(patient("q", meta={"tag": [VIP], "security": [SECRET]}))
    await server.ehr.put({"resourceType": "Organization", "id": "o", "meta": {"tag": [{"code": "org"}]}})
    meta = returned(await server.reader.get("Patient/$meta"))
    assert (meta["profile"], meta["security"]) == ([PROFILE], [SECRET])
    assert sorted(codes(meta)) == ["authoritative", "vip"]
    assert meta.keys().isdisjoint({"versionId", "lastUpdated"})
    assert {"vip", "org"} <= set(codes(returned(await server.reader.get("$meta"))))


async def test_refusals(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    path = "Patient/p/$meta-add"
    assert (await server.ehr("GET", path)).status_code == 405
    assert (await server.reader("POST", path, labels(tag=[VIP]))).status_code == 403
    assert (await server.ehr("POST", path)).status_code == 400
    assert (await server.ehr("POST", f"{path}?meta=x", labels(tag=[VIP]))).status_code == 400
    assert (await server.ehr("POST", "Patient/never/$meta-add", labels(tag=[VIP]))).status_code == 404
    assert (await server.ehr("POST", "Patient/$meta-add", labels(tag=[VIP]))).status_code == 404
    assert (await server.ehr("POST", "Patient/p/_history/1/$meta-add", labels(tag=[VIP]))).status_code == 404
    assert (await server.ehr("POST", path, labels(tag=[VIP]), if_match='W/"7"')).status_code == 412
    other = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueString": "x"}]}
    answer = await server.ehr("POST", path, other)
    assert (answer.status_code, expressions(answer)) == (400, ["Parameters.parameter[0].value"])
    answer = await server.ehr("POST", path, labels(tag=[{"display": "none"}]))
    assert expressions(answer) == ["Parameters.parameter[0].value.ofType(Meta).tag[0]"]
    assert (await server.ehr("POST", path, labels(profile=["a b"]))).status_code == 400
    await server.ehr("DELETE", "Patient/p")
    assert (await server.reader.get("Patient/p/$meta")).status_code == 410
    assert (await server.ehr("POST", path, labels(tag=[VIP]))).status_code == 410


async def test_in_a_batch(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    answer = await server.ehr.batch(
        entry("POST", "Patient/p/$meta-add", labels(tag=[VIP])),
        entry("GET", "Patient/p/$meta"),
        entry("GET", "Patient/p/_history/1/$meta"),
        entry("GET", "$meta"),
    )
    added, now, before, all_ = answer.json()["entry"]
    assert [one["response"]["status"] for one in answer.json()["entry"]] == ["200"] * 4
    for one, there in ((added, True), (now, True), (before, False), (all_, True)):
        assert ("vip" in codes(one["resource"]["parameter"][0]["valueMeta"])) is there
