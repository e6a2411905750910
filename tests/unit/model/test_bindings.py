"""Bindings and FHIRPath against what the terminology knows: stored systems, fragments, versions, other servers.

https://hl7.org/fhir/R4/terminologies.html#strength, https://hl7.org/fhir/R4/fhirpath.html#functions,
https://hl7.org/fhir/R5/fhirpath.html#txapi
"""

from __future__ import annotations

import threading
from typing import Any

import pytest

from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.model.fhirpath import Typed, compile_path
from fhirserver.model.fhirpath.environment import Environment
from fhirserver.model.fhirpath.errors import FhirPathError
from fhirserver.model.fhirpath.terminologies import ServedTerminologies
from fhirserver.model.validation.profiles import Validator
from fhirserver.model.validation.profiles.codes import Codes
from fhirserver.ports.concept_maps import Match, Question, Translation
from fhirserver.ports.terminology import Validation
from terminology.service import TerminologyService
from tests.corpus.loaded import Loaded
from tests.unit.model.profiles import OWN, Json, issues, profile

ANIMALS = "http://x.test/animals"
PETS = "http://x.test/vs/pets"
SYSTEM: Json = {
    "resourceType": "CodeSystem",
    "url": ANIMALS,
    "version": "2",
    "status": "active",
    "content": "complete",
    "hierarchyMeaning": "is-a",
    "concept": [
        {"code": "animal", "concept": [{"code": "cat", "display": "Cat", "concept": [{"code": "tabby"}]}]},
        {"code": "rock"},
    ],
}


def value_set(url: str, **include: Any) -> Json:
    compose = {"include": [{"system": ANIMALS, **include}]}
    return {"resourceType": "ValueSet", "url": url, "status": "active", "compose": compose}


ALL_PETS = value_set(PETS, filter=[{"property": "concept", "op": "is-a", "value": "animal"}])
OBSERVATION: Json = {"resourceType": "Observation", "status": "final", "code": {"text": "t"}}


def observed(code: str, system: str = ANIMALS) -> Json:
    return {**OBSERVATION, "method": {"coding": [{"system": system, "code": code}]}}


def bound(strength: str, url: str, **more: Any) -> Json:
    return profile(
        "Observation", {"path": "method", "binding": {"strength": strength, "valueSet": url, **more}}
    )


def told(resource: Json, *known: Json) -> dict[str, list[str]]:
    """Places below the method by severity."""
    loaded = Loaded(known)
    found = Validator(loaded, TerminologyService(loaded.find)).validate(resource, [OWN + "p"])
    return {
        severity: kept
        for severity in ("error", "warning")
        if (kept := [p for p, _ in issues(found, severity) if p.startswith("Observation.method")])
    }


@pytest.mark.parametrize("strength", ["required", "extensible"])
def test_a_set_by_a_hierarchy(strength: str) -> None:
    known = (SYSTEM, ALL_PETS, bound(strength, PETS))
    assert told(observed("tabby"), *known) == {}
    severity = {"required": "error", "extensible": "warning"}[strength]
    assert told(observed("rock"), *known) == {severity: ["Observation.method"]}


def test_a_version_of_the_value_set() -> None:
    one, two = ({**value_set(PETS, concept=[{"code": code}]), "version": code} for code in ("cat", "rock"))
    loaded = Loaded([SYSTEM, one])
    found = loaded.find(f"{PETS}|cat", "ValueSet")
    assert found is not None
    assert told(observed("cat"), SYSTEM, one, bound("required", f"{PETS}|cat")) == {}
    assert told(observed("cat"), SYSTEM, two, bound("required", f"{PETS}|rock")) == {
        "error": ["Observation.method"]
    }


def test_the_widest_set() -> None:
    """The extension maxValueSet holds as a required binding does."""
    widest = {
        "url": "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet",
        "valueCanonical": PETS,
    }
    cats = value_set("http://x.test/vs/cats", concept=[{"code": "cat"}])
    known = (SYSTEM, ALL_PETS, cats, bound("preferred", cats["url"], extension=[widest]))
    assert told(observed("tabby"), *known) == {}
    assert told(observed("rock"), *known) == {"error": ["Observation.method"]}


@pytest.mark.parametrize("content", ["fragment", "example", "not-present"])
@pytest.mark.parametrize("strength", ["required", "extensible"])
def test_a_part_of_a_system_is_never_an_error(content: str, strength: str) -> None:
    part = {**SYSTEM, "content": content}
    if content == "not-present":
        part.pop("concept")
    known = (part, value_set(PETS), bound(strength, PETS))
    assert set(told(observed("unheard-of"), *known)) == {"warning"}
    if content == "fragment":
        assert told(observed("cat"), *known) == {}


