"""Conditions, paths and assignments of the maps: what their rows mean, and what is refused."""

from __future__ import annotations

import pytest

from adapters.hl7v2.maps.assignments import Call, Place, Text, parse_assignment
from adapters.hl7v2.maps.conditions import (
    OWN,
    All,
    Any,
    Measure,
    Not,
    OneOf,
    Same,
    Subject,
    Valued,
    asks_own_absence,
    parse_condition,
)
from adapters.hl7v2.maps.errors import MapError
from adapters.hl7v2.maps.paths import Step, parse_path
from adapters.hl7v2.maps.targets import LIST, RESOURCE, resolve

PRT5, PRT6 = Subject("PRT", (5,), True), Subject("PRT", (6,), True)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", None),
        ("IF PID-5 VALUED", Valued(Subject("PID", (5,), True))),
        ("IF PV1-20 VALUE", Valued(Subject("PV1", (20,), True))),
        ("IF XON-10 NOT VALUED", Not(Valued(Subject("XON", (10,), True)))),
        ("IF PRT-5 AND PRT-6 NOT VALUED", All((Not(Valued(PRT5)), Not(Valued(PRT6))))),
        ("IF PRT-5 OR PRT-6 IS VALUED ", Any((Valued(PRT5), Valued(PRT6)))),
        ('IF CX.5 IS "SN" ', OneOf(Subject("CX", (5,)), ("SN",))),
        ('IF XTN.3 NOT IN ("Internet", "X.400")', Not(OneOf(Subject("XTN", (3,)), ("Internet", "X.400")))),
        ('IF HD-3 = "ISO"', OneOf(Subject("HD", (3,), True), ("ISO",))),
        ("IF PID-7 LENGTH GREATER THAN 8", Measure(Subject("PID", (7,), True), "length", ">", 8)),
        ("IF OBX-33 COUNT=1", Measure(Subject("OBX", (33,), True), "count", "=", 1)),
        (
            "IF PID-11 LST.COUNT LESS THAN OR EQUALS 1",
            Measure(Subject("PID", (11,), True), "count", "<=", 1),
        ),
        ("IF NOT VALUED", Not(Valued(OWN))),
        ("IF ORC VALUED", Valued(Subject("ORC"))),
        (
            "IF PID-11.9 NOT EQUALS PID-12",
            Not(Same(Subject("PID", (11, 9), True), Subject("PID", (12,), True))),
        ),
        (
            'IF (OBX-2 EQUALS "SN" OR OBX-2 IS "NM") AND OBX-5.3 VALUED',
            All(
                (
                    Any(
                        (
                            OneOf(Subject("OBX", (2,), True), ("SN",)),
                            OneOf(Subject("OBX", (2,), True), ("NM",)),
                        )
                    ),
                    Valued(Subject("OBX", (5, 3), True)),
                )
            ),
        ),
        ("IF XCN.19 DOES NOT EXIST", Not(Valued(Subject("XCN", (19,))))),
    ],
)
def test_what_a_condition_means(text: str, meant: object) -> None:
    assert parse_condition(text) == meant


@pytest.mark.parametrize(
    "text",
    [
        "IF OBR-25 NOT VALUED ERROR",
        'IF (OBX-2 EQUALS "SN"',
        "c",
        'IF PRT-2 IN ("A", X")',
        "IF CX.4 IN http://hl7.org/registry.html",
        "IF PID-5",
        "IF PID-5 COUNT",
    ],
)
def test_what_is_no_condition(text: str) -> None:
    with pytest.raises(MapError):
        parse_condition(text)


def test_a_row_that_speaks_where_its_own_field_is_absent() -> None:
    own = Subject("RXA", (20,), True)
    assert asks_own_absence(parse_condition("IF RXA-20 NOT VALUED"), own)
    assert asks_own_absence(parse_condition("IF NOT VALUED"), own)
    assert not asks_own_absence(parse_condition("IF RXA-21 NOT VALUED"), own)
    assert not asks_own_absence(None, own)


def test_a_path_into_another_resource() -> None:
    assert parse_path("performer[1](PractitionerRole.practitioner(Practitioner.name)) ") == (
        Step("performer", 1, "PractitionerRole"),
        Step("practitioner", 0, "Practitioner"),
        Step("name"),
    )
    assert parse_path("[1].partOf.reference(Location[2])") == (Step("", 1), Step("partOf", 0, "Location", 2))
    assert parse_path("component[each].code")[0] == Step("component", -1)


@pytest.mark.parametrize(
    "text", ["", "name.suffix[2}", "a.", "asserter(Practitioner", 'status="final"', "a(b)"]
)
def test_what_is_no_path(text: str) -> None:
    with pytest.raises(MapError):
        parse_path(text)


def test_a_target_is_checked_against_the_definitions() -> None:
    target = resolve("contact.telecom[1]", "Patient", "NK1-5")
    assert (target.type, target.is_list, target.repeats, target.hops[0].kind) == (
        "ContactPoint",
        True,
        True,
        LIST,
    )
    assert resolve("requester(Practitioner)", "ServiceRequest", "OBR-16").hops[0].kind == RESOURCE
    assert resolve("valueQuantity.value", "Observation", "OBX-5").hops[0].rivals
    with pytest.raises(MapError, match="Extension has no element uri"):
        resolve("extension[1].uri", "Patient", "PID-1")
    with pytest.raises(MapError, match="no type"):
        resolve("practitioner(Practioner.name)", "PractitionerRole", "XCN.2")


def test_where_repetitions_go() -> None:
    assert resolve("name[1]", "Patient", "PID-5").repeats
    assert resolve("participant[1].individual(Practitioner)", "Encounter", "PV1-7").hops[0].repeats
    assert not resolve("contact.name", "Patient", "NK1-2").hops[0].repeats
    assert resolve("extension[4].extension[1].valueCodeableConcept", "Patient", "PID-26").hops[0].repeats


def test_assignments() -> None:
    assert parse_assignment('"urn:oid:"+HD.2') == (Text("urn:oid:"), Place(Subject("HD", (2,))))
    assert parse_assignment("$base64(ED.5, ED.4)") == (
        Call("base64", (Place(Subject("ED", (5,))), Place(Subject("ED", (4,))))),
    )
    assert parse_assignment("") == ()
    for wrong in ("/time of transformation/", '"a"+', "HD.2 HD.3"):
        with pytest.raises(MapError):
            parse_assignment(wrong)
