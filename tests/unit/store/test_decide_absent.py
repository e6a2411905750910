"""A partial statement that names what is no more: told at the moment of deciding, from what was said by then."""

from __future__ import annotations

from typing import Any

from fhirserver.store.commands import Merge, Put
from fhirserver.world.units import Units, member_of
from tests.unit.store.conftest import Desk

HOME = {"system": "phone", "value": "+15550001111", "use": "home"}
WORK = {"system": "phone", "value": "+15550002222", "use": "work"}


def own_phones(own: Units, world: Units) -> set[str]:
    return {unit for unit in own if member_of(unit) == "telecom"}


def all_phones(own: Units, world: Units) -> set[str]:
    return {unit for unit in {**own, **world} if member_of(unit) == "telecom"}


def state(desk: Desk, absent: Any, **content: Any) -> Any:
    put = Put("Patient", "1", {"resourceType": "Patient", **content}, absent=absent)
    return desk.submit("ehr", put, mode="partial").results[0]


def test_a_list_that_is_whole_replaces_what_its_source_said(desk: Desk) -> None:
    desk.put("ehr", "Patient", "1", {"telecom": [HOME], "gender": "female"}, mode="partial")
    state(desk, own_phones, telecom=[WORK])
    world = desk.world("Patient", "1")
    assert world["telecom"] == [WORK] and world["gender"] == "female"


def test_what_is_stated_beside_is_not_absent(desk: Desk) -> None:
    desk.put("ehr", "Patient", "1", {"telecom": [HOME, WORK]}, mode="partial")
    written = state(desk, own_phones, telecom=[HOME])
    assert written.changed and desk.world("Patient", "1")["telecom"] == [HOME]
    assert not state(desk, own_phones, telecom=[HOME]).changed


def test_absence_may_be_stated_of_what_others_said(desk: Desk) -> None:
    desk.put(
        "lab", "Patient", "1", {"telecom": [HOME], "gender": "male"}, mode="partial", effective="2026-01-01"
    )
    state(desk, own_phones, birthDate="1980-02-03")
    assert desk.world("Patient", "1")["telecom"] == [HOME]
    assert (
        desk.submit(
            "ehr",
            Put("Patient", "1", {"resourceType": "Patient"}, absent=all_phones),
            mode="partial",
            effective="2026-02-01",
        )
        .results[0]
        .changed
    )
    assert "telecom" not in desk.world("Patient", "1") and desk.world("Patient", "1")["gender"] == "male"


def test_of_a_merged_record_it_is_told_from_what_that_said(desk: Desk) -> None:
    desk.put("ehr", "Patient", "1", {"telecom": [HOME]}, mode="partial")
    desk.put("ehr", "Patient", "2", {"telecom": [WORK]}, mode="partial")
    desk.submit("ehr", Merge("Patient", "1", "2"))
    state(desk, own_phones, gender="female")
    assert [item["value"] for item in desk.world("Patient", "2")["telecom"]] == [WORK["value"]]


def test_a_new_resource_has_nothing_to_be_absent(desk: Desk) -> None:
    state(desk, own_phones, gender="female")
    assert "absent" not in desk.commits[-1].events[0]
