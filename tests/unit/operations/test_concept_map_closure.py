"""``$closure`` over the whole server, with a hierarchy that is stored."""

from __future__ import annotations

import pytest

from fhirserver.kernel.json import JsonObject, loads
from fhirserver.model.validation import validate
from tests.facade import Client, Facade

SYSTEM = "http://organs.example"


def asked(name: str | None, *codes: str, version: str | None = None, system: str = SYSTEM) -> JsonObject:
    parameters: list[JsonObject] = [{"name": "name", "valueString": name}] if name else []
    parameters += [{"name": "concept", "valueCoding": {"system": system, "code": code}} for code in codes]
    if version is not None:
        parameters.append({"name": "version", "valueString": version})
    return {"resourceType": "Parameters", "parameter": parameters}


def organs(**more: object) -> JsonObject:
    heart = {"code": "heart", "concept": [{"code": "valve", "concept": [{"code": "mitral"}]}]}
    return {
        "resourceType": "CodeSystem",
        "id": "organs",
        "url": SYSTEM,
        "status": "active",
        "content": "complete",
        "hierarchyMeaning": "is-a",
        "concept": [{"code": "organ", "concept": [heart, {"code": "lung"}]}],
        **more,
    }


async def closed(client: Client, body: JsonObject, path: str = "$closure") -> JsonObject:
    answer = await client("POST", path, body)
    assert answer.status_code == 200, answer.text
    found: JsonObject = loads(answer.content)
    assert [issue for issue in validate(found) if issue.severity == "error"] == []
    return found


def pairs(map: JsonObject) -> set[tuple[str, str]]:
    for group in map.get("group", ()):
        assert group["source"] == group["target"] == SYSTEM
    return {
        (element["code"], target["code"])
        for group in map.get("group", ())
        for element in group["element"]
        for target in element["target"]
        if target["equivalence"] == "subsumes"
    }


async def test_a_table_from_its_beginning(server: Facade) -> None:
    await server.ehr.put(organs())
    begun = await closed(server.reader, asked("problems"))
    assert (begun["version"], begun["id"], begun["name"]) == (
        "0",
        "problems",
        "Closure Table problems Creation",
    )
    assert "group" not in begun
    first = await closed(server.reader, asked("problems", "mitral"))
    assert (first["version"], pairs(first)) == ("1", set())
    second = await closed(server.reader, asked("problems", "heart", "lung"), "ConceptMap/$closure")
    assert second["name"] == "Updates for Closure Table problems"
    assert (second["version"], pairs(second)) == ("2", {("mitral", "heart")})
    third = await closed(server.reader, asked("problems", "valve", "organ", "mitral"))
    new = {
        ("mitral", "valve"),
        ("valve", "heart"),
        *((one, "organ") for one in ("mitral", "valve", "heart", "lung")),
    }
    assert pairs(third) == new
    assert pairs(await closed(server.reader, asked("problems", version="2"))) == new
    whole = await closed(server.reader, asked("problems", version="0"))
    assert (whole["version"], pairs(whole)) == ("3", new | pairs(second))
    assert "group" not in await closed(server.reader, asked("problems", version="3"))


async def test_in_a_batch(server: Facade) -> None:
    await server.ehr.put(organs())
    entries = [
        {"request": {"method": "POST", "url": "$closure"}, "resource": asked("t", *codes)}
        for codes in ((), ("heart",), ("valve",))
    ]
    answer = loads((await server.reader.batch(*entries)).content)
    versions = [one["resource"]["version"] for one in answer["entry"]]
    assert versions[0] == "0" and sorted(versions) == ["0", "1", "2"]  # a batch has no order


async def test_a_table_is_its_owners(server: Facade) -> None:
    await server.ehr.put(organs())
    await closed(server.reader, asked("t"))
    await closed(server.reader, asked("t", "heart"))
    assert (await server.ana("POST", "$closure", asked("t", "valve"))).status_code == 404
    await closed(server.ana, asked("t"))
    assert pairs(await closed(server.ana, asked("t", "valve"))) == set()
    assert pairs(await closed(server.reader, asked("t", "valve"))) == {("valve", "heart")}


async def test_a_changed_hierarchy_asks_for_a_new_table(server: Facade) -> None:
    await server.ehr.put(organs())
    await closed(server.reader, asked("t"))
    await closed(server.reader, asked("t", "heart"))
    await server.ehr.put(organs(title="Organs of the body"))
    assert pairs(await closed(server.reader, asked("t", "valve"))) == {("valve", "heart")}, (
        "a title is no hierarchy"
    )
    await server.ehr.put(organs(concept=[{"code": "heart"}, {"code": "valve"}, {"code": "mitral"}]))
    for body in (asked("t", "mitral"), asked("t", version="0")):
        assert (await server.reader("POST", "$closure", body)).status_code == 422
    assert (await closed(server.reader, asked("t")))["version"] == "0"
    assert pairs(await closed(server.reader, asked("t", "heart", "valve"))) == set()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (asked(None), 400),
        (asked(" "), 400),
        (asked("a\u0000b"), 400),
        (asked("n" * 256), 400),
        (asked("never", "heart"), 404),
        (asked("never", version="0"), 404),
        (asked("t", "heart", version="0"), 400),
        (asked("t", version="9"), 400),
        (asked("t", version="last"), 400),
        (asked("t", "none"), 422),
        (asked("t", "heart", system="urn:none"), 422),
    ],
)
async def test_what_closure_refuses(server: Facade, body: JsonObject, status: int) -> None:
    await server.ehr.put(organs())
    await closed(server.reader, asked("t"))
    answer = await server.reader("POST", "$closure", body)
    assert answer.status_code == status, answer.text
    assert loads(answer.content)["resourceType"] == "OperationOutcome"


async def test_closure_is_not_asked_by_get_nor_by_strangers(server: Facade) -> None:
    assert (await server.reader.get("$closure?name=t")).status_code == 405
    assert (await server.writer("POST", "$closure", asked("t"))).status_code == 403
    assert (await server.anonymous("POST", "$closure", asked("t"))).status_code == 401
