"""``[access]``, ``[[mask]]`` and the scopes of a principal, right and wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fhirserver.access.masks import Mask
from fhirserver.access.permissions import Grant
from fhirserver.app.settings import InvalidSettings, Settings, parse_settings


def parsed(principal: dict[str, Any], **tables: Any) -> Settings:
    entry = {"name": "app", "source": "s", "token_sha256": "0" * 64, **principal}
    return parse_settings({"source": [{"id": "s"}], "principal": [entry], **tables}, Path())


def permissions(principal: dict[str, Any], **tables: Any) -> Any:
    return parsed(principal, **tables).principals[0][1].permissions


SSN = {"element": "Patient.identifier", "system": "http://hl7.org/fhir/sid/us-ssn"}


def test_without_scopes_and_rules_roles_alone_decide() -> None:
    assert permissions({}) is None


def test_scopes_of_a_principal() -> None:
    given = permissions({"scopes": ["patient/*.rs", "user/Slot.u"], "patient": "ada"})
    assert given.grants == (Grant("rs", "*", "ada"), Grant("u", "Slot"))


def test_masks_and_labels_hold_for_whoever_is_not_named() -> None:
    tables = {
        "access": {"hidden": ["R"], "break_glass": ["write"]},
        "mask": [{**SSN, "shown_to": ["operator"]}],
    }
    given = permissions({}, **tables)
    assert given.masks == (Mask("Patient", ("identifier",), SSN["system"]),)
    assert given.hidden == {"R"} and given.opens and given.grants == (Grant("cruds"),)
    assert permissions({"roles": ["read", "operator"]}, **tables) is None
    assert permissions({"roles": ["read"]}, **tables).opens is False


@pytest.mark.parametrize(
    ("principal", "tables", "said"),
    [
        ({"scopes": ["patient/*.rs"]}, {}, "needs patient"),
        ({"patient": "ada"}, {}, "needs scopes"),
        ({"scopes": ["system/*.rs"], "roles": ["operator"]}, {}, "see everything"),
        ({"scopes": ["openid"]}, {}, "no access"),
        ({"scopes": ["system/Dog.rs"]}, {}, "Dog"),
        ({"scopes": ["system/Observation.rs?colour=red"]}, {}, "scopes"),
        ({}, {"access": {"hidden": ["X"]}}, "'X'"),
        ({}, {"access": {"cleared": ["king"]}}, "king"),
        ({}, {"mask": [{"element": "identifier"}]}, "[[mask]] 1"),
        ({}, {"mask": [SSN, {"element": "Patient.id"}]}, "[[mask]] 2"),
        ({}, {"mask": [{"element": "Patient.name", "hide": "x"}]}, "hide"),
    ],
)
def test_what_is_wrong_is_named(principal: dict[str, Any], tables: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidSettings) as raised:
        parsed(principal, **tables)
    assert said in str(raised.value)
