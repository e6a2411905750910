"""Rules that structure alone cannot say, for the types where they matter on every write."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from fhirserver.kernel.json import JsonObject
from fhirserver.model.validation import narrative
from fhirserver.model.validation.bundles import bundle
from fhirserver.model.validation.report import Place, Report

Rule: TypeAlias = Callable[[JsonObject, Place, Report], None]


def extension(value: JsonObject, place: Place, report: Report) -> None:
    """ext-1: one value or extensions, not both. https://hl7.org/fhir/R4/extensibility.html"""
    if len(value) == 2 and "url" in value and "id" not in value:
        return
    values = {name.removeprefix("_") for name in value if name.startswith(("value", "_value"))}
    if len(values) > 1:
        report.add("structure", "holds more than one type", (place, "value", -1))
    if bool(values) is ("extension" in value):
        words = "has a value and extensions" if values else "has neither a value nor extensions"
        report.add("invariant", f"{words} (ext-1)", place)


def narrative_div(value: JsonObject, place: Place, report: Report) -> None:
    div = value.get("div")
    if isinstance(div, str) and div:
        for problem in narrative.problems(div):
            # Official examples have empty narratives.
            severity = "warning" if problem == narrative.EMPTY else "error"
            report.add("invariant", problem, (place, "div", -1), severity)


def parameter(value: JsonObject, place: Place, report: Report) -> None:
    """inv-1: one of a value, a resource or parts. https://hl7.org/fhir/R4/parameters.html"""
    kinds = {name.removeprefix("_")[:5] for name in value if name.startswith(("value", "_value"))}
    kinds |= {"resource", "part"} & value.keys()
    if len(kinds) > 1:
        report.add("invariant", "has more than one of a value, a resource and parts (inv-1)", place)


def contained(value: JsonObject, place: Place, report: Report) -> None:
    """dom-2, dom-4 and dom-5. https://hl7.org/fhir/R4/references.html#contained"""
    if "contained" in value:
        report.add(
            "invariant", "a contained resource must not contain another (dom-2)", (place, "contained", -1)
        )
    meta = value.get("meta")
    if isinstance(meta, dict):
        for name in ("versionId", "lastUpdated", "security"):
            if name in meta:
                where = ((place, "meta", -1), name, -1)
                report.add("invariant", "must not stand in a contained resource (dom-4, dom-5)", where)


RULES: dict[str, Rule] = {
    "Bundle": bundle,
    "Extension": extension,
    "Narrative": narrative_div,
    "Parameters.parameter": parameter,
}
