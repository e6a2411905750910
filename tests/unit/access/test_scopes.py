"""Scopes of both versions, read and written, and what is left of them within others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirserver.access.scopes import LETTERS, InvalidScope, Scope, Scopes, parse_scope, parse_scopes


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("patient/Observation.rs", Scope("patient", "Observation", "rs")),
        ("user/*.cruds", Scope("user", "*", "cruds")),
        ("patient/*.read", Scope("patient", "*", "rs")),
        ("user/Patient.write", Scope("user", "Patient", "cud")),
        ("system/*.*", Scope("system", "*", "cruds")),
        (
            "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory",
            Scope(
                "patient",
                "Observation",
                "rs",
                (("category", "http://terminology.hl7.org/CodeSystem/observation-category|laboratory"),),
            ),
        ),
    ],
)
def test_both_versions_are_read(text: str, scope: Scope) -> None:
    assert parse_scope(text) == scope


@pytest.mark.parametrize(
    "text",
    [
        "patient/Observation.sr",
        "patient/Observation.",
        "patient/Observation.rr",
        "patient/Obs.rs",
        "patient/.rs",
        "patient/*.rs?code=1",
        "patient/Observation.rs?_include=*",
        "patient/Observation.rs?patient.name=x",
        "patient/Observation.rs?_has:Group:member:_id=1",
        "patient/Observation.rs?code=",
        "patient/Observation.rs\n",
        "patient/Observation.read ",
        "patient/observation.rs",
        "patient/Observation.RS",
    ],
)
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(InvalidScope):
        parse_scope(text)


def test_context_is_kept_and_what_is_unknown_dropped() -> None:
    scopes = parse_scopes("launch/patient openid fhirUser  pets/Dog.rs patient/*.rs offline_access openid")
    assert scopes.context == ("launch/patient", "openid", "fhirUser", "offline_access")
    assert str(scopes) == "launch/patient openid fhirUser offline_access patient/*.rs"
    assert scopes.has("openid") and not scopes.has("launch")


@pytest.mark.parametrize(
    ("asked", "allowed", "left"),
    [
        (
            "patient/*.cruds",
            "patient/Observation.rs patient/Patient.r",
            "patient/Observation.rs patient/Patient.r",
        ),
        ("patient/Observation.cruds", "patient/*.rs", "patient/Observation.rs"),
        ("patient/Observation.rs", "user/*.cruds", ""),
        ("patient/Observation.rs", "patient/Observation.rs?category=a", "patient/Observation.rs?category=a"),
        (
            "patient/Observation.rs?code=b",
            "patient/Observation.rs?category=a",
            "patient/Observation.rs?category=a&code=b",
        ),
        (
            "patient/Observation.rs",
            "patient/*.rs patient/Observation.rs?category=a",
            "patient/Observation.rs",
        ),
        ("openid offline_access", "openid", "openid"),
        ("user/Patient.rs", "user/Patient.c", ""),
    ],
)
def test_what_others_allow_is_left(asked: str, allowed: str, left: str) -> None:
    assert str(parse_scopes(asked).within(parse_scopes(allowed))) == left


_scopes = st.builds(
    Scope,
    st.sampled_from(["patient", "user", "system"]),
    st.sampled_from(["*", "Patient", "Observation"]),
    st.lists(st.sampled_from(LETTERS), min_size=1, unique=True).map(
        lambda some: "".join(one for one in LETTERS if one in some)
    ),
).flatmap(
    lambda scope: (
        st.just(scope)
        if scope.type == "*"
        else st.lists(st.sampled_from([("code", "a"), ("date", "gt2020")]), unique=True).map(
            lambda pairs: Scope(scope.level, scope.type, scope.letters, tuple(sorted(pairs)))
        )
    )
)
_lists = st.lists(_scopes, max_size=4).map(lambda some: Scopes((), tuple(dict.fromkeys(some))))


@given(_lists)
def test_what_is_written_is_read_again(scopes: Scopes) -> None:
    assert parse_scopes(str(scopes)) == scopes


@given(_lists, _lists)
def test_nothing_is_left_that_was_not_asked_for_or_is_not_allowed(asked: Scopes, allowed: Scopes) -> None:
    left = asked.within(allowed)
    for one in left.access:
        assert any(most.covers(one) for most in allowed.access)
        assert any(most.covers(one) for most in asked.access)


@given(_lists)
def test_all_is_left_within_the_same(asked: Scopes) -> None:
    left = asked.within(asked)
    for one in asked.access:
        assert any(most.covers(one) for most in left.access)
