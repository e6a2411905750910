"""Whether a mapping document is right: by the schema first, then by what it says.

Every problem has the line it stands on, and a misspelt name the one that was probably meant.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from adapters.rest.document import Document, Problem
from adapters.rest.functions import Functions
from fhirserver.model.definitions import definitions
from fhirserver.model.definitions.records import TypeDef

SCHEMA = "mapping.schema.json"


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of mapping files."""
    found: dict[str, Any] = json.loads((resources.files(__package__) / SCHEMA).read_text("utf-8"))
    return found


def schema_problems(document: Document) -> list[Problem]:
    """What the schema does not allow."""
    errors = Draft202012Validator(schema()).iter_errors(document.value)
    return [problem for error in errors for problem in _problems(document, error)]


def _problems(document: Document, error: ValidationError) -> Iterator[Problem]:
    path = tuple(error.absolute_path)
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = error.schema.get("properties", {})
        for name in error.instance:
            if name not in known:
                yield document.problem((*path, name), f"unknown: {meant(name, known)}")
    elif error.validator in ("anyOf", "oneOf") and error.context:
        deepest = max(error.context, key=lambda inner: len(inner.absolute_path))
        text = deepest.message if len(deepest.absolute_path) > len(path) else "is not of the right kind"
        yield document.problem(tuple(deepest.absolute_path) or path, _words(text))
    else:
        yield document.problem(path, _words(error.message))


def _words(message: str) -> str:
    return message if len(message) < 200 else f"{message[:200]}…"


def meant(name: str, known: Iterable[str]) -> str:
    """``'nmae'; did you mean 'name'?``, or what is known."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, 1)
    if close:
        return f"'{name}'; did you mean '{close[0]}'?"
    return f"'{name}'; known: {', '.join(names)}" if len(names) <= 40 else f"'{name}'"


def function_problem(name: str) -> str | None:
    """What is wrong with a call of a function, if anything."""
    known = Functions.names()
    return None if name in known else f"there is no function {meant(name, known)}"


def type_problem(type: str) -> str | None:
    known = definitions().resource_types
    return None if type in known else f"no resource type of R4: {meant(type, known)}"


def element_problem(type: str, steps: tuple[str | int, ...]) -> str | None:
    """Whether a path names an element of the resource, with an index just where it repeats."""
    current: TypeDef | None = definitions().type(type)
    open_index = False
    for number, step in enumerate(steps):
        if isinstance(step, int):
            if not open_index:
                return f"'{_shown(steps[:number])}' does not repeat"
            open_index = False
            continue
        if open_index:
            return f"'{_shown(steps[:number])}' repeats: it needs an index, such as [0]"
        element = current.elements.get(step) if current is not None else None
        if element is None:
            return _no_element(type, steps[:number], step, current)
        open_index = element.is_list
        current = definitions().type(element.type)
    return None


def _no_element(type: str, before: tuple[str | int, ...], step: str, current: TypeDef | None) -> str:
    where = _shown((type, *before))
    return f"{where} has no element {meant(step, current.elements if current else ())}"


def _shown(steps: tuple[str | int, ...]) -> str:
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def parse_steps(path: str) -> tuple[str | int, ...] | None:
    """``name[0].family`` as steps; None where it is none."""
    steps: list[str | int] = []
    for part in path.split("."):
        name, bracket, rest = part.partition("[")
        if not name.replace("_", "").isalnum():
            return None
        steps.append(name)
        if bracket:
            digits = rest.removesuffix("]")
            if not rest.endswith("]") or not digits.isdigit() or int(digits) > 99:
                return None
            steps.append(int(digits))
    return tuple(steps)
