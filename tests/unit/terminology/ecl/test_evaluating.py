"""The evaluator finds what the specification says, on hierarchies and relationships of any shape."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terminology.ecl import select_ecl
from terminology.ecl.evaluating import Evaluator
from terminology.ecl.model import Any, Constraint, Refined, Refinement
from terminology.ecl.parsing import parse
from terminology.ecl.substrate import MEMBER_OF, OverRelease
from tests.unit.terminology.ecl.naive import World
from tests.unit.terminology.ecl.writing import (
    ATTRIBUTES,
    CODES,
    SETS,
    STRENGTH,
    constraints,
    references,
    refinements,
    write,
)
from tests.unit.terminology.memory_release import MemoryRelease, OverMemory


@st.composite
def worlds(draw: st.DrawFn, size: int = len(CODES)) -> World:
    """``size``: how many of the codes there are; of few each has many relationships."""
    parents: dict[str, tuple[str, ...]] = {}
    for at, code in enumerate(CODES[:size]):
        chosen = draw(st.lists(st.sampled_from(CODES[:at]), max_size=2, unique=True)) if at else []
        parents[code] = tuple(chosen)
    parents |= {ATTRIBUTES[0]: (), ATTRIBUTES[1]: (ATTRIBUTES[0],), ATTRIBUTES[2]: (), STRENGTH: ()}
    codes = st.sampled_from(CODES[:size])
    concept_rows = st.tuples(codes, st.integers(0, 2), st.sampled_from(ATTRIBUTES), codes)
    number_rows = st.tuples(codes, st.integers(0, 2), st.just(STRENGTH), st.sampled_from("0123"))
    rows = draw(st.lists(st.one_of(concept_rows, number_rows), min_size=5, max_size=16, unique=True))
    members = {one: set(draw(st.lists(codes, max_size=3))) for one in SETS}
    return World(parents, rows, members)


def release_of(world: World) -> MemoryRelease:
    release = MemoryRelease()
    for code, parents in world.parents.items():
        release.concept(code)
        for parent in parents:
            release.parent(code, parent)
    for source, group, name, value in world.rows:
        release.property(source, name, value, "code", group)
    for one, members in world.members.items():
        for code in members:
            release.property(code, MEMBER_OF, one, "code")
    used = dict.fromkeys(row[2] for row in world.rows)
    list(release.finish({"property": [{"code": name} for name in used]}))
    return release


def agree(world: World, constraint: Constraint) -> None:
    release, text = release_of(world), write(constraint)
    assert parse(text) == constraint
    expected = world.select(constraint)
    assert set(release.codes(select_ecl(OverMemory(release), text))) == expected  # type: ignore[arg-type]
    one_by_one = Evaluator(OverRelease(release))
    assert {
        code for code in world.parents if one_by_one.holds(constraint, release.number(code) or 0)
    } == expected


@settings(max_examples=60, deadline=None)
@given(worlds(), constraints)
def test_as_the_specification_says(world: World, constraint: Constraint) -> None:
    agree(world, constraint)


@settings(max_examples=120, deadline=None)
@given(worlds(2), refinements(st.one_of(references, st.just(Any()))))
def test_refinements_and_groups(world: World, refinement: Refinement) -> None:
    agree(world, Refined(Any(), refinement))


GROUPS = [
    ("{ 200000 = 100001, 200001 = 100002 }", {"together"}),
    ("200000 = 100001, 200001 = 100002", {"together", "apart", "alone"}),
    ("{ 200000 = 100001 }, { 200001 = 100002 }", {"together", "apart", "alone"}),
    ("[2..*] { 200000 = * }", {"twice"}),
    ("[2..2] 200000 = *", {"twice"}),
    ("[1..1] { 200000 = *, [0..0] 200001 = * }", {"apart", "alone"}),
    ("[0..0] { [0..0] 200001 = * }", {"together", "none"}),
    ("{ 200000 = * OR 200009 > #1 }, 200009 > #2", set()),
    ("[0..1] 200000 != 100001, [1..*] 200000 = *", {"together", "apart", "alone", "twice"}),
    ("R 200000 = *", set()),
]


@pytest.mark.parametrize(("refinement", "expected"), GROUPS)
def test_groups(refinement: str, expected: set[str]) -> None:
    """What stands in braces holds in one group; in group 0 each relationship is a group of its own."""
    names = ("together", "apart", "alone", "twice", "none")
    a, b = ("200000", "100001"), ("200001", "100002")
    rows = [("together", 1, *a), ("together", 1, *b), ("apart", 1, *a), ("apart", 2, *b), ("alone", 0, *a)]
    rows += [("alone", 0, *b), ("twice", 1, *a), ("twice", 2, "200000", "100002")]
    parents: dict[str, tuple[str, ...]] = dict.fromkeys(
        (*names, "100001", "100002", "200000", "200001", "200009"), ()
    )
    release = release_of(World(parents, rows))
    found = set(release.codes(select_ecl(OverMemory(release), f"* : {refinement}")))  # type: ignore[arg-type]
    assert found & set(names) == expected
