"""Conformance resources stored in the server are found by their canonical urls, whoever wrote them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from fhirserver.kernel.json import JsonObject
from fhirserver.model.canonicals import rank, version_order
from fhirserver.ports.conformance import Conformance
from fhirserver.store import conformance as module
from fhirserver.store.conformance import StoredConformance
from tests.facade import Facade, facade

URL = "http://example.org/fhir/ValueSet/colours"


def value_set(
    id: str, version: str = "", status: str = "active", url: str = URL, **more: object
) -> JsonObject:
    made: JsonObject = {"resourceType": "ValueSet", "id": id, "url": url, "status": status, **more}
    return {**made, "version": version} if version else made


async def found(server: Facade, url: str, type: str = "", known: StoredConformance | None = None) -> str:
    """The id of what is found, or nothing."""
    known = known or StoredConformance(server.store)
    await known.catch_up()
    resource = known.find(url, type)
    return str(resource["id"]) if resource else ""


@pytest.mark.parametrize("storage", ["memory", "sqlite"])
async def test_what_is_written_is_found_at_once_and_forgotten_when_deleted(
    tmp_path: Path, storage: str
) -> None:
    async with facade(tmp_path, storage) as server:
        known = StoredConformance(server.store)
        port: Conformance = known
        assert await found(server, URL, "", known) == ""
        await server.ehr.put(value_set("a"))
        assert await found(server, URL, "", known) == "a"
        assert port.find(URL, "CodeSystem") is None
        await server.ehr.put(value_set("a", url=f"{URL}-2"))
        assert await found(server, URL, "", known) == ""
        assert await found(server, f"{URL}-2", "ValueSet", known) == "a"
        await server.ehr("DELETE", "ValueSet/a")
        assert await found(server, f"{URL}-2", "", known) == ""


async def test_versions(tmp_path: Path) -> None:
    async with facade(tmp_path) as server:
        for id, version in (("nine", "1.9.0"), ("ten", "1.10.0"), ("ballot", "1.10.0-ballot")):
            await server.ehr.put(value_set(id, version))
        await server.ehr.put(value_set("old", "2.0.0", "retired"))
        await server.ehr.put(value_set("draft", "3.0.0", "draft"))
        assert await found(server, URL) == "ten"
        assert await found(server, f"{URL}|1.9.0") == "nine"
        assert await found(server, f"{URL}|2.0.0") == "old"
        assert await found(server, f"{URL}|4") == ""


async def test_r4_is_as_r4_says_and_other_urls_are_as_stored(tmp_path: Path) -> None:
    async with facade(tmp_path) as server:
        genders = "http://hl7.org/fhir/ValueSet/administrative-gender"
        ours = "http://terminology.hl7.org/ValueSet/v3-ActPriority"
        await server.ehr.put(value_set("mine", url=genders))
        await server.ehr.put(value_set("newer", url=ours))
        assert await found(server, genders) == "administrative-gender"
        assert await found(server, ours) == "newer"
        assert await found(server, "http://hl7.org/fhir/StructureDefinition/Patient|4.0.1") == "Patient"


async def test_a_naming_system_is_found_by_its_identifiers(tmp_path: Path) -> None:
    async with facade(tmp_path) as server:
        unique = [{"type": "oid", "value": "2.999.1"}, {"type": "uri", "value": "http://example.org/ns"}]
        await server.ehr.put(
            {
                "resourceType": "NamingSystem",
                "id": "n",
                "name": "N",
                "status": "active",
                "kind": "identifier",
                "date": "2026-01-01",
                "uniqueId": unique,
            }
        )
        assert await found(server, "http://example.org/ns") == "n"


async def test_what_another_process_wrote_is_seen(tmp_path: Path) -> None:
    async with facade(tmp_path, "sqlite") as one, facade(tmp_path, "sqlite") as other:
        known = StoredConformance(one.store)
        assert await found(one, URL, "", known) == ""
        await other.ehr.put(value_set("a"))
        assert await found(one, URL, "", known) == "a"
        await other.ehr("DELETE", "ValueSet/a")
        assert await found(one, URL, "", known) == ""


async def test_after_much_was_missed_it_looks_at_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FARTHEST", 3)
    monkeypatch.setattr(module, "PAGE", 2)
    async with facade(tmp_path) as server:
        known, told = StoredConformance(server.store), []
        await server.ehr.put(value_set("gone", url=f"{URL}/gone"))
        assert await found(server, f"{URL}/gone", "", known) == "gone"
        known.listen(told.append)
        await server.ehr("DELETE", "ValueSet/gone")
        for number in range(5):
            await server.ehr.put(value_set(f"v{number}", url=f"{URL}/{number}"))
        assert [await found(server, f"{URL}/{n}", "", known) for n in range(5)] == [f"v{n}" for n in range(5)]
        assert known.find(f"{URL}/gone") is None
        assert frozenset().union(*told) == {f"{URL}/gone", *(f"{URL}/{n}" for n in range(5))}


async def test_a_copy_may_be_changed(tmp_path: Path) -> None:
    async with facade(tmp_path) as server:
        await server.ehr.put(
            value_set(
                "a", text={"status": "empty", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'}
            )
        )
        known = StoredConformance(server.store)
        await known.catch_up()
        known.find(URL)["status"] = "retired"
        assert known.find(URL)["status"] == "active"
        assert "text" not in known.find(URL)


def test_the_order_of_versions() -> None:
    for lesser, greater in pairwise(
        ["", "0.9", "1.0.0-ballot", "1.0.0", "1.0.1", "1.2", "1.10", "2", "20180812"]
    ):
        assert version_order(lesser) < version_order(greater), (lesser, greater)
    assert version_order("2018-08-12") < version_order("2019-01-01")
    assert rank("active", "1", "", 1) > rank("draft", "2", "", 2) > rank("retired", "3", "", 3)
    assert rank("active", "", "2020", 1) < rank("active", "", "2021", 1) < rank("active", "", "2021", 2)
