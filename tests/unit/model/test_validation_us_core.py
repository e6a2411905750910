"""US Core: its examples are valid, and a rule of a profile that is broken is named with its place."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from fhirserver.kernel.json import dumps, loads
from fhirserver.model.validation.profiles import Validator
from terminology.service import TerminologyService
from tests.corpus.loaded import Loaded, package
from tests.unit.model.corpus import CORPUS
from tests.unit.model.profiles import issues

Json = dict[str, Any]
Change = Callable[[Json], object]


@cache
def us_core() -> tuple[Validator, dict[str, Json]]:
    archive = CORPUS / "us-core" / "us_core_610.tgz"
    if not archive.exists():
        pytest.skip(f"{archive} is not on this machine")
    content = list(package(archive))
    loaded = Loaded(resource for name, resource in content if "/example" not in name)
    examples = {r["resourceType"] + "/" + r["id"]: r for name, r in content if "/example" in name}
    return Validator(loaded, TerminologyService(loaded.find)), examples


def without(*names: str) -> Change:
    def change(resource: Json) -> None:
        node: Any = resource
        for name in names[:-1]:
            node = node[int(name)] if name.isdigit() else node[name]
        del node[int(names[-1]) if names[-1].isdigit() else names[-1]]

    return change


def put(value: Any, *names: str) -> Change:
    def change(resource: Json) -> None:
        node: Any = resource
        for name in names[:-1]:
            node = node[int(name)] if name.isdigit() else node[name]
        node[int(names[-1]) if names[-1].isdigit() else names[-1]] = value

    return change


CODING = {"coding": [{"system": "http://x.test", "code": "x"}]}


@pytest.mark.parametrize(
    ("example", "change", "place"),
    [
        ("Patient/example", without("identifier"), "Patient.identifier"),
        ("Patient/example", without("gender"), "Patient.gender"),
        ("Patient/example", without("identifier", "0", "system"), "Patient.identifier[0].system"),
        ("Patient/example", put([{"use": "old"}], "name"), "Patient.name[0]"),
        ("Patient/example", put("x", "extension", "0", "extension", "0", "valueString"), "Patient.extension[0]"),
        ("Patient/example", without("telecom", "0", "system"), "Patient.telecom[0].system"),
        ("Observation/blood-pressure", without("component", "0"), "Observation.component"),
        ("Observation/blood-pressure", without("category"), "Observation.category"),
        ("Observation/blood-pressure", put("cm", "component", "0", "valueQuantity", "code"),
         "Observation.component[0].value.ofType(Quantity).code"),
        ("Observation/blood-pressure", without("subject"), "Observation.subject"),
        ("Observation/blood-pressure", put({"reference": "Device/1"}, "subject"), "Observation.subject"),
        ("Observation/blood-pressure", put(CODING, "code"), "Observation.code"),
        ("Observation/weight", put("cm", "valueQuantity", "code"), "Observation.value.ofType(Quantity).code"),
        ("Observation/weight", without("valueQuantity", "unit"), "Observation.value.ofType(Quantity).unit"),
        ("Condition/condition-duodenal-ulcer", without("code"), "Condition.code"),
        ("Encounter/example-1", without("type"), "Encounter.type"),
        ("AllergyIntolerance/example", without("code"), "AllergyIntolerance.code"),
        ("AllergyIntolerance/example", put(CODING, "clinicalStatus"), "AllergyIntolerance.clinicalStatus"),
        ("CarePlan/colonoscopy", without("category"), "CarePlan.category"),
        ("DocumentReference/episode-summary", without("category"), "DocumentReference.category"),
        ("Goal/goal-1", without("description"), "Goal.description"),
        ("Provenance/example-targeted-provenance", without("agent", "0", "who"), "Provenance.agent[0].who"),
        ("Immunization/imm-1", without("patient"), "Immunization.patient"),
    ],
)  # fmt: skip
def test_a_broken_rule_is_named_with_its_place(example: str, change: Change, place: str) -> None:
    checking, examples = us_core()
    if example not in examples:
        pytest.fail(f"there is no {example}, but {sorted(n for n in examples if n.startswith(example[:6]))}")
    given = loads(dumps(examples[example]))
    assert issues(checking.validate(given)) == []
    change(given)
    told = [where for where, _ in issues(checking.validate(given))]
    assert any(where == place or where.startswith(place + ".") for where in told), told


def test_every_required_element_is_missed_when_it_is_gone() -> None:
    """Each element that the profile of an example requires at the top level, taken away, is an error there."""
    checking, examples = us_core()
    missed, tried = [], 0
    for name, example in examples.items():
        url = next(iter(example.get("meta", {}).get("profile", ())), "")
        node = checking._library.node(url) if url else None
        for child in node.children if node else ():
            if child.min and child.name in example:
                tried += 1
                given = {key: v for key, v in example.items() if key.removeprefix("_") != child.name}
                places = [where for where, _ in issues(checking.validate(given))]
                if f"{example['resourceType']}.{child.name}" not in places:
                    missed.append((name, child.name))
    assert tried > 50 and missed == []
