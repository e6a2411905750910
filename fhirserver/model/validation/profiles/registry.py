"""The profiles a validator has read, by canonical url."""

from __future__ import annotations

from collections.abc import Iterator

from fhirserver.kernel.json import JsonObject
from fhirserver.model.definitions import definitions
from fhirserver.model.validation.profiles.snapshot import changes, grafted
from fhirserver.model.validation.profiles.tree import Tree, element_name, planted
from fhirserver.ports.conformance import Conformance

BASE = "http://hl7.org/fhir/StructureDefinition/"
KEPT = 128
"""Definitions and trees kept while others are compiled from them; what they are compiled to is kept elsewhere."""
_DEEPEST = 32


class Registry:
    """Reads StructureDefinitions into trees, generating the snapshot where a profile has none."""

    def __init__(self, conformance: Conformance):
        self._conformance = conformance
        self._trees: dict[str, Tree | None] = {}
        self._definitions: dict[str, JsonObject | None] = {}
        self._open: list[str] = []

    def definition(self, url: str) -> JsonObject | None:
        """The StructureDefinition; R4's own stand in where the server has none of this url."""
        if url not in self._definitions:
            found = self._conformance.find(url, "StructureDefinition")
            if found is None:
                found = definitions().archive.by_url(url, "StructureDefinition")
            if len(self._definitions) > KEPT:
                self._definitions.clear()
            self._definitions[url] = found
        return self._definitions[url]

    def tree(self, url: str) -> Tree | None:
        """The root element; None where the profile is not known or cannot be read."""
        if url not in self._trees:
            if url in self._open or len(self._open) > _DEEPEST:
                return None
            self._open.append(url)
            try:
                found = self._read(url)
            finally:
                self._open.remove(url)
            if len(self._trees) > KEPT:
                self._trees.clear()
            if found is not None:
                found.url = url
            self._trees[url] = found
        return self._trees[url]

    def _read(self, url: str) -> Tree | None:
        definition = self.definition(url)
        return self.read(definition) if definition is not None else None

    def read(self, definition: JsonObject) -> Tree | None:
        """The root element of a StructureDefinition that need not be known by its url."""
        try:
            snapshot = definition.get("snapshot", {}).get("element")
            if snapshot:
                return planted(snapshot)
            base = self.tree(str(definition.get("baseDefinition", "")))
            differential = definition.get("differential", {}).get("element", ())
            return grafted(base, differential, self) if base is not None else None
        except (LookupError, TypeError, ValueError, AttributeError):
            return None

    def changes(self, definition: JsonObject) -> Iterator[tuple[JsonObject, JsonObject]]:
        """Each element of the differential: what it is in the base and what it becomes.

        LookupError where an element is not in the base; nothing where the base is not known.
        """
        base = self.tree(str(definition.get("baseDefinition", "")))
        differential = definition.get("differential", {}).get("element", ())
        return changes(base.copy(), differential, self) if base is not None else iter(())

    def children(self, tree: Tree, root: Tree | None = None) -> dict[str, Tree]:
        """The children of an element: its own, or those of its one type or of what it refers to."""
        if tree.children:
            return tree.children
        reference = tree.element.get("contentReference")
        if reference:
            target = self.referred(str(reference), root)
            return target.children if target else {}
        for url in type_urls(tree):
            found = self.tree(url)
            if found is not None:
                return found.children
        return {}

    def referred(self, reference: str, root: Tree | None = None) -> Tree | None:
        """The element that a contentReference (``#Questionnaire.item``) names."""
        url, _, path = reference.partition("#")
        type_name, *names = path.split(".")
        at = self.tree(url or BASE + type_name) if root is None or url else root
        for name in names:
            at = self.children(at, root).get(element_name(name)) if at else None
        return at

    def type_of(self, url: str) -> str:
        """The type that a profile constrains, empty where it is not known."""
        name = url.partition("|")[0].removeprefix(BASE)
        if definitions().type(name) is not None:
            return name
        definition = self.definition(url)
        return str(definition.get("type", "")) if definition else ""


def type_urls(tree: Tree) -> list[str]:
    """The profiles of the types of an element, or the types themselves."""
    urls: list[str] = []
    for type_ in tree.types:
        urls += type_.get("profile") or [type_url(type_code(type_))]
    return urls


def type_code(type_: JsonObject) -> str:
    """The FHIR type of an ElementDefinition.type; System types are those of ids and urls."""
    code = str(type_.get("code", ""))
    return "string" if code.startswith("http://hl7.org/fhirpath/System.") else code


def type_url(code: str) -> str:
    return code if ":" in code else BASE + code
