"""What grants allow, and as which condition they stand in a search."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from fhirserver.access.masks import Mask
from fhirserver.access.permissions import Permissions, Rights, permissions_of
from fhirserver.access.principals import Principal
from fhirserver.access.reading import may_read
from fhirserver.access.scopes import parse_scopes
from fhirserver.search.expression import (
    And,
    Everything,
    Expression,
    IdIs,
    Not,
    Nothing,
    Or,
    ReferenceIs,
    TokenIs,
)
from fhirserver.search.parse import parse
from fhirserver.world.sources import Source
from fhirserver.world.vocabulary import TASK_CODE


def reading(type: str, pairs: Sequence[tuple[str, str]]) -> Expression:
    return parse(type, pairs).where


def given(text: str, patient: str = "", rights: Rights | None = None) -> Permissions:
    return permissions_of(parse_scopes(text), patient, rights or Rights())


def test_an_app_of_one_patient_reads_that_ones_and_what_is_about_nobody() -> None:
    some = given("patient/*.rs", "ada")
    assert some.condition("r", "Patient", reading) == IdIs("ada")
    assert some.condition("s", "Condition", reading) == Or(
        (ReferenceIs("patient", "Patient", "ada"), ReferenceIs("asserter", "Patient", "ada"))
    )
    assert some.condition("r", "Organization", reading) == Everything()
    tasks = some.condition("r", "Task", reading)
    assert isinstance(tasks, And) and tasks.of[0] == ReferenceIs("patient", "Patient", "ada")
    for type in ("Subscription", "Bundle", "Linkage", "MessageHeader", "Endpoint"):
        assert some.condition("rs", type, reading) == Nothing()
    assert not some.may("c", "Condition") and some.patients == {"ada"}


def test_an_app_of_one_patient_writes_nothing_that_is_about_nobody() -> None:
    some = given("patient/*.cruds", "ada")
    assert some.may("c", "Observation") and some.may("u", "Patient")
    assert not some.may("c", "Organization") and not some.may("u", "ValueSet")


def test_without_a_patient_in_context_the_scopes_of_one_give_nothing() -> None:
    assert given("patient/*.cruds").grants == ()


def test_criteria_stand_beside_the_patient_and_each_other() -> None:
    some = given(
        "patient/Observation.rs?category=laboratory patient/Observation.r?category=vital-signs", "ada"
    )
    both = some.condition("r", "Observation", reading)
    assert isinstance(both, Or) and all(isinstance(one, And) for one in both.of)
    one = some.condition("s", "Observation", reading)
    assert isinstance(one, And) and "vital-signs" not in str(one)
    assert not some.may_all("r", "Observation")


def test_a_user_with_named_patients_passes_no_more_on_to_an_app() -> None:
    parent = Rights("rs", frozenset({"kid", "me"}))
    some = given("user/*.cruds", rights=parent)
    assert some.patients == {"kid", "me"} and not some.may("cud", "Observation")
    assert some.condition("r", "Patient", reading) == Or((IdIs("kid"), IdIs("me")))
    assert given("patient/*.rs", "stranger", parent).grants == ()
    assert given("patient/*.rs", "kid", parent).patients == {"kid"}


def test_who_has_permissions_is_sent_nothing_unasked() -> None:
    roles, source = frozenset({"read"}), Source("s", "app")
    resource = {"resourceType": "Patient", "id": "bob"}
    assert may_read(Principal("all", source, roles), "Patient", resource)
    assert not may_read(Principal("app", source, roles, given("patient/*.rs", "ada")), "Patient", resource)
    assert not may_read(Principal("app", source, roles, given("system/*.rs")), "Patient", resource)


def test_system_scopes_are_for_all() -> None:
    some = given("system/Observation.rs system/Patient.r")
    assert some.may_all("rs", "Observation") and not some.may_all("s", "Patient")
    assert some.patients == frozenset()
    assert some.condition("r", "Observation", reading) == Everything()


def test_review_items_are_for_who_sees_everything() -> None:
    """They tell of resources of all types and patients, and of parts that are masked there."""
    whole = given("system/*.rs")
    assert whole.condition("rs", "Task", reading) == Everything() and whole.may_all("rs", "Task")
    mask = Mask("Patient", ("identifier",))
    for some in (
        given("system/Task.rs"),
        given("patient/*.rs", "ada"),
        Permissions(whole.grants, hidden=frozenset({"R"})),
        Permissions(whole.grants, masks=(mask,)),
    ):
        assert Not(TokenIs("code", TASK_CODE, "review")) in leaves_of(some) and not some.may_all("rs", "Task")


def leaves_of(some: Permissions) -> tuple[Expression, ...]:
    found = some.condition("rs", "Task", reading)
    return found.of if isinstance(found, And) else (found,)


def test_what_is_confidential_is_hidden_until_a_reason_is_given() -> None:
    some = Permissions(given("user/*.rs").grants, hidden=frozenset({"R"}))
    shown = some.condition("r", "Condition", reading)
    assert isinstance(shown, Not)
    assert not some.may_all("r", "Condition")
    assert some.opened("emergency").condition("r", "Condition", reading) == Everything()


@pytest.mark.parametrize(
    "type", ["Observation", "Patient", "Coverage", "Appointment", "Provenance", "AuditEvent"]
)
def test_no_grant_allows_nothing(type: str) -> None:
    assert Permissions(()).condition("cruds", type, reading) == Nothing()
