"""Search and validation follow what is written: a value set that changes is seen by the very next request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.facade import facade

ANIMALS = "http://x.test/animals"
PETS = "http://x.test/vs/pets"
PROFILE = "http://x.test/StructureDefinition/p"


def code_system(*codes: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "CodeSystem", "id": "animals", "url": ANIMALS, "status": "active", "content": "complete",
        "hierarchyMeaning": "is-a", "concept": [{"code": code} for code in codes], **more,
    }  # fmt: skip


def value_set(*codes: str, version: str = "1") -> dict[str, Any]:
    include: dict[str, Any] = {"system": ANIMALS}
    if codes:
        include["concept"] = [{"code": code} for code in codes]
    return {
        "resourceType": "ValueSet", "id": "pets", "url": PETS, "version": version, "status": "active",
        "compose": {"include": [include]},
    }  # fmt: skip


def observed(id: str, code: str) -> dict[str, Any]:
    coding = [{"system": ANIMALS, "code": code}] if code else []
    return {
        "resourceType": "Observation", "id": id, "status": "final",
        "code": {"coding": coding, "text": "Of an animal"} if code else {"text": "Of an animal"},
    }  # fmt: skip


@pytest.mark.parametrize("storage", ["memory", "sqlite"])
async def test_both_follow_what_is_written(tmp_path: Path, storage: str) -> None:
    bound = {
        "resourceType": "StructureDefinition", "id": "p", "url": PROFILE, "name": "P", "status": "active",
        "kind": "resource", "abstract": False, "type": "Observation", "derivation": "constraint",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Observation",
        "differential": {"element": [{
            "id": "Observation.code", "path": "Observation.code",
            "binding": {"strength": "required", "valueSet": PETS},
        }]},
    }  # fmt: skip
    async with facade(tmp_path, storage=storage) as server:
        ehr = server.ehr

        async def found(criteria: str) -> list[str]:
            answer = await ehr.get(f"Observation?{criteria}&_sort=_id")
            assert answer.status_code == 200, answer.text
            return [entry["resource"]["id"] for entry in answer.json().get("entry", ())]

        async def is_valid(code: str) -> bool:
            answer = await ehr("POST", f"Observation/$validate?profile={PROFILE}", observed("x", code))
            return not any(issue["severity"] == "error" for issue in answer.json()["issue"])

        for one in (code_system("cat", "dog", "rock"), value_set("cat"), bound):
            (await ehr.put(one)).raise_for_status()
        for id, code in (("a", "cat"), ("b", "dog"), ("c", "rock"), ("d", "")):
            (await ehr.put(observed(id, code))).raise_for_status()
        assert await found(f"code:in={PETS}") == await found("code:in=ValueSet/pets") == ["a"]
        assert await found(f"code:not-in={PETS}") == ["b", "c", "d"]
        assert (await is_valid("cat"), await is_valid("dog")) == (True, False)

        (await ehr.put(value_set("cat", "dog"))).raise_for_status()
        assert await found(f"code:in={PETS}") == ["a", "b"]
        assert await found(f"code:in={PETS}|1") == ["a", "b"]
        assert (await is_valid("cat"), await is_valid("dog")) == (True, True)

        (await ehr.put(code_system("cat", "dog"))).raise_for_status()
        assert not await is_valid("rock")

        (await ehr("DELETE", "ValueSet/pets")).raise_for_status()
        answer = await ehr.get(f"Observation?code:in={PETS}")
        assert answer.status_code == 400
        assert answer.json()["issue"][0]["expression"] == ["http.code:in"]


async def test_sets_of_a_hundred_thousand_codes(tmp_path: Path) -> None:
    """By a hierarchy, by all codes of a system, in chains, in ``_has`` and ``_filter``, with its opposite."""
    many = [{"code": f"c{number}"} for number in range(100_000)]
    concept = [{"code": "top", "concept": many}, {"code": "other"}]
    async with facade(tmp_path, storage="sqlite", limits={"resource_elements": 300_000}) as server:
        ehr = server.ehr
        (await ehr.put({**code_system(), "concept": concept})).raise_for_status()
        (await ehr.put(value_set())).raise_for_status()
        narrow = value_set()
        narrow["compose"]["include"][0]["filter"] = [{"property": "concept", "op": "is-a", "value": "top"}]
        (await ehr.put({**narrow, "id": "top", "url": f"{PETS}/top"})).raise_for_status()
        (await ehr.put({"resourceType": "Patient", "id": "p"})).raise_for_status()
        for id, code in (("a", "c7"), ("b", "c99999"), ("c", "other"), ("d", ""), ("e", "unheard-of")):
            one = {**observed(id, code), "subject": {"reference": "Patient/p"}}
            (await ehr.put(one)).raise_for_status()

        async def found(criteria: str, type: str = "Observation") -> list[str]:
            answer = await ehr.get(f"{type}?{criteria}&_sort=_id")
            assert answer.status_code == 200, answer.text
            return [entry["resource"]["id"] for entry in answer.json().get("entry", ())]

        assert await found(f"code:in={PETS}") == ["a", "b", "c"]
        assert await found(f"code:not-in={PETS}") == ["d", "e"]
        for asked in (f"code:in={PETS}/top", "code:in=ValueSet/top", f"code:below={ANIMALS}|top"):
            assert await found(asked) == ["a", "b"], asked
        assert await found(f"code:above={ANIMALS}|c7") == ["a"]
        assert await found(f"code:not-in={PETS}/top") == ["c", "d", "e"]
        assert await found(f"_filter=code in {PETS}/top") == ["a", "b"]
        assert await found(f"_filter=not(code in {PETS}/top)") == ["c", "d", "e"]
        assert await found(f"_filter=code ss {ANIMALS}|top") == ["a", "b"]
        assert await found(f"_has:Observation:subject:code:in={PETS}/top", "Patient") == ["p"]
        assert await found(f"_has:Observation:subject:code:below={ANIMALS}|other", "Patient") == ["p"]
        assert await found(f"code:in={PETS}/top&code:text=of an animal&_count=1") == ["a"]
        unknown = await ehr.get(f"Observation?code:below={ANIMALS}|nothing")
        assert unknown.status_code == 400
        assert unknown.json()["issue"][0]["expression"] == ["http.code:below"]
