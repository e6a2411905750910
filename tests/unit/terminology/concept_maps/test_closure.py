"""Closure tables against a naive closure."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.ports.concept_maps import ClosureEntry
from fhirserver.storage.memory.access_records import MemoryAccessRecords
from terminology.concept_maps import closure_tables
from terminology.concept_maps.closure_tables import ClosureTables
from terminology.concept_maps.placing import Placing
from terminology.service import TerminologyService

SYSTEM = "http://tree.example"
CODES = "abcdefgh"

Edges = frozenset[tuple[str, str]]
"""(child, parent); parents come later in the alphabet, so that there are no circles."""


def code_system(edges: Edges, codes: str = CODES, **more: object) -> JsonObject:
    concepts = [
        {"code": one, "property": [{"code": "parent", "valueCode": p} for c, p in sorted(edges) if c == one]}
        for one in codes
    ]
    properties = [{"code": "parent", "uri": "http://hl7.org/fhir/concept-properties#parent", "type": "code"}]
    return {
        "resourceType": "CodeSystem",
        "url": SYSTEM,
        "content": "complete",
        "caseSensitive": True,
        "property": properties,
        "concept": [{k: v for k, v in one.items() if v} for one in concepts],
        **more,
    }


def tables(system: JsonObject, records: MemoryAccessRecords | None = None, state: str = "") -> ClosureTables:
    service = TerminologyService(
        lambda url, type: system if url.partition("|")[0] == SYSTEM and type == "CodeSystem" else None
    )
    return ClosureTables(records or MemoryAccessRecords(), Placing(service, lambda url: state))


def naive(edges: Edges, codes: Sequence[str]) -> set[tuple[str, str]]:
    """All (below, above) among the codes, by walking every way up."""

    def above(code: str) -> set[str]:
        parents = {p for c, p in edges if c == code}
        return parents | {far for one in parents for far in above(one)}

    return {(one, far) for one in codes for far in above(one) if far in codes}


def pairs(entries: Sequence[ClosureEntry]) -> list[tuple[str, str]]:
    assert {one.equivalence for one in entries} <= {"subsumes"}
    return [(one.source, one.target) for one in entries]


def coding(code: str) -> JsonObject:
    return {"system": SYSTEM, "code": code}


edges_of = st.frozensets(
    st.tuples(st.sampled_from(CODES), st.sampled_from(CODES)).filter(lambda edge: edge[0] < edge[1]),
    max_size=14,
)
lots_of = st.lists(st.lists(st.sampled_from(CODES), min_size=1, max_size=4), max_size=6)


@settings(max_examples=150, deadline=None)
@given(edges_of, lots_of, st.randoms())
def test_every_prefix_of_additions_replayed_is_the_naive_closure(
    edges: Edges, lots: list[list[str]], random: object
) -> None:
    async def run() -> None:
        records = MemoryAccessRecords()
        one, other = (tables(code_system(edges), records) for _ in range(2))
        assert (await one.initialise("me", "t")).version == "0"
        held: list[tuple[str, str]] = []
        codes: list[str] = []
        stages: list[tuple[str, int]] = [("0", 0)]
        for number, lot in enumerate(lots):
            by = (one, other)[number % 2]
            update = await by.add("me", "t", [coding(code) for code in lot])
            fresh = pairs(update.entries)
            assert not set(fresh) & set(held) and len(set(fresh)) == len(fresh), "only what is new, and once"
            held += fresh
            codes += lot
            assert set(held) == naive(edges, codes)
            stages.append((update.version, len(held)))
        for version, length in stages:
            for by in (one, other, tables(code_system(edges), records)):
                again = await by.since("me", "t", version)
                assert pairs(again.entries) == held[length:]
                assert again.version == stages[-1][0]

    asyncio.run(run())


async def test_adding_again_says_nothing_new_and_leaves_the_version() -> None:
    by = tables(code_system(frozenset({("a", "b")})))
    await by.initialise("me", "t")
    first = await by.add("me", "t", [coding("a"), coding("b"), coding("a")])
    assert (first.version, pairs(first.entries)) == ("1", [("a", "b")])
    again = await by.add("me", "t", [coding("b")])
    assert (again.version, again.entries) == ("1", ())


async def test_what_is_refused() -> None:
    by = tables(code_system(frozenset({("a", "b")})))

    async def refused(category: Category, work: object) -> str:
        with pytest.raises(Refusal) as caught:
            await work  # type: ignore[misc]
        assert caught.value.category is category
        return caught.value.issues[0].diagnostics

    await refused(Category.NOT_FOUND, by.add("me", "t", [coding("a")]))
    await refused(Category.NOT_FOUND, by.since("me", "t", "0"))
    await by.initialise("me", "t")
    await refused(Category.NOT_FOUND, by.since("you", "t", "0"))
    await refused(Category.NOT_FOUND, by.add("me", "other", [coding("a")]))
    for version in ("1", "-1", "x", "", "9" * 400, "²"):
        await refused(Category.INVALID, by.since("me", "t", version))
    await refused(Category.UNPROCESSABLE, by.add("me", "t", [coding("a"), coding("?")]))
    await refused(Category.UNPROCESSABLE, by.add("me", "t", [{"system": "urn:none", "code": "a"}]))
    assert (await by.since("me", "t", "0")).version == "0", "all or none"


async def test_a_table_begun_anew_is_told_from_the_one_before() -> None:
    records = MemoryAccessRecords()
    by = tables(code_system(frozenset({("a", "b")})), records)
    await by.initialise("me", "t")
    before = await by.add("me", "t", [coding("a"), coding("b")])
    assert (await by.initialise("me", "t")).version == "0"
    assert (await by.since("me", "t", "0")).entries == ()
    with pytest.raises(Refusal) as caught:
        await by.since("me", "t", before.version)
    assert caught.value.category is Category.UNPROCESSABLE
    after = await by.add("me", "t", [coding("b"), coding("a")])
    assert pairs(after.entries) == [("a", "b")] and after.version != before.version
    assert [one.key for one in await records.find("closure-delta/")] != []
    assert len(await records.find("closure-delta/")) == 1, "what was there before is let go"


async def test_another_hierarchy_asks_for_a_new_table() -> None:
    records = MemoryAccessRecords()
    by = tables(code_system(frozenset({("a", "b")})), records, "1")
    await by.initialise("me", "t")
    await by.add("me", "t", [coding("a")])
    for later in (
        tables(code_system(frozenset({("a", "c")})), records, "2"),
        tables(code_system(frozenset({("a", "b")}), version="2"), records, "1"),
        tables(code_system(frozenset(), "b"), records, "1"),
    ):
        for work in (later.add("me", "t", [coding("b")]), later.since("me", "t", "0")):
            with pytest.raises(Refusal) as caught:
                await work
            assert caught.value.category is Category.UNPROCESSABLE
            assert "initialised anew" in caught.value.issues[0].diagnostics
    assert (await later.initialise("me", "t")).version == "0"
    assert (await later.add("me", "t", [coding("b")])).entries == ()


async def test_codes_that_are_one_concept_are_equal() -> None:
    system = code_system(frozenset({("a", "b")}), caseSensitive=False)
    by = tables(system)
    await by.initialise("me", "t")
    await by.add("me", "t", [coding("B"), coding("a")])
    update = await by.add("me", "t", [coding("b"), coding("A")])
    assert {(one.source, one.target, one.equivalence) for one in update.entries} == {
        ("b", "B", "equal"),
        ("a", "b", "subsumes"),
        ("A", "a", "equal"),
        ("A", "B", "subsumes"),
        ("A", "b", "subsumes"),
    }


async def test_codes_of_a_grammar_are_kept_without_a_hierarchy() -> None:
    by = tables(code_system(frozenset()))
    await by.initialise("me", "t")
    update = await by.add("me", "t", [{"system": "http://unitsofmeasure.org", "code": "mg"}, coding("a")])
    assert (update.version, update.entries) == ("1", ())


async def test_how_many_tables_there_are_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closure_tables, "TABLES_OF_ONE", 2)
    by = tables(code_system(frozenset()))
    for name in ("1", "2", "1"):
        await by.initialise("me", name)
    with pytest.raises(Refusal):
        await by.initialise("me", "3")
    await by.initialise("you", "3")
