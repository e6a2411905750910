"""What references point at, against the profiles and the aggregation that an element asks for.

https://hl7.org/fhir/R4/references.html
"""

from __future__ import annotations

from fhirserver.kernel.json import JsonObject
from fhirserver.model.definitions import definitions
from fhirserver.model.fhirpath import Typed
from fhirserver.model.fhirpath.references import literal_type, reference_text
from fhirserver.model.validation import kinds
from fhirserver.model.validation.profiles.discriminators import target_type
from fhirserver.model.validation.profiles.nodes import Node
from fhirserver.model.validation.profiles.run import Run
from fhirserver.model.validation.report import Place


def check_target(node: Node, item: Typed, place: Place, run: Run) -> None:
    """A reference points at an allowed type; where the resource is at hand, at one that fits a profile."""
    if item.type != "Reference" or not isinstance(item.value, dict):
        return
    _aggregation(node, item, place, run)
    wanted = node.targets.get("Reference", ())
    if not wanted:
        return
    type_name = target_type(item, run)
    fitting = [url for url in wanted if _is_for(url, type_name, run)]
    if not type_name:
        return
    if not fitting:
        run.add(
            "structure", f"points at a {type_name}, which the profile does not allow ({node.label})", place
        )
    else:
        _fits_one(node, item, fitting, place, run)


def check_known(item: Typed, allowed: tuple[str, ...], place: Place, run: Run) -> None:
    """A reference whose text names no type, but leads to a resource at hand: contained, or in the Bundle."""
    if not isinstance(item.value, dict) or not allowed or "Resource" in allowed:
        return
    _stated(item, allowed, place, run)
    text = reference_text(item.value)
    found = run.resolved(item) if text and not literal_type(text) else None
    type_name = str(found.get("resourceType", "")) if found else ""
    if type_name in definitions().resource_types and type_name not in allowed:
        severity = kinds.severity(type_name, allowed)
        severity = run.rules.lapses if severity == "warning" else severity
        run.add("value", kinds.words(type_name, allowed), (place, "reference", -1), severity)


def _stated(item: Typed, allowed: tuple[str, ...], place: Place, run: Run) -> None:
    """``Reference.type`` is one of the allowed types too, above all where only an identifier is given."""
    stated, reference = item.value.get("type"), reference_text(item.value)
    if not isinstance(stated, str) or stated not in definitions().resource_types:
        return
    if stated not in allowed and not (reference and literal_type(reference)):
        run.add("value", kinds.words(stated, allowed), (place, "type", -1), kinds.severity(stated, allowed))
    held = run.resolved(item) if reference else None
    if held is not None and held.get("resourceType") != stated:
        run.add("invalid", "is another type than that of the resource it leads to", (place, "type", -1))


def _is_for(url: str, type_name: str, run: Run) -> bool:
    wanted = run.profiles.type_of(url)
    return not wanted or definitions().is_a(type_name, wanted)


def _fits_one(node: Node, item: Typed, urls: list[str], place: Place, run: Run) -> None:
    found = run.resolved(item)
    if found is None or run.trials > 2:
        return
    target = Typed(found, str(found.get("resourceType", "")))
    if not any(_fits(target, url, run) for url in urls):
        names = ", ".join(urls)
        run.add("structure", f"points at a resource that fits none of {names} ({node.label})", place)


def _fits(target: Typed, url: str, run: Run) -> bool:
    """An unknown profile is not held against the resource, nor is one that is being checked already."""
    return run.node(url) is None or (id(target.value), url) in run.done or run.conforms(target, url)


def _aggregation(node: Node, item: Typed, place: Place, run: Run) -> None:
    text = reference_text(item.value)
    if not node.aggregation or not text:
        return
    if _way(text, item.value, run) not in node.aggregation:
        allowed = ", ".join(sorted(node.aggregation))
        run.add("structure", f"the profile allows references that are {allowed} ({node.label})", place)


def _way(text: str, reference: JsonObject, run: Run) -> str:
    if text.startswith("#"):
        return "contained"
    return "bundled" if run.bundle and run.bundle.find(text) is not None else "referenced"
