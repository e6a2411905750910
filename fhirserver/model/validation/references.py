"""Literal references: their form, and whether they point at a type the element allows.

https://hl7.org/fhir/R4/references.html#literal
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

from fhirserver.kernel.json import Json
from fhirserver.kernel.references import parse_reference
from fhirserver.model.definitions import definitions
from fhirserver.model.validation import kinds
from fhirserver.model.validation.report import Place, Report

TargetCheck: TypeAlias = Callable[[Json, Place, Report], None]

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}\Z").match
_OVERLONG = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{65,}\Z").match
_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]+)\?\S+\Z").match
_URN = re.compile(
    r"urn:(?:uuid:[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|oid:[0-2](?:\.\d+)+|(?!uuid:|oid:).+)\Z"
).match
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:\S+\Z").match


def target_check(targets: tuple[str, ...]) -> TargetCheck:
    """A check of a Reference whose element allows ``targets`` (none, or ``Resource``: any type)."""
    anything = not targets or "Resource" in targets
    allowed = definitions().resource_types if anything else frozenset(targets)

    def check(reference: Json, place: Place, report: Report) -> None:
        text = reference.get("reference")
        if not isinstance(text, str):
            return
        type_name, _, tail = text.partition("/")
        if type_name not in allowed or _ID(tail) is None:
            check_form(text, allowed, place, report)

    return check


def check_form(text: str, allowed: frozenset[str], place: Place, report: Report) -> None:
    """The references that are not simply ``Type/id`` of an allowed type."""
    if text.startswith("#"):
        report.local.append((text[1:], place))
        return
    type_name = type_named(text)
    if type_name is None:
        if _OVERLONG(text) is not None:
            # Reference.reference is a string: that no id is so long is no rule about it (the official
            # ImplementationGuide/fhir has such references).
            report.warn("value", "holds an id of more than 64 characters", (place, "reference", -1))
        elif _URN(text) is None and (text.startswith("urn:") or _ABSOLUTE(text) is None):
            report.add("value", "is neither Type/id nor an absolute reference", (place, "reference", -1))
    elif type_name not in definitions().resource_types:
        # The url of something that is no FHIR resource may look like one.
        if _ABSOLUTE(text) is None:
            report.add("value", "names a resource type that R4 does not have", (place, "reference", -1))
    elif type_name not in allowed:
        words, severity = kinds.words(type_name, allowed), kinds.severity(type_name, allowed)
        report.add("value", words, (place, "reference", -1), severity)


def type_named(text: str) -> str | None:
    """The type in ``Type/id``, ``base/Type/id`` or the conditional ``Type?query``; None for anything else."""
    literal = parse_reference(text)
    if literal is not None:
        return literal.type
    conditional = _CONDITIONAL(text)
    return conditional[1] if conditional else None


def check_local(contained: frozenset[str], report: Report) -> None:
    """Every ``#id`` of the resource must name a contained resource; ``#`` is the resource itself."""
    for name, place in report.local:
        if name and name not in contained:
            report.add("invariant", "names no contained resource (ref-1)", (place, "reference", -1))
