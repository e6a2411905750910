"""What is known of code systems and value sets until something changes: read once, kept, and asked.

A reading is thrown away as a whole when a resource changes, so that an answer which is just being worked out on the
old ones cannot be kept for the new.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TypeAlias

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.terminology import Concept, KnownSystem, Validation
from terminology.code_system_index import CodeSystemIndex
from terminology.grammars import GRAMMARS
from terminology.listed import listed
from terminology.systems import System
from terminology.value_sets import ComposeReader

Resolve: TypeAlias = Callable[[str, str], JsonObject | None]
"""``(canonical url, resource type)`` → the resource, or None. A version may follow ``|``."""

KEPT_SYSTEMS = 64
KEPT_VALUE_SETS = 256
KEPT_EXPANSIONS = 8
KEPT_ANSWERS = 8192


class Reading:
    """Safe between threads: what two read at once is the same."""

    def __init__(self, resolve: Resolve, limit: int):
        self._resolve = resolve
        self.system = lru_cache(KEPT_SYSTEMS)(self._read_system)
        self._value_set = lru_cache(KEPT_VALUE_SETS)(lambda url: resolve(url, "ValueSet"))
        self.reader = ComposeReader(self.system, self._value_set, limit)
        self.expanded = lru_cache(KEPT_EXPANSIONS)(self._expand)
        self.checked = lru_cache(KEPT_ANSWERS)(self._check)

    # Code systems

    def known(self, url: str, version: str = "") -> System:
        """The code system, or a refusal."""
        found = self.system(url, version)
        if found is None:
            named = f"{url}|{version}" if version else url
            raise refuse(Category.NOT_FOUND, "not-found", f"The code system {named} is not known here")
        return found

    def _read_system(self, url: str, version: str) -> System | None:
        if url in GRAMMARS:
            return GRAMMARS[url]
        resource = _resource(self._resolve, url, version)
        return CodeSystemIndex(resource) if resource is not None else None

    # Value sets

    def _expand(self, url: str) -> tuple[Concept, ...]:
        return tuple(self.reader.expand(self.reader.find(url)).values())

    def _check(
        self, value_set: str, system: str, code: str, version: str, display: str
    ) -> Validation | Refusal:
        """The answer, or why there is none: that is kept as well."""
        try:
            found = self.reader.find(value_set) if value_set else None
            return self.check(found, system, code, version, display)
        except Refusal as refusal:
            return refusal

    def check(
        self, value_set: JsonObject | None, system: str, code: str, version: str, display: str
    ) -> Validation:
        """Whether the value set (None: its system) holds the code."""
        if value_set is None:
            return self._in_system(system, code, version, display)
        systems = [system] if system else sorted(set(self.reader.systems(value_set)))
        held = [one for one in systems if self._holds(value_set, one, code, version)]
        name = value_set.get("url") or "given"
        if len(held) == 1:
            return with_display(self._concept(value_set, held[0], code, version), display)
        if held:
            return Validation(
                False,
                message=f"The code is in more than one system of the value set {name}",
                cause="not-in-vs",
            )
        return Validation(
            False, self._named(system, code, version), f"The code is not in the value set {name}", "not-in-vs"
        )

    def _in_system(self, system: str, code: str, version: str, display: str) -> Validation:
        known = self.known(system, version)
        found = known.find(code)
        if found is not None:
            return with_display(found, display)
        if not known.is_complete:
            raise refuse(Category.UNPROCESSABLE, "not-found", f"Only a part of {system} is known here")
        return Validation(False, None, f"The code system {system} has no such code", "invalid-code")

    def _holds(self, value_set: JsonObject, system: str, code: str, version: str) -> bool:
        if version:
            self._check_version(system, version)
        known = self.system(system, "")
        found = known.find(code) if known else None
        return self.reader.holds(value_set, (system, found.code if found else code))

    def _check_version(self, system: str, version: str) -> None:
        """A version that is not here cannot be told of; where the system has none, any is as good."""
        known = self.system(system, "")
        if known is not None and known.version not in ("", version):
            self.known(system, version)

    def _named(self, system: str, code: str, version: str) -> Concept | None:
        known = self.system(system, version) if system else None
        return known.find(code) if known else None

    def _concept(self, value_set: JsonObject, system: str, code: str, version: str) -> Concept:
        found = self._named(system, code, version) or self._named(system, code, "") or Concept(system, code)
        listed = self.reader.listed(value_set, (system, found.code))
        return listed or found


def _resource(resolve: Resolve, url: str, version: str = "") -> JsonObject | None:
    """The CodeSystem, where its codes are here."""
    found = resolve(f"{url}|{version}" if version else url, "CodeSystem") or listed(url)
    return found if found and found.get("concept") else None


def known_system(url: str, resolve: Resolve) -> KnownSystem | None:
    """What is told of a code system; None where its codes are not here."""
    if url in GRAMMARS:
        return KnownSystem(url)
    resource = _resource(resolve, url)
    if resource is None:
        return None
    return KnownSystem(url, resource.get("version", ""), any(map(_is_related, resource["concept"])))


def _is_related(concept: JsonObject) -> bool:
    """Whether a concept of the top has others below or above it."""
    return bool(concept.get("concept")) or any(
        one.get("code") in ("parent", "subsumedBy", "child") for one in concept.get("property", ())
    )


def with_display(concept: Concept, display: str) -> Validation:
    """Right, unless a display is given that the concept does not have."""
    names = [name for name in (concept.display, *(d.value for d in concept.designations)) if name]
    if not display or not names or _plain(display) in {_plain(name) for name in names}:
        return Validation(True, concept)
    text = f"The display is none that the code has in {concept.system}"
    return Validation(False, concept, text, "invalid-display")


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def matching(concepts: Iterable[Concept], text: str) -> list[Concept]:
    """Those whose display or code holds the text, in any case."""
    folded = text.casefold()
    return [c for c in concepts if folded in c.display.casefold() or folded in c.code.casefold()]
