"""The state of one validation: what it may ask, what it found, how long it may take."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Issue
from fhirserver.model.fhirpath import Environment, Typed
from fhirserver.model.fhirpath.references import contained, reference_text
from fhirserver.model.validation.profiles.bundle_index import BundleIndex
from fhirserver.model.validation.profiles.codes import Codes
from fhirserver.model.validation.profiles.nodes import Node
from fhirserver.model.validation.profiles.rules import Rules
from fhirserver.model.validation.report import Place, Report, TooManyIssues

if TYPE_CHECKING:
    from fhirserver.model.validation.profiles.library import Library

Resolver = Callable[[str], JsonObject | None]
_DEEPEST_TRIAL = 12


class Run:
    """One validation; never shared between two."""

    def __init__(self, profiles: Library, codes: Codes, rules: Rules, resolver: Resolver | None):
        self.profiles = profiles
        self.codes = codes
        self.rules = rules
        self.report = Report(minimums=True)
        self.done: set[tuple[int, str]] = set()
        self.bundle: BundleIndex | None = None
        self.trials = 0
        self._resolver = resolver
        self._deadline = monotonic() + rules.seconds
        self._beats = 0
        self.environment = Environment(
            resolver=self._find, terminology=codes, conforms=self._conforms, seconds=min(5.0, rules.seconds)
        )

    def beat(self) -> None:
        """Called for each value looked at; raises when the validation has taken too long."""
        self._beats += 1
        if self._beats % 64 == 0 and monotonic() > self._deadline:
            self.report.issues.append(
                Issue("too-costly", "The validation took too long; the rest is left out")
            )
            raise TooManyIssues

    def node(self, url: str) -> Node | None:
        """The compiled profile, None where it is not known."""
        return self.profiles.node(url)

    # What expressions and discriminators ask

    def _find(self, text: str) -> JsonObject | None:
        found = self.bundle.find(text) if self.bundle else None
        if found is None and self._resolver is not None:
            return self._resolver(text)
        return found

    def resolved(self, item: Typed) -> JsonObject | None:
        """The resource a reference leads to: contained, in the Bundle, or known to the resolver."""
        text = reference_text(item.value)
        if text is None:
            return None
        return contained(self.environment.root_resource, text) if text.startswith("#") else self._find(text)

    def is_member(self, item: Typed, value_set: str) -> bool:
        return self.codes.member_of(item, value_set) is True

    def conforms(self, item: Typed, url: str) -> bool:
        """Whether a value fits a profile; an unknown profile fits nothing."""
        return self._fits(item, url) is True

    def _conforms(self, value: Json, url: str) -> bool | None:
        type_name = value.get("resourceType") if isinstance(value, dict) else None
        return self._fits(Typed(value, str(type_name or self.profiles.type_of(url))), url)

    def _fits(self, item: Typed, url: str) -> bool | None:
        from fhirserver.model.validation.profiles.check import check_profile

        if self.node(url) is None:
            return None
        with self.trial() as report:
            check_profile(url, item, (None, item.type, -1), self)
        return not any(issue.severity == "error" for issue in report.issues)

    @contextmanager
    def trial(self) -> Iterator[Report]:
        """What is found inside is written to a report of its own."""
        if self.trials >= _DEEPEST_TRIAL:
            raise RecursionError
        kept = self.report, self.done
        self.report, self.done = Report(minimums=True), set()
        self.trials += 1
        try:
            yield self.report
        except TooManyIssues:
            if monotonic() > self._deadline:
                raise
        finally:
            self.report, self.done = kept
            self.trials -= 1

    @contextmanager
    def inside(self, resource: JsonObject, is_contained: bool = False) -> Iterator[None]:
        """``%resource`` and ``%rootResource`` are those of this resource."""
        kept = self.environment
        root = kept.root_resource if is_contained else resource
        self.environment = replace(kept, resource=resource, root_resource=root)
        try:
            yield
        finally:
            self.environment = kept

    def add(self, code: str, words: str, place: Place, severity: str = "error") -> None:
        self.report.add(code, words, place, severity)
