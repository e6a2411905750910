"""US Core as its package has it: what its CapabilityStatement asks of a server, and its examples.

https://hl7.org/fhir/us/core/STU6.1/CapabilityStatement-us-core-server.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.corpus.loaded import package
from tests.corpus.us_core_questions import ASKED

Json = dict[str, Any]

_EXPECTATION = "http://hl7.org/fhir/StructureDefinition/capabilitystatement-expectation"
_COMBINATION = "http://hl7.org/fhir/StructureDefinition/capabilitystatement-search-parameter-combination"
_STATEMENT = "http://hl7.org/fhir/us/core/CapabilityStatement/us-core-server"
_CAST = re.compile(r"\s+as\s+\w+$|\.as\(\w+\)|\.where\(resolve\(\) is \w+\)")


@dataclass(frozen=True)
class Guide:
    """``content`` is what the package has, without its examples; ``examples`` those, Bundles taken apart."""

    content: tuple[Json, ...]
    examples: tuple[Json, ...]

    @staticmethod
    def read(archive: Path) -> Guide:
        content, examples = [], []
        for name, resource in package(archive):
            (examples if "/example" in name else content).append(resource)
        return Guide(tuple(content), tuple(_taken_apart(examples)))

    @cached_property
    def statement(self) -> Json:
        return next(one for one in self.content if one.get("url") == _STATEMENT)

    def of(self, type: str) -> list[Json]:
        """What the package has of a type of conformance resources."""
        return [one for one in self.content if one["resourceType"] == type]

    @cached_property
    def groups(self) -> list[Json]:
        """The requirements of each resource type, in the form of :mod:`tests.corpus.us_core_questions`."""
        known = {one["url"]: one for one in self.of("SearchParameter")}
        return [_group(resource, known) for resource in self.statement["rest"][0]["resource"]]


def _taken_apart(examples: list[Json]) -> Iterator[Json]:
    for one in examples:
        if one["resourceType"] == "Bundle":
            yield from (entry["resource"] for entry in one["entry"])
        else:
            yield one


def expectation(of: Json | None) -> str:
    """SHALL, SHOULD or MAY."""
    found = (one["valueCode"] for one in (of or {}).get("extension", ()) if one["url"] == _EXPECTATION)
    return str(next(found, "MAY"))


def _expected(resource: Json, name: str) -> dict[str, str]:
    """The values of a repeating primitive element, each with what is expected."""
    values = resource.get(name, ())
    marks = resource.get(f"_{name}", [None] * len(values))
    return {value: expectation(mark) for value, mark in zip(values, marks, strict=True)}


def _group(resource: Json, known: dict[str, Json]) -> Json:
    single = [
        {":names": [one["name"]], ":expectation": expectation(one)} for one in resource.get("searchParam", ())
    ]
    combined = [_combination(one) for one in resource.get("extension", ()) if one["url"] == _COMBINATION]
    named = {
        one["name"]: _definition(known[one["definition"]], resource["type"])
        for one in resource.get("searchParam", ())
    }
    return {
        "file": resource["type"],
        ":resource": resource["type"],
        ":profiles": _expected(resource, "supportedProfile"),
        ":interactions": {one["code"]: expectation(one) for one in resource.get("interaction", ())},
        ":operations": {one["definition"]: expectation(one) for one in resource.get("operation", ())},
        ":searches": [*single, *combined],
        ":search_definitions": named,
        ":include_params": [
            one for one, said in _expected(resource, "searchInclude").items() if said in ASKED
        ],
        ":revincludes": [
            one for one, said in _expected(resource, "searchRevInclude").items() if said in ASKED
        ],
    }


def _combination(extension: Json) -> Json:
    names = [one["valueString"] for one in extension["extension"] if one["url"] == "required"]
    return {":names": names, ":expectation": expectation(extension)}


def _definition(parameter: Json, type: str) -> Json:
    return {
        ":kind": "uri" if parameter["code"] == "questionnaire" else parameter["type"],
        ":paths": [*_paths(parameter["expression"], type)],
        ":comparators": _expected(parameter, "comparator"),
        ":multiple_or": expectation(parameter.get("_multipleOr")),
        ":multiple_and": expectation(parameter.get("_multipleAnd")),
        ":chain": [
            {":chain": code, ":expectation": said} for code, said in _expected(parameter, "chain").items()
        ],
    }


def _paths(expression: str, type: str) -> Iterator[str]:
    for one in map(str.strip, expression.split("|")):
        bare = one[1:-1] if one.startswith("(") else one
        yield _CAST.sub("", bare).removeprefix(f"{type}.")


def row(group: Json) -> str:
    """The searches of a type as docs/conformance-us-core.md has them: what shall be, what should be, includes."""
    by = {
        said: ", ".join("+".join(one[":names"]) for one in group[":searches"] if one[":expectation"] == said)
        for said in ("SHALL", "SHOULD")
    }
    targets: dict[str, list[str]] = {}
    for one in group[":include_params"]:
        _, name, *target = one.split(":")
        targets.setdefault(name, []).extend(target)
    includes = ", ".join(f"{name} ({', '.join(of)})" if of else name for name, of in targets.items())
    return f"| {group[':resource']} | {by['SHALL']} | {by['SHOULD']} | {includes} |"
