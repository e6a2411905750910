from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.search.expression import (
    And,
    Chain,
    CompositeIs,
    DateIs,
    Everything,
    Has,
    IdIs,
    Include,
    Missing,
    Not,
    Or,
    Query,
    ReferenceIs,
    SortKey,
    StringIs,
    TokenIs,
    UriIs,
    Within,
)
from fhirserver.search.parse import parse


def asked(type_name: str, *pairs: tuple[str, str], **options: object) -> Query:
    return parse(type_name, pairs, **options)  # type: ignore[arg-type]


def refused(type_name: str, *pairs: tuple[str, str]) -> Refusal:
    with pytest.raises(Refusal) as caught:
        parse(type_name, pairs)
    assert caught.value.category is Category.INVALID
    return caught.value


def test_nothing_asked_is_everything() -> None:
    query = asked("Patient")
    assert (query.where, query.count, query.sort) == (Everything(), 50, ())


def test_repeated_is_and_comma_is_or() -> None:
    query = asked("Patient", ("given", "Eve"), ("family", "a,b"))
    assert query.where == And(
        (StringIs("given", "eve"), Or((StringIs("family", "a"), StringIs("family", "b"))))
    )


def test_escapes() -> None:
    query = asked("Patient", ("identifier", r"http://x|a\,b\|c\\d,|e"))
    assert query.where == Or((TokenIs("identifier", "http://x", r"a,b|c\d"), TokenIs("identifier", "", "e")))


def test_a_prefix_belongs_to_its_own_or_value() -> None:
    where = asked("Patient", ("birthdate", "lt1980,gt2000")).where
    assert isinstance(where, Or)
    assert [e.prefix for e in where.of if isinstance(e, DateIs)] == ["lt", "gt"]


def test_not_stands_outside_the_or() -> None:
    assert asked("Patient", ("gender:not", "male,other")).where == Not(
        Or((TokenIs("gender", None, "male"), TokenIs("gender", None, "other")))
    )


def test_missing() -> None:
    assert asked("Patient", ("gender:missing", "true")).where == Missing("gender", "token")
    assert asked("Patient", ("gender:missing", "false")).where == Not(Missing("gender", "token"))
    refused("Patient", ("gender:missing", "maybe"))


@pytest.mark.parametrize(
    ("value", "predicate"),
    [
        ("x", ReferenceIs("subject", None, "x")),
        ("Patient/x", ReferenceIs("subject", "Patient", "x")),
        ("Patient/x/_history/3", ReferenceIs("subject:version", "Patient", "x/_history/3")),
        (
            "http://own.org/fhir/Patient/x/_history/3",
            ReferenceIs("subject:version", "Patient", "x/_history/3"),
        ),
        (
            "http://other.org/fhir/Patient/x/_history/3",
            ReferenceIs("subject:version", "", "http://other.org/fhir/Patient/x/_history/3"),
        ),
        ("http://own.org/fhir/Patient/x", ReferenceIs("subject", "Patient", "x")),
        ("http://other.org/fhir/Patient/x", ReferenceIs("subject", "", "http://other.org/fhir/Patient/x")),
        ("urn:uuid:5", ReferenceIs("subject", "", "urn:uuid:5")),
    ],
)
def test_references(value: str, predicate: ReferenceIs) -> None:
    assert asked("Observation", ("subject", value), base="http://own.org/fhir").where == predicate


def test_reference_modifiers() -> None:
    assert asked("Observation", ("subject:Group", "x")).where == ReferenceIs("subject", "Group", "x")
    identifier = asked("Observation", ("subject:identifier", "http://mrn|1")).where
    assert identifier == TokenIs("subject:identifier", "http://mrn", "1")
    elsewhere = asked("Observation", ("subject:Patient", "http://other/fhir/Patient/1")).where
    assert elsewhere == ReferenceIs("subject", "", "http://other/fhir/Patient/1")
    refused("Observation", ("subject:Group", "Patient/x"))
    refused("Observation", ("subject:Group", "http://other/fhir/Patient/1"))


def test_a_type_may_be_named_that_the_parameter_does_not_declare() -> None:
    """R4's own examples hold such references."""
    found = asked("DeviceMetric", ("parent:DeviceDefinition", "dc102")).where
    assert found == ReferenceIs("parent", "DeviceDefinition", "dc102")
    chained = asked("DeviceMetric", ("parent:DeviceDefinition._id", "dc102")).where
    assert chained == Chain("parent", "DeviceDefinition", IdIs("dc102"))


