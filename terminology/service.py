"""The terminology service over conformance resources: by default those of R4 itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Literal, TypeAlias

from fhirserver.kernel.effort import refused_after
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.code_validation import CodeAnswer, CodeQuestion
from fhirserver.ports.releases import Releases
from fhirserver.ports.terminology import Concept, Expansion, KnownSystem, Question, Validation
from terminology.answers import Answers
from terminology.asked import PLAIN, Asked
from terminology.built_in import built_in, built_in_urls
from terminology.comparing import compared
from terminology.expanding.answering import expansion
from terminology.expanding.composing import Composed, Composer
from terminology.expanding.expansion import Page, page_of, shown_as
from terminology.expanding.members import can_be_listed
from terminology.expanding.options import Options
from terminology.expanding.refusals import unknown_value_set
from terminology.holdings import BuiltIn, Holdings, OverRelease, Resolved, Stored, packed, packed_urls
from terminology.library import RequestLibrary
from terminology.looking_up import looked_up
from terminology.matching import found_matches
from terminology.membership import Checking
from terminology.overlays import Overlay
from terminology.systems import Resolve
from terminology.validating.answering import answer
from terminology.validating.subsuming import outcome

EXPANSION_LIMIT = 1_500
KEPT_ANSWERS, LONGEST_KEPT = 8192, 4096
"""Answers, and characters of a question: those of longer ones are not kept."""
LONGEST_CHECK = 3.0
"""Seconds of the processor that checking one code may take, where others wait for it."""

Operation: TypeAlias = Callable[[RequestLibrary, Question, int], JsonObject]
"""Answers a question from a library; the number is the limit of an expansion."""

OPERATIONS: Mapping[str, Operation] = {
    "lookup": looked_up,
    "find-matches": found_matches,
    "expand": expansion,
    "compare": compared,
}


class State:
    """All that is known at one moment, with what was found out from it. Replaced as a whole when something changes."""

    def __init__(self, holdings: Holdings, limit: int):
        self.holdings, self.limit = holdings, limit
        self.answers = Answers()
        self.library = RequestLibrary(holdings)
        self.checking = Checking(self.library)
        self.checked = lru_cache(KEPT_ANSWERS)(self.unkept)

    def find(self, canonical: str) -> JsonObject:
        found = self.library.value_set(canonical)
        if found is None:
            raise unknown_value_set(canonical)
        return found

    def unkept(
        self, value_set: str, system: str, code: str, version: str, display: str
    ) -> Validation | Refusal:
        """The answer, or why there is none: that is kept as well."""
        try:
            with refused_after(LONGEST_CHECK):
                found = self.find(value_set) if value_set else None
                return self.checking.check(found, system, code, version, display)
        except Refusal as refusal:
            return refusal


class TerminologyService:
    """A :class:`fhirserver.ports.terminology.Terminology`.

    ``stored`` finds resources: a function does, where there is one version of each. Keeps what was asked last; call
    :meth:`forget` when ``stored`` would answer differently."""

    def __init__(
        self,
        stored: Stored | Resolve = packed,
        limit: int = EXPANSION_LIMIT,
        urls: Callable[[], Iterable[str]] = lambda: packed_urls("CodeSystem"),
        *,
        releases: Releases | None = None,
        over_release: OverRelease | None = None,
        built_in: BuiltIn = built_in,
        operations: Mapping[str, Operation] = OPERATIONS,
    ):
        self._stored = _stored(stored, urls)
        self._limit, self._operations = limit, operations
        self._more = (built_in, releases, over_release)
        self._current = self._made()

    def _made(self) -> State:
        return State(Holdings(self._stored, *self._more), self._limit)

    def forget(self, changed: Collection[str] | None = None) -> None:
        """Read anew what has a url that ``changed``, or everything. What was found out is found out anew in any case:
        value sets draw on each other, so of that it is not told apart what changed."""
        before, after = self._current, self._made()
        if changed is not None and before.holdings.is_current:
            after.holdings.take_over(before.holdings, changed)
        self._current = after

    @property
    def _state(self) -> State:
        if not self._current.holdings.is_current:
            self.forget()
        return self._current

    waits = False

    # Operations

    def answer(self, operation: str, question: Question, asked: Asked = PLAIN) -> JsonObject:
        return self._operations[operation](self.library(asked), question, self._limit)

    def validate(self, question: CodeQuestion, asked: Asked = PLAIN) -> CodeAnswer:
        return answer(self.library(asked), question)

    def library(self, asked: Asked = PLAIN) -> RequestLibrary:
        """What a request is answered from."""
        state = self._state
        if asked.is_plain:
            return state.library
        kept = asked.kept if isinstance(asked.kept, Overlay) else None
        overlay = Overlay().with_these(asked.resources) if kept is None else kept
        return RequestLibrary(state.holdings, overlay, asked)

    def kept(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        answers = self._state.answers
        found = answers.get(key)
        if found is None:
            found = make()
            answers.keep(key, found)
        return found

    def answered(self, key: Hashable) -> bytes | None:
        return self._state.answers.get(key)

    # What others ask

    def validate_code(
        self, value_set: str | JsonObject, system: str, code: str, *, version: str = "", display: str = ""
    ) -> Validation:
        if isinstance(value_set, dict):
            return self._state.checking.check(value_set, system, code, version, display)
        asked = (value_set, system, code, version, display)
        state = self._state
        answer = state.checked(*asked) if sum(map(len, asked)) < LONGEST_KEPT else state.unkept(*asked)
        if isinstance(answer, Refusal):
            raise Refusal(answer.category, answer.issues)
        return answer

    def systems_of(self, value_set: str | JsonObject) -> Sequence[str]:
        state = self._state
        found = value_set if isinstance(value_set, dict) else state.find(value_set)
        return sorted(set(state.checking.membership.systems(found)))

    def members(self, value_set: str | JsonObject, system: str, codes: Iterable[str]) -> frozenset[str]:
        state = self._state
        try:
            composed = _composed(state, value_set)
        except Refusal:  # what cannot be listed can still be asked code by code
            return frozenset(code for code in codes if self.validate_code(value_set, system, code).result)
        known = state.library.system(system)
        if known is None or known.header.get("caseSensitive", True):
            return frozenset(code for code in codes if composed.holds(system, code))
        written = ((code, known.find(code)) for code in codes)
        return frozenset(code for code, found in written if found and composed.holds(system, found.code))

    def lookup(self, system: str, code: str) -> Concept:
        concept = self._state.checking.membership.known(system).find(code)
        if concept is None:
            raise refuse(Category.NOT_FOUND, "not-found", f"The code system {system} has no such code")
        return concept

    def subsumes(self, system: str, code: str, other: str, *, version: str = "", asked: Asked = PLAIN) -> str:
        return outcome(self.library(asked), system, version, code, other)

    def related(self, system: str, code: str, direction: Literal["above", "below"]) -> Sequence[str]:
        known, of = self._state.checking.membership.known(system), self.lookup(system, code).code
        if direction == "above":
            return known.ancestors(of)
        if not can_be_listed(known):
            return [of]
        return [concept.code for concept in known.at(known.descendants(of))]

    def expand(
        self, value_set: str | JsonObject, text: str = "", offset: int = 0, count: int | None = None
    ) -> Expansion:
        state = self._state
        found = value_set if isinstance(value_set, dict) else state.find(value_set)
        composed = _composed(state, value_set)
        page: Page = page_of(composed, Options(text=text, offset=offset, count=count), self._limit, "")
        concepts = tuple(shown_as(member) for member, _ in page.members)
        total = offset + len(concepts) if page.total is None else page.total
        return Expansion(found.get("url", ""), found.get("version", ""), total, offset, concepts)

    def systems(self) -> Sequence[KnownSystem]:
        state = self._state
        urls = sorted({*state.holdings.known_urls(), *built_in_urls()})
        return [known for url in urls for known in self._known(state, url)]

    def _known(self, state: State, url: str) -> Iterable[KnownSystem]:
        for version in state.holdings.system_versions(url) or [""]:
            known = state.holdings.known_system(url, version)
            if known is not None:
                yield known


def _composed(state: State, value_set: str | JsonObject) -> Composed:
    """The sets of codes of a value set, kept where it is named."""
    if isinstance(value_set, str):
        return Composer(state.library).compose(state.find(value_set), value_set)
    return Composer(state.library).compose(value_set)


def _stored(given: Stored | Resolve, urls: Callable[[], Iterable[str]]) -> Stored:
    return given if isinstance(given, Stored) else Resolved(given, urls)


__all__ = ["TerminologyService", "packed"]
