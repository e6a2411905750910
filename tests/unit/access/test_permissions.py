"""What grants allow, and as which condition they stand in a search."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from fhirserver.access.masks import Mask
from fhirserver.access.permissions import Permissions, Rights, permissions_of, with_user
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


def test_a_subscription_of_one_patient_is_named_in_its_scope() -> None:
    wild, named = given("patient/*.cruds", "ada"), given("patient/*.rs patient/Subscription.cr", "ada")
    assert not wild.may("cruds", "Subscription") and given("user/*.c").may("c", "Subscription")
    assert named.may("c", "Subscription") and not named.may("uds", "Subscription")
    assert named.condition("c", "Subscription", reading) == Everything()
    assert not given("system/*.cruds").may_all("r", "Subscription"), "others' are not seen"


@pytest.mark.parametrize(
    ("user", "condition"),
    [
        ("Practitioner/d", IdIs("d")),
        ("RelatedPerson/r", And((IdIs("r"), ReferenceIs("patient", "Patient", "ada")))),
        ("Patient/ada", IdIs("ada")),
    ],
)
def test_who_signed_in_may_be_looked_up_and_nothing_else(user: str, condition: Expression) -> None:
    some = given("patient/Observation.rs", "ada")
    opened, type = with_user(some, user, "ada"), user.partition("/")[0]
    assert opened.condition("r", type, reading) == condition
    assert opened.condition("s", type, reading) == Nothing() and not opened.may("cud", type)
    assert opened.patients == some.patients == {"ada"}


def test_a_user_who_is_another_patient_is_not_looked_up_for_this_one() -> None:
    some = given("patient/Observation.rs", "ada")
    assert with_user(some, "Patient/bob", "ada") == some


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
