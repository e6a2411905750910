"""The profiles compiled so far."""

from __future__ import annotations

from threading import RLock

from fhirserver.kernel.json import JsonObject
from fhirserver.model.validation.profiles.nodes import Node, compiled
from fhirserver.model.validation.profiles.registry import Registry
from fhirserver.ports.conformance import Conformance

KEPT = 2048


class Library:
    """Each profile is compiled when it is first asked for. Safe between threads."""

    def __init__(self, conformance: Conformance):
        self.conformance = conformance
        self._lock = RLock()
        self._registry = Registry(conformance)
        self._nodes: dict[str, Node | None] = {}

    def forget(self) -> None:
        """What was compiled may be outdated."""
        with self._lock:
            self._registry = Registry(self.conformance)
            self._nodes = {}

    def node(self, url: str) -> Node | None:
        """The compiled profile, None where it is not known or cannot be read."""
        try:
            return self._nodes[url]
        except KeyError:
            pass
        with self._lock:
            if len(self._nodes) > KEPT:
                self._nodes = {}
            found = self._nodes[url] = self._compiled(url)
            return found

    def _compiled(self, url: str) -> Node | None:
        tree = self._registry.tree(url)
        try:
            return compiled(tree, self._registry) if tree is not None else None
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
            return None  # a StructureDefinition that is none: anybody may have stored it

    def missing(self, url: str) -> str:
        """Why there is no node for a profile, in words."""
        if self.definition(url) is None:
            return f"the profile {url} is not known"
        return f"the profile {url}, or one that it builds on, cannot be carried out"

    def carries_out(self, definition: JsonObject) -> bool:
        """Whether the elements of a StructureDefinition, stored or not, can be validated against."""
        with self._lock:
            tree = self._registry.read(definition)
            try:
                return tree is not None and compiled(tree, self._registry) is not None
            except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
                return False

    def changes(self, definition: JsonObject) -> list[tuple[JsonObject, JsonObject]]:
        """Each element of a differential before and after; empty where it cannot be carried out."""
        with self._lock:
            try:
                return list(self._registry.changes(definition))
            except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
                return []

    def definition(self, url: str) -> JsonObject | None:
        """The StructureDefinition itself."""
        with self._lock:
            return self._registry.definition(url)

    def type_of(self, url: str) -> str:
        """The type that a profile constrains."""
        with self._lock:
            return self._registry.type_of(url)