def test_references_of_nothing_known() -> None:
    refused("Observation", ("subject", "Pation/x"))


def test_chains() -> None:
    assert asked("Observation", ("patient.name:exact", "Eve")).where == Chain(
        "patient", "Patient", StringIs("name", "Eve", "exact")
    )
    assert asked("Observation", ("subject:Patient.organization.name", "a")).where == Chain(
        "subject", "Patient", Chain("organization", "Organization", StringIs("name", "a"))
    )
    either = asked("Observation", ("subject.identifier", "1")).where
    assert isinstance(either, Or)
    assert {e.type for e in either.of if isinstance(e, Chain)} >= {"Patient", "Group", "Device"}


def test_has() -> None:
    nested = asked("Patient", ("_has:Observation:patient:_has:Provenance:target:agent", "Organization/1"))
    assert nested.where == Has(
        "Observation", "patient", Has("Provenance", "target", ReferenceIs("agent", "Organization", "1"))
    )
    inside = asked("Patient", ("_has:Observation:patient:performer:Practitioner.name", "a"))
    assert inside.where == Has(
        "Observation", "patient", Chain("performer", "Practitioner", StringIs("name", "a"))
    )


def test_composites_and_uris() -> None:
    where = asked("Observation", ("code-value-concept", "http://loinc.org|1$x")).where
    assert where == CompositeIs(
        "code-value-concept", (TokenIs("code", "http://loinc.org", "1"), TokenIs("value-concept", None, "x"))
    )
    assert asked("ValueSet", ("url:below", "http://a")).where == UriIs("url", "http://a", "below")
    refused("Observation", ("code-value-concept", "a"))


def test_ids() -> None:
    assert asked("Patient", ("_id", "a,b")).where == Or((IdIs("a"), IdIs("b")))


def test_approximately_depends_on_now() -> None:
    where = asked("Patient", ("birthdate", "ap2000-01-01"), now=946684800 + 1000 * 86400).where
    assert isinstance(where, DateIs)
    assert (where.high - where.low) // 86_400_000_000 in (200, 201)


def test_what_shapes_the_answer() -> None:
    query = asked(
        "Patient",
        ("_sort", "family,-birthdate,_id"),
        ("_count", "5000"),
        ("_include", "Patient:organization"),
        ("_include:iterate", "Organization:partof:Organization"),
        ("_revinclude", "Provenance:target"),
        ("_summary", "true"),
        ("_total", "accurate"),
        ("_elements", "name,birthDate"),
        ("_format", "json"),
    )
    assert query.sort == (
        SortKey("family", "string"),
        SortKey("birthdate", "date", True),
        SortKey("_id", "id"),
    )
    assert query.count == 1000
    assert query.includes == (
        Include("Patient", "organization"),
        Include("Organization", "partof", "Organization", True),
    )
    assert query.revincludes == (Include("Provenance", "target"),)
    assert (query.summary, query.total, query.elements) == ("true", "accurate", ("name", "birthDate"))


@pytest.mark.parametrize(
    "pair",
    [
        ("nme", "x"),
        ("name:foo", "x"),
        ("birthdate", "soon"),
        ("birthdate:exact", "2000"),
        ("birthdate", ""),
        ("name", ""),
        ("_count", "-1"),
        ("_count", "many"),
        ("_sort", "nothing"),
        ("_sort", ""),
        ("_summary", "perhaps"),
        ("_include", "Observation:patient"),
        ("_include", "Patient"),
        ("_include", "Patient:name"),
        ("_revinclude", "Nothing:x"),
        ("_has:Observation", "x"),
        ("_has:Observation:code:status", "x"),
        ("_has:Encounter:practitioner:status", "x"),
        ("name.given", "x"),
        ("organization.nothing", "x"),
        ("_text", "(x"),
        ("_content", "x AND"),
        ("_content:contains", "x"),
        ("_query", "x"),
        ("_elements", "nothing"),
        ("_id", "a b"),
        ("identifier", "|"),
        ("_cursor", "x"),
    ],
)
def test_a_bad_parameter_is_refused_by_name(pair: tuple[str, str]) -> None:
    refusal = refused("Patient", pair)
    assert [issue.expression for issue in refusal.issues] == [(f"http.{pair[0]}",)]


