"""The form for a correction: one field for each simple value of an element, and the JSON that the fields make.

Fields are named by JSON pointers into the element (``/telecom/0/value``). What the form does not show (systems,
extensions) stays as it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from fhirserver.kernel.json import InvalidJson, Json, JsonObject, dumps, loads
from fhirserver.kernel.outcomes import Issue
from fhirserver.model.definitions import Binding, ElementDef, definitions

CodesOf = Callable[[Binding | None], Sequence[tuple[str, str]]]
PREFIX = "field:"
_MISSPELT = "This is not a form of the console: open the item again"


@dataclass(frozen=True, slots=True)
class Field:
    """One input. ``kind`` is an input type of HTML, or ``select`` where ``codes`` are to choose from."""

    pointer: str
    label: str
    value: str
    kind: str = "text"
    codes: Sequence[tuple[str, str]] = ()
    form: str = ""
    """The format, in words."""
    pattern: str = ""
    error: str = ""

    @property
    def name(self) -> str:
        return f"{PREFIX}{self.pointer}"

    def path(self, type: str) -> str:
        """Where errors point: ``Patient.telecom[0].value``."""
        steps = re.sub(r"/(\d+)(?=/|$)", r"[\1]", self.pointer)
        return f"{type}{steps.replace('/', '.')}"


@dataclass(frozen=True, slots=True)
class Form:
    """The fields, the JSON they start from, and what is wrong without being about one field."""

    fields: Sequence[Field]
    base: str
    errors: Sequence[str] = ()


_KINDS = {"date": "text", "boolean": "select", "decimal": "text", "integer": "text", "positiveInt": "text"}
_FORMS = {
    "date": ("year, month and day: 1984-07-02", r"\d{4}(-\d\d(-\d\d)?)?"),
    "dateTime": ("date and time with zone: 2026-11-24T10:00:00-05:00", ""),
    "instant": ("date, time and zone: 2026-11-24T10:00:00-05:00", ""),
    "time": ("hours, minutes and seconds: 14:30:00", r"\d\d:\d\d:\d\d"),
    "decimal": ("a number", r"-?\d+(\.\d+)?"),
    "integer": ("a whole number", r"-?\d+"),
    "positiveInt": ("a whole number above 0", r"[1-9]\d*"),
    "unsignedInt": ("a whole number", r"\d+"),
}
_BOOLEAN = (("true", "yes"), ("false", "no"))


def form(type: str, base: JsonObject, codes_of: CodesOf) -> Form:
    """The form for an element of a resource as ``base`` has it; ``codes_of`` gives the codes of a binding."""
    return Form([_field(type, pointer, value, codes_of) for pointer, value in _leaves(base, "")], _text(base))


def _text(base: Json) -> str:
    return dumps(base).decode()


def _leaves(value: Json, pointer: str) -> Iterable[tuple[str, Json]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name != "extension" and not name.startswith("_"):
                yield from _leaves(inner, f"{pointer}/{name}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _leaves(inner, f"{pointer}/{number}")
    elif not pointer.endswith("/system") or "telecom" in pointer:
        yield pointer, value


def _field(type: str, pointer: str, value: Json, codes_of: CodesOf) -> Field:
    names = [name for name in pointer.split("/")[1:] if not name.isdecimal()]
    element = _element(type, names)
    kind = element.type if element else ""
    described, pattern = _FORMS.get(kind, ("", ""))
    label = _label(pointer)
    if kind == "boolean":
        return Field(pointer, label, dumps(value).decode(), "select", _BOOLEAN)
    listed = codes_of(element.binding) if element else ()
    shown = "" if value is None else str(value)
    if listed:
        known = listed if shown in {code for code, _ in listed} else [(shown, shown), *listed]
        return Field(pointer, label, shown, "select", known)
    return Field(pointer, label, shown, _KINDS.get(kind, "text"), (), described, pattern)


def _label(pointer: str) -> str:
    """``telecom value``; items after the first are numbered."""
    steps = [f"{int(step) + 1}" if step.isdecimal() else step for step in pointer.split("/")[1:]]
    words = [re.sub(r"(?<=[a-z])(?=[A-Z])", " ", step).lower() for step in steps if step != "1"]
    return " ".join(words)


def _element(type: str, names: Sequence[str]) -> ElementDef | None:
    """The definition of the element that a path of JSON names leads to."""
    at, found = definitions().type(type), None
    path = type
    for name in names:
        found = at.elements.get(name) if at else None
        if found is None:
            return None
        path = f"{path}.{name}"
        at = definitions().type(found.type) or definitions().type(path)
        if found.type in ("BackboneElement", "Element"):
            at = definitions().type(path)
    return found


def value_of(given: Mapping[str, str]) -> JsonObject:
    """The JSON that a form's fields make. Raises :class:`ValueError` for what is no form of ours."""
    try:
        value = loads(given.get("base", ""))
    except InvalidJson:
        raise ValueError(_MISSPELT) from None
    if not isinstance(value, dict):
        raise ValueError(_MISSPELT)
    for name, text in given.items():
        if name.startswith(PREFIX):
            _set(value, name.removeprefix(PREFIX).split("/")[1:], text.strip())
    return {name: _pruned(inner) for name, inner in value.items()}


def _set(value: Any, steps: Sequence[str], text: str) -> None:
    """Put a field's text where its pointer leads, in the form that was there; an empty one takes it out."""
    try:
        for step in steps[:-1]:
            value = value[int(step) if isinstance(value, list) else step]
        last: Any = int(steps[-1]) if isinstance(value, list) else steps[-1]
        value[last] = _like(value[last], text)
    except (KeyError, IndexError, TypeError, ValueError):
        raise ValueError(_MISSPELT) from None


def _like(before: Json, text: str) -> Json:
    if not text:
        return None
    if isinstance(before, bool):
        return {"true": True, "false": False}.get(text, text)
    if isinstance(before, int | Decimal):
        try:
            return int(text) if re.fullmatch(r"-?\d+", text) else Decimal(text)
        except InvalidOperation:
            return text
    return text


def _pruned(value: Json) -> Json:
    """Without what is empty; None where nothing is left."""
    if isinstance(value, dict):
        kept = {name: inner for name, old in value.items() if (inner := _pruned(old)) is not None}
        return kept or None
    if isinstance(value, list):
        return [inner for old in value if (inner := _pruned(old)) is not None] or None
    return value


def with_errors(form: Form, type: str, issues: Iterable[Issue], given: Mapping[str, str]) -> Form:
    """The form as it was sent, each error at the field that its expression points at."""
    fields = [replace(one, value=given.get(one.name, one.value)) for one in form.fields]
    rest: list[str] = []
    for issue in issues:
        at = next((i for i, one in enumerate(fields) if _points_at(issue, one.path(type))), None)
        if at is None:
            rest.append(issue.diagnostics)
        else:
            fields[at] = replace(fields[at], error=issue.diagnostics)
    return Form(fields, form.base, rest)


def _points_at(issue: Issue, path: str) -> bool:
    return any(path == one or path.startswith((f"{one}.", f"{one}[")) for one in issue.expression)
