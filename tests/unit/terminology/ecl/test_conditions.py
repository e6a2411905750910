"""Filters of value sets that are constraints, on a CodeSystem that is kept in memory and on a release."""

from __future__ import annotations

import pytest

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.terminology import Question
from fhirserver.storage.sqlite.releases.folder import ReleaseFolder
from terminology.code_systems.content import ContentSystem
from terminology.ecl import holds_ecl, select_ecl
from terminology.ecl.budget import Budget
from terminology.ecl.conditions import as_ecl
from terminology.ecl.evaluating import Evaluator
from terminology.ecl.parsing import parse
from terminology.ecl.substrate import OverRelease
from terminology.imports.kind import Given
from terminology.imports.snomed.release import SnomedImport
from terminology.matching import found_matches
from terminology.releases.system import ReleaseSystem
from terminology.systems import System
from tests.unit.terminology.imports.rf2 import sctid
from tests.unit.terminology.imports.test_snomed import (
    ATTRIBUTE,
    BREAK,
    CLOSED,
    ECL,
    FINDING,
    LIST,
    SITE,
    small,
)

SNOMED = "http://snomed.info/sct"


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> ReleaseSystem:
    """The small release of the tests of imports, in the store that a server has."""
    path = small().write(tmp_path_factory.mktemp("rf2"))
    folder = ReleaseFolder(tmp_path_factory.mktemp("releases"))
    header = SnomedImport().header(path, Given())
    writer = folder.writer(header["url"], header["version"])
    SnomedImport().read(path, writer, lambda step, done, of: None)
    list(writer.finish(header))
    found = folder.find(SNOMED)
    assert found is not None
    return ReleaseSystem(found)


def displays(system: System, ecl: str) -> set[str]:
    return {concept.display for concept in system.at(select_ecl(system, ecl))}


@pytest.mark.parametrize(("ecl", "expected"), ECL)
def test_the_store_answers_as_memory_does(release: ReleaseSystem, ecl: str, expected: set[str]) -> None:
    assert displays(release, ecl) == expected
    codes = [concept.code for concept in release.at(range(release.size))]
    held = [code for code in codes if holds_ecl(release, ecl, code)]
    assert {release.find(code).display for code in held} == expected  # type: ignore[union-attr]


def test_relationships_in_one_group_are_found_by_subproperties(release: ReleaseSystem) -> None:
    def asked(*values: int) -> Question:
        nested = [
            {
                "name": "subproperty",
                "part": [
                    {"name": "code", "valueCode": sctid(ATTRIBUTE)},
                    {"valueCode": sctid(v), "name": "value"},
                ],
            }
            for v in values
        ]
        group = {"part": [{"name": "code", "valueCode": "609096000"}, *nested]}
        return Question({"system": [SNOMED], "property": [group]})

    class Only:
        def system(self, url: str, version: str = "") -> ReleaseSystem:
            return release

    grouped = f"* : {{ {sctid(ATTRIBUTE)} = {sctid(SITE)} }}"
    found = found_matches(Only(), asked(SITE), 0)  # type: ignore[arg-type]
    codes = {one["part"][0]["valueCoding"]["code"] for one in found["parameter"]}
    assert codes and codes == {one.code for one in release.at(select_ecl(release, grouped))}
    assert "parameter" not in found_matches(Only(), asked(SITE, FINDING), 0)  # type: ignore[arg-type]


def some_of_snomed() -> ContentSystem:
    """A CodeSystem resource with a few concepts of SNOMED CT."""

    def concept(item: int, *below: JsonObject, **values: int) -> JsonObject:
        held = [{"code": sctid(ATTRIBUTE), "valueCode": sctid(site)} for site in values.values()]
        return {"code": sctid(item), "display": f"Concept {item}", "property": held, "concept": [*below]}

    finding = concept(FINDING, concept(BREAK, concept(CLOSED, site=SITE)))
    return ContentSystem(
        {
            "resourceType": "CodeSystem",
            "url": SNOMED,
            "content": "fragment",
            "property": [{"code": sctid(ATTRIBUTE), "type": "code"}],
            "concept": [finding, concept(SITE), concept(ATTRIBUTE)],
        }
    )


RESOURCE = [
    (f"< {sctid(FINDING)}", {BREAK, CLOSED}),
    (f"> {sctid(CLOSED)}", {FINDING, BREAK}),
    (f"<! {sctid(FINDING)}", {BREAK}),
    (f"* : {sctid(ATTRIBUTE)} = {sctid(SITE)}", {CLOSED}),
    (f"* : {{ * = << {sctid(SITE)} }}", {CLOSED}),
    (f"<< {sctid(FINDING)} . {sctid(ATTRIBUTE)}", {SITE}),
    ('* {{ term = "conc 6" }}', {SITE}),
    ("^ 700043003", set()),
    ("* {{ C active = 0 }}", set()),
]


@pytest.mark.parametrize(("ecl", "expected"), RESOURCE)
def test_on_a_resource(ecl: str, expected: set[int]) -> None:
    system = some_of_snomed()
    assert {concept.code for concept in system.at(select_ecl(system, ecl))} == {
        sctid(item) for item in expected
    }


def test_filters_of_value_sets(release: ReleaseSystem) -> None:
    constraint = {"property": "constraint", "op": "=", "value": f"<< {sctid(BREAK)}"}
    members = {"property": "concept", "op": "in", "value": sctid(LIST)}
    assert {concept.display for concept in release.at(release.select(constraint))} == {
        "Break",
        "Closed break of the arm",
    }
    assert [concept.display for concept in release.at(release.select(members))] == ["Break"]
    assert release.holds(sctid(CLOSED), constraint) and not release.holds(sctid(SITE), constraint)
    assert release.holds(sctid(BREAK), members) and not release.holds(sctid(CLOSED), members)
    with pytest.raises(Refusal, match="character 3"):
        release.select({"property": "expression", "op": "=", "value": "< broken"})
    system = some_of_snomed()
    assert system.holds(sctid(CLOSED), constraint) and len(system.select(constraint)) == 2


def test_other_filters_are_none() -> None:
    assert as_ecl("http://loinc.org", {"property": "constraint", "op": "=", "value": "*"}) is None
    assert as_ecl(SNOMED, {"property": "concept", "op": "is-a", "value": "1"}) is None
    assert as_ecl(SNOMED, {"property": "concept", "op": "in", "value": "a,b"}) is None
    assert as_ecl(SNOMED, {"property": "concept", "op": "in", "value": "700043003, 700043004"}) == (
        "^ 700043003 OR ^ 700043004"
    )


def test_large_constraints_end(release: ReleaseSystem) -> None:
    assert len(select_ecl(release, "<" + "(" * 50 + "*" + ")" * 50)) == 8
    many = " OR ".join(sctid(n) for n in range(1, 5000))
    assert len(select_ecl(release, many)) == release.size


def test_an_evaluation_ends_in_time(release: ReleaseSystem) -> None:
    text = f"* : {sctid(ATTRIBUTE)} = << {sctid(SITE)}"
    with pytest.raises(Refusal, match="too long") as refused:
        Evaluator(OverRelease(release.release), Budget(-1)).select(parse(text))
    assert refused.value.issues[0].code == "too-costly"
