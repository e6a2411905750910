"""The state of one validation: what it may ask, what it found, how long it may take."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

from fhirserver.kernel.json import Json, JsonObject
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


class _Clock:
    """When a validation has to end."""

    def __init__(self, deadline: float):
        self._deadline = deadline

    def is_over(self) -> bool:
        return monotonic() > self._deadline


class TimedReport(Report):
    """A report that ends the validation when it has taken too long."""

    __slots__ = ("_beats", "_clock")

    def __init__(self, clock: _Clock):
        super().__init__(minimums=True)
        self._clock = clock
        self._beats = 0

    def beat(self) -> None:
        self._beats += 1
        if self._beats % 16 == 0 and self._clock.is_over():
            raise TooManyIssues


class Run:
    """One validation; never shared between two."""

    def __init__(self, profiles: Library, codes: Codes, rules: Rules, resolver: Resolver | None):
        self.profiles = profiles
        self.codes = codes
        self.rules = rules
        self._clock = _Clock(monotonic() + rules.seconds)
        self.report: Report = TimedReport(self._clock)
        self.done: set[tuple[int, str]] = set()
        self.bundle: BundleIndex | None = None
        self.trials = 0
        self.ids: set[str] = set()
        """The ids of the elements met so far in the resource that is being looked at."""
        self._resolver = resolver
        self.environment = Environment(
            resolver=self._find,
            terminology=codes,
            terminologies=codes.offered,
            conforms=self._conforms,
            seconds=min(2.0, rules.seconds),
        )

    def beat(self) -> None:
        """Called for each value looked at; raises when the validation has taken too long."""
        self.report.beat()

    def node(self, url: str) -> Node | None:
        """The compiled profile, None where it is not known."""
        return self.profiles.node(url)

    def is_over(self) -> bool:
        """Whether the time of the validation is up."""
        return self._clock.is_over()

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
        self.report, self.done = TimedReport(self._clock), set()
        self.trials += 1
        try:
            yield self.report
        except TooManyIssues:
            if self._clock.is_over():
                raise
        finally:
            self.report, self.done = kept
            self.trials -= 1

    @contextmanager
    def within(self, resource: JsonObject) -> Iterator[None]:
        """Like :meth:`inside`, for a resource met on the way through another, or for that one itself."""
        around = self.environment.resource
        if around is resource:
            yield
            return
        held = around.get("contained") if around is not None else None
        is_contained = isinstance(held, list) and any(one is resource for one in held)
        with self.inside(resource, is_contained):
            yield

    @contextmanager
    def inside(self, resource: JsonObject, is_contained: bool = False) -> Iterator[None]:
        """``%resource`` and ``%rootResource`` are those of this resource; a Bundle answers references."""
        kept, bundle = self.environment, self.bundle
        root = kept.root_resource if is_contained else resource
        self.environment = replace(kept, resource=resource, root_resource=root)
        if resource.get("resourceType") == "Bundle":
            self.bundle = BundleIndex(resource)
        try:
            yield
        finally:
            self.environment, self.bundle = kept, bundle

    def add(self, code: str, words: str, place: Place, severity: str = "error") -> None:
        self.report.add(code, words, place, severity)
