"""Index values made before the decision are those that the decided resource has."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from fhirserver.kernel.json import JsonObject
from fhirserver.model.definitions import SearchParameter
from fhirserver.ports.log import Statement
from fhirserver.ports.storage import Key
from fhirserver.search.defined import Parameters
from fhirserver.search.index import extract
from fhirserver.storage.memory.storage import MemoryStorage
from fhirserver.store.commands import Command, Put
from fhirserver.store.decide import decide
from fhirserver.store.search_parameters import SearchParameters
from fhirserver.world.render import clean
from tests.unit.world.test_units_of_examples import examples, needs_corpus

NOW = "2026-11-22T10:00:00.000Z"


def parameters() -> SearchParameters:
    return SearchParameters(MemoryStorage())


def prepared(known: SearchParameters, put: Put) -> Put:
    content = clean(put.content)
    return replace(
        put, content=content, prepared=known.prepare({**content, "resourceType": put.type, "id": put.id})
    )


def decided(desk: Any, source: str, put: Put) -> Any:
    return decide(desk.state, Command(Statement(source), (put,)), desk.policies, NOW)


def put(resource: JsonObject, **more: Any) -> Put:
    return Put(resource["resourceType"], resource["id"], resource, **more)


@needs_corpus
def test_the_official_examples_are_indexed_as_if_nothing_was_prepared(desk: Any) -> None:
    known, seen = parameters(), 0
    for example in examples():
        made = decided(desk, "ehr", prepared(known, put(example)))
        entity = made.entities[0]
        values = known.completed(made.prepared[entity.key], entity.json)
        assert sorted(map(repr, values)) == sorted(map(repr, extract(entity.json)))
        seen += len(values)
    assert seen > 3000


def test_what_others_said_too_is_not_indexed_by_one_statement(desk: Any) -> None:
    ada = {"resourceType": "Patient", "id": "1", "name": [{"family": "Ada"}]}
    desk.put("lab", "Patient", "1", {"gender": "female"})
    assert decided(desk, "ehr", prepared(parameters(), put(ada))).prepared == {}


def test_what_is_trusted_less_is_indexed_with_its_marks(desk: Any) -> None:
    ada = {"resourceType": "Patient", "id": "1", "name": [{"family": "Ada"}], "birthDate": "1980-02-03"}
    stated = put(ada, confidences={"birthDate": Decimal("0.5")})
    assert decided(desk, "ehr", prepared(parameters(), stated)).prepared == {}
    assert decided(desk, "ehr", prepared(parameters(), put(ada))).prepared.keys() == {Key("Patient", "1")}


def test_a_match_of_a_condition_is_not_what_was_prepared(desk: Any) -> None:
    desk.put("ehr", "Patient", "1", {"gender": "female"})
    stated = prepared(
        parameters(), Put("Patient", "new", {"resourceType": "Patient", "active": True}, where="Patient?a=b")
    )
    made = decide(
        desk.state,
        Command(Statement("ehr"), (stated,), {"Patient?a=b": None}),  # type: ignore[dict-item]
        desk.policies,
        NOW,
        {"Patient?a=b": [Key("Patient", "1")]},
    )
    assert made.entities[0].key == Key("Patient", "1")
    assert made.prepared == {}


def test_parameters_that_may_read_meta_leave_nothing_to_prepare(desk: Any) -> None:
    known = parameters()
    ada = {"resourceType": "Patient", "id": "1", "name": [{"family": "Ada"}]}
    for way in ("where(meta.source.exists()).name.family", "descendants().ofType(HumanName).family"):
        own = SearchParameter("seen", "urn:test", "string", f"Patient.{way}")
        known.current = Parameters({"Patient": {"seen": own}})
        assert known.prepare(ada) is None
    own = SearchParameter("seen", "urn:test", "string", "Patient.name.family")
    known.current = Parameters({"Patient": {"seen": own}})
    assert known.prepare(ada) is not None


def test_values_by_other_parameters_than_today_s_are_made_again(desk: Any) -> None:
    known = parameters()
    ada = {"resourceType": "Patient", "id": "1", "name": [{"family": "Ada"}]}
    made = decided(desk, "ehr", prepared(known, put(ada)))
    own = SearchParameter("seen", "urn:test", "string", "Patient.name.family")
    known.current = Parameters({"Patient": {"seen": own}})
    entity = made.entities[0]
    assert any(value[0] == "seen" for value in known.completed(made.prepared[entity.key], entity.json))