@pytest.mark.parametrize("strength", ["example", "preferred"])
def test_the_weak_ones_warn_of_nothing(strength: str) -> None:
    assert told(observed("rock"), SYSTEM, ALL_PETS, bound(strength, PETS)) == {}


def test_a_system_that_is_complete_here_has_no_other_codes() -> None:
    assert told(observed("nothing"), SYSTEM, bound("example", PETS)) == {
        "error": ["Observation.method.coding[0].code"]
    }


# --- answers do not outlive what they were made from


class Moody:
    """A terminology that cannot tell now and then, and forgets."""

    waits = False

    def __init__(self) -> None:
        self.asked = 0
        self.busy = True

    def validate_code(self, *_: Any, **__: Any) -> Validation:
        self.asked += 1
        if self.busy:
            raise refuse(Category.BUSY, "transient", "does not answer")
        return Validation(True)


def test_what_cannot_be_told_now_is_asked_again() -> None:
    moody = Moody()
    codes = Codes(Loaded(), moody)  # type: ignore[arg-type]
    assert codes.holds(PETS, ANIMALS, "cat") is None
    moody.busy = False
    assert codes.holds(PETS, ANIMALS, "cat") is True
    assert codes.holds(PETS, ANIMALS, "cat") is True
    assert moody.asked == 2


def test_answers_hold_as_long_as_was_said() -> None:
    moody = Moody()
    moody.busy = False
    codes = Codes(Loaded(), moody, seconds=0.0)  # type: ignore[arg-type]
    assert codes.holds(PETS, ANIMALS, "cat") is codes.holds(PETS, ANIMALS, "cat") is True
    assert moody.asked == 2


def test_what_was_asked_of_the_old_is_not_kept_for_the_new() -> None:
    """A write comes while an answer is being made."""
    begun, go_on = threading.Event(), threading.Event()

    class Slow(Moody):
        def validate_code(self, *_: Any, **__: Any) -> Validation:
            old = self.busy
            begun.set()
            go_on.wait(5)
            return Validation(old)

    slow = Slow()
    codes = Codes(Loaded(), slow)  # type: ignore[arg-type]
    asking = threading.Thread(target=codes.holds, args=(PETS, ANIMALS, "cat"))
    asking.start()
    begun.wait(5)
    slow.busy = False
    codes.forget()
    go_on.set()
    asking.join()
    assert codes.holds(PETS, ANIMALS, "cat") is False


# --- FHIRPath

LOADED = Loaded([SYSTEM, ALL_PETS])
SERVICE = TerminologyService(LOADED.find, urls=lambda: [ANIMALS])
KNOWING = Environment(terminology=Codes(LOADED, SERVICE), terminologies=ServedTerminologies(SERVICE))
CAT = {"system": ANIMALS, "code": "cat"}
CODES = ".expansion.contains.descendants().code"
RESULT = "parameter.where(name = 'result').value"
GENDERS = "http://hl7.org/fhir/ValueSet/administrative-gender"


def result(expression: str, value: Json | str, type: str, environment: Environment = KNOWING) -> list[Any]:
    path = compile_path(expression, context=None)
    return [item.value for item in path.on(Typed(value, type), environment)]


