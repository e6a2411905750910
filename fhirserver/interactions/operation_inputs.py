"""Whether the inputs of an operation are what its OperationDefinition says: how often, of which type.

A text may come as any of the types of texts: clients differ on what a canonical or a code is sent as. A flag may
come as a text, too.
https://hl7.org/fhir/R4/operationdefinition.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.model.validation.primitives import predicate

if TYPE_CHECKING:
    from fhirserver.interactions.registry import Parameter

_TEXTS = frozenset({"string", "code", "uri", "url", "canonical", "id", "markdown", "oid", "uuid"})
_DATES = frozenset({"dateTime", "date", "instant"})
_WHOLE = frozenset({"integer", "positiveInt", "unsignedInt"})
_FAMILIES = (_TEXTS, _DATES, _WHOLE)
_NAMING = frozenset({"url", "valueSet", "valueSetVersion", "codeSystem", "conceptMap", "conceptMapVersion"})
_ANY = frozenset({"Element", "Resource", "Type"})
_FROM_TEXT: Mapping[str, Callable[[str], bool]] = {
    "boolean": lambda text: text in ("true", "false"),
    "integer": lambda text: text.removeprefix("-").isdecimal() and text.isascii() and len(text) < 11,
}


def check_inputs(
    known: Sequence[Parameter], query: Sequence[tuple[str, str]], body: Sequence[JsonObject]
) -> None:
    """Refuses (400) what is given too often, or is of another type; unknown names are not looked at."""
    inputs = {one.name: one for one in known if one.use == "in"}
    for name, text in query:
        if name in inputs:
            _check_text(inputs[name], text)
    _check_parts(inputs, body, "Parameters.parameter")
    _check_number(inputs, [*(name for name, _ in query), *(str(one.get("name")) for one in body)])


def check_level(name: str, type: str, level: str, given: Iterable[str]) -> None:
    """Refuses (400) what names a resource where the URL names it already."""
    if level != "instance":
        return
    for one in given:
        if one in _NAMING or (one == "system" and type == "CodeSystem"):
            text = f"'{one}' is not given where ${name} is asked of an instance: the URL says which is meant"
            raise _wrong("invalid", text, _at(one))


def _check_number(inputs: Mapping[str, Parameter], names: Sequence[str]) -> None:
    for name, one in inputs.items():
        if one.max != "*" and names.count(name) > int(one.max):
            raise _wrong("invalid", f"'{name}' may be given once", _at(name))


def _check_text(one: Parameter, text: str) -> None:
    """What stands in a URL has to be a primitive."""
    where = f"http.{one.name}"
    if one.type in _FROM_TEXT or one.type in _WHOLE:
        is_right = _FROM_TEXT.get(one.type, _FROM_TEXT["integer"])
        fits = is_right(text)
    elif one.type in _DATES:
        fits = predicate("dateTime")(text)
    elif one.type in _TEXTS:
        fits = bool(text)
    else:
        raise _wrong("invalid", f"'{one.name}' is {_named(one)}: it is sent in the body of a POST", where)
    if not fits:
        raise _wrong("value", f"'{one.name}' is of the type {one.type}", where)


def _check_parts(inputs: Mapping[str, Parameter], parts: Sequence[JsonObject], where: str) -> None:
    for number, part in enumerate(parts):
        one = inputs.get(str(part.get("name")))
        if one is not None and (fault := _fault(one, part)):
            raise _wrong("value", fault, f"{where}[{number}]")
        if one is not None and one.parts:
            _check_group(one, part.get("part", ()), f"{where}[{number}].part")


def _check_group(group: Parameter, parts: Sequence[JsonObject], where: str) -> None:
    inputs = {one.name: one for one in group.parts}
    for number, part in enumerate(parts):
        if part.get("name") not in inputs:
            text = f"'{group.name}' has no part '{str(part.get('name'))[:64]}'; it has: {', '.join(inputs)}"
            raise _wrong("not-supported", text, f"{where}[{number}]")
    _check_parts(inputs, parts, where)
    _check_number(inputs, [str(one.get("name")) for one in parts])


def _fault(one: Parameter, part: JsonObject) -> str:
    """What is wrong with the type of a value, or an empty text."""
    if not one.type:
        return "" if "part" in part else f"'{one.name}' has parts"
    given = next(_types(part), "")
    if given and (given == one.type or one.type in _ANY or _are_alike(given, one.type)):
        return ""
    if one.type == "boolean" and given in _TEXTS and is_flag(part):
        return ""
    return f"'{one.name}' is {_named(one)}"


def _types(part: JsonObject) -> Iterator[str]:
    for name, value in part.items():
        if name.startswith("value"):
            yield name[5].lower() + name[6:] if _is_primitive(value) else name[5:]
        elif name == "resource" and isinstance(value, dict):
            yield str(value.get("resourceType", ""))


def is_flag(part: JsonObject) -> bool:
    """Whether a parameter says true or false, whatever it is written as."""
    values = [value for name, value in part.items() if name.startswith("value")]
    return len(values) == 1 and (isinstance(values[0], bool) or values[0] in ("true", "false"))


def _is_primitive(value: Json) -> bool:
    return not isinstance(value, dict)


def _are_alike(given: str, wanted: str) -> bool:
    return any(given in family and wanted in family for family in _FAMILIES)


def _named(one: Parameter) -> str:
    return f"of the type {one.type}" if one.type else "made of parts"


def _wrong(code: str, text: str, where: str) -> Refusal:
    return refuse(Category.INVALID, code, text, where)


def _at(name: str) -> str:
    return f"Parameters.parameter.where(name='{name}')"
