"""Looking around: what is known, the tree level by level, what a search finds, one concept."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.storage import Key
from terminology.browsing.browser import Browser
from terminology.browsing.directory import Directory
from terminology.holdings import Holdings, packed
from terminology.library import RequestLibrary

S, FLAT = "urn:animals", "urn:flat"


class Entry(NamedTuple):
    key: Key
    position: int
    content: JsonObject

    def resource(self) -> JsonObject:
        return self.content


class Shelf:
    """What is stored."""

    def __init__(self, *resources: JsonObject):
        self.resources, self.generation = [*resources], 0

    def stored(self, type: str) -> Iterator[Entry]:
        for number, one in enumerate(self.resources):
            if one["resourceType"] == type:
                yield Entry(Key(type, f"r{number}"), number, one)

    def find(self, url: str, type: str = "") -> JsonObject | None:
        bare, _, version = url.partition("|")
        found = [one for one in self.resources if one["url"] == bare and version in ("", one["version"])]
        return found[-1] if found else packed(url, type)

    def versions(self, url: str, type: str) -> list[str]:
        return [one["version"] for one in self.resources if one["url"] == url]

    def urls(self, type: str) -> list[str]:
        return [one["url"] for one in self.resources if one["resourceType"] == type]

    def supplements(self, system: str) -> list[str]:
        return [one["url"] for one in self.resources if one.get("supplements") == system]

    def with_value_set(self, url: str) -> list[str]:
        return [one["url"] for one in self.resources if one.get("valueSet") == url]


def code_system(url: str, *concepts: JsonObject, version: str = "1", **more: object) -> JsonObject:
    base = {"resourceType": "CodeSystem", "url": url, "version": version, "status": "active"}
    return {**base, "content": "complete", "concept": [*concepts], **more}


DOG: JsonObject = {
    "code": "dog",
    "display": "Dog",
    "designation": [{"language": "de", "value": "Hund"}],
    "property": [{"code": "eats", "valueCode": "cat"}, {"code": "legs", "valueInteger": 4}],
}
ANIMALS = code_system(
    S,
    {"code": "mammal", "display": "Mammal", "concept": [DOG, {"code": "cat", "display": "Cat"}]},
    {"code": "stone", "display": "Stone"},
    title="Animals and stones",
    property=[{"code": "eats", "type": "code", "description": "What it eats"}],
)
WELSH: JsonObject = {
    **code_system("urn:welsh", {"code": "dog", "display": "ci"}),
    "content": "supplement",
    "supplements": S,
    "title": "In Welsh",
}
COUNT = 20_000


@pytest.fixture(scope="module")
def browser() -> Browser:
    flat = code_system(FLAT, *({"code": f"c{n}", "display": f"Concept {n}"} for n in range(COUNT)))
    shelf = Shelf(ANIMALS, WELSH, flat, code_system("urn:none", content="not-present"))
    holdings = Holdings(shelf, lambda url: None)
    return Browser(lambda asked: RequestLibrary(holdings, asked=asked), Directory(shelf))


def test_what_is_stored_comes_first_and_all_is_found_by_title_and_url(browser: Browser) -> None:
    page = browser.known("CodeSystem", count=4)
    assert {one.origin for one in page.shown} == {"stored"}
    assert page.totals["CodeSystem"] > 1000 and page.totals["ValueSet"] > 1000
    found = browser.known("CodeSystem", "stones anim")
    assert [(one.title, one.count, one.content) for one in found.shown] == [
        ("Animals and stones", 4, "complete")
    ]
    gender = browser.known("CodeSystem", "administrative-gender").shown
    assert [(one.origin, one.count) for one in gender if one.url.endswith("/administrative-gender")] == [
        ("R4", 4)
    ]
    assert browser.known("ConceptMap", "no such thing").shown == ()


def test_the_facts_of_a_system_also_of_one_without_codes(browser: Browser) -> None:
    facts = browser.system(S)
    assert (facts.size, facts.is_tree, facts.versions) == (4, True, ("1",))
    assert browser.system(FLAT).is_tree is False
    assert "not-present" in browser.system("urn:none").why
    assert f"codes of {S}" in browser.system("urn:welsh").why
    with pytest.raises(Refusal):
        browser.system("urn:unknown")
    with pytest.raises(Refusal):
        browser.level("urn:none", "")


def test_levels_open_one_by_one_and_page_by_page(browser: Browser) -> None:
    top = browser.level(S, "")
    assert [(one.code, one.opens) for one in top.nodes] == [("mammal", True), ("stone", False)]
    below = browser.level(S, "", "mammal", offset=1)
    assert (below.total, [(one.code, one.number) for one in below.nodes]) == (2, [("cat", 1)])
    with pytest.raises(Refusal):
        browser.level(S, "", "unicorn")


def test_a_long_flat_list_is_paged_and_searched_at_once(browser: Browser) -> None:
    browser.search(FLAT, "", "concept 1")  # what it is called is read once
    began = time.process_time()
    page = browser.level(FLAT, "", offset=19_950)
    assert (page.total, len(page.nodes), page.nodes[0].code) == (COUNT, 50, "c19950")
    assert [step.offset for step in browser.way(FLAT, "", "c14321")] == [14_300]
    found = browser.search(FLAT, "", "c77")
    assert (found.nodes[0].code, len(found.nodes), found.more) == ("c77", 50, True)
    assert time.process_time() - began < 2


def test_the_way_to_a_concept_is_the_levels_to_open(browser: Browser) -> None:
    assert [(one.parent, [node.code for node in one.nodes]) for one in browser.way(S, "", "cat")] == [
        ("", ["mammal", "stone"]),
        ("mammal", ["dog", "cat"]),
    ]


def test_a_concept_with_all_that_is_said_of_it(browser: Browser) -> None:
    dog = browser.concept(S, "", "dog")
    assert [one.code for one in dog.path] == ["mammal", "dog"]
    assert (dog.parents, dog.children, dog.below) == ((("mammal", "Mammal"),), 0, 0)
    assert [(about, link) for _, about, link in dog.properties] == [
        ("What it eats", ("cat", "Cat")),
        ("", None),
    ]
    remark = dog.remarks[0]
    assert (remark.title, remark.concept.display, remark.in_use) == ("In Welsh", "ci", False)
    assert browser.concept(S, "", "mammal").below == 2


def test_a_hierarchy_in_a_circle_is_shown_as_a_list() -> None:
    loop = code_system(
        "urn:loop",
        {"code": "a", "property": [{"code": "parent", "valueCode": "b"}]},
        {"code": "b", "property": [{"code": "parent", "valueCode": "a"}]},
    )
    shelf = Shelf(loop)
    holdings = Holdings(shelf, lambda url: None)
    browser = Browser(lambda asked: RequestLibrary(holdings, asked=asked), Directory(shelf))
    assert [one.code for one in browser.level("urn:loop", "").nodes] == ["a", "b"]
    assert [one.code for one in browser.concept("urn:loop", "", "a").path] == ["b", "a"]


def test_the_servers_own_definitions_are_told_apart() -> None:
    directory = Directory(Shelf(ANIMALS, WELSH), own=frozenset({Key("CodeSystem", "r1")}))
    assert [one.origin for one in directory.page("CodeSystem", "", 0, 2).shown] == ["stored", "built in"]


def test_what_is_stored_later_is_listed() -> None:
    shelf = Shelf(ANIMALS)
    directory = Directory(shelf)
    assert directory.page("CodeSystem", "animals", 0, 9).totals["CodeSystem"] == 1
    shelf.resources.append({**ANIMALS, "version": "2"})
    shelf.generation += 1
    found = directory.page("CodeSystem", "animals", 0, 9)
    assert [one.version for one in found.shown] == ["1", "2"]
