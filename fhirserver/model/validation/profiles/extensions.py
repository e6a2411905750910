"""Extensions against their definitions. https://hl7.org/fhir/R4/extensibility.html"""

from __future__ import annotations

import re
from typing import NamedTuple

from fhirserver.kernel.json import JsonObject
from fhirserver.model.definitions import definitions
from fhirserver.model.fhirpath import FhirPathError, Typed, compile_path
from fhirserver.model.validation.profiles.check import check_profile
from fhirserver.model.validation.profiles.run import Run
from fhirserver.model.validation.report import Place

_EXAMPLES = ("example.org", "example.com", "acme.com", "nema.org", "http://hl7.org/fhir/tools/")
"""Urls of examples, and of HL7's tools, whose extensions need no definition here."""

_CORE = "http://hl7.org/fhir/StructureDefinition/"
_LATER_NAMES = """
additionalIdentifier alternate-codes datatype extended-contact-availability identifier-checkDigit
individual-genderIdentity individual-pronouns individual-recordedSexOrGender itemMedia note
patient-sexParameterForClinicalUse targetElement targetPath uncertainty uncertaintyType
"""
_LATER = frozenset(_CORE + name for name in _LATER_NAMES.split())
_LATER_FAMILIES = tuple(
    _CORE + name
    for name in (
        "artifact-",
        "cqf-",
        "elementdefinition-",
        "operationoutcome-",
        "package-",
        "structuredefinition-",
    )
)
"""Extensions that HL7 defined after R4 and allows in R4."""
_OTHER_VERSION = re.compile(
    r"http://hl7\.org/fhir/(\d\.\d)/StructureDefinition/extension-[A-Z]\w+(?:\.[\w\[\]]+)+\Z"
)
_VERSIONS = frozenset({"1.0", "3.0", "4.0", "4.3", "5.0", "6.0"})
_ANYWHERE = tuple(
    _CORE + name for name in ("structuredefinition-", "capabilitystatement-expectation", "regex")
)
"""Extensions that HL7's own definitions carry in other places than their contexts say."""


class Holder(NamedTuple):
    """What an extension stands on. ``paths`` are its names: in its type, and from the root of the resource."""

    item: Typed
    paths: tuple[str, ...]
    url: str = ""
    """Of the extension that it is, if it is one."""


def check_extension(extension: JsonObject, holder: Holder, modifier: bool, place: Place, run: Run) -> None:
    """Known, where it may stand, with what it may hold."""
    url = extension.get("url")
    if not isinstance(url, str):
        return
    if ":" not in url:
        if holder.item.type != "Extension":
            run.add("invalid", "the url of an extension must be absolute", (place, "url", -1))
        return
    definition = run.profiles.definition(url)
    if definition is None or definition.get("type") != "Extension":
        _unknown(url, modifier, place, run)
        return
    _check_context(definition, holder, place, run)
    _check_modifier(definition, modifier, place, run)
    check_profile(url, Typed(extension, "Extension"), place, run)


def _unknown(url: str, modifier: bool, place: Place, run: Run) -> None:
    words = f"the extension {url} is not known here"
    if other := _OTHER_VERSION.match(url):
        _of_other_version(other[1], (place, "url", -1), run)
        return
    if modifier:
        run.add("structure", f"{words}, and it may change what the rest means", place)
        return
    allowed = url in _LATER or url.startswith(_LATER_FAMILIES) or any(name in url for name in _EXAMPLES)
    allowed = allowed or url.startswith(run.rules.extension_domains or ("\n",))
    run.add("structure", words, place, "information" if allowed else run.rules.unknown_extensions)


def _of_other_version(version: str, place: Place, run: Run) -> None:
    """An element of another version of FHIR. https://hl7.org/fhir/versions.html#extensions"""
    if version not in _VERSIONS:
        run.add("invalid", "is of a version of FHIR that there is not", place)
    else:
        words = "is an element of another version of FHIR, so it was not checked"
        run.add("not-found", words, place, "information")


def _check_modifier(definition: JsonObject, modifier: bool, place: Place, run: Run) -> None:
    view = definition.get("snapshot") or definition.get("differential") or {}
    elements = view.get("element") or [{}]
    if bool(elements[0].get("isModifier")) is not modifier:
        words = "must stand in modifierExtension" if not modifier else "is no modifier extension"
        run.add("structure", words, place)


def _check_context(definition: JsonObject, holder: Holder, place: Place, run: Run) -> None:
    if str(definition.get("url")).startswith(_ANYWHERE):
        return
    contexts = [c for c in definition.get("context", ()) if isinstance(c, dict)]
    if contexts and not any(_fits(context, holder, run) for context in contexts):
        words = "the extension must not stand here; it is for"
        names = ", ".join(str(c.get("expression")) for c in contexts)
        run.add("structure", f"{words} {names}", place)


def _fits(context: JsonObject, holder: Holder, run: Run) -> bool:
    kind, expression = context.get("type"), str(context.get("expression", ""))
    if kind == "extension":
        return expression.partition("#")[0] == holder.url
    if kind == "fhirpath":
        return _fits_path(expression, holder, run)
    return _fits_element(expression, holder, run)


def _fits_element(expression: str, holder: Holder, run: Run) -> bool:
    if expression.startswith("http"):
        url, _, path = expression.partition("#")
        type_name = run.profiles.type_of(url)
        expression = path or type_name
    if expression == "Element":
        return True
    if expression in holder.paths or expression.replace("[x]", "") in holder.paths:
        return True
    if holder.item.type == expression:
        return True
    found = definitions().type(holder.item.type)
    name = found.base if found and found.kind == "backbone" else holder.item.type
    return definitions().is_a(name, expression)


def _fits_path(expression: str, holder: Holder, run: Run) -> bool:
    resource = run.environment.resource
    if resource is None:
        return False
    try:
        found = compile_path(expression, str(resource.get("resourceType")), strict=False)(
            resource, run.environment
        )
    except FhirPathError:
        return True
    return any(item.value is holder.item.value for item in found)