def test_the_known_ones_are_suggested() -> None:
    assert "birthdate" in refused("Patient", ("birthdat", "2000")).issues[0].diagnostics


def test_all_bad_parameters_are_named_at_once() -> None:
    assert len(refused("Patient", ("nme", "x"), ("birthdate", "x")).issues) == 2


def test_lenient_leaves_unknown_ones_out_and_says_so() -> None:
    query = parse("Patient", [("nme", "x"), ("nme:foo", "y"), ("name", "z")], lenient=True)
    assert query.ignored == ("nme", "nme:foo")
    assert query.where == StringIs("name", "z")
    with pytest.raises(Refusal):
        parse("Patient", [("birthdate", "x")], lenient=True)


@pytest.mark.parametrize(
    "name", ["_count=1,2", "_summary=true,data", "_total=none,accurate", "_contained=true,both"]
)
def test_what_shapes_the_answer_is_said_once(name: str) -> None:
    name, _, values = name.partition("=")
    pairs = [(name, value) for value in values.split(",")]
    with pytest.raises(Refusal) as caught:
        parse("Patient", pairs, contained=True)
    assert caught.value.issues[0].expression == (f"http.{name}",)
    parse("Patient", [pairs[0], pairs[0]], contained=True)


def test_elements_and_sort_keys_add_up() -> None:
    query = asked(
        "Patient", ("_elements", "name"), ("_elements", "gender"), ("_sort", "name"), ("_sort", "-_id")
    )
    assert query.elements == ("name", "gender")
    assert [key.param for key in query.sort] == ["name", "_id"]


@pytest.mark.parametrize(("name", "value"), [("name:foo", "x"), ("gender:exact", "male"), ("_query", "mine")])
def test_lenient_refuses_what_would_change_the_meaning(name: str, value: str) -> None:
    """https://hl7.org/fhir/R4/search.html#modifiers, #query: "SHALL reject", "SHALL refuse"."""
    with pytest.raises(Refusal) as caught:
        parse("Patient", [(name, value)], lenient=True)
    assert caught.value.issues[0].expression == (f"http.{name}",)


def test_no_value_gets_into_a_message() -> None:
    secret = "Everywoman"
    for name in (
        "birthdate",
        "_id",
        "_count",
        "_cursor",
        "_sort",
        "organization",
        "_summary",
        "deceased:missing",
    ):
        refusal = refused("Patient", (name, f"{secret} {secret}"))
        if name != "_sort":
            assert secret not in str(refusal)


def test_untyped_chains_over_many_types_must_name_one() -> None:
    assert "name the one" in refused("Provenance", ("target.subject._id", "x")).issues[0].diagnostics
    refused("Patient", (".".join(["link"] * 40) + ".name", "x"))


@given(
    st.text(max_size=30),
    st.sampled_from(
        ["name", "birthdate", "identifier", "organization", "_sort", "_cursor", "_include", "_id"]
    ),
)
def test_any_value_is_read_or_refused(value: str, name: str) -> None:
    try:
        parse("Patient", [(name, value)])
    except Refusal as refusal:
        assert refusal.category is Category.INVALID


@given(st.text(alphabet="_:.abhnstPO$|,-", max_size=24))
def test_any_name_is_read_or_refused(name: str) -> None:
    try:
        parse("Patient", [(name, "x")])
    except Refusal as refusal:
        assert refusal.category is Category.INVALID


def test_a_hierarchy_is_followed_from_the_one_named() -> None:
    assert asked("Encounter", ("location:below", "Location/1")).where == Within(
        "location", "Location", "1", "partof", "below"
    )
    assert asked("Location", ("partof:above", "1")).where == Within(
        "partof", "Location", "1", "partof", "above"
    )


@pytest.mark.parametrize(
    ("type_name", "name"),
    [
        ("Observation", "subject:Medicine"),  # no resource type
        ("Observation", "encounter:Patent.name"),
        ("Observation", "performer:exact"),
        ("Patient", "gender:of-type"),  # no Identifier
        ("Account", "owner:missing:true"),
        ("Patient", "birthdate:not"),
        ("Observation", "value-quantity:below"),
        ("AllergyIntolerance", "patient:below"),  # patients form no hierarchy
    ],
)
def test_a_modifier_that_could_find_nothing_is_refused(type_name: str, name: str) -> None:
    assert refused(type_name, (name, "a|b|c")).issues[0].code == "not-supported"
