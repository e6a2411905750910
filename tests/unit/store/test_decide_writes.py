"""Each write kind and each refusal. DESIGN §§3, 4.2."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from fhirserver.kernel.outcomes import Category, Issue, Refusal
from fhirserver.ports.log import Statement
from fhirserver.ports.storage import Key
from fhirserver.store.commands import Amend, Note, Put, Remove
from fhirserver.store.state import Policies
from fhirserver.world.sources import Source

EVE = {"name": [{"family": "Ander"}], "birthDate": "1980-02-03"}


def refused(category: Category) -> Any:
    return pytest.raises(Refusal, match=f"^{category.name}")


def put(id: str, content: dict[str, Any], type: str = "Patient", **more: Any) -> Put:
    stated_id = {} if "where" in more else {"id": id}
    return Put(type, id, {"resourceType": type, **stated_id, **content}, **more)


def test_put_then_get_returns_what_was_put(desk: Any) -> None:
    written = desk.put("ehr", "Patient", "1", EVE, create=True)
    assert written.created and written.changed and written.held == ()
    world = desk.world("Patient", "1")
    assert {name: value for name, value in world.items() if name != "meta"} == {
        "resourceType": "Patient",
        "id": "1",
        **EVE,
    }
    assert world["meta"]["versionId"] == "1"
    assert world["meta"]["source"] == "urn:credence:source:ehr"


def test_put_replaces_and_counts_versions(desk: Any) -> None:
    desk.put("ehr", "Patient", "1", EVE)
    written = desk.put("ehr", "Patient", "1", {"gender": "female"})
    assert (written.created, written.changed, written.version.version) == (False, True, 2)
    assert "birthDate" not in desk.world("Patient", "1") and "name" not in desk.world("Patient", "1")


def test_a_write_that_changes_nothing_makes_no_version_and_no_event(desk: Any) -> None:
    desk.put("ehr", "Patient", "1", EVE)
    outcome = desk.submit("ehr", put("1", EVE))
    assert outcome.commit == "" and outcome.position == 1
    assert not outcome.results[0].changed and outcome.results[0].version.version == 1
    assert len(desk.commits) == 1


def test_sending_back_what_was_read_changes_nothing(desk: Any) -> None:
    desk.put("ehr", "Patient", "1", EVE, confidences={"birthDate": Decimal("0.5")})
    assert desk.world("Patient", "1")["_birthDate"]["extension"]
    desk.put("ehr", "Patient", "1", desk.world("Patient", "1"), confidences={"birthDate": Decimal("0.5")})
    assert len(desk.commits) == 1


def test_the_order_of_items_is_part_of_what_was_put(desk: Any) -> None:
    names = [{"family": "Ander"}, {"family": "Berg"}]
    desk.put("ehr", "Patient", "1", {"name": names})
    written = desk.put("ehr", "Patient", "1", {"name": names[::-1]})
    assert written.changed and desk.world("Patient", "1")["name"] == names[::-1]


def test_a_source_may_not_write_every_type(desk: Any) -> None:
    with refused(Category.FORBIDDEN):
        desk.put("agent", "Observation", "1", {"status": "final"})
    with refused(Category.FORBIDDEN):
        desk.put("nobody", "Patient", "1", EVE)


def test_a_source_may_not_claim_above_its_ceiling(desk: Any) -> None:
    with refused(Category.UNPROCESSABLE):
        desk.put("agent", "Patient", "1", EVE, confidence=Decimal("0.7"))
    with refused(Category.UNPROCESSABLE):
        desk.put("agent", "Patient", "1", EVE, confidence=Decimal("-0.1"))
    with refused(Category.UNPROCESSABLE):
        desk.put("agent", "Patient", "1", EVE, confidences={"birthDate": Decimal("0.9")})


def test_an_effective_time_must_be_one(desk: Any) -> None:
    with refused(Category.UNPROCESSABLE):
        desk.put("ehr", "Patient", "1", EVE, effective="last week")


def test_effective_times_compare_as_times_not_as_text(desk: Any) -> None:
    desk.put("ehr", "Patient", "1", {"gender": "male"}, effective="2026-01-01T10:00:00+05:00")
    desk.put("lab", "Patient", "1", {"gender": "female"}, effective="2026-01-01T09:00:00Z")
    assert desk.world("Patient", "1")["gender"] == "female"
    desk.put("ehr", "Patient", "1", {"gender": "other"}, effective="2026-01")
    assert desk.world("Patient", "1")["gender"] == "female"


def test_if_match(desk: Any) -> None:
    with refused(Category.PRECONDITION_FAILED):
        desk.put("ehr", "Patient", "1", EVE, if_match=1)
    desk.put("ehr", "Patient", "1", EVE)
    desk.put("ehr", "Patient", "1", {"gender": "male"}, if_match=1)
    with refused(Category.PRECONDITION_FAILED):
        desk.put("ehr", "Patient", "1", EVE, if_match=1)
    with refused(Category.PRECONDITION_FAILED):
        desk.submit("ehr", Remove("Patient", "1", if_match=1))
    with refused(Category.PRECONDITION_FAILED):
        desk.submit("ehr", Amend("Patient", "1", dict, if_match=1))


def test_a_create_must_be_new(desk: Any) -> None:
    desk.put("ehr", "Patient", "1", EVE)
    for flag in ("create", "if_absent"):
        with refused(Category.PRECONDITION_FAILED):
            desk.put("ehr", "Patient", "1", EVE, **{flag: True})


def test_one_refused_write_refuses_the_command(desk: Any) -> None:
    with refused(Category.PRECONDITION_FAILED):
        desk.submit("ehr", put("1", EVE), put("2", EVE, if_match=7))
    assert desk.state.entities == {} and desk.state.serial == 0


def test_conditional_create(desk: Any) -> None:
    desk.put("ehr", "Patient", "1", EVE)
    one = desk.submit("ehr", put("2", EVE, unless="c"), matches={"c": [Key("Patient", "1")]})
    assert one.results[0].matched and one.results[0].key.id == "1" and one.commit == ""
    none = desk.submit("ehr", put("3", EVE, unless="c"), matches={"c": []})
    assert none.results[0].created
    with refused(Category.PRECONDITION_FAILED):
        desk.submit(
            "ehr", put("4", EVE, unless="c"), matches={"c": [Key("Patient", "1"), Key("Patient", "3")]}
        )


def test_conditional_update(desk: Any) -> None:
    desk.put("ehr", "Patient", "1", EVE)
    one = desk.submit("ehr", put("2", {"gender": "male"}, where="c"), matches={"c": [Key("Patient", "1")]})
    assert one.results[0].key.id == "1" and desk.world("Patient", "1")["gender"] == "male"
    none = desk.submit("ehr", put("3", EVE, where="c"), matches={"c": []})
    assert none.results[0].created and none.results[0].key.id == "3"


def test_conditional_references_and_substitutes(desk: Any) -> None:
    desk.put("ehr", "Patient", "1", EVE)
    visit = {
        "status": "finished",
        "subject": {"reference": "Patient/new"},
        "partOf": {"reference": "Encounter?identifier=x|y"},
    }
    desk.put("ehr", "Encounter", "e", {"status": "finished"})
    matches = {"c": [Key("Patient", "1")], "Encounter?identifier=x|y": [Key("Encounter", "e")]}
    desk.submit("ehr", put("new", EVE, unless="c"), put("9", visit, "Encounter"), matches=matches)
    world = desk.world("Encounter", "9")
    assert world["subject"]["reference"] == "Patient/1" and world["partOf"]["reference"] == "Encounter/e"
    assert visit["subject"] == {"reference": "Patient/new"}, "the command itself is not touched"
    for found in ([], [Key("Encounter", "e"), Key("Encounter", "9")]):
        with refused(Category.PRECONDITION_FAILED):
            desk.submit("ehr", put("8", visit, "Encounter"), matches={"Encounter?identifier=x|y": found})


def test_references_keep_decimal_text(desk: Any) -> None:
    from fhirserver.kernel.json import dumps, loads

    content = loads(
        b'{"status":"final","valueQuantity":{"value":1.0e2},"subject":{"reference":"Patient?x=1"}}'
    )
    desk.submit("ehr", put("1", content, "Observation"), matches={"Patient?x=1": [Key("Patient", "1")]})
    assert b'"value":1.0e2' in dumps(desk.world("Observation", "1"))
    desk.amend("ehr", "Observation", "1", status="amended")
    assert b'"value":1.0e2' in dumps(desk.world("Observation", "1"))


def test_one_commit_makes_at_most_one_version(desk: Any) -> None:
    outcome = desk.submit("ehr", put("1", EVE), put("1", {"gender": "male"}), put("2", EVE))
    assert desk["Patient", "1"].version == 1 and desk.world("Patient", "1")["gender"] == "male"
    assert (desk["Patient", "1"].pk, desk["Patient", "2"].pk) == (1, 2)
    assert desk.state.serial == 2 and outcome.position == 1
    desk.submit("ehr", put("1", EVE), put("1", {"gender": "female"}))
    assert desk["Patient", "1"].version == 2


def test_remove(desk: Any) -> None:
    desk.put("ehr", "Patient", "1", EVE)
    gone = desk.remove("ehr", "Patient", "1").version
    assert (gone.deleted, gone.version) == (True, 2)
    assert desk["Patient", "1"].deleted and desk["Patient", "1"].version == 2
    assert desk.submit("ehr", Remove("Patient", "1")).commit == "", "again is nothing new"
    assert desk.submit("ehr", Remove("Patient", "0")).commit == "", "what never was is not there already"
    with refused(Category.GONE):
        desk.amend("ehr", "Patient", "1", gender="male")
    with refused(Category.NOT_FOUND):
        desk.amend("ehr", "Patient", "0", gender="male")
    written = desk.put("ehr", "Patient", "1", EVE)
    assert written.created and written.version.version == 3


def test_amend_states_only_what_changed(desk: Any) -> None:
    desk.put("ehr", "Patient", "1", EVE)
    desk.amend("agent", "Patient", "1", telecom=[{"system": "phone", "value": "555-123-4567"}], name=None)
    event = desk.commits[-1].events[0]
    assert set(event["content"]) == {"telecom"} and not event.get("full")
    assert [unit.partition("[")[0] for unit in event["absent"]] == ["name"]
    assert desk.world("Patient", "1")["birthDate"] == "1980-02-03"
    assert desk.submit("ehr", Amend("Patient", "1", dict)).commit == ""


def test_amend_may_not_change_identity_nor_break_the_resource(desk: Any) -> None:
    desk.put("ehr", "Patient", "1", EVE)
    with refused(Category.UNPROCESSABLE):
        desk.submit("ehr", Amend("Patient", "1", lambda content: {**content, "id": "2"}))
    desk.policies = Policies(desk.policies.sources, lambda _: [Issue("structure", "wrong", ("Patient",))])
    with refused(Category.UNPROCESSABLE):
        desk.amend("ehr", "Patient", "1", gender="male")


def test_note_advance(desk: Any) -> None:
    desk.submit("ehr", Note("checkpoint", "f", {"position": 5}, advance=True))
    for position in (4, 5):
        with refused(Category.CONFLICT):
            desk.submit("ehr", put("1", EVE), Note("checkpoint", "f", {"position": position}, advance=True))
    assert Key("Patient", "1") not in desk.state.entities, "the effect falls with its checkpoint"
    desk.submit("ehr", Note("checkpoint", "f", {"position": 6}, advance=True))
    assert desk.fact("checkpoint", "f").value == {"position": 6}
    assert desk.submit("ehr", Note("checkpoint", "f", {"position": 6})).commit == ""


def test_an_entry_may_have_its_own_statement(desk: Any) -> None:
    own = Statement("agent", confidence=Decimal("0.5"), entity=({"role": "source"},))
    desk.submit("ehr", put("1", EVE), put("1", {"gender": "male"}, statement=own))
    event = desk.commits[-1].events[1]
    assert event["source"] == "agent" and event["entity"] == [{"role": "source"}]
    assert {view.source for view in desk["Patient", "1"].ledger.views} == {"agent", "ehr"}


def test_sources_default_to_their_base() -> None:
    source = Source("x", base=Decimal("0.5"))
    assert source.confidence(None, "Patient") == Decimal("0.5")