@pytest.mark.parametrize(
    ("expression", "value", "type", "expected"),
    [
        (f"memberOf('{PETS}')", CAT, "Coding", [True]),
        (f"memberOf('{PETS}')", {**CAT, "code": "rock"}, "Coding", [False]),
        (f"memberOf('{PETS}')", {"coding": [{"code": "x"}, CAT]}, "CodeableConcept", [True]),
        (f"memberOf('{PETS}')", {"text": "only"}, "CodeableConcept", [False]),
        (f"memberOf('{GENDERS}')", "male", "code", [True]),
        (f"memberOf('{GENDERS}')", "man", "code", [False]),
        (f"memberOf('{GENDERS}')", "male", "string", [True]),
        (f"memberOf('{GENDERS}')", "male", "System.String", [True]),
        ("memberOf('http://nowhere.test/vs')", CAT, "Coding", []),
        (f"'male'.memberOf('{GENDERS}')", CAT, "Coding", [True]),
        ("subsumes(%kitten)", CAT, "Coding", [True]),
        ("subsumedBy(%kitten)", CAT, "Coding", [False]),
        ("%kitten.subsumedBy($this)", CAT, "Coding", [True]),
        ("subsumes(%kitten)", {"coding": [{**CAT, "code": "rock"}, CAT]}, "CodeableConcept", [True]),
        ("subsumes(%kitten)", {**CAT, "code": "nothing"}, "Coding", []),
        ("subsumes({})", CAT, "Coding", []),
        (f"%terminologies.expand('{PETS}'){CODES} contains 'tabby'", CAT, "Coding", [True]),
        (f"%terminologies.expand('{PETS}', 'count=1').expansion.contains.count()", CAT, "Coding", [1]),
        ("%terminologies.expand('http://nowhere.test/vs')", CAT, "Coding", []),
        ("%terminologies.lookup($this).parameter.where(name = 'display').value", CAT, "Coding", ["Cat"]),
        ("%terminologies.lookup(%kitten, 'property=parent').exists()", CAT, "Coding", [True]),
        (f"%terminologies.validateVS('{PETS}', $this).{RESULT}", CAT, "Coding", [True]),
        (f"%terminologies.validateVS('{GENDERS}', 'male').{RESULT}", CAT, "Coding", [True]),
        (f"%terminologies.validateCS('{ANIMALS}', $this).{RESULT}", CAT, "Coding", [True]),
        (f"%terminologies.validateCS('{ANIMALS}', 'nothing').{RESULT}", CAT, "Coding", [False]),
        (f"%terminologies.subsumes('{ANIMALS}', $this, %kitten)", CAT, "Coding", ["subsumes"]),
        (f"%terminologies.subsumes('{ANIMALS}', 'tabby', 'cat')", CAT, "Coding", ["subsumed-by"]),
        (f"%terminologies.subsumes('{ANIMALS}', 'cat', 'nothing')", CAT, "Coding", []),
        ("%terminologies.subsumes('http://nowhere.test', 'a', 'b')", CAT, "Coding", []),
    ],
)  # fmt: skip
def test_what_expressions_ask(expression: str, value: Json | str, type: str, expected: list[Any]) -> None:
    kitten = [Typed({"system": ANIMALS, "code": "tabby"}, "Coding")]
    environment = Environment(
        terminology=KNOWING.terminology, terminologies=KNOWING.terminologies, variables={"kitten": kitten}
    )
    assert result(expression, value, type, environment) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "expand('http://x')",
        "'x'.lookup('y')",
        "%terminologies.subsumes('a')",
        "%terminologies.subsumes('a', 'b')",
        "'x'.subsumes('a', 'b', 'c')",
        f"%terminologies.expand('x', '{'&'.join('a=1' for _ in range(100))}')",
    ],
)
def test_what_makes_no_sense(expression: str) -> None:
    with pytest.raises(FhirPathError):
        result(expression, CAT, "Coding")


def test_without_a_service() -> None:
    for expression in (f"memberOf('{PETS}')", "subsumes($this)", "%terminologies.lookup($this)"):
        with pytest.raises(FhirPathError, match="no terminology service"):
            result(expression, CAT, "Coding", Environment())


def test_an_invariant_may_ask() -> None:
    rule = {
        "key": "own-1",
        "severity": "error",
        "human": "A pet",
        "expression": f"%terminologies.validateVS('{PETS}', coding.first()).{RESULT}",
    }
    asking = profile("Observation", {"path": "method", "constraint": [rule]})
    assert told(observed("cat"), SYSTEM, ALL_PETS, asking) == {}
    assert told(observed("rock"), SYSTEM, ALL_PETS, asking) == {"error": ["Observation.method"]}


def test_a_translation() -> None:
    class German:
        def codes(self, map: str) -> dict[str, Json]:
            return {}

        def systems(self, map: str) -> tuple[frozenset[str], frozenset[str]]:
            return frozenset({ANIMALS}), frozenset()

        def translate(self, question: Question) -> Translation:
            assert question.map == "http://x.test/map"
            match = Match("equivalent", {"code": "Katze"}, "http://x.test/map", question.codings[0])
            return Translation(True, (match,))

    environment = Environment(terminologies=ServedTerminologies(SERVICE, German()))
    asked = "%terminologies.translate('http://x.test/map', $this)"
    assert result(f"{asked}.{RESULT}", CAT, "Coding", environment) == [True]
    concept = "parameter.where(name = 'match').part.where(name = 'concept').value.code"
    assert result(f"{asked}.{concept}", CAT, "Coding", environment) == ["Katze"]
    assert result(asked, {"code": "cat"}, "Coding", environment) == []
