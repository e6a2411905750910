"""MeasureReport against its Measure, where that can be found. https://hl7.org/fhir/R4/measurereport.html"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.model.fhirpath import Typed
from fhirserver.model.fhirpath.references import contained
from fhirserver.model.validation.profiles.objects import objects, text
from fhirserver.model.validation.profiles.run import Run
from fhirserver.model.validation.report import Place

_NOWHERE = (None, "", -1)
_SCORED = frozenset({"proportion", "ratio", "continuous-variable"})
_OBSERVED = "measure-observation"
"""Populations of this kind are computed from and need not be reported."""


def check(resource: JsonObject, place: Place, run: Run) -> None:
    """The groups, populations and stratifiers that the measure defines, no others, and scores of its kind."""
    url = text(resource, "measure")
    measure = _measure(url, run) if url else None
    if measure is None:
        if url:
            words = "the measure is not known here, so the report was not compared with it"
            run.add("not-found", words, (place, "measure", -1), "warning")
        return
    _Comparison(resource, measure, run).check(place)


def _measure(url: str, run: Run) -> JsonObject | None:
    if url.startswith("#"):
        found = contained(run.environment.root_resource, url)
    else:
        found = run.profiles.conformance.find(url, "Measure") or run.resolved(Typed(url, "canonical"))
    return found if found is not None and found.get("resourceType") == "Measure" else None


class _Comparison:
    def __init__(self, report: JsonObject, measure: JsonObject, run: Run):
        self._report = report
        self._measure = measure
        self._run = run
        self._type = text(report, "type")
        self._scoring = next((code for _, code in _codes(measure.get("scoring"))), "")

    def check(self, place: Place) -> None:
        given = list(objects(self._report, "group", place))
        defined = [group for group, _ in objects(self._measure, "group", _NOWHERE)]
        if len(given) == len(defined) == 1:
            self._only_group(given[0][0], defined[0], given[0][1])
            return
        missing = self._matched(given, defined, "group", place)
        if missing and self._type != "data-collection":
            self._run.add("business-rule", "lacks a group that the measure defines", place)

    def _only_group(self, group: JsonObject, defined: JsonObject, place: Place) -> None:
        """One group need not say which it is; where it does, it says it right."""
        if "code" in group and "code" in defined and not _same(group["code"], defined["code"]):
            self._run.add("business-rule", "is another group than that of the measure", (place, "code", -1))
        self._group(group, defined, place)

    def _matched(
        self, given: list[tuple[JsonObject, Place]], defined: list[JsonObject], kind: str, place: Place
    ) -> list[JsonObject]:
        """Compare what is given with what is defined, by code; what is defined and not given."""
        left = list(defined)
        for one, at in given:
            code = _code_of(one)
            found = next((d for d in defined if code is not None and _same(code, _code_of(d))), None)
            if code is None:
                self._run.add(
                    "business-rule", f"needs a code that says which {kind} of the measure it is", at
                )
            elif found is None:
                self._run.add("business-rule", f"the measure defines no {kind} with this code", at)
            elif not any(d is found for d in left):
                self._run.add("business-rule", f"another {kind} has this code", at)
            else:
                left = [d for d in left if d is not found]
                if kind == "group":
                    self._group(one, found, at)
                elif kind == "population":
                    self._population(one, at)
        return left

    def _group(self, group: JsonObject, defined: JsonObject, place: Place) -> None:
        for kind in ("population", "stratifier"):
            wanted = [one for one, _ in objects(defined, kind, _NOWHERE)]
            left = self._matched(list(objects(group, kind, place)), wanted, kind, place)
            if any(_OBSERVED not in (code for _, code in _codes(one.get("code"))) for one in left):
                self._run.add("business-rule", f"lacks a {kind} that the measure defines", place)
        self._score(group, place)

    def _population(self, population: JsonObject, place: Place) -> None:
        listed = int(isinstance(population.get("subjectResults"), dict))
        count = population.get("count")
        if self._type == "subject-list":
            if isinstance(count, int) and count and not listed:
                self._run.add("business-rule", "counts subjects and does not list them", place)
        elif listed:
            words = "only a report of the type subject-list lists subjects"
            self._run.add("business-rule", words, (place, "subjectResults", -1))

    def _score(self, group: JsonObject, place: Place) -> None:
        score, where = group.get("measureScore"), (place, "measureScore", -1)
        if self._type == "data-collection" or self._scoring == "cohort":
            if score is not None:
                self._run.add("business-rule", "this kind of report or measure has no score", where)
            return
        if self._scoring not in _SCORED:
            return
        value = score.get("value") if isinstance(score, dict) else None
        if value is None and not (isinstance(score, dict) and "extension" in score):
            self._run.add("required", f"a measure of the kind {self._scoring} has a score", where)
        elif self._scoring == "proportion" and isinstance(score, dict):
            self._proportion(score, value, where)

    def _proportion(self, score: JsonObject, value: Json, place: Place) -> None:
        if isinstance(value, int | Decimal) and not 0 <= value <= 1:
            self._run.add("business-rule", "a proportion is between 0 and 1", (place, "value", -1))
        for name in ("unit", "system", "code"):
            if name in score:
                self._run.add("business-rule", "a proportion has no unit", (place, name, -1))


def _code_of(one: JsonObject) -> Json:
    return one.get("code")


def _codes(concept: Json) -> Iterator[tuple[str, str]]:
    for coding, _ in objects(concept, "coding", _NOWHERE):
        yield text(coding, "system"), text(coding, "code")


def _same(one: Json, other: Json) -> bool:
    """Whether two concepts have a coding in common, or, where there is none, the text."""
    ours, theirs = set(_codes(one)), set(_codes(other))
    return bool(ours & theirs) or (not ours and not theirs and text(one, "text") == text(other, "text"))
