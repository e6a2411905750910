"""Whether a value set holds a code, without listing the others. https://hl7.org/fhir/R4/valueset.html#compositions"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from fhirserver.kernel.effort import check, watch
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.terminology import Concept, Designation, Validation
from terminology.code_systems.meaning import designation
from terminology.expanding import refusals
from terminology.expanding.composing import Composer
from terminology.library import RequestLibrary
from terminology.systems import System
from terminology.versions import joined

Key = tuple[str, str]
"""``(system, code)``"""
DEEPEST = 40


class Membership:
    """Kept for one state of what is known: what imported value sets say is remembered."""

    def __init__(self, library: RequestLibrary):
        self._library = library
        self._composer = Composer(library)
        self._import_answers: dict[tuple[str, Key], bool | Refusal] = {}
        self._import_systems: dict[str, frozenset[str]] = {}

    def find(self, canonical: str) -> JsonObject:
        """The ValueSet resource, or a refusal."""
        found = self._library.value_set(canonical)
        if found is None:
            raise refusals.unknown_value_set(canonical)
        return found

    def holds(self, value_set: JsonObject, key: Key, above: tuple[str, ...] = ()) -> bool:
        """Whether the value set has the code. Refuses what cannot be told: a system that is not here, a filter."""
        if self._composer.stands_in(value_set):
            return self._composer.compose(value_set).holds(*key)
        below = _entered(value_set, above)
        compose = value_set.get("compose", {})
        if not self._one_holds(value_set, compose.get("include", ()), key, below):
            return False
        if compose.get("inactive") is False and self._is_inactive(key):
            return False
        return not self._one_holds(value_set, compose.get("exclude", ()), key, below)

    def _one_holds(
        self, container: JsonObject, parts: Iterable[JsonObject], key: Key, above: tuple[str, ...]
    ) -> bool:
        """Whether one part has the code. One that cannot be told of matters only where no other has it."""
        untold: Refusal | None = None
        for part in parts:
            check()
            try:
                if self._part_holds(container, part, key, above):
                    return True
            except Refusal as refusal:
                untold = untold or refusal
        if untold is not None:
            raise untold
        return False

    def _part_holds(self, container: JsonObject, part: JsonObject, key: Key, above: tuple[str, ...]) -> bool:
        if "system" in part and not self._own_holds(part, key):
            return False
        return all(self._import_holds(container, one, key, above) for one in part.get("valueSet", ()))

    def _import_holds(self, container: JsonObject, canonical: str, key: Key, above: tuple[str, ...]) -> bool:
        if canonical.startswith("#"):
            return self._composer.imported(canonical, container, above).holds(*key)
        answer = self._import_answers.get((canonical, key))
        if answer is None:
            try:
                answer = self.holds(self.find(canonical), key, above)
            except Refusal as refusal:
                answer = refusal
            _keep(self._import_answers, (canonical, key), answer)
        if isinstance(answer, Refusal):
            raise Refusal(answer.category, answer.issues)
        return answer

    def _own_holds(self, part: JsonObject, key: Key) -> bool:
        wanted, code = key
        if part["system"] != wanted:
            return False
        if "concept" in part:
            return any(concept.get("code") == code for concept in watch(part["concept"]))
        system = self.known(wanted, part.get("version", ""), Category.UNPROCESSABLE)
        found = system.find(code)
        if found is None:
            refuse_if_partial(system)
            return False
        return all(system.holds(found.code, condition) for condition in part.get("filter", ()))

    def _is_inactive(self, key: Key) -> bool:
        system = self._library.system(key[0])
        found = system.find(key[1]) if system is not None else None
        return found is not None and found.inactive

    def known(self, url: str, version: str = "", category: Category = Category.NOT_FOUND) -> System:
        """The code system, or a refusal."""
        found = self._library.system(url, version)
        if found is None:
            raise refuse(category, "not-found", f"The code system {joined(url, version)} is not known here")
        return found

    def listed(self, value_set: JsonObject, key: Key) -> JsonObject:
        """What the value set itself says of a code (``compose.include.concept``); empty where it says nothing."""
        for part in value_set.get("compose", {}).get("include", ()):
            if part.get("system") == key[0]:
                for concept in watch(part.get("concept", ())):
                    if concept.get("code") == key[1]:
                        return dict(concept)
        return {}

    def systems(self, value_set: JsonObject, above: tuple[str, ...] = ()) -> Iterator[str]:
        """The code systems a value set draws on, with those of the value sets it imports."""
        if self._composer.stands_in(value_set):
            yield from (part.url for part in self._composer.compose(value_set).parts)
            return
        below = _entered(value_set, above)
        for part in value_set.get("compose", {}).get("include", ()):
            if "system" in part:
                yield part["system"]
            for canonical in part.get("valueSet", ()):
                if canonical.startswith("#"):
                    yield from (p.url for p in self._composer.imported(canonical, value_set, below).parts)
                    continue
                if canonical not in self._import_systems:
                    found = frozenset(self.systems(self.find(canonical), below))
                    _keep(self._import_systems, canonical, found)
                yield from self._import_systems[canonical]


def refuse_if_partial(system: System) -> None:
    """Of a fragment it cannot be told that it has not a code."""
    if system.header.get("content", "complete") != "complete":
        text = f"Only a part of {system.url} is known here"
        raise refuse(Category.UNPROCESSABLE, "not-found", text)


def _entered(value_set: JsonObject, above: tuple[str, ...]) -> tuple[str, ...]:
    name = joined(value_set.get("url", ""), value_set.get("version", ""))
    if name and name in above:
        raise refusals.circular(name, above)
    if len(above) >= DEEPEST:
        raise refusals.too_deep(DEEPEST)
    return (*above, name)


_LONGEST_KEPT = 4096


def _keep(where: dict, name: object, value: object, most: int = 8192) -> None:  # type: ignore[type-arg]
    """When there are too many, the others are forgotten."""
    if len(where) >= most:
        where.clear()
    if len(str(name)) < _LONGEST_KEPT:
        where[name] = value


class Checking:
    """``validate_code`` of the port, over one state of what is known."""

    def __init__(self, library: RequestLibrary):
        self._library = library
        self.membership = Membership(library)

    def check(
        self, value_set: JsonObject | None, system: str, code: str, version: str, display: str
    ) -> Validation:
        """Whether the value set (None: its system) holds the code."""
        if value_set is None:
            return self._in_system(system, code, version, display)
        systems = [system] if system else sorted(set(self.membership.systems(value_set)))
        held = [one for one in systems if self._holds(value_set, one, code, version)]
        name = value_set.get("url") or "given"
        if len(held) == 1:
            return self._with_display(value_set, held[0], code, version, display)
        if held:
            text = f"The code is in more than one system of the value set {name}"
            return Validation(False, message=text, cause="not-in-vs")
        found = self._named(system, code, version)
        return Validation(False, found, f"The code is not in the value set {name}", "not-in-vs")

    def _in_system(self, system: str, code: str, version: str, display: str) -> Validation:
        known = self.membership.known(system, version)
        found = known.find(code)
        if found is not None:
            return with_display(found, display)
        refuse_if_partial(known)
        return Validation(False, None, f"The code system {system} has no such code", "invalid-code")

    def _holds(self, value_set: JsonObject, system: str, code: str, version: str) -> bool:
        known = self._library.system(system)
        if version and known is not None and known.version not in ("", version):
            self.membership.known(system, version)  # one that is not here cannot be told of
        found = known.find(code) if known is not None else None
        return self.membership.holds(value_set, (system, found.code if found is not None else code))

    def _named(self, system: str, code: str, version: str) -> Concept | None:
        known = self._library.system(system, version) if system else None
        return known.find(code) if known is not None else None

    def _with_display(
        self, value_set: JsonObject, system: str, code: str, version: str, display: str
    ) -> Validation:
        found = self._named(system, code, version) or self._named(system, code, "") or Concept(system, code)
        own = self.membership.listed(value_set, (system, found.code))
        return with_display(called(found, own), display)


def called(concept: Concept, own: JsonObject) -> Concept:
    """The concept with the names that a value set gives it, the system's own display among the others."""
    if not own.keys() & {"display", "designation"}:
        return concept
    display = own.get("display") or concept.display
    more = tuple(designation(one) for one in own.get("designation", ()))
    if concept.display not in ("", display):
        more += (Designation(concept.display, concept.language),)
    return replace(concept, display=display, designations=concept.designations + more)


def with_display(concept: Concept, display: str) -> Validation:
    """Right, unless a display is given that the concept does not have."""
    names = [name for name in (concept.display, *(d.value for d in concept.designations)) if name]
    if not display or not names or _plain(display) in {_plain(name) for name in names}:
        return Validation(True, concept)
    text = f"The display is none that the code has in {concept.system}"
    return Validation(False, concept, text, "invalid-display")


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
