"""The description of ``/platform``: valid, complete, and named so that a client can be made of it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from openapi_spec_validator import validate

from fhirserver.rest.platform.described import RightsOfRoles
from fhirserver.rest.platform.rights import Right
from fhirserver.rest.platform.routes import description

DESCRIBED = description("1")
OPERATIONS: list[tuple[str, str, dict[str, Any]]] = [
    (path, method, operation)
    for path, methods in DESCRIBED["paths"].items()
    for method, operation in methods.items()
]


def test_it_is_valid() -> None:
    validate(DESCRIBED)


def test_no_two_operations_have_the_same_name() -> None:
    names = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("path", "method", "operation"), OPERATIONS, ids=[one[2]["operationId"] for one in OPERATIONS]
)
def test_each_says_what_it_is_and_what_it_needs(path: str, method: str, operation: dict[str, Any]) -> None:
    assert operation["x-credence-right"] in {right.value for right in Right}
    assert operation["security"] == [{"bearer": []}]
    assert operation["summary"] and operation["description"] and operation["tags"]
    statuses = set(operation["responses"])
    assert {"400", "401", "403", "422", "429", "500", "503"} <= statuses
    assert statuses & {"200", "201", "202", "204"}
    if "{" in path:
        assert "404" in statuses
    for status, response in operation["responses"].items():
        if status >= "400":
            assert list(response["content"]) == ["application/problem+json"], status


def test_every_string_that_is_sent_has_an_end() -> None:
    """Of a body that may be of any size nothing is read."""
    sent = _sent()
    assert len(sent) > 8
    for name in sent:
        for member, schema in DESCRIBED["components"]["schemas"][name].get("properties", {}).items():
            for text in _strings(schema):
                ends = "maxLength" in text or "enum" in text or "pattern" in text or "format" in text
                assert ends or "const" in text, f"{name}.{member}"


def _sent() -> set[str]:
    """The schemas that a body may have a part of."""
    found: set[str] = set()
    waiting = [str(operation.get("requestBody", "")) for _, _, operation in OPERATIONS]
    while waiting:
        names = set(re.findall(r"#/components/schemas/([\w.-]+)", waiting.pop())) - found
        found |= names
        waiting += [str(DESCRIBED["components"]["schemas"][name]) for name in names]
    return found


def _strings(schema: dict[str, Any]) -> list[dict[str, Any]]:
    inner = [*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else [])]
    own = [schema] if schema.get("type") == "string" else []
    return [*own, *(text for one in inner for text in _strings(one))]


def test_the_roles_are_told() -> None:
    assert DESCRIBED["x-credence-roles"] == RightsOfRoles
    assert set(RightsOfRoles["owner"]) == {right.value for right in Right}
