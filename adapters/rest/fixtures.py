"""Tests that fixtures beside a mapping make: a record must become just the FHIR that is stated, and go out as stated.

A fixture is one JSON file::

    {"type": "Patient", "settings": {…}, "keep": {"Location": {"1": {…}}},
     "record": {…}, "parent": {…}, "fhir": {…},
     "out": [{"create": {…FHIR…}, "sends": [{"name": …, "method": …, "path": …, "form": {…}}]},
             {"update": {…changes over fhir…}, "sends": […]}, {"delete": true, "sends": […]}]}

``record`` with ``fhir`` tests the way in; each of ``out`` the way out. In an update a member of null removes it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adapters.rest.expressions import Unmappable
from adapters.rest.mapping import MappingFile
from adapters.rest.rehearsal import Rehearsal
from fhirserver.kernel.instants import Clock
from fhirserver.kernel.json import InvalidJson, Json, JsonObject, canonical, loads, pretty
from fhirserver.model.validation import validate
from fhirserver.ports.ehr import EhrError

KEY = "key"
_MEMBERS = frozenset(("type", "about", "settings", "keep", "record", "parent", "fhir", "out"))


@dataclass(frozen=True, slots=True)
class Result:
    """One test: the fixture, what of it, and what is wrong; nothing for a test that holds."""

    name: str
    part: str
    problems: list[str] = field(default_factory=list)


class InvalidFixture(ValueError):
    """A fixture cannot be read."""


def read_fixture(path: Path) -> JsonObject:
    """Raises :class:`InvalidFixture`."""
    try:
        fixture = loads(path.read_bytes())
    except (OSError, InvalidJson) as error:
        raise InvalidFixture(f"{path.name}: cannot be read: {error}") from None
    if not isinstance(fixture, dict) or not isinstance(fixture.get("type"), str):
        raise InvalidFixture(f"{path.name}: needs a 'type'")
    if unknown := sorted(set(fixture) - _MEMBERS):
        raise InvalidFixture(f"{path.name}: unknown member '{unknown[0]}'")
    return fixture


def run_fixture(
    mapping: MappingFile, name: str, fixture: JsonObject, clock: Clock | None = None
) -> list[Result]:
    """All tests of one fixture."""
    if fixture["type"] not in mapping.resources:
        return [Result(name, "type", [f"the mapping has no {fixture['type']}"])]
    rehearsal = Rehearsal(mapping, fixture.get("settings", {}), fixture.get("keep"), clock)
    results: list[Result] = []
    if "record" in fixture:
        results.append(Result(name, "in", list(_inward(rehearsal, fixture))))
    for number, out in enumerate(fixture.get("out", [])):
        results.append(Result(name, f"out[{number}]", list(_outward(rehearsal, fixture, out))))
    return results


def made_of(mapping: MappingFile, fixture: JsonObject, clock: Clock | None = None) -> JsonObject:
    """The fixture as it would have to be for everything to hold: for a look before it is kept as right."""
    rehearsal = Rehearsal(mapping, fixture.get("settings", {}), fixture.get("keep"), clock)
    made = dict(fixture)
    if "record" in fixture:
        made["fhir"] = rehearsal.content(fixture["type"], fixture["record"], fixture.get("parent"))
    made["out"] = [{**out, "sends": _sends(rehearsal, made, out)} for out in fixture.get("out", [])]
    return {name: value for name, value in made.items() if value != []}


def _inward(rehearsal: Rehearsal, fixture: JsonObject) -> Iterator[str]:
    try:
        made = rehearsal.content(fixture["type"], fixture["record"], fixture.get("parent"))
    except Unmappable as error:
        yield str(error)
        return
    for issue in validate(made):
        if issue.severity in ("error", "fatal"):
            yield f"not FHIR R4: {issue.diagnostics}"
    yield from differences(made, fixture.get("fhir", {}), fixture["type"])


def _outward(rehearsal: Rehearsal, fixture: JsonObject, out: JsonObject) -> Iterator[str]:
    try:
        sends = _sends(rehearsal, fixture, out)
    except (EhrError, Unmappable) as error:
        yield str(error)
        return
    yield from differences(sends, out.get("sends", []), "sends")


def _sends(rehearsal: Rehearsal, fixture: JsonObject, out: JsonObject) -> list[Json]:
    before: JsonObject = fixture.get("fhir", {})
    if "create" in out:
        sent = rehearsal.creates({"resourceType": fixture["type"], **out["create"]}, out.get("key", KEY))
    elif "update" in out:
        merged = {**before, **out["update"]}
        content = {name: value for name, value in merged.items() if value is not None}
        sent = rehearsal.updates(content, before, out.get("key", KEY))
    else:
        sent = rehearsal.deletes(before)
    return [one.as_json() for one in sent]


def differences(made: Json, wanted: Json, place: str) -> Iterator[str]:
    """Where two values differ, each with the place of the difference."""
    if isinstance(made, dict) and isinstance(wanted, dict):
        for name in dict.fromkeys([*wanted, *made]):
            yield from differences(made.get(name), wanted.get(name), f"{place}.{name}")
    elif isinstance(made, list) and isinstance(wanted, list):
        for number in range(max(len(made), len(wanted))):
            one = made[number] if number < len(made) else None
            other = wanted[number] if number < len(wanted) else None
            yield from differences(one, other, f"{place}[{number}]")
    elif canonical({"_": made}) != canonical({"_": wanted}):
        yield f"{place}: is {_text(made)}, and should be {_text(wanted)}"


def _text(value: Any) -> str:
    return (
        "nothing"
        if value is None
        else pretty(value).decode()
        if isinstance(value, dict | list)
        else json.dumps(str(value) if not isinstance(value, str | int | bool) else value)
    )


def fixture_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"))
