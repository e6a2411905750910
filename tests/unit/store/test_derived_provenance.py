"""One Provenance per command, derived from the log. DESIGN §4.3; https://hl7.org/fhir/R4/provenance.html"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from fhirserver.model.validation import validate
from fhirserver.ports.log import Statement
from fhirserver.store.commands import Note, Put
from fhirserver.store.provenance import provenance
from fhirserver.world.vocabulary import TARGET_ELEMENT

EVE = {"name": [{"family": "Ander"}], "gender": "female"}


def derived(desk: Any) -> Any:
    resource = provenance(desk.commits[-1])
    assert resource is not None
    assert [issue for issue in validate(resource) if issue.severity in ("error", "fatal")] == []
    return resource


def test_targets_are_versioned(desk: Any) -> None:
    desk.put("ehr", "Patient", "1", EVE)
    desk.put("ehr", "Patient", "1", {"gender": "male"})
    resource = derived(desk)
    assert resource["target"] == [{"reference": "Patient/1/_history/2"}]
    assert resource["recorded"] == desk.commits[-1].recorded and resource["id"] == desk.commits[-1].id


def test_partial_statements_name_their_elements(desk: Any) -> None:
    desk.put("ehr", "Patient", "1", EVE)
    desk.amend("agent", "Patient", "1", deceasedBoolean=False, gender=None)
    paths = [(item["url"], item["valueString"]) for item in derived(desk)["target"][0]["extension"]]
    assert paths == [(TARGET_ELEMENT, "Patient.deceased"), (TARGET_ELEMENT, "Patient.gender")]


def test_rulings_and_removals_have_one(desk: Any) -> None:
    desk.put("ehr", "Patient", "1", EVE)
    desk.rule("verify", "Patient", "1", "gender", "ehr")
    assert derived(desk)["activity"]["coding"][0]["code"] == "decide"
    desk.remove("ehr", "Patient", "1")
    assert derived(desk)["target"] == [{"reference": "Patient/1/_history/2"}]


def test_a_transaction_has_one_with_a_target_per_version(desk: Any) -> None:
    writes = [Put("Patient", id, {"resourceType": "Patient", "id": id, **EVE}) for id in ("1", "2", "1")]
    desk.submit("ehr", *writes)
    assert [target["reference"] for target in derived(desk)["target"]] == [
        "Patient/1/_history/1",
        "Patient/2/_history/1",
    ]


def test_who_how_and_on_what_evidence(desk: Any) -> None:
    agent = ({"who": {"display": "Call 7"}},)
    entity = ({"role": "source", "what": {"reference": "Communication/7"}},)
    own = Statement(
        "agent",
        agent=({"who": {"display": "Line 2"}},),
        entity=({"role": "source", "what": {"display": "x"}},),
    )
    patient = {"resourceType": "Patient", **EVE}
    desk.submit(
        "agent",
        Put("Patient", "1", {**patient, "id": "1"}),
        Put("Patient", "2", {**patient, "id": "2"}, statement=own),
        agent=agent,
        entity=entity,
        method="voice",
        effective="2026-11-22",
        confidence=Decimal("0.5"),
    )
    resource = derived(desk)
    assert [who["who"]["display"] for who in resource["agent"]] == ["Call 7", "Line 2"]
    assert len(resource["entity"]) == 2 and resource["occurredDateTime"] == "2026-11-22"
    assert [item.get("valueDecimal") or item.get("valueCode") for item in resource["extension"]] == [
        Decimal("0.5"),
        "voice",
    ]


def test_a_note_alone_has_none(desk: Any) -> None:
    desk.submit("ehr", Note("checkpoint", "f", {"position": 1}))
    assert provenance(desk.commits[-1]) is None
