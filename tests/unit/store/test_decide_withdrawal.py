"""A source takes back what it said: the world is as though it had never said it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.store.commands import Withdraw
from fhirserver.store.provenance import provenance

HALF = Decimal("0.5")
PHONE = {"system": "phone", "value": "555-123-4567"}
KEY = "telecom[phone|+15551234567]"


def take_back(desk: Any, source: str, *units: str, by: str = "", **more: Any) -> Any:
    write = Withdraw("Patient", "1", source, units, **more)
    return desk.submit(by or source, write).results[0]


def both(desk: Any) -> None:
    desk.put("ehr", "Patient", "1", {"gender": "female", "birthDate": "1980-02-03"})
    desk.put("form", "Patient", "1", {"gender": "male", "telecom": [PHONE]}, mode="partial")


def test_the_world_falls_back_to_the_other_claims(desk: Any) -> None:
    both(desk)
    desk.rule("approve", "Patient", "1", "gender", "form")
    assert desk.world("Patient", "1")["gender"] == "male"
    assert take_back(desk, "form").changed
    entity = desk["Patient", "1"]
    assert entity.json["gender"] == "female" and entity.ledger.uncontested


def test_only_the_units_that_are_named(desk: Any) -> None:
    desk.put("form", "Patient", "1", {"gender": "male", "telecom": [PHONE]}, mode="partial")
    take_back(desk, "form", "Patient.telecom")
    assert desk.world("Patient", "1")["gender"] == "male" and "telecom" not in desk.world("Patient", "1")


def test_silence_is_taken_back_too(desk: Any) -> None:
    """A full statement states the phone absent; taking that element back leaves room for who knows one."""
    desk.put(
        "ehr", "Patient", "1", {"gender": "female", "telecom": [{"system": "email", "value": "e@x.org"}]}
    )
    desk.put("form", "Patient", "1", {"telecom": [PHONE]}, mode="partial")
    assert "phone" not in str(desk.world("Patient", "1")["telecom"])
    take_back(desk, "ehr", "Patient.telecom")
    assert [item["system"] for item in desk.world("Patient", "1")["telecom"]] == ["phone"]
    desk.put("ehr", "Patient", "1", {"gender": "female"})
    assert "telecom" not in desk.world("Patient", "1"), "stated again in full"


def test_what_is_said_again_is_a_new_claim(desk: Any) -> None:
    both(desk)
    desk.rule("reject", "Patient", "1", "gender", "form")
    old = desk.claim("Patient", "1", "gender", "form").stamp.position
    take_back(desk, "form", "gender")
    desk.put("form", "Patient", "1", {"gender": "male"}, mode="partial")
    claim = desk.claim("Patient", "1", "gender", "form")
    assert claim.stamp.position > old and claim.status == "live"


def test_without_any_claim_left_the_resource_is_deleted_and_can_come_back(desk: Any) -> None:
    desk.put("form", "Patient", "1", {"gender": "male"})
    written = take_back(desk, "form")
    assert written.version is None and desk["Patient", "1"].deleted
    assert desk.put("form", "Patient", "1", {"gender": "male"}).created


def test_every_unit_taken_back_is_all_taken_back(desk: Any) -> None:
    desk.put("ehr", "Patient", "1", {"gender": "male"})
    take_back(desk, "ehr", "gender")
    assert desk["Patient", "1"].deleted and desk["Patient", "1"].ledger.views == ()


def test_a_deletion_is_taken_back(desk: Any) -> None:
    both(desk)
    desk.remove("ehr", "Patient", "1")
    assert desk["Patient", "1"].deleted
    take_back(desk, "ehr")
    assert desk.world("Patient", "1")["gender"] == "male"


def test_there_must_be_something_to_take_back(desk: Any) -> None:
    both(desk)
    for units in ((), ("gender",)):
        with pytest.raises(Refusal) as caught:
            take_back(desk, "lab", *units)
        assert caught.value.category is Category.NOT_FOUND
    with pytest.raises(Refusal) as caught:
        take_back(desk, "form", "telecom[phone|+15550000000]")
    assert caught.value.issues[0].expression == ("Patient.telecom",)
    assert "0000" not in str(caught.value.issues[0].diagnostics)


def test_it_minds_the_version(desk: Any) -> None:
    both(desk)
    with pytest.raises(Refusal) as caught:
        take_back(desk, "form", if_match=7)
    assert caught.value.category is Category.PRECONDITION_FAILED


def test_its_provenance_says_so(desk: Any) -> None:
    both(desk)
    take_back(desk, "form", KEY, by="operator", reason="Another patient's form")
    made = provenance(desk.commits[-1])
    assert made is not None
    assert made["activity"]["coding"][0]["code"] == "withdraw"
    assert made["reason"] == [{"text": "Another patient's form"}]
    assert made["target"][0]["extension"][0]["valueString"] == "Patient.telecom"


def test_a_held_claim_taken_back_makes_no_version_but_a_commit(desk: Any) -> None:
    both(desk)
    version, commits = desk["Patient", "1"].version, len(desk.commits)
    take_back(desk, "form", "gender")
    assert desk["Patient", "1"].version == version and len(desk.commits) == commits + 1
    assert desk["Patient", "1"].seen == desk.commits[-1].position
