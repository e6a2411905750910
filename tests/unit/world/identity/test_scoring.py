"""The score of a pair of people: its laws, and the cases that are hard."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.made_people import Maker
from fhirserver.kernel.json import JsonObject
from fhirserver.world.identity.person import FIELDS, compare, person_of
from fhirserver.world.identity.scoring import Grade, Score, score

SSN = "http://hl7.org/fhir/sid/us-ssn"
ROLE = "http://terminology.hl7.org/CodeSystem/v2-0203"


def person(**changes: Any) -> JsonObject:
    """Maria Alvarez; None leaves a member out."""
    whole: JsonObject = {
        "name": [{"family": "Alvarez", "given": ["Maria"]}],
        "birthDate": "1979-06-11",
        "gender": "female",
        "telecom": [{"system": "phone", "value": "+15559697967"}],
        "address": [{"line": ["6 Maltby Circuit"], "city": "Springfield", "postalCode": "01103"}],
    }
    return {name: value for name, value in {**whole, **changes}.items() if value is not None}


def name(given_name: str, family: str, suffix: str = "", **more: Any) -> list[JsonObject]:
    made: JsonObject = {"family": family, "given": given_name.split(), **more}
    return [{**made, "suffix": [suffix]} if suffix else made]


def ssn(value: str) -> list[JsonObject]:
    return [{"system": SSN, "value": value}]


def mrn(value: str) -> list[JsonObject]:
    return [{"system": "urn:mrn", "value": value, "type": {"coding": [{"system": ROLE, "code": "MR"}]}}]


def scored(mine: JsonObject, other: JsonObject) -> Score:
    return score(person_of(mine), person_of(other))


def grade(mine: JsonObject, other: JsonObject) -> str:
    return scored(mine, other).grade.value


# --- laws

PEOPLE = st.integers(0, 60).map(lambda seed: next(iter(Maker(seed).people(1))))
PAIRS = st.builds(lambda seed, most: _distorted(seed, most), st.integers(0, 400), st.integers(1, 6))


def _distorted(seed: int, most: int) -> tuple[JsonObject, JsonObject]:
    maker = Maker(seed)
    one = next(iter(maker.people(1)))
    return one, maker.distorted(one, most)


@settings(max_examples=60, deadline=None)
@given(PAIRS, PAIRS)
def test_a_score_is_symmetric(one: tuple[JsonObject, JsonObject], two: tuple[JsonObject, JsonObject]) -> None:
    for mine in one:
        for other in (*one, *two):
            assert scored(mine, other) == scored(other, mine)


@settings(max_examples=40, deadline=None)
@given(PEOPLE)
def test_an_identical_record_is_certain(one: JsonObject) -> None:
    assert grade(one, one) == "certain"
    assert grade({**one, "identifier": []}, {**one, "identifier": []}) == "certain"


@settings(max_examples=40, deadline=None)
@given(PEOPLE, st.sets(st.sampled_from(["identifier", "name", "birthDate", "gender", "telecom", "address"])))
def test_what_is_missing_never_makes_it_surer(one: JsonObject, missing: set[str]) -> None:
    less = {member: value for member, value in one.items() if member not in missing}
    assert scored(less, one).bits <= scored(one, one).bits
    assert scored(less, less).bits <= scored(one, one).bits


@settings(max_examples=40, deadline=None)
@given(PAIRS, st.randoms(use_true_random=False))
def test_the_order_of_items_does_not_matter(pair: tuple[JsonObject, JsonObject], chance: Any) -> None:
    mine, other = pair
    more = {
        **other,
        "name": [*other["name"], {"family": "Kolodina"}],
        "telecom": [*other.get("telecom", ()), {"system": "phone", "value": "+12025550143"}],
    }
    mixed = dict(more)
    for member in ("name", "telecom", "address", "identifier"):
        mixed[member] = chance.sample(more.get(member, []), len(more.get(member, [])))
    assert scored(mine, more) == scored(mine, mixed)


@settings(max_examples=40, deadline=None)
@given(PAIRS)
def test_the_parts_make_up_the_score(pair: tuple[JsonObject, JsonObject]) -> None:
    found = scored(*pair)
    assert sum(one.bits for one in found.fields) + found.household == pytest.approx(found.bits, abs=0.1)
    assert found.household <= 0
    assert {one.field for one in found.fields} <= set(FIELDS)
    assert all(f"{one.field} {one.level}" in found.explanation for one in found.fields)
    assert 0 <= found.probability <= 1


def test_a_surer_grade_never_has_a_lower_probability() -> None:
    maker = Maker(11)
    people = list(maker.people(60))
    records = [person_of(one) for p in people for one in (p, maker.distorted(p, 5))]
    scores = [score(a, b) for a in records[:40] for b in records]
    ladder = [Grade.CERTAINLY_NOT, Grade.POSSIBLE, Grade.PROBABLE, Grade.CERTAIN]
    by_probability = sorted(scores, key=lambda one: one.probability)
    ranks = [ladder.index(one.grade) for one in by_probability]
    assert ranks == sorted(ranks)
    assert set(ranks) == {0, 1, 2, 3}


def test_strangers_of_common_names_tell_less() -> None:
    common = {"name": name("James", "Smith"), "birthDate": "1979-06-11"}
    rare = {"name": name("Zelda", "Quillfeather"), "birthDate": "1979-06-11"}
    assert scored(common, common).bits < scored(rare, rare).bits - 2


# --- hard cases


def test_members_of_a_family_on_one_phone_are_kept_apart() -> None:
    for other in ("Sofia", "Jose"):
        child = person(name=name(other, "Alvarez"), birthDate="2003-01-30")
        assert grade(person(), child) == "certainly-not"


def test_twins_are_kept_apart() -> None:
    for first, second in (("Maria", "Elena"), ("Aiden", "Jayden"), ("Anna", "Maria"), ("Tara", "Zara")):
        one, two = (person(name=name(given_name, "Alvarez")) for given_name in (first, second))
        assert grade(one, two) == "certainly-not"


def test_twins_of_names_that_nobody_knows_are_not_certain() -> None:
    one, two = (person(name=name(given_name, "Alvarez")) for given_name in ("Jaymarion", "Jaymarian"))
    assert grade(one, two) in ("probable", "possible")


def test_junior_and_senior_are_kept_apart() -> None:
    junior = person(name=name("John", "Alvarez", "Jr"), birthDate="1985-04-01", gender="male")
    senior = person(name=name("John", "Alvarez", "Sr."), birthDate="1955-09-17", gender="male")
    assert grade(junior, senior) == "certainly-not"
    undated = [{k: v for k, v in one.items() if k != "birthDate"} for one in (junior, senior)]
    assert grade(*undated) in ("possible", "certainly-not")
    assert grade(junior, {**senior, "birthDate": "1985-04-01"}) != "certain"


def test_a_father_and_a_son_of_one_name_are_not_certain() -> None:
    son = person(name=name("John", "Alvarez"), birthDate="1985-04-01", gender="male")
    father = person(name=name("John", "Alvarez"), birthDate="1955-09-17", gender="male")
    assert grade(son, father) == "possible"


@pytest.mark.parametrize("kept", [(), ("telecom",), ("telecom", "address")])
def test_a_married_name_is_possible_and_not_certain(kept: tuple[str, ...]) -> None:
    left_out = {member: None for member in ("telecom", "address") if member not in kept}
    married = person(name=name("Maria", "Brinsmead"), **left_out)
    assert grade(person(), married) in ("possible", "probable")


def test_a_maiden_name_that_is_recorded_makes_it_certain() -> None:
    married = person(name=[*name("Maria", "Brinsmead"), *name("Maria", "Alvarez", use="maiden")])
    assert grade(person(), married) == "certain"
    assert grade(person(), person(name=name("Maria", "Alvarez-Brinsmead"))) == "certain"


def test_a_wrong_birth_date_of_a_caller_is_possible() -> None:
    caller = person(birthDate="1968-02-23", address=None)
    assert grade(person(), caller) in ("possible", "probable")


@pytest.mark.parametrize("said", ["1979-11-06", "1979-06-12", "1979-06-21", "1997-06-11", "1979-06-10"])
def test_a_birth_date_that_is_one_slip_away_stays_near(said: str) -> None:
    assert grade(person(), person(birthDate=said)) == "certain"
    assert grade(person(), person(birthDate=said, telecom=None, address=None)) != "certain"


@pytest.mark.parametrize("said", ["1979", "1979-06"])
def test_a_partial_birth_date_agrees(said: str) -> None:
    told = {one.field: one.level for one in compare(person_of(person()), person_of(person(birthDate=said)))}
    assert told["birthDate"] == "partial"


@pytest.mark.parametrize(
    ("one", "two", "level"),
    [
        ("Robert", "Bob", "nickname"), ("Elizabeth", "Beth", "nickname"), ("Katherine", "Kathryn", "nickname"),
        ("Michelle", "Michele", "nickname"), ("Joshua", "Joshus", "slip"), ("Brooke", "Broke", "slip"),
        ("Jaylynne", "Jaylinne", "close"), ("M", "Maria", "initial"), ("Maria", "Mario", "different"),
        ("José", "Jose", "same"), ("Anna Maria", "Maria", "part"), ("Mary Ann", "Maryann", "slip"),
    ],
)  # fmt: skip
def test_levels_of_given_names(one: str, two: str, level: str) -> None:
    pair = (person_of({"name": name(each, "Alvarez")}) for each in (one, two))
    assert {told.field: told.level for told in compare(*pair)}["given"] == level


@pytest.mark.parametrize(
    ("one", "two", "level"),
    [
        ("O'Brien", "Obrien", "same"), ("de la Cruz", "Delacruz", "same"), ("Smith", "Smyth", "close"),
        ("Alvarez-Lopez", "Lopez", "part"), ("Schmidt", "Schmitt", "close"), ("Müller", "Muller", "same"),
        ("Alvarez", "Okafor", "different"), ("Hansen Jr", "Hansen", "same"),
    ],
)  # fmt: skip
def test_levels_of_family_names(one: str, two: str, level: str) -> None:
    pair = (person_of({"name": name("Maria", each)}) for each in (one, two))
    assert {told.field: told.level for told in compare(*pair)}["family"] == level


def test_given_and_family_name_in_each_others_place() -> None:
    turned = person(name=name("Alvarez", "Maria"))
    told = {one.field: one.level for one in compare(person_of(person()), person_of(turned))}
    assert (told["given"], told["family"]) == ("swapped", "swapped")
    assert grade(person(), turned) == "certain"


def test_a_name_that_is_only_text_is_read() -> None:
    for text in ("Maria Alvarez", "Alvarez, Maria"):
        assert grade(person(), person(name=[{"text": text}])) == "certain"


def test_a_child_without_a_name_yet_is_for_a_reviewer() -> None:
    newborn = person(name=name("BabyGirl", "Alvarez"))
    assert grade(person(), newborn) in ("probable", "possible")


# --- identifiers


def test_a_shared_number_decides() -> None:
    married = person(
        name=name("Maria", "Brinsmead"), telecom=None, address=None, identifier=ssn("123-45-6780")
    )
    assert grade(person(identifier=ssn("123456780")), married) == "certain"
    assert grade({"identifier": mrn("77")}, {"identifier": mrn("77")}) == "certain"


def test_but_not_against_given_name_and_birth_date() -> None:
    husband = person(
        name=name("Jose", "Alvarez"), birthDate="1975-02-28", gender="male", identifier=ssn("123-45-6780")
    )
    found = scored(person(identifier=ssn("123-45-6780")), husband)
    assert found.grade in (Grade.PROBABLE, Grade.POSSIBLE)
    assert "speaks against" in found.explanation


def test_another_number_counts_against() -> None:
    one, two = person(identifier=mrn("1001")), person(identifier=mrn("1002"))
    assert scored(one, two).bits < scored(person(), person()).bits - 3
    levels = {told.field: told.level for told in compare(person_of(one), person_of(two))}
    assert levels["identifier"] == "different", "neighbouring record numbers are no slip"
    slip = compare(
        person_of({"identifier": ssn("123-45-6780")}), person_of({"identifier": ssn("123-54-6780")})
    )
    assert [told.level for told in slip] == ["near"]


@pytest.mark.parametrize(
    "shared",
    [
        {"system": "urn:acct", "value": "5", "type": {"coding": [{"system": ROLE, "code": "AN"}]}},
        {"system": "urn:plan", "value": "5", "type": {"coding": [{"system": ROLE, "code": "MB"}]}},
        {"system": SSN, "value": "000-00-0000"},
        {"system": SSN, "value": "999-99-9999"},
        {"value": "5"},
    ],
)
def test_numbers_that_are_not_of_one_person_tell_nothing(shared: JsonObject) -> None:
    pair = person_of({"identifier": [shared]}), person_of({"identifier": [shared]})
    assert list(compare(*pair)) == []
