"""Units and rendering over the official examples: apart and together again, with and without marks."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirserver.kernel.json import JsonObject, canonical, dumps, loads
from fhirserver.ports.log import Commit, Statement
from fhirserver.world.entity import apply, from_row
from fhirserver.world.render import clean, render
from fhirserver.world.survivorship import World
from fhirserver.world.units import join, member_of, split

CORPUS = Path(__file__).parents[4] / "shared/corpus/fhir-r4/examples-half.tar.xz"
BODY = ("resourceType", "id", "meta")

needs_corpus = pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not here")


@cache
def examples() -> tuple[JsonObject, ...]:
    return tuple(_read_examples())


def _read_examples() -> Iterator[JsonObject]:
    with tarfile.open(CORPUS) as packed:
        for member in packed:
            file = packed.extractfile(member) if member.name.endswith(".json") else None
            if file is not None:
                yield loads(file.read())


def without(content: JsonObject, *members: str) -> JsonObject:
    return {name: value for name, value in content.items() if name not in members}


@needs_corpus
def test_examples_come_apart_and_together_again() -> None:
    assert len(examples()) > 300
    for example in examples():
        joined = join(split(example["resourceType"], example))
        assert canonical(joined) == canonical(without(example, "resourceType", "id")), example["id"]


@needs_corpus
def test_marks_put_on_can_be_taken_off() -> None:
    for example in examples():
        units = split(example["resourceType"], clean(example))
        lower = dict.fromkeys(units, Decimal("0.5"))
        world = World(units, Decimal("1.0"), lower, False, ("ehr",))
        shown = render(example["resourceType"], example["id"], 1, "2026-01-01T00:00:00.000Z", world)
        again = split(example["resourceType"], clean(loads(dumps(shown))))
        assert dumps(again) == dumps(units), example["id"]


@needs_corpus
def test_an_uncontested_example_is_one_entry_and_is_shown_as_it_was_put() -> None:
    for example in examples():
        event = {
            "e": "asserted",
            "type": example["resourceType"],
            "id": example["id"],
            "pk": 1,
            "confidence": Decimal("1.0"),
            "content": without(clean(example), "resourceType", "id"),
            "full": True,
        }
        entity = apply(None, event, Commit(1, "c", "2026-01-01T00:00:00.000Z", 1, Statement("ehr")))
        assert canonical(without(entity.json, *BODY)) == canonical(without(example, *BODY))
        row = entity.as_row()
        if not any("]#" in unit for unit in entity.world.units):
            assert row.ledger == b'{"v":[{"s":"ehr","t":[[1,"2026-01-01T00:00:00.000Z",1.0]],"f":0}]}'
        again = from_row(row)
        assert again.as_row() == row and again.world == entity.world and again.ledger == entity.ledger


def test_business_keys() -> None:
    units = split(
        "Patient",
        {
            "identifier": [{"system": "urn:mrn", "value": "7"}],
            "telecom": [
                {"system": "phone", "value": "(555) 123-4567", "use": "home"},
                {"system": "phone", "value": "+1 555 123 4567", "use": "work"},
                {"system": "email", "value": "Eve@Example.org"},
            ],
            "name": [{"use": "official", "family": "Ánder", "given": ["Eve", "M"]}],
            "address": [{"line": ["1  Main St"], "postalCode": "02139", "city": "X"}],
            "extension": [{"url": "urn:e", "valueBoolean": True}],
            "birthDate": "1980-02-03",
            "_birthDate": {"id": "b"},
            "deceasedBoolean": False,
        },
    )
    assert list(units) == [
        "identifier[urn:mrn|7]",
        "telecom[phone|+15551234567]",
        "telecom[email|eve@example.org]",
        "name[official|ander|eve m]",
        "address[|1 main st|02139]",
        "extension[urn:e]",
        "birthDate",
        "deceased[x]",
    ]
    assert len(units["telecom[phone|+15551234567]"]) == 2
    assert units["birthDate"] == {"birthDate": "1980-02-03", "_birthDate": {"id": "b"}}


def test_items_keep_their_order_when_a_key_comes_again() -> None:
    items = [{"system": "phone", "value": value} for value in ("111", "222", "111", "333", "111")]
    assert join(split("Patient", {"telecom": items})) == {"telecom": items}


@given(
    st.lists(
        st.fixed_dictionaries({}, optional={"system": st.text(max_size=3), "value": st.text(max_size=5)})
    ),
    st.lists(st.fixed_dictionaries({"url": st.sampled_from(["x", "x]", "a[x]", "#2", "b"])}), max_size=4),
)
def test_any_items_come_together_again(identifiers: list[JsonObject], extensions: list[JsonObject]) -> None:
    content = {"identifier": identifiers, "extension": extensions, "valueX": 1}
    content = {name: value for name, value in content.items() if value != []}
    units = split("Patient", content)
    assert join(units) == content
    assert {member_of(unit) for unit in units} == set(content)


def test_a_primitive_list_is_marked_and_cleaned() -> None:
    content = {"instantiatesUri": ["urn:a", "urn:b"], "_instantiatesUri": [None, {"id": "x"}]}
    units = split("CarePlan", content)
    world = World(units, Decimal("1.0"), dict.fromkeys(units, Decimal("0.5")), False, ("ehr",))
    shown = render("CarePlan", "1", 1, "2026-01-01T00:00:00.000Z", world)
    assert [len(item["extension"]) for item in shown["_instantiatesUri"]] == [1, 1]
    assert join(split("CarePlan", clean(shown))) == content
