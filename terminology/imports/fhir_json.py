"""A CodeSystem as JSON, of any size: one concept after the other, also where they are nested.

https://hl7.org/fhir/R4/codesystem.html
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fhirserver.kernel.json import Json, JsonObject, dumps
from fhirserver.ports.releases import ReleaseWriter
from terminology.code_systems.meaning import (
    PARENTS,
    PropertyNames,
    designation,
    is_inactive,
    property_text,
    status_of,
)
from terminology.imports.json_scan import Open, Scan
from terminology.imports.kind import Given, InvalidSource, Progress
from terminology.imports.opened import first_bytes, opened

_STEP = "reading concepts"
_EACH = 50_000
_TOLD = 2_000
_NEEDED = ("url", "version", "content")
_CONTENTS = ("complete", "fragment", "example")
_STATES = {"status", "inactive", "notSelectable", "deprecated", "deprecationDate", "retirementDate"}
"""Standard properties that say something of a concept's state."""
_TYPES = {"Coding", "Integer", "Boolean", "Decimal", "DateTime", "String", "Code"}


class FhirImport:
    """An :class:`terminology.imports.kind.Import`."""

    kind = "fhir"
    title = "a CodeSystem as JSON, also packed with gzip"

    def recognise(self, path: Path) -> bool:
        begin = first_bytes(path) if path.is_file() else b""
        return begin.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and b'"CodeSystem"' in begin

    def header(self, path: Path, given: Given) -> JsonObject:
        with opened(path) as file:
            scan = Scan(path, file.stream)
            for _ in scan.concepts():
                if all(scan.header.get(name) for name in _NEEDED):
                    break
        return _checked(path, scan.header, given)

    def read(self, path: Path, writer: ReleaseWriter, progress: Progress) -> None:
        """Goes on by leaving out as many concepts as were written before."""
        before = done = writer.progress.get(_STEP, 0)
        with opened(path) as file:
            scan = Scan(path, file.stream)
            rows = None
            for number, (concept, read, outer) in enumerate(scan.concepts()):
                rows = rows or _Rows(path, scan, writer)
                rows.link(concept, read, outer, is_new=number >= before)
                if number >= before:
                    rows.write(concept)
                    done = number + 1
                if number % _TOLD == 0:
                    progress(_STEP, file.done, file.size)
                if done > before and done % _EACH == 0:
                    writer.checkpoint(_STEP, done)
            writer.checkpoint(_STEP, done)
            progress(_STEP, file.size, file.size)

    def resources(self, path: Path, header: JsonObject) -> Iterator[JsonObject]:
        return iter(())


def _checked(path: Path, header: JsonObject, given: Given) -> JsonObject:
    if header.get("resourceType") != "CodeSystem":
        raise InvalidSource(path, "not a CodeSystem resource")
    if header.get("content") not in _CONTENTS:
        raise InvalidSource(
            path, f"its content is not one of {', '.join(_CONTENTS)}: it has no concepts of its own"
        )
    told = {
        **header,
        "url": given.url or header.get("url"),
        "version": given.version or header.get("version"),
    }
    for name in ("url", "version"):
        if not isinstance(told[name], str) or not told[name]:
            raise InvalidSource(path, f"it has no {name}: give one with --{name}")
    return {name: value for name, value in told.items() if name not in ("concept", "count")}


class _Rows:
    """Writes concepts as rows."""

    def __init__(self, path: Path, scan: Scan, writer: ReleaseWriter):
        self._scan, self._writer = scan, writer
        self._names = PropertyNames(scan.header)
        self._meanings: dict[str, str] = {}

    def link(self, concept: JsonObject, read: Open, outer: Open | None, is_new: bool) -> None:
        """Nesting: below the code it is in, which may stand behind what is in it."""
        code = self._code(concept)
        if outer is not None and not outer.code:
            outer.inner.append(code)
        if is_new:
            above = [(code, outer.code)] if outer is not None and outer.code else []
            for inner, other in (*above, *((one, code) for one in read.inner)):
                self._writer.parent(inner, other)

    def _code(self, concept: JsonObject) -> str:
        code = concept.get("code")
        if not isinstance(code, str) or not code:
            raise self._scan.wrong("a concept has no code")
        return code

    def write(self, concept: JsonObject) -> None:
        try:
            self._write(concept)
        except (AttributeError, KeyError, TypeError, ValueError):
            raise self._scan.wrong("a concept is not as FHIR has it") from None

    def _write(self, concept: JsonObject) -> None:
        code, writer = concept["code"], self._writer
        properties, extensions = concept.get("property", ()), concept.get("extension", ())
        speaking = extensions or any(self._meaning(held["code"]) in _STATES for held in properties)
        standard = self._names.standard(properties) if speaking else {}
        status = status_of(standard, extensions) if speaking else ""
        writer.concept(
            code,
            _text(concept, "display"),
            _text(concept, "definition"),
            inactive=is_inactive(standard, status),
            abstract=standard.get("notSelectable") is True,
            status=status,
            extensions=extensions,
        )
        for one in concept.get("designation", ()):
            writer.designation(code, designation(one))
        for held in properties:
            self._property(code, held)

    def _meaning(self, name: str) -> str:
        meant = self._meanings.get(name)
        if meant is None:
            meant = self._meanings[name] = self._names.meaning(name)
        return meant

    def _property(self, code: str, held: JsonObject) -> None:
        name = held["code"]
        meant = self._meaning(name)
        if meant in PARENTS:
            self._writer.parent(code, property_text(held))
        elif meant == "child":
            self._writer.parent(property_text(held), code)
        else:
            type, value = _value(held)
            self._writer.property(code, name, value, type)


def _text(concept: JsonObject, name: str) -> str:
    value = concept.get(name, "")
    if not isinstance(value, str):
        raise ValueError(name)
    return value


def _value(held: JsonObject) -> tuple[str, str]:
    """Type and text of ``value[x]``."""
    member = next((name for name in held if name.startswith("value")), "")
    kind, value = member.removeprefix("value"), held[member]
    if kind not in _TYPES:
        raise ValueError(member)
    type = kind if kind == "Coding" else kind[0].lower() + kind[1:]
    return type, _written(value)


def _written(value: Json) -> str:
    if isinstance(value, dict):
        return dumps(value).decode()
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
