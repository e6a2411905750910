"""The official FHIRPath tests (``tests-*.xml`` and ``input/``), of which a folder may hold any part.

https://github.com/FHIR/fhir-test-cases/tree/master/r4/fhirpath
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

from fhirserver.kernel.json import Json, JsonObject, loads
from fhirserver.model.definitions import definitions
from fhirserver.model.fhirpath import Environment, FhirPathError, Typed, compile_path
from fhirserver.model.fhirpath.functions.conversion import to_string
from fhirserver.model.fhirpath.values import system_type
from fhirserver.model.xml import read_xml
from tests.corpus.suite import described

_TEMPORAL = {"System.Date": "@", "System.DateTime": "@", "System.Time": "@T"}


def run(folder: Path) -> Iterator[tuple[str, bool | None, str]]:
    """Each test's name, whether it passed (None: skipped) and the reason if it did not."""
    for file in sorted(folder.glob("tests-*.xml")):
        try:
            root = ElementTree.parse(file).getroot()
        except ElementTree.ParseError as error:
            yield file.name, False, f"not XML: {error}"
            continue
        for group in root.iter("group"):
            for test in group.iter("test"):
                yield f"{file.stem}/{group.get('name')}/{test.get('name')}", *_tried(test, folder / "input")


def _tried(test: ElementTree.Element, inputs: Path) -> tuple[bool | None, str]:
    try:
        return _outcome(test, inputs)
    except (ValueError, KeyError) as error:  # an input that cannot be read
        return False, described(error)


def _outcome(test: ElementTree.Element, inputs: Path) -> tuple[bool | None, str]:
    expression = test.find("expression")
    if expression is None or expression.text is None:
        return None, "no expression"
    if test.get("mode") == "cda":
        return None, "CDA is not FHIR"
    resource = _resource(inputs, test.get("inputfile"))
    if resource is None:
        return None, "the input is not there"
    invalid = expression.get("invalid") or test.get("invalid")
    try:
        found = _evaluate(expression.text, resource, test)
    except FhirPathError as error:
        return _judge_error(error, invalid)
    if invalid:
        return False, f"expected a {invalid} error, found {_shown(found)}"
    return _judge(found, test)


def _resource(inputs: Path, name: str | None) -> JsonObject | None:
    """The input, or an empty Patient for a test that has none. JSON stands in for XML and XML for JSON."""
    if not name:
        return {"resourceType": "Patient"}
    for path in (inputs / name, (inputs / name).with_suffix(".json"), (inputs / name).with_suffix(".xml")):
        if path.is_file():
            return _read(path)
    return None


@cache
def _read(path: Path) -> JsonObject:
    data = path.read_bytes()
    resource: JsonObject = read_xml(data) if path.suffix == ".xml" else loads(data)
    return resource


def _evaluate(expression: str, resource: JsonObject, test: ElementTree.Element) -> list[Typed]:
    check_order = test.get("checkOrderedFunctions") == "true"
    return compile_path(expression, resource["resourceType"], check_order=check_order)(resource, _ENVIRONMENT)


class _ValueSets:
    """``memberOf`` by the value sets that R4 requires somewhere; the suite's only terminology."""

    def member_of(self, item: Typed, value_set: str) -> bool | None:
        codes = definitions().required_codes(value_set)
        code = item.value.get("code") if isinstance(item.value, dict) else item.value
        return None if codes is None else any(code in of_system for of_system in codes.values())

    def subsumes(self, left: Typed, right: Typed) -> bool | None:
        return None


_ENVIRONMENT = Environment(terminology=_ValueSets())


def _judge_error(error: FhirPathError, invalid: str | None) -> tuple[bool, str]:
    if invalid is None:
        return False, f"{error.kind} error: {error}"
    if (invalid == "syntax") != (error.kind == "syntax"):
        return False, f"expected a {invalid} error, found {error.kind}: {error}"
    return True, ""


def _judge(found: list[Typed], test: ElementTree.Element) -> tuple[bool, str]:
    expected = test.findall("output")
    if test.get("predicate") == "true":
        found = [Typed(bool(found), "System.Boolean")]
    if len(found) != len(expected):
        return False, f"expected {len(expected)} items, found {_shown(found)}"
    rest = list(found)
    for output in expected:
        candidates = rest if test.get("ordered") == "false" else rest[:1]
        match = next((item for item in candidates if _same(item, output)), None)
        if match is None:
            return False, f"expected {output.get('type')} {output.text}, found {_shown(rest)}"
        rest.remove(match)
    return True, ""


def _shown(items: list[Typed]) -> str:
    return ", ".join(f"{item.type} {_text(item)}" for item in items) or "nothing"


def _same(item: Typed, output: ElementTree.Element) -> bool:
    declared, text = output.get("type"), output.text or ""
    if declared and not _has_type(item, declared):
        return False
    return text == _text(item) or _same_number(item.value, text) or _same_quantity(item, text)


def _has_type(item: Typed, declared: str) -> bool:
    return declared in (item.type, _first_lower(item.type.removeprefix("System."))) or (
        system_type(item.type) == f"System.{declared}"
    )


def _first_lower(name: str) -> str:
    return name[:1].lower() + name[1:]


def _text(item: Typed) -> str:
    converted = to_string(item)
    if converted is None:
        return str(item.value)
    return _TEMPORAL.get(system_type(item.type) or "", "") + str(converted.value)


def _same_number(value: Json, text: str) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return False
    try:
        return value == Decimal(text)
    except InvalidOperation:
        return False


def _same_quantity(item: Typed, text: str) -> bool:
    number, _, unit = text.partition(" ")
    if not isinstance(item.value, dict) or "value" not in item.value:
        return False
    return _same_number(item.value["value"], number) and _text(item).partition(" ")[2] == unit
