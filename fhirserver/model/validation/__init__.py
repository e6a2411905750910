"""Structural validation of resources against the R4 definitions.

    from fhirserver.model.validation import validate

Covers structure, cardinality, types, primitive formats, required bindings, references and narrative: what
every write must pass. Profiles, invariants and slicing are for ``$validate``. https://hl7.org/fhir/R4/validation.html
"""

from __future__ import annotations

from threading import RLock

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Issue
from fhirserver.model.definitions import definitions
from fhirserver.model.validation import rules
from fhirserver.model.validation.compile import Compiler
from fhirserver.model.validation.elements import ObjectCheck
from fhirserver.model.validation.references import check_local
from fhirserver.model.validation.report import Place, Report, TooManyIssues

__all__ = ["validate"]

_lock = RLock()
_resource_checks: dict[str, ObjectCheck] = {}


def validate(resource: Json, partial: bool = False, at: str = "") -> list[Issue]:
    """Every issue found in a resource (a JSON object as ``kernel.json.loads`` yields it); ``[]`` when valid.

    With ``partial`` minimum cardinalities are not asked for, as a partial statement leaves things unsaid.
    ``at`` is where the resource is in its wrapper, such as ``Parameters.parameter[0].resource``.
    Issues name the place in ``expression`` and hold no value of the resource. Never raises on bad content.
    """
    report = Report(minimums=not partial)
    try:
        _check_root(resource, at, report)
    except TooManyIssues:
        pass
    except RecursionError:
        report.issues.append(Issue("too-costly", "The resource is nested too deeply to be checked"))
    return report.issues


def _check_root(resource: Json, at: str, report: Report) -> None:
    type_name = _type_of(resource)
    if type_name is None:
        _refuse_type(resource, (None, at or "Resource", -1), report)
    else:
        _check_whole(resource, type_name, (None, at or type_name, -1), report)


def _check_resource(resource: Json, place: Place, report: Report) -> None:
    """A resource inside a Bundle or Parameters: its contained resources are its own."""
    type_name = _type_of(resource)
    if type_name is None:
        _refuse_type(resource, place, report)
        return
    outer, report.local = report.local, []
    _check_whole(resource, type_name, place, report)
    report.local = outer


def _check_whole(resource: JsonObject, type_name: str, place: Place, report: Report) -> None:
    _resource_check(type_name)(resource, place, report)
    if report.local:
        check_local(_contained_ids(resource), report)


def _check_contained(resource: Json, place: Place, report: Report) -> None:
    type_name = _type_of(resource)
    if type_name is None:
        _refuse_type(resource, place, report)
        return
    _resource_check(type_name)(resource, place, report)
    rules.contained(resource, place, report)


def _type_of(resource: Json) -> str | None:
    type_name = resource.get("resourceType") if isinstance(resource, dict) else None
    return type_name if isinstance(type_name, str) and type_name in definitions().resource_types else None


def _refuse_type(resource: Json, place: Place, report: Report) -> None:
    if not isinstance(resource, dict):
        report.add("structure", "must be an object with a resourceType", place)
    elif "resourceType" not in resource:
        report.add("required", "has no resourceType", place)
    else:
        report.add("structure", "has a resourceType that R4 does not have", place)


def _contained_ids(resource: JsonObject) -> frozenset[str]:
    contained = resource.get("contained")
    items = contained if isinstance(contained, list) else ()
    ids = (item.get("id") for item in items if isinstance(item, dict))
    return frozenset(i for i in ids if isinstance(i, str))


def _resource_check(type_name: str) -> ObjectCheck:
    check = _resource_checks.get(type_name)
    if check is None:
        with _lock:
            check = _resource_checks[type_name] = _compiler.check(type_name)
    return check


_compiler = Compiler(_check_resource, _check_contained)
