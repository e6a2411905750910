"""Units over generated content of every resource type: apart and together again, by business key at the top level."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fhirserver.kernel.json import JsonObject, canonical, dumps, loads
from fhirserver.model.definitions import definitions
from fhirserver.ports.log import Commit, Statement
from fhirserver.world.entity import apply, from_row
from fhirserver.world.ledger import dump_ledger, load_ledger
from fhirserver.world.policy import units_of
from fhirserver.world.render import clean
from fhirserver.world.units import join, member_of, restated, same_order, split, unit_of_member

TYPES = sorted(definitions().resource_types)
KEYED = {"Identifier", "ContactPoint", "HumanName", "Address", "Extension"}
VALUES: dict[str, list[Any]] = {
    "boolean": [True, False],
    "integer": [0, 7],
    "positiveInt": [1, 2],
    "unsignedInt": [0, 3],
    "decimal": [Decimal("1.0"), Decimal("1.00")],
    "Identifier": [{"system": "urn:mrn", "value": "7"}, {"system": "urn:mrn", "value": "8"}, {"value": "7"}],
    "ContactPoint": [
        {"system": "phone", "value": "555-123-4567"},
        {"system": "phone", "value": "(555) 123 4567"},
        {"system": "email", "value": "A@x.org"},
    ],
    "HumanName": [
        {"family": "Ánder", "given": ["Eve"]},
        {"family": "ander", "given": ["eve"]},
        {"text": "E"},
    ],
    "Address": [{"line": ["1 Main St"], "postalCode": "02139"}, {"text": "1 Main St"}],
    "Extension": [{"url": "urn:a", "valueCode": "x"}, {"url": "urn:b"}, {"url": "x]"}, {"url": "urn:a#2"}],
    "Reference": [{"reference": "Patient/1"}, {"display": "x"}],
    "Meta": [{"tag": [{"code": "x"}]}],
    "Resource": [{"resourceType": "Patient", "id": "c"}],
}


def value(pick: Random, type: str) -> Any:
    found = definitions().type(type)
    if type in VALUES:
        return pick.choice(VALUES[type])
    return (
        pick.choice(["a", "b"])
        if found is None or found.kind == "primitive-type"
        else {"id": pick.choice("xy")}
    )


def content(pick: Random, type: str) -> JsonObject:
    """Some members of a type, of every kind there is; a choice in one of its types."""
    elements = definitions().type(type)
    assert elements is not None
    made: JsonObject = {}
    chosen: set[str] = set()
    names = sorted(elements.elements)
    pick.shuffle(names)
    for name in names:
        element = elements.elements[name]
        if name == "id" or element.choice in chosen or pick.random() < 0.4:
            continue
        if element.choice:
            chosen.add(element.choice)
        items = [value(pick, element.type) for _ in range(pick.randint(1, 4) if element.is_list else 1)]
        made[name] = items if element.is_list else items[0]
        kind = definitions().type(element.type)
        if kind and kind.kind == "primitive-type" and pick.random() < 0.3:
            sibling = {"id": pick.choice("xy")}
            made[f"_{name}"] = [sibling, *[None] * (len(items) - 1)] if element.is_list else sibling
    return made


seeds = st.integers(0, 2**32).map(Random)


@settings(max_examples=3, deadline=None)
@given(seeds)
def test_apart_and_together_is_the_identity_for_every_type(pick: Random) -> None:
    for type in TYPES:
        made = content(pick, type)
        units = split(type, made)
        assert canonical(join(units)) == canonical(made), type
        assert split(type, join(units)) == units and same_order(split(type, join(units)), units), type
        assert {member_of(unit) for unit in units} == {unit_of_member(type, member) for member in made}, type
        assert {member_of(unit) for unit in units} <= units_of(type), type
        assert restated(units, units) == units


@settings(max_examples=3, deadline=None)
@given(seeds)
def test_lists_of_items_with_a_business_key_come_apart_and_nothing_else_does(pick: Random) -> None:
    for type in TYPES:
        elements = definitions().type(type)
        assert elements is not None
        for name, items in content(pick, type).items():
            element = elements.elements.get(name.removeprefix("_"))
            units = split(type, {name: items})
            if element is None or not (element.is_list and element.type in KEYED):
                assert list(units) == [unit_of_member(type, name)], f"{type}.{name} is one unit"
            else:
                assert all(unit.startswith(f"{name}[") for unit in units), f"{type}.{name}"
                assert sum(len(value) for value in units.values()) == len(items)


def test_a_single_identifier_and_what_is_nested_are_no_units_of_their_own() -> None:
    identifier = {"system": "urn:mrn", "value": "7"}
    for type in ("Bundle", "Composition", "QuestionnaireResponse"):
        assert list(split(type, {"identifier": identifier})) == ["identifier"]
    contact = [{"telecom": [{"system": "phone", "value": "1"}], "name": {"family": "A"}}]
    assert list(split("Patient", {"contact": contact})) == ["contact"]


@settings(max_examples=2, deadline=None)
@given(seeds)
def test_a_ledger_holds_the_claims_of_any_type(pick: Random) -> None:
    """Stated twice by two sources, written to a row and read back: the same bytes and the same world."""
    for type in TYPES:
        entity = None
        for position, source in enumerate(("ehr", "form", "ehr"), 1):
            event = {
                "e": "asserted",
                "type": type,
                "id": "1",
                "pk": 1,
                "confidence": Decimal("1.0") if source == "ehr" else Decimal("0.5"),
                "content": clean(content(pick, type)),
                "full": pick.random() < 0.5,
            }
            commit = Commit(position, "c", f"2026-01-0{position}T00:00:00.000Z", 1, Statement(source))
            entity = apply(entity, event, commit)
            row = entity.as_row()
            again = from_row(row)
            assert again.as_row() == row and dumps(again.json) == dumps(loads(dumps(entity.json))), type
            assert load_ledger(dump_ledger(entity.ledger), entity.ledger.views[0].units) == entity.ledger
