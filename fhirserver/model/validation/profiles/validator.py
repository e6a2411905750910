"""The validator: structure first, then invariants, then each profile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Issue
from fhirserver.model.fhirpath import Typed
from fhirserver.model.validation import validate
from fhirserver.model.validation.invariants import check_resource_invariants
from fhirserver.model.validation.profiles.check import check_profile
from fhirserver.model.validation.profiles.codes import Codes
from fhirserver.model.validation.profiles.library import Library
from fhirserver.model.validation.profiles.rules import Rules
from fhirserver.model.validation.profiles.run import Run
from fhirserver.model.validation.profiles.walk import check_resource
from fhirserver.model.validation.report import Place, TooManyIssues
from fhirserver.ports.concept_maps import ConceptMaps
from fhirserver.ports.conformance import Conformance
from fhirserver.ports.terminology import Terminology


class Validator:
    """Validates resources; keeps the profiles it has compiled. Safe between threads.

    Call :meth:`forget` when ``conformance`` or ``terminology`` would answer differently than before.
    """

    def __init__(
        self,
        conformance: Conformance,
        terminology: Terminology | None = None,
        rules: Rules | None = None,
        seconds: float | None = None,
    ):
        """``seconds``: how long answers of the terminology may be kept, where they may change without a word."""
        self._library = Library(conformance)
        self._codes = Codes(conformance, terminology, seconds)
        self.rules = rules or Rules()

    def translate_by(self, concept_maps: ConceptMaps) -> None:
        """Have expressions translate codes (``%terminologies.translate``)."""
        self._codes.translate_by(concept_maps)

    def forget(self) -> None:
        """Compile every profile anew when it is needed next."""
        self._library.forget()
        self._codes.forget()

    def validate(
        self,
        resource: Json,
        profiles: Sequence[str] = (),
        *,
        at: str = "",
        resolver: Callable[[str], JsonObject | None] | None = None,
        rules: Rules | None = None,
    ) -> list[Issue]:
        """Every issue of a resource; it is valid when none is an error or fatal.

        ``profiles`` are canonical urls, beside the base definition and what ``meta.profile`` claims; an
        unknown one is an error. ``at`` is the FHIRPath of the resource in its wrapper, such as
        ``Parameters.parameter[0].resource``, for ``Issue.expression``. ``resolver`` finds the resources
        that references lead to outside of it. ``rules`` stand in for those of the validator. Never raises on bad
        content; never blocks.
        """
        held_to = rules or self.rules
        issues = [_weighed(issue, held_to) for issue in validate(resource, at=at)]
        if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
            return issues
        broken = any(issue.severity == "error" for issue in issues)
        run = Run(self._library, self._codes, held_to, resolver)
        try:
            self._check(resource, profiles, (None, at or resource["resourceType"], -1), run)
        except RecursionError:
            run.report.issues.append(Issue("too-costly", "The resource is nested too deeply to be checked"))
        except (TypeError, AttributeError, KeyError, ValueError):
            if not broken:
                raise
            # Content of the wrong shape is reported by then; what it hides is found once that is mended.
        if run.is_over():
            words = "The validation took too long; the rest is left out"
            run.report.issues.append(Issue("too-costly", words, (at or resource["resourceType"],)))
        return _distinct([*issues, *run.report.issues])

    def _check(self, resource: JsonObject, profiles: Sequence[str], place: Place, run: Run) -> None:
        with suppress(TooManyIssues):
            with run.inside(resource):
                outside = replace(run.environment, resource=None, root_resource=None)
                check_resource_invariants(resource, place, outside, run.report)
            check_resource(resource, place, run)
            item = Typed(resource, str(resource["resourceType"]))
            with run.inside(resource):
                for url in profiles:
                    if run.node(url) is None:
                        run.add("not-found", self._library.missing(url), place)
                    else:
                        check_profile(url, item, place, run)


def _weighed(issue: Issue, rules: Rules) -> Issue:
    """A structural warning is for what official examples do against the rules."""
    return replace(issue, severity=rules.lapses) if issue.severity == "warning" else issue


def _distinct(issues: list[Issue]) -> list[Issue]:
    """Each issue once: two profiles may ask for the same."""
    return list(dict.fromkeys(issues))
