"""What a value set's compose means: which codes it holds, and all of them.

https://hl7.org/fhir/R4/valueset.html#compositions
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TypeAlias, TypeVar

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.terminology import Concept, Designation
from terminology.code_system_index import designation
from terminology.systems import System

Key: TypeAlias = tuple[str, str]
"""``(system, code)``"""
Name = TypeVar("Name")
Value = TypeVar("Value")

DEEPEST = 40
KEPT_IMPORTS = 64
KEPT_ANSWERS = 8192


class ComposeReader:
    """Evaluates value sets. ``system`` (by url and version) and ``value_set`` find what they name or return None."""

    def __init__(
        self,
        system: Callable[[str, str], System | None],
        value_set: Callable[[str], JsonObject | None],
        limit: int,
    ):
        self._system = system
        self._value_set = value_set
        self._limit = limit
        self._imports: dict[str, dict[Key, Concept]] = {}
        self._import_answers: dict[tuple[str, Key], bool | Refusal] = {}
        self._import_systems: dict[str, frozenset[str]] = {}

    def find(self, url: str) -> JsonObject:
        """The ValueSet resource, or a refusal."""
        found = self._value_set(url)
        if found is None:
            raise refuse(Category.NOT_FOUND, "not-found", f"The value set {url} is not known here")
        return found

    # All codes

    def expand(self, value_set: JsonObject, above: tuple[str, ...] = ()) -> dict[Key, Concept]:
        """Every concept, in the order of the compose. ``above``: the value sets that import this one."""
        if self._uses_expansion(value_set):
            return dict(self._expanded(value_set))
        below = self._enter(value_set, above)
        found: dict[Key, Concept] = {}
        for part in value_set.get("compose", {}).get("include", ()):
            for concept in self._part(part, below):
                found.setdefault((concept.system, concept.code), concept)
                self._check_size(len(found))
        for part in value_set.get("compose", {}).get("exclude", ()):
            for key in [key for key in found if self._holds(part, key, below)]:
                del found[key]
        return found

    def _part(self, part: JsonObject, above: tuple[str, ...]) -> Iterator[Concept]:
        imports = [self._imported(url, above) for url in part.get("valueSet", ())]
        own = self._own(part) if "system" in part else imports.pop(0).values()
        return (c for c in own if all((c.system, c.code) in imported for imported in imports))

    def _imported(self, url: str, above: tuple[str, ...]) -> dict[Key, Concept]:
        """What an imported value set holds: kept, for value sets may import each other many times over."""
        if url not in self._imports:
            kept(self._imports, url, self.expand(self.find(url), above), KEPT_IMPORTS)
        return self._imports[url]

    def _own(self, part: JsonObject) -> Iterator[Concept]:
        """The concepts of one system, without regard to imported value sets."""
        if "concept" in part:
            return (self._enumerated(part, concept) for concept in part["concept"])
        system = self._known_system(part["system"], part.get("version", ""))
        tests = [system.test(condition) for condition in part.get("filter", ())]
        return (c for c in system if all(test(c.code) for test in tests))

    def _enumerated(self, part: JsonObject, concept: JsonObject) -> Concept:
        system = self._system(part["system"], part.get("version", "")) or self._system(part["system"], "")
        known = system.find(concept["code"]) if system else None
        found = known or Concept(part["system"], concept["code"], version=part.get("version", ""))
        own = found.display
        if concept.get("display", own) != own:
            found = replace(found, display=concept["display"])
        if "designation" in concept or own not in ("", found.display):
            more = tuple(designation(d) for d in concept.get("designation", ()))
            more += (Designation(own),) if own not in ("", found.display) else ()
            found = replace(found, designations=found.designations + more)
        return found

    # One code

    def holds(self, value_set: JsonObject, key: Key, above: tuple[str, ...] = ()) -> bool:
        """Whether the value set has the code, without expanding it."""
        if self._uses_expansion(value_set):
            return self._expansion_holds(value_set, key)
        below = self._enter(value_set, above)
        compose = value_set.get("compose", {})
        if not self._one_holds(compose.get("include", ()), key, below):
            return False
        return not self._one_holds(compose.get("exclude", ()), key, below)

    def _expansion_holds(self, value_set: JsonObject, key: Key) -> bool:
        listed = {held for held, _ in self._expanded(value_set)}
        if key not in listed and value_set["expansion"].get("total", 0) > len(listed):
            url = value_set.get("url", "")
            raise refuse(
                Category.UNPROCESSABLE, "not-found", f"Only a part of the value set {url} is known here"
            )
        return key in listed

    def _one_holds(self, parts: Iterable[JsonObject], key: Key, above: tuple[str, ...]) -> bool:
        """Whether one part has the code. One that cannot be told of matters only where no other has it."""
        untold: Refusal | None = None
        for part in parts:
            try:
                if self._holds(part, key, above):
                    return True
            except Refusal as refusal:
                untold = untold or refusal
        if untold is not None:
            raise untold
        return False

    def _holds(self, part: JsonObject, key: Key, above: tuple[str, ...]) -> bool:
        if "system" in part and not self._own_holds(part, key):
            return False
        return all(self._import_holds(url, key, above) for url in part.get("valueSet", ()))

    def _import_holds(self, url: str, key: Key, above: tuple[str, ...]) -> bool:
        answer = self._import_answers.get((url, key))
        if answer is None:
            try:
                answer = self.holds(self.find(url), key, above)
            except Refusal as refusal:
                answer = refusal
            kept(self._import_answers, (url, key), answer, KEPT_ANSWERS)
        if isinstance(answer, Refusal):
            raise Refusal(answer.category, answer.issues)
        return answer

    def _own_holds(self, part: JsonObject, key: Key) -> bool:
        wanted, code = key
        if part["system"] != wanted:
            return False
        if "concept" in part:
            return any(concept["code"] == code for concept in part["concept"])
        system = self._known_system(wanted, part.get("version", ""))
        found = system.find(code)
        if found is None and not system.is_complete:
            raise refuse(Category.UNPROCESSABLE, "not-found", f"Only a part of {wanted} is known here")
        return found is not None and all(system.test(c)(found.code) for c in part.get("filter", ()))

    def listed(self, value_set: JsonObject, key: Key) -> Concept | None:
        """The concept as the value set itself lists it, with its own display."""
        for part in value_set.get("compose", {}).get("include", ()):
            if part.get("system") == key[0]:
                for concept in part.get("concept", ()):
                    if concept["code"] == key[1]:
                        return self._enumerated(part, concept)
        return None

    def systems(self, value_set: JsonObject, above: tuple[str, ...] = ()) -> Iterator[str]:
        """The code systems a value set draws on, with those of the value sets it imports."""
        if self._uses_expansion(value_set):
            yield from {system for (system, _), _ in self._expanded(value_set)}
            return
        below = self._enter(value_set, above)
        for part in value_set.get("compose", {}).get("include", ()):
            if "system" in part:
                yield part["system"]
            for url in part.get("valueSet", ()):
                if url not in self._import_systems:
                    found = frozenset(self.systems(self.find(url), below))
                    kept(self._import_systems, url, found, KEPT_ANSWERS)
                yield from self._import_systems[url]

    # What both need

    def _uses_expansion(self, value_set: JsonObject) -> bool:
        """A stored expansion stands in where a system the value set draws on is not known here."""
        if "expansion" not in value_set:
            return False
        parts = value_set.get("compose", {}).get("include", ())
        drawn = (p["system"] for p in parts if "system" in p and "concept" not in p)
        return not parts or any(self._system(system, "") is None for system in drawn)

    def _expanded(self, value_set: JsonObject) -> Iterator[tuple[Key, Concept]]:
        for item in walk(value_set["expansion"].get("contains", ())):
            if "code" in item and not item.get("abstract"):
                concept = Concept(item["system"], item["code"], item.get("display", ""))
                yield (concept.system, concept.code), concept

    def _known_system(self, url: str, version: str) -> System:
        """The system in the version asked for; in another where that is not here, as R4's own ``task-code`` needs."""
        found = self._system(url, version) or self._system(url, "")
        if found is None:
            named = f"{url}|{version}" if version else url
            raise refuse(Category.UNPROCESSABLE, "not-found", f"The code system {named} is not known here")
        return found

    def _enter(self, value_set: JsonObject, above: tuple[str, ...]) -> tuple[str, ...]:
        url = value_set.get("url", "")
        if url and url in above:
            raise refuse(Category.UNPROCESSABLE, "processing", f"The value set {url} imports itself")
        if len(above) >= DEEPEST:
            raise refuse(Category.UNPROCESSABLE, "too-costly", f"Value sets import each other {DEEPEST} deep")
        return (*above, url)

    def _check_size(self, size: int) -> None:
        if size > self._limit:
            raise refuse(Category.UNPROCESSABLE, "too-costly", f"The expansion has over {self._limit} codes")


def kept(where: dict[Name, Value], name: Name, value: Value, most: int) -> None:
    """Keep a value; when there are too many, the others are forgotten."""
    if len(where) >= most:
        where.clear()
    where[name] = value


def walk(contains: Iterable[JsonObject]) -> Iterator[JsonObject]:
    for item in contains:
        yield item
        yield from walk(item.get("contains", ()))
