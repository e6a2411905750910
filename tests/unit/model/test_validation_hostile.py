"""Content and profiles made to cost or to break: the validator answers, and in time."""

from __future__ import annotations

import random
import sys
import time
from typing import Any

import pytest

from fhirserver.kernel.json import dumps, loads
from fhirserver.model.validation.profiles import Rules, Validator
from tests.unit.model.corpus import resources
from tests.unit.model.profiles import OWN, extension, profile, validator

Json = dict[str, Any]
JUNK: list[Any] = [
    None,
    "",
    "x",
    -1,
    True,
    [],
    {},
    [None],
    [[]],
    [{}],
    {"x": 1},
    "http://x",
    "#",
    "urn:uuid:x",
    10**30,
]


def broken(resource: Any, random_: random.Random) -> Any:
    """A copy with one value somewhere replaced by junk, or its member renamed."""
    copy = loads(dumps(resource))
    node = copy
    while True:
        keys = list(node) if isinstance(node, dict) else range(len(node))
        if not keys:
            return copy
        key = random_.choice(list(keys))
        below = node[key]
        if not isinstance(below, dict | list) or random_.random() < 0.2:
            node[key] = random_.choice(JUNK)
            return copy
        node = below


def test_no_mutation_makes_the_validator_fail() -> None:
    random_ = random.Random(7)
    checking = validator()
    examples = [r for _, r in resources("fhir-r4/examples-half.tar.xz") if len(dumps(r)) < 20_000]
    for resource in random_.sample(examples, 60):
        given = broken(broken(resource, random_), random_)
        for issue in checking.validate(given):
            assert issue.severity in ("error", "warning", "information"), issue


def test_deep_content_is_refused() -> None:
    deep: Json = {"linkId": "x", "type": "group"}
    for _ in range(2 * sys.getrecursionlimit()):  # property tests of the same process may have raised it
        deep = {"linkId": "x", "type": "group", "item": [deep]}
    given = {"resourceType": "Questionnaire", "status": "draft", "item": [deep]}
    assert any(issue.code == "too-costly" for issue in validator().validate(given))


def test_wide_content_is_answered_with_a_limited_list() -> None:
    given = {"resourceType": "Patient", "name": [{"x": 1}] * 5000}
    assert len(validator().validate(given)) < 1100


def test_costly_invariants_of_r4_end_in_time() -> None:
    group: Json = {"linkId": "g", "type": "group", "item": [{"linkId": "x", "type": "string"}] * 40}
    given = {
        "resourceType": "Questionnaire",
        "status": "draft",
        "item": [{**group, "item": [group] * 60}] * 4,
    }
    started = time.process_time()
    told = validator(rules=Rules(seconds=1)).validate(given)
    assert time.process_time() - started < 6
    assert told != []


def test_a_validation_ends_in_time() -> None:
    thrice = "descendants().where(descendants().where(descendants().exists()).exists()).exists()"
    costly = {"key": "x", "severity": "error", "human": "x", "expression": thrice}
    asks = profile("Patient", {"path": "", "constraint": [costly]})
    given = {"resourceType": "Patient", "name": [{"given": ["a"] * 50} for _ in range(200)]}
    started = time.process_time()
    validator(asks, rules=Rules(seconds=0.5)).validate(given, [OWN + "p"])
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "definition",
    [
        {"resourceType": "StructureDefinition", "url": OWN + "p"},
        {"resourceType": "StructureDefinition", "url": OWN + "p", "snapshot": {"element": [{}]}},
        {"resourceType": "StructureDefinition", "url": OWN + "p", "snapshot": {"element": [{"path": "x", "min": "y"}]}},
        profile("Patient", {"path": "nonsense", "min": 1}),
        profile("Patient", {"path": "name", "max": "many"}),
        profile("Patient", {"path": "name", "slicing": {"discriminator": [{"type": "?", "path": "(("}]}},
                {"path": "name", "sliceName": "a", "min": 1}),
        profile("Patient", {"path": "", "constraint": [{"key": "x", "expression": "((", "severity": "error"}]}),
        profile("Patient", {"path": "name", "type": [{"code": "HumanName", "profile": [OWN + "p"]}]}),
    ],
)  # fmt: skip
def test_a_profile_that_makes_no_sense_breaks_nothing(definition: Json) -> None:
    given = {"resourceType": "Patient", "name": [{"family": "x"}]}
    assert isinstance(validator(definition).validate(given, [OWN + "p"]), list)


def test_an_extension_that_holds_itself_ends() -> None:
    own = extension("e", {"path": "extension", "sliceName": "e",
                          "type": [{"code": "Extension", "profile": [OWN + "e"]}]}, context="Element")  # fmt: skip
    held: Json = {"url": OWN + "e", "valueString": "x"}
    for _ in range(30):
        held = {"url": OWN + "e", "extension": [held]}
    validator(own).validate({"resourceType": "Patient", "extension": [held]})


def test_a_validator_may_be_shared_by_threads() -> None:
    from concurrent.futures import ThreadPoolExecutor

    checking: Validator = validator(profile("Patient", {"path": "birthDate", "min": 1}))
    given = {"resourceType": "Patient", "id": "1"}
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda _: checking.validate(given, [OWN + "p"]), range(40)))
    assert all(one == told[0] for one in told)
