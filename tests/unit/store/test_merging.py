"""Merges and their undoing, decided at a desk. ADR 12."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from fhirserver.kernel.json import dumps
from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.ports.storage import Key
from fhirserver.store.commands import Merge, Put, Relink, Unmerge
from fhirserver.world.ledger import dump_ledger
from fhirserver.world.survivorship import claims_on, wins

EVE = {"active": True, "name": [{"family": "Ander"}], "birthDate": "1980-02-03"}
EVA = {"name": [{"family": "Anders"}], "gender": "female", "telecom": [{"system": "email", "value": "e@x"}]}


def refused(category: Category) -> Any:
    return pytest.raises(Refusal, match=f"^{category.name}")


def merge(desk: Any, id: str, into: str, type: str = "Patient") -> Any:
    return desk.submit("operator", Merge(type, id, into)).results[0]


def unmerge(desk: Any, id: str, type: str = "Patient") -> Any:
    return desk.submit("operator", Unmerge(type, id)).results[0]


def ledgers(desk: Any, *ids: str) -> list[bytes]:
    return [dump_ledger(desk["Patient", id].ledger) for id in ids]


def body(desk: Any, id: str, type: str = "Patient") -> dict[str, Any]:
    return {n: v for n, v in desk.world(type, id).items() if n not in ("meta", "resourceType", "id")}


@pytest.fixture
def two(desk: Any) -> Any:
    desk.put("ehr", "Patient", "s", EVE)
    desk.put("ehr", "Patient", "d", EVA)
    return desk


def test_the_survivor_has_what_was_said_of_both(two: Any) -> None:
    written = merge(two, "d", "s")
    assert written.key == Key("Patient", "s") and written.version.version == 2
    assert body(two, "s") == {
        "active": True,
        "name": [{"family": "Ander"}, {"family": "Anders"}],
        "birthDate": "1980-02-03",
        "gender": "female",
        "telecom": [{"system": "email", "value": "e@x"}],
        "link": [{"other": {"reference": "Patient/d"}, "type": "replaces"}],
    }


def test_what_is_left_leads_to_the_survivor(two: Any) -> None:
    merge(two, "d", "s")
    assert body(two, "d") == {
        "active": False,
        "link": [{"other": {"reference": "Patient/s"}, "type": "replaced-by"}],
    }
    assert two["Patient", "d"].version == 2 and two["Patient", "d"].ledger.into == "s"


def test_types_without_links_have_an_extension(desk: Any) -> None:
    desk.put("ehr", "Location", "s", {"name": "North", "status": "active"})
    desk.put("ehr", "Location", "d", {"name": "North Clinic"})
    merge(desk, "d", "s", "Location")
    base = "https://credence.health/fhir/StructureDefinition"
    left = {"url": f"{base}/replaced-by", "valueReference": {"reference": "Location/s"}}
    assert body(desk, "d", "Location") == {"status": "inactive", "extension": [left]}
    kept = {"url": f"{base}/replaces", "valueReference": {"reference": "Location/d"}}
    assert body(desk, "s", "Location")["extension"] == [kept]
    assert body(desk, "s", "Location")["status"] == "active"


def test_claims_keep_their_origin(two: Any) -> None:
    merge(two, "d", "s")
    claims = claims_on(two["Patient", "s"].ledger, "gender")
    assert [(claim.speaker, claim.origin, claim.stamp.position) for claim in claims] == [
        ("ehr", "", 1),
        ("ehr", "d", 2),
    ]


def test_silence_about_one_record_is_not_absence_in_the_other(two: Any) -> None:
    two.put("ehr", "Patient", "s", {**EVE, "photo": [{"title": "x"}]})
    merge(two, "d", "s")
    assert "gender" in body(two, "s") and "photo" in body(two, "s")


def test_absence_still_holds_within_its_record(two: Any) -> None:
    two.put("agent", "Patient", "d", {"maritalStatus": {"text": "single"}}, mode="partial")
    merge(two, "d", "s")
    assert "maritalStatus" not in body(two, "s")
    assert wins(two["Patient", "s"].ledger)["maritalStatus"].claim.value is None


def test_merge_then_unmerge_is_the_identity(two: Any) -> None:
    two.put("agent", "Patient", "d", {"gender": "male"}, mode="partial", confidence=Decimal("0.5"))
    two.rule("approve", "Patient", "d", "gender", "agent")
    before = ledgers(two, "s", "d"), body(two, "s"), body(two, "d")
    merge(two, "d", "s")
    assert body(two, "s")["gender"] == "male"
    written = unmerge(two, "d")
    assert written.key == Key("Patient", "d")
    assert (ledgers(two, "s", "d"), body(two, "s"), body(two, "d")) == before


def test_what_is_said_of_the_duplicate_later_is_decided_on_the_survivor(two: Any) -> None:
    merge(two, "d", "s")
    written = two.put("ehr", "Patient", "d", {**EVA, "gender": "other"})
    assert written.key == Key("Patient", "s") and written.named == Key("Patient", "d")
    assert written.held == ()
    assert body(two, "s")["gender"] == "other" and two["Patient", "d"].version == 2
    unmerge(two, "d")
    assert body(two, "d") == {**EVA, "gender": "other"} and body(two, "s") == EVE


def test_what_is_said_of_the_survivor_stays_there(two: Any) -> None:
    merge(two, "d", "s")
    two.put("ehr", "Patient", "s", {**EVE, "birthDate": "1981-02-03"})
    assert body(two, "s")["gender"] == "female"
    unmerge(two, "d")
    assert body(two, "s") == {**EVE, "birthDate": "1981-02-03"} and body(two, "d") == EVA


def test_a_patch_of_the_duplicate_changes_the_survivor(two: Any) -> None:
    merge(two, "d", "s")
    written = two.amend("ehr", "Patient", "d", gender="other")
    assert written.key.id == "s" and body(two, "s")["gender"] == "other"
    assert body(two, "s")["active"] is True


def test_deleting_the_duplicate_leaves_the_survivor(two: Any) -> None:
    merge(two, "d", "s")
    two.remove("ehr", "Patient", "d")
    assert "gender" not in body(two, "s") and body(two, "s")["name"] == [{"family": "Ander"}]
    unmerge(two, "d")
    assert two["Patient", "d"].deleted and not two["Patient", "s"].deleted


def test_both_records_deleted_is_deleted(two: Any) -> None:
    merge(two, "d", "s")
    two.remove("ehr", "Patient", "s")
    assert not two["Patient", "s"].deleted
    two.remove("ehr", "Patient", "d")
    assert two["Patient", "s"].deleted


def test_a_ruling_on_the_duplicates_claim_finds_it(two: Any) -> None:
    two.put("agent", "Patient", "d", {"gender": "male"}, mode="partial", confidence=Decimal("0.5"))
    claim = two.claim("Patient", "d", "gender", "agent")
    merge(two, "d", "s")
    from fhirserver.store.commands import Decide, Ruling

    for id in ("d", "s"):
        ruling = Ruling("approve", "gender", "agent", claim.stamp.position)
        two.submit("operator", Decide("Patient", id, [ruling]))
        assert body(two, "s")["gender"] == "male"
    unmerge(two, "d")
    assert body(two, "d")["gender"] == "male" and "gender" not in body(two, "s")


def test_a_correction_of_the_survivor_outlives_the_merge(two: Any) -> None:
    merge(two, "d", "s")
    two.correct("Patient", "s", {"gender": {"gender": "other"}})
    assert body(two, "s")["gender"] == "other"
    unmerge(two, "d")
    assert body(two, "s")["gender"] == "other" and body(two, "d")["gender"] == "female"


def test_chains(two: Any) -> None:
    two.put("ehr", "Patient", "a", {"maritalStatus": {"text": "single"}})
    before = ledgers(two, "a", "d", "s")
    merge(two, "a", "d")
    merge(two, "d", "s")
    assert body(two, "s")["maritalStatus"] == {"text": "single"}
    written = two.put("ehr", "Patient", "a", {"maritalStatus": {"text": "married"}})
    assert written.key.id == "s" and body(two, "s")["maritalStatus"] == {"text": "married"}
    two.put("ehr", "Patient", "a", {"maritalStatus": {"text": "single"}})
    unmerge(two, "d")
    assert body(two, "d")["maritalStatus"] == {"text": "single"} and body(two, "s") == EVE
    unmerge(two, "a")
    assert [body(two, id) for id in ("d", "s")] == [EVA, EVE]
    assert ledgers(two, "d", "s") == before[1:]


def test_the_first_of_a_chain_is_taken_out_first(two: Any) -> None:
    two.put("ehr", "Patient", "a", {"maritalStatus": {"text": "single"}})
    before = ledgers(two, "a", "d", "s")
    merge(two, "a", "d")
    merge(two, "d", "s")
    unmerge(two, "a")
    assert "maritalStatus" not in body(two, "s") and body(two, "a")
    unmerge(two, "d")
    assert ledgers(two, "a", "d", "s") == before


def test_two_into_one(two: Any) -> None:
    two.put("ehr", "Patient", "a", {"maritalStatus": {"text": "single"}})
    merge(two, "a", "s")
    merge(two, "d", "s")
    assert [link["other"]["reference"] for link in body(two, "s")["link"]] == ["Patient/a", "Patient/d"]
    unmerge(two, "a")
    assert body(two, "s")["gender"] == "female" and "maritalStatus" not in body(two, "s")


def test_what_cannot_be_merged(two: Any) -> None:
    two.put("ehr", "Patient", "a", EVE)
    two.put("ehr", "Coverage", "1", {"status": "active"})
    two.put("ehr", "Coverage", "2", {"status": "active"})
    with refused(Category.UNPROCESSABLE):
        merge(two, "s", "s")
    with refused(Category.UNPROCESSABLE):
        merge(two, "1", "2", "Coverage")
    with refused(Category.NOT_FOUND):
        merge(two, "nobody", "s")
    two.remove("ehr", "Patient", "a")
    with refused(Category.GONE):
        merge(two, "a", "s")
    with refused(Category.GONE):
        merge(two, "s", "a")
    with refused(Category.CONFLICT):
        unmerge(two, "s")
    merge(two, "d", "s")
    with refused(Category.CONFLICT):
        merge(two, "d", "s")
    with refused(Category.CONFLICT):
        merge(two, "s", "d")
    with refused(Category.FORBIDDEN):
        two.submit("agent", Merge("Organization", "s", "d"))


def test_references_follow_and_lead_back(two: Any) -> None:
    seen = {"status": "final", "subject": {"reference": "Patient/d"}}
    two.put("ehr", "Observation", "o", seen)
    before = dump_ledger(two["Observation", "o"].ledger)
    merge(two, "d", "s")
    assert two.submit("operator", Relink("Observation", "o")).results[0].changed
    assert two.world("Observation", "o")["subject"] == {"reference": "Patient/s"}
    assert two.submit("operator", Relink("Observation", "o")).commit == ""
    assert two["Observation", "o"].world.units["subject"] == {"subject": {"reference": "Patient/d"}}
    unmerge(two, "d")
    two.submit("operator", Relink("Observation", "o"))
    assert two.world("Observation", "o")["subject"] == {"reference": "Patient/d"}
    assert dump_ledger(two["Observation", "o"].ledger) == before


def test_what_arrives_later_follows_at_once(two: Any) -> None:
    merge(two, "d", "s")
    two.put("ehr", "Observation", "o", {"status": "final", "subject": {"reference": "Patient/d"}})
    assert two.world("Observation", "o")["subject"] == {"reference": "Patient/s"}
    two.put("ehr", "Observation", "o", {"status": "final", "subject": {"reference": "Patient/x"}})
    assert two["Observation", "o"].ledger.links == {}


def test_sending_back_what_was_read_keeps_the_sources_own_words(two: Any) -> None:
    two.put("ehr", "Observation", "o", {"status": "final", "subject": {"reference": "Patient/d"}})
    merge(two, "d", "s")
    two.submit("operator", Relink("Observation", "o"))
    two.put("ehr", "Observation", "o", {**two.world("Observation", "o"), "status": "amended"})
    two.put("ehr", "Patient", "s", {**two.world("Patient", "s"), "birthDate": "1981-02-03"})
    unmerge(two, "d")
    two.submit("operator", Relink("Observation", "o"))
    assert body(two, "o", "Observation") == {"status": "amended", "subject": {"reference": "Patient/d"}}
    assert "link" not in body(two, "s")


def test_a_statement_of_what_replaces_what_is_left_alone(two: Any) -> None:
    link = {"other": {"reference": "Patient/d"}, "type": "replaces"}
    also = {"other": {"reference": "Patient/d"}, "type": "seealso"}
    two.put("ehr", "Patient", "s", {**EVE, "link": [link]})
    two.put("ehr", "Patient", "x", {**EVE, "link": [also, link]})
    merge(two, "d", "s")
    two.submit("operator", Relink("Patient", "x"))
    assert body(two, "s")["link"] == [link]
    assert body(two, "x")["link"] == [{**also, "other": {"reference": "Patient/s"}}, link]


def test_within_one_command(desk: Any) -> None:
    """A patient, the merge and a reference to the duplicate in one commit."""
    made = [Put("Patient", id, {"resourceType": "Patient", "id": id, **EVE}) for id in ("s", "d")]
    seen = {"resourceType": "Observation", "id": "o", "subject": {"reference": "Patient/d"}}
    desk.submit("operator", *made, Merge("Patient", "d", "s"), Put("Observation", "o", seen))
    assert desk.world("Observation", "o")["subject"] == {"reference": "Patient/s"}


def test_a_plain_ledger_has_not_grown(desk: Any) -> None:
    desk.put("ehr", "Patient", "s", EVE)
    at = desk.commits[0].recorded
    assert dump_ledger(desk["Patient", "s"].ledger) == dumps(
        {"v": [{"s": "ehr", "t": [[1, at, Decimal("1.0")]], "f": 0}]}
    )
