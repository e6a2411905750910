"""Translating codes by ConceptMaps, from either side."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.ports.concept_maps import Question, Translation
from terminology.concept_maps.equivalence import inverse
from terminology.concept_maps.translator import Translator
from tests.unit.terminology.concept_maps.shelves import Shelf, concept_map, element, group

A, B, C = "http://a.example", "http://b.example", "http://c.example"
M = "http://m.example/ConceptMap/"


def translator(*maps: JsonObject) -> Translator:
    shelf = Shelf()
    shelf.put(*maps)
    return Translator(shelf)


def ask(
    by: Translator, code: str, system: str = A, map: str | JsonObject = "", **more: object
) -> Translation:
    return by.translate(Question(({"system": system, "code": code},), map, **more))  # type: ignore[arg-type]


def told(found: Translation) -> list[tuple[str, str]]:
    return [(one.equivalence, one.concept["code"] if one.concept else "") for one in found.matches]


def test_a_code_is_translated_by_a_named_map_and_says_by_which() -> None:
    by = translator(concept_map(f"{M}1", group(A, B, element("x", "y")), version="2"))
    found = ask(by, "x", map=f"{M}1")
    (match,) = found.matches
    assert (found.result, match.concept, match.map) == (True, {"system": B, "code": "y"}, f"{M}1|2")
    none = ask(by, "q", map=f"{M}1")
    assert (none.result, none.matches) == (False, ()) and "does not list the code" in none.message
    assert not ask(by, "x", system=C, map=f"{M}1").result


def test_a_map_that_is_not_known_is_refused() -> None:
    with pytest.raises(Refusal) as refused:
        ask(translator(), "x", map=f"{M}none")
    assert refused.value.category is Category.NOT_FOUND


def test_versions_side_by_side() -> None:
    by = translator(
        concept_map(f"{M}1", group(A, B, element("x", "old")), version="1.9"),
        concept_map(f"{M}1", group(A, B, element("x", "new")), version="1.10"),
        concept_map(f"{M}1", group(A, B, element("x", "never")), version="9", status="retired"),
    )
    assert told(ask(by, "x", map=f"{M}1")) == [("equivalent", "new")]
    assert told(ask(by, "x", map=f"{M}1|1.9")) == [("equivalent", "old")]
    assert told(ask(by, "x")) == [("equivalent", "new")], "one version of each map is asked"
    with pytest.raises(Refusal):
        ask(by, "x", map=f"{M}1|7")


def test_all_maps_that_fit_are_asked_where_none_is_named() -> None:
    by = translator(
        concept_map(f"{M}b", group(A, B, element("x", ("near", "narrower")))),
        concept_map(f"{M}c", group(A, C, element("x", "exact"), element("z", "z"))),
        concept_map(f"{M}r", group(A, C, element("x", "gone")), status="retired"),
        concept_map(f"{M}s", group(A, C, element("x", "scoped")), sourceUri="urn:vs:s", targetUri="urn:vs:t"),
    )
    assert sorted(told(ask(by, "x"))) == [
        ("equivalent", "exact"),
        ("equivalent", "scoped"),
        ("narrower", "near"),
    ]
    assert told(ask(by, "x", target_system=B)) == [("narrower", "near")]
    assert "scoped" not in str(told(ask(by, "x", source="urn:vs:other")))
    assert "scoped" not in str(told(ask(by, "x", target="urn:vs:other")))
    assert "scoped" in str(told(ask(by, "x", source="urn:vs:s|1", target="urn:vs:t")))
    assert told(ask(by, "x"))[-1] == ("narrower", "near"), "the closest come first"


def test_without_a_target_of_the_map_codes_are_kept_that_the_value_set_holds() -> None:
    shelf = Shelf()
    shelf.put(concept_map(f"{M}1", group(A, B, element("x", "in", "out"))))
    by = Translator(shelf, holds=lambda value_set, system, code, asked: code == "in")
    assert told(ask(by, "x", target="urn:vs")) == [("equivalent", "in")]


def test_unmatched_and_disjoint_are_told_and_no_translation() -> None:
    by = translator(
        concept_map(
            f"{M}1",
            group(
                A,
                B,
                element("x", ("y", "disjoint")),
                element("n"),
                element("u", {"equivalence": "unmatched"}),
            ),
        )
    )
    assert not ask(by, "x").result and told(ask(by, "x")) == [("disjoint", "y")]
    assert told(ask(by, "n")) == told(ask(by, "u")) == [("unmatched", "")]


UNMAPPED = group(A, B, element("x", "y"), element("n"))


@pytest.mark.parametrize(
    ("unmapped", "code", "found"),
    [
        ({"mode": "provided"}, "q", [("relatedto", "q")]),
        ({"mode": "fixed", "code": "f", "display": "F"}, "q", [("relatedto", "f")]),
        ({"mode": "fixed", "code": "f"}, "x", [("equivalent", "y")]),
        ({"mode": "fixed", "code": "f"}, "n", [("unmatched", "")]),
        ({"mode": "other-map", "url": f"{M}2"}, "q", [("equivalent", "z")]),
        ({"mode": "other-map", "url": f"{M}none"}, "q", []),
    ],
)
def test_what_a_map_does_not_list(unmapped: JsonObject, code: str, found: list[tuple[str, str]]) -> None:
    by = translator(
        concept_map(f"{M}1", {**UNMAPPED, "unmapped": unmapped}),
        concept_map(f"{M}2", group(A, B, element("q", "z"))),
    )
    assert told(ask(by, code, map=f"{M}1")) == found


def test_maps_that_refer_to_each_other_in_a_circle_are_refused() -> None:
    def refers(name: str, *to: str) -> JsonObject:
        groups = [
            group(A, B, element("x", "y"), unmapped={"mode": "other-map", "url": f"{M}{one}"}) for one in to
        ]
        return concept_map(f"{M}{name}", *groups)

    by = translator(refers("1", "2"), refers("2", "3"), refers("3", "1"))
    with pytest.raises(Refusal) as refused:
        ask(by, "q", map=f"{M}1")
    assert (refused.value.category, refused.value.issues[0].code) == (Category.UNPROCESSABLE, "business-rule")
    assert not ask(by, "q").result, "where no map was named, the others are still asked"
    fan = [refers(str(n), *[str(n + 1)] * 8) for n in range(40)]
    assert not ask(translator(*fan), "q", map=f"{M}0").result, (
        "each is asked once, not eight times to the fortieth"
    )
    chain = translator(*[refers(str(n), str(n + 1)) for n in range(400)])
    with pytest.raises(Refusal):
        ask(chain, "q", map=f"{M}0")


def test_what_a_mapping_depends_on_has_to_be_given() -> None:
    depends = {"code": "y", "dependsOn": [{"property": "urn:age", "system": C, "value": "old"}]}
    otherwise = {"code": "z", "dependsOn": [{"property": "urn:age", "value": "young"}], "product": []}
    by = translator(concept_map(f"{M}1", group(A, B, element("x", depends, otherwise))))
    none = ask(by, "x")
    assert (none.result, none.matches) == (False, ()) and "urn:age" in none.message
    old = (("urn:age", {"coding": [{"system": C, "code": "old"}]}),)
    assert told(ask(by, "x", dependencies=old)) == [("equivalent", "y")]
    assert told(ask(by, "x", dependencies=(("urn:age", {"text": "young"}),))) == [("equivalent", "z")]
    assert told(ask(by, "x", dependencies=(("urn:other", {"text": "young"}),))) == []


def test_products_come_along() -> None:
    product = {
        "code": "y",
        "product": [{"property": "urn:side", "system": C, "value": "left", "display": "Left"}],
    }
    (match,) = ask(translator(concept_map(f"{M}1", group(A, B, element("x", product)))), "x").matches
    assert match.products == (("urn:side", {"system": C, "code": "left", "display": "Left"}),)


@pytest.mark.parametrize(
    ("stated", "turned"),
    [
        ("wider", "narrower"),
        ("narrower", "wider"),
        ("subsumes", "specializes"),
        ("specializes", "subsumes"),
        ("equal", "equal"),
        ("equivalent", "equivalent"),
        ("relatedto", "relatedto"),
        ("inexact", "inexact"),
        ("disjoint", "disjoint"),
    ],
)
def test_reversed(stated: str, turned: str) -> None:
    by = translator(
        concept_map(
            f"{M}1",
            group(A, B, element("x", ("y", stated)), element("n")),
            sourceUri="urn:s",
            targetUri="urn:t",
        )
    )
    assert told(ask(by, "y", system=B, reverse=True)) == [(turned, "x")]
    assert told(ask(by, "y", system=B, reverse=True, target_system=A)) == [(turned, "x")]
    assert told(ask(by, "y", system=B, reverse=True, source="urn:t", target="urn:s")) == [(turned, "x")]
    assert told(ask(by, "y", system=B, reverse=True, source="urn:s")) == []
    assert told(ask(by, "x", system=A, reverse=True)) == []


def test_reversed_through_another_map() -> None:
    refers = group(A, B, element("x", "y"), unmapped={"mode": "other-map", "url": f"{M}2"})
    by = translator(
        concept_map(f"{M}1", refers), concept_map(f"{M}2", group(A, B, element("x", "z"), element("w", "y")))
    )
    assert sorted(told(ask(by, "y", B, f"{M}1", reverse=True))) == [("equivalent", "w"), ("equivalent", "x")]
    assert told(ask(by, "z", B, f"{M}1", reverse=True)) == [], "the first map has another word for x"


def test_versions_of_systems() -> None:
    by = translator(
        concept_map(f"{M}1", group(A, B, element("x", "y"), sourceVersion="2", targetVersion="7"))
    )
    coding = {"system": A, "code": "x"}
    assert by.translate(Question(({**coding, "version": "2"},))).matches[0].concept == {
        "system": B,
        "version": "7",
        "code": "y",
    }
    assert not by.translate(Question(({**coding, "version": "1"},))).result


def test_a_change_is_seen_once_it_is_told() -> None:
    shelf = Shelf()
    shelf.put(concept_map(f"{M}1", group(A, B, element("x", "y")), id="m"))
    by = Translator(shelf)
    assert told(ask(by, "x")) == told(ask(by, "x", map="ConceptMap/m")) == [("equivalent", "y")]
    shelf.put(concept_map(f"{M}1", group(A, B, element("x", "z")), id="m"))
    by.forget()
    assert told(ask(by, "x")) == told(ask(by, "x", map=f"{M}1")) == [("equivalent", "z")]


def test_the_maps_that_r4_itself_has() -> None:
    found = ask(translator(), "home", "http://hl7.org/fhir/address-use", "http://hl7.org/fhir/ConceptMap/101")
    assert told(found) == [("equivalent", "H")]
    v3 = "http://terminology.hl7.org/CodeSystem/v3-AddressUse"
    every = ask(translator(), "home", "http://hl7.org/fhir/address-use", target_system=v3)
    assert every.result and {"H"} == {one.concept["code"] for one in every.matches if one.concept}
    assert ask(translator(), "H", v3, reverse=True, target_system="http://hl7.org/fhir/address-use").result


codes = st.sampled_from("abcd")
elements = st.lists(
    st.tuples(codes, codes, st.sampled_from(["equal", "wider", "narrower", "subsumes", "disjoint"])),
    max_size=12,
)


@given(elements)
def test_what_is_found_from_one_side_is_found_from_the_other(rows: list[tuple[str, str, str]]) -> None:
    by = translator(concept_map(f"{M}1", group(A, B, *(element(a, (b, how)) for a, b, how in rows))))
    forward = {
        (a, one.concept["code"], one.equivalence)
        for a in "abcd"
        for one in ask(by, a, A).matches
        if one.concept
    }
    backward = {
        (one.concept["code"], b, inverse(one.equivalence))
        for b in "abcd"
        for one in ask(by, b, B, reverse=True).matches
        if one.concept
    }
    assert forward == backward == {(a, b, how) for a, b, how in rows}


def test_a_map_that_another_leads_to_is_told_and_does_not_speak_for_itself() -> None:
    by = translator(
        concept_map(
            f"{M}1", {**group(A, B, element("x", "y")), "unmapped": {"mode": "other-map", "url": f"{M}2"}}
        ),
        concept_map(f"{M}2", group(A, B, element("q", "z"))),
    )
    found = ask(by, "q")
    assert [(one.map, one.concept) for one in found.matches] == [(f"{M}1", {"system": B, "code": "z"})]
    assert found.used == (f"{M}2",)
    assert ask(by, "x").used == ()


def test_where_no_map_is_about_the_systems_it_says_which() -> None:
    by = translator(concept_map(f"{M}1", group(A, B, element("x", "y"))))
    start = "No ConceptMap is available to translate from"
    assert ask(by, "x", target_system=C).message == f"{start} '{A}' to '{C}'"
    assert ask(by, "y", reverse=True, target_system=C).message == f"{start} '{C}' to '{A}'"
