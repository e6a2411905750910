"""What a profile may make of the elements of its base: less than that allows, never more.

https://hl7.org/fhir/R4/profiling.html#resources
"""

from __future__ import annotations

from collections.abc import Iterator

from fhirserver.kernel.json import JsonObject
from fhirserver.model.definitions import definitions
from fhirserver.model.fhirpath import FhirPathError, compile_path
from fhirserver.model.validation.profiles.objects import objects, text, value_of
from fhirserver.model.validation.profiles.registry import BASE
from fhirserver.model.validation.profiles.run import Run
from fhirserver.model.validation.report import Place

_NOWHERE = (None, "", -1)
_MEASURED = frozenset({"Quantity", "Age", "Count", "Distance", "Duration", "SimpleQuantity", "MoneyQuantity"})
_ORDERED = _MEASURED | frozenset({"date", "dateTime", "instant", "time"})
_ORDERED |= frozenset({"decimal", "integer", "unsignedInt", "positiveInt"})
_TEXTS = frozenset({"string", "markdown", "code", "id", "uri", "url", "canonical", "oid", "uuid"})
_TEXTS |= frozenset({"base64Binary", "xhtml"})
_CORRECTED = "http://hl7.org/fhir/ValueSet/ucum-vitals-common"
"""Required in R4, extensible since: the profiles that build on it say so."""


def check(definition: JsonObject, place: Place, run: Run) -> None:
    """Every element of the differential against the same element of the base."""
    given = objects(definition.get("differential"), "element", (place, "differential", -1))
    for (before, after), (element, at) in zip(run.profiles.changes(definition), given, strict=False):
        run.beat()
        for name, words in (
            *_cardinality(element, before),
            *_binding(element, before),
            *_limits(element, after),
        ):
            run.add("invalid", words, (at, name, -1))
        if "." in text(element, "path"):
            _types(element, before, at, run)
        _constraints(element, after, at, run)


def _cardinality(element: JsonObject, before: JsonObject) -> Iterator[tuple[str, str]]:
    least, most = element.get("min"), text(element, "max")
    if isinstance(least, int) and isinstance(before.get("min"), int) and least < before["min"]:
        yield "min", f"the base asks for at least {before['min']}"
    allowed = text(before, "max")
    if allowed.isdigit() and (most == "*" or (most.isdigit() and int(most) > int(allowed))):
        yield "max", f"the base allows at most {allowed}"


def _binding(element: JsonObject, before: JsonObject) -> Iterator[tuple[str, str]]:
    strength, base = text(element.get("binding"), "strength"), before.get("binding")
    if text(base, "valueSet").startswith(_CORRECTED):
        return
    if strength and strength != "required" and text(base, "strength") == "required":
        yield "binding", "the binding of the base is required, and so must this one be"


def _limits(element: JsonObject, after: JsonObject) -> Iterator[tuple[str, str]]:
    """Only what has an order has a least and a most, only text a length."""
    codes = {text(type_, "code") for type_, _ in objects(after, "type", _NOWHERE)}
    if not codes or any("/" in code for code in codes):
        return
    for name in element:
        if name.startswith(("minValue", "maxValue")) and codes.isdisjoint(_ORDERED):
            yield name[:8] + "[x]", "stands only at what has an order: numbers, quantities, dates and times"
    for prefix in ("fixed", "pattern") if "type" not in element else ():
        held = value_of(element, prefix)
        if held is not None and held[0] not in {code[:1].upper() + code[1:] for code in codes}:
            yield prefix + "[x]", "has a type that the element does not have"
    if "maxLength" in element and codes.isdisjoint(_TEXTS):
        yield "maxLength", "stands only at text"


def _constraints(element: JsonObject, after: JsonObject, place: Place, run: Run) -> None:
    """The names in a constraint are those of what it stands on."""
    context = _context(after)
    for constraint, at in objects(element, "constraint", place):
        expression = text(constraint, "expression")
        if not context or not expression:
            continue
        try:
            compile_path(expression, context)
        except FhirPathError as error:
            run.add("invalid", f"the expression cannot be evaluated: {error.message}", (at, "expression", -1))


def _context(element: JsonObject) -> str:
    """The one type of an element, empty where that is not known."""
    path, base = text(element, "path"), text(element.get("base"), "path")
    if definitions().type(path) is not None:
        return path
    if definitions().type(base) is not None and "." in base:
        return base
    codes = [text(type_, "code") for type_, _ in objects(element, "type", _NOWHERE)]
    return codes[0] if len(codes) == 1 and definitions().type(codes[0]) is not None else ""


def _types(element: JsonObject, before: JsonObject, place: Place, run: Run) -> None:
    """Types that the base has, with profiles that are for them and targets that the base takes."""
    allowed = [type_ for type_, _ in objects(before, "type", _NOWHERE)]
    codes = {text(type_, "code") for type_ in allowed}
    for type_, at in objects(element, "type", place):
        code = text(type_, "code")
        if codes and not any(_is_a(code, one) for one in codes):
            run.add("invalid", f"the base has no type {code} here", (at, "code", -1))
        else:
            _profiles(code, type_, at, run)
            _targets(type_, allowed, at, run)


def _is_a(code: str, other: str) -> bool:
    known = definitions().type(code) is not None
    return code == other or not known or "/" in other or definitions().is_a(code, other)


def _profiles(code: str, type_: JsonObject, place: Place, run: Run) -> None:
    urls = type_.get("profile")
    for number, url in enumerate(urls if isinstance(urls, list) else ()):
        found = run.profiles.type_of(url) if isinstance(url, str) else ""
        if found and not _is_a(found, code):
            run.add("invalid", f"this profile is for {found}, not for {code}", (place, "profile", number))


def _targets(type_: JsonObject, allowed: list[JsonObject], place: Place, run: Run) -> None:
    """A target is one of the targets of the base, or a profile of one."""
    same = [one for one in allowed if text(one, "code") == text(type_, "code")]
    taken = [url for one in same for url in one.get("targetProfile", ()) if isinstance(url, str)]
    names = {run.profiles.type_of(url) for url in taken}
    if not names or "" in names or BASE + "Resource" in taken:
        return
    urls = type_.get("targetProfile")
    for number, url in enumerate(urls if isinstance(urls, list) else ()):
        found = run.profiles.type_of(url) if isinstance(url, str) else ""
        if found and not any(_is_a(found, name) for name in names):
            words = f"the base takes no references to {found} here"
            run.add("invalid", words, (place, "targetProfile", number))
