"""A system whose content lies elsewhere (in an imported release) answers as the one in memory does.

CodeSystems of any shape are generated and asked by both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.terminology import Concept
from terminology.code_systems.content import ContentSystem
from terminology.positions import Positions
from terminology.systems import System

Make = Callable[[JsonObject], AbstractContextManager[System]]
HIERARCHY = ("is-a", "descendent-of", "is-not-a", "generalizes", "child-of", "descendent-leaf")
_NAMES = st.sampled_from(["Bee sting", "Wasp", "Ärzte", "bee", "Sting of a bee", "x-1", ""])
_VALUES = st.sampled_from(["red", "green", "c1", "Red"])
_WORDS = ("b", "be", "bee", "sting", "BEE ST", "arzte", "x-1", "x", "zz", "c1", "C", "", "-")


def _property(code: str, kind: str, value: object) -> JsonObject:
    return {"code": code, f"value{kind}": value}


_STATES: list[list[JsonObject]] = [
    [],
    [_property("inactive", "Boolean", True)],
    [_property("inactive", "Boolean", False)],
    [_property("status", "Code", "retired"), _property("inactive", "Boolean", True)],
    [_property("status", "Code", "active")],
]


@st.composite
def code_systems(draw: st.DrawFn) -> JsonObject:
    """Some concepts nested, some below others by property, several parents, never in a circle."""
    size = draw(st.integers(1, 12))
    folds = draw(st.booleans())
    concepts = [draw(_concept(number)) for number in range(size)]
    roots: list[JsonObject] = []
    for number, concept in enumerate(concepts):
        above = draw(st.lists(st.integers(0, number - 1), unique=True, max_size=3)) if number else []
        if above and draw(st.booleans()):
            concepts[above.pop(0)].setdefault("concept", []).append(concept)
        else:
            roots.append(concept)
        if above and draw(st.booleans()):
            one = above.pop()
            concepts[one].setdefault("property", []).append(_property("child", "Code", concept["code"]))
        stated = [_property("parent", "Code", concepts[one]["code"]) for one in above]
        if stated:
            concept.setdefault("property", []).extend(stated)
    return {
        "resourceType": "CodeSystem",
        "url": "http://example.org/s",
        "version": "1",
        "status": "active",
        "content": "complete",
        "caseSensitive": not folds,
        "property": [{"code": "color", "type": "string"}, {"code": "n", "type": "integer"}],
        "concept": draw(st.permutations(roots)),
    }


@st.composite
def _concept(draw: st.DrawFn, number: int) -> JsonObject:
    concept: dict[str, Any] = {"code": f"C{number}" if number % 3 else f"c{number}", "display": draw(_NAMES)}
    properties = [
        *(_property("color", "String", value) for value in draw(st.lists(_VALUES, max_size=2))),
        *(_property("n", "Integer", value) for value in draw(st.lists(st.integers(-1, 1), max_size=1))),
        *draw(st.sampled_from(_STATES)),
        *(_property("kind", "Coding", {"code": value}) for value in draw(st.lists(_VALUES, max_size=1))),
        *(
            _property("notSelectable", "Boolean", value)
            for value in draw(st.lists(st.booleans(), max_size=1))
        ),
    ]
    if properties:
        concept["property"] = properties
    names = [{"value": name, "language": "de"} for name in draw(st.lists(_NAMES, max_size=2)) if name]
    if names:
        concept["designation"] = names
    if draw(st.booleans()):
        concept["definition"] = "What it is"
    return {name: value for name, value in concept.items() if value}


def _conditions(resource: JsonObject) -> Iterator[JsonObject]:
    """Filters of every operator on everything that can be asked."""
    codes = ["c0", "C1", "c1", "C2", "c3", "nowhere"]
    for name in ("concept", "code"):
        for value in codes:
            yield from ({"property": name, "op": op, "value": value} for op in (*HIERARCHY, "="))
    values = {
        **{key: ["c0", "c0,C1", "c1", "[cC]1"] for key in ("concept", "parent", "child")},
        **{key: ["Bee sting", "bee,Wasp", "bee", ".*e.*"] for key in ("display", "designation")},
        "definition": ["What it is", "W.*"],
        **{key: ["red", "red,green", "[rg]r?e.*"] for key in ("color", "kind")},
        "n": ["1", "-1,0", "-?1"],
        **{key: ["true", "false", "true,false", "f.*"] for key in ("inactive", "notSelectable")},
        "status": ["retired", "r.*"],
        "unknown": ["1"],
    }
    for name, asked in values.items():
        yield from (
            {"property": name, "op": op, "value": value}
            for op in ("=", "in", "not-in", "regex")
            for value in asked
        )
        yield from ({"property": name, "op": "exists", "value": value} for value in ("true", "false"))


def _answer(work: Callable[[], object]) -> object:
    try:
        return work()
    except Refusal as refusal:
        return [issue.code for issue in refusal.issues]


def _selected(system: System, condition: JsonObject) -> object:
    return _answer(lambda: sorted(one.code for one in system.at(system.select(condition))))


def _alone(system: System, condition: JsonObject) -> object:
    codes = [one.code for one in system.at(range(system.size))]
    return _answer(lambda: sorted(code for code in codes if system.holds(code, condition)))


def _told(concept: Concept | None) -> Concept | None:
    """Without what a release tells by its hierarchy: ``parent`` and ``child`` among the properties."""
    if concept is None:
        return None
    kept = tuple(one for one in concept.properties if one["code"] not in ("parent", "child"))
    return replace(concept, properties=kept)


class CodeSystemContract:
    """``make`` gives the system of a CodeSystem resource."""

    make: Make

    @settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(code_systems())
    def test_it_answers_as_the_system_in_memory_does(self, resource: JsonObject) -> None:
        expected = ContentSystem(resource)
        with self.make(resource) as system:
            self._same_codes(system, expected)
            self._same_sets(system, expected, resource)
            self._same_words(system, expected)

    def _same_codes(self, system: System, expected: System) -> None:
        assert system.size == expected.size
        listed = [one.code for one in system.at(range(system.size))]
        assert sorted(listed) == sorted(one.code for one in expected.at(range(expected.size)))
        for code in (*listed, "c1", "C0", "nowhere"):
            assert _told(system.find(code)) == _told(expected.find(code))
            assert sorted(system.parents(code)) == sorted(expected.parents(code))
            assert sorted(system.children(code)) == sorted(expected.children(code))
            assert sorted(system.ancestors(code)) == sorted(expected.ancestors(code))
            assert [*system.ancestors(code)][:1] == [*expected.ancestors(code)][:1]
            assert len(system.descendants(code)) == len(expected.descendants(code))
            for other in (*listed, "nowhere") if code in listed else ():
                assert system.is_a(code, other) == expected.is_a(code, other)
        for flag in ("inactive", "abstract"):
            found, right = system.at(system.flagged(flag)), expected.at(expected.flagged(flag))
            assert {one.code for one in found} == {one.code for one in right}
        for number, code in enumerate(listed):
            assert system.position(code) == number

    def _same_sets(self, system: System, expected: System, resource: JsonObject) -> None:
        for condition in _conditions(resource):
            right = _selected(expected, condition)
            assert _selected(system, condition) == right, condition
            assert _alone(system, condition) == _alone(expected, condition), condition

    def _same_words(self, system: System, expected: System) -> None:
        """Texts within words may be left out; what is the text itself comes first."""
        for text in _WORDS:
            found = [one.code for one in system.at(system.search(text))]
            right = [one.code for one in expected.at(expected.search(text))]
            assert len(found) == len({*found})
            assert system.count(text) == len(found)
            for among in (Positions.of(range(0, system.size, 2), system.size), Positions.none(system.size)):
                within = [*system.search(text, among)]
                assert within == [number for number in system.search(text) if number in among]
                assert system.count(text, among) == len(within)
            if text.strip("-"):
                assert {*found} <= {*right}, text
            for concept in expected.at(range(expected.size)):
                if concept.display and concept.display.split()[0].casefold() == text.casefold():
                    assert concept.code in found
