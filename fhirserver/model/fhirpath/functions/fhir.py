"""The functions that FHIR adds, and ``type()``. https://hl7.org/fhir/R4/fhirpath.html#functions"""

from __future__ import annotations

import re

from fhirserver.model.definitions import definitions
from fhirserver.model.fhirpath.environment import Frame, Terminology
from fhirserver.model.fhirpath.errors import FhirPathError
from fhirserver.model.fhirpath.functions import terminologies
from fhirserver.model.fhirpath.functions.signature import Function, Functions
from fhirserver.model.fhirpath.values import (
    BOOLEAN,
    TERMINOLOGIES,
    TYPE_INFO,
    Items,
    Typed,
    boolean,
    single,
    single_string,
    system_type,
)

_BASE = "http://hl7.org/fhir/StructureDefinition/"
_ACTIVE = re.compile(
    r"<\s*(?:script|form|object|iframe|base|link|head|body|frame|embed|style|input|button)\b"
    r"|\son\w+\s*=|javascript:",
    re.IGNORECASE,
)
_TAG = re.compile(r"<[^>]*>")


def has_value(frame: Frame, items: Items) -> Items:
    """Whether the input is one primitive with a value of its own."""
    if len(items) != 1:
        return boolean(False)
    item = items[0]
    return boolean(item.value is not None and not isinstance(item.value, dict | list))


def get_value(frame: Frame, items: Items) -> Items:
    item = single(items)
    system = None if item is None or item.value is None else system_type(item.type)
    if item is None or system is None or isinstance(item.value, dict):
        return []
    return [Typed(item.value, system)]


def type_info(frame: Frame, items: Items) -> Items:
    """``{namespace, name}`` for each item; a backbone is a ``BackboneElement`` or ``Element``."""
    return [Typed(_type_info(item.type), TYPE_INFO) for item in items]


def _type_info(type_name: str) -> dict[str, str]:
    namespace, _, name = type_name.rpartition(".")
    if namespace == "System":
        return {"namespace": "System", "name": name}
    found = definitions().type(type_name)
    return {"namespace": "FHIR", "name": found.base if found and found.kind == "backbone" else type_name}


def conforms_to(frame: Frame, items: Items, url: Items) -> Items:
    """Whether the input conforms to a profile. Base types are answered by type when no service is there."""
    item, profile = single(items), single_string(url)
    if item is None or profile is None:
        return []
    service = frame.environment.conforms
    answer = service(item.value, profile) if service is not None else _is_of_base(item, profile)
    if answer is None:
        raise FhirPathError("the profile is not known")
    return boolean(answer)


def _is_of_base(item: Typed, profile: str) -> bool | None:
    name = profile.partition("|")[0].removeprefix(_BASE)
    return definitions().is_a(item.type, name) if definitions().type(name) is not None else None


def _terminology(frame: Frame) -> Terminology:
    found = frame.environment.terminology
    if found is None:
        raise FhirPathError("the environment has no terminology service")
    return found


def member_of(frame: Frame, items: Items, value_set: Items) -> Items:
    item, url = single(items), single_string(value_set)
    if item is None or url is None:
        return []
    return boolean(_terminology(frame).member_of(item, url))


def subsumes(frame: Frame, items: Items, other: Items, *more: Items | None) -> Items:
    """Of a code, with another; of ``%terminologies``, with a system and two codes."""
    if items == [TERMINOLOGIES]:
        return terminologies.subsumes(frame, items, other, *more)
    if any(one is not None for one in more):
        raise FhirPathError("subsumes takes one other code")
    left, right = single(items), single(other)
    if left is None or right is None:
        return []
    return boolean(_terminology(frame).subsumes(left, right))


def subsumed_by(frame: Frame, items: Items, other: Items) -> Items:
    return subsumes(frame, other, items)


def check_modifiers(frame: Frame, items: Items, *modifiers: Items) -> Items:
    """The input; an error when it has a modifier extension that is not among ``modifiers``."""
    known = {single_string(modifier) for modifier in modifiers}
    for item in items:
        found = item.value.get("modifierExtension") if isinstance(item.value, dict) else None
        for extension in found if isinstance(found, list) else ():
            if not isinstance(extension, dict) or extension.get("url") not in known:
                raise FhirPathError("there is a modifier extension that is not understood")
    return items


def html_checks(frame: Frame, items: Items) -> Items:
    """Whether each narrative is a ``div`` with content and nothing active in it."""
    return boolean(all(_is_harmless(item.value) for item in items)) if items else []


def _is_harmless(div: object) -> bool:
    if not isinstance(div, str) or not div.lstrip().startswith("<div"):
        return False
    has_content = "<img" in div or bool(_TAG.sub("", div).strip())
    return has_content and _ACTIVE.search(div) is None


FUNCTIONS: Functions = {
    "hasValue": Function(has_value, result=BOOLEAN),
    "getValue": Function(get_value),
    "type": Function(type_info, result=TYPE_INFO, many=True),
    "conformsTo": Function(conforms_to, 1, 1, BOOLEAN),
    "memberOf": Function(member_of, 1, 1, BOOLEAN),
    "subsumes": Function(subsumes, 1, 4),
    "subsumedBy": Function(subsumed_by, 1, 1, BOOLEAN),
    "checkModifiers": Function(check_modifiers, 1, 50, "input", many=True),
    "htmlChecks": Function(html_checks, result=BOOLEAN),
}
