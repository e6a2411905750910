"""The official R4 4.0.1 definitions: types, elements, search parameters, compartments, conformance resources.

    from fhirserver.model.definitions import definitions

Importing loads nothing; the first ``definitions()`` reads the packed index, and each type, parameter set and
conformance resource is decoded when it is first asked for. https://hl7.org/fhir/R4/definitions.html
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from fhirserver.kernel.json import JsonObject
from fhirserver.model.definitions.records import (
    Binding,
    ElementDef,
    SearchComponent,
    SearchParameter,
    TypeDef,
)

if TYPE_CHECKING:
    from fhirserver.model.definitions.conformance import ConformanceArchive

__all__ = [
    "Binding",
    "Definitions",
    "ElementDef",
    "SearchComponent",
    "SearchParameter",
    "TypeDef",
    "definitions",
]

DATA = Path(__file__).parent.parent / "data"


class Definitions:
    """The R4 definitions. Everything returned is shared and must not be changed; safe between threads."""

    def __init__(self, folder: Path = DATA):
        from fhirserver.model.definitions import index

        self._folder = folder
        self._unpack = index
        self._index = index.load_index(folder / "index.bin")
        self._types: dict[str, TypeDef | None] = {}
        self._parameters: dict[str, Mapping[str, SearchParameter]] = {}
        self._codes: dict[str, Mapping[str, frozenset[str]] | None] = {}
        self._archive: ConformanceArchive | None = None
        heads = {name: index.head(raw) for name, raw in self._index.types.items()}
        self._bases = {name: head.b for name, head in heads.items()}
        self.resource_types = frozenset(n for n, head in heads.items() if head.k == "resource" and not head.a)

    @property
    def type_names(self) -> frozenset[str]:
        """Every type that :meth:`type` knows, abstract ones and backbones too."""
        return frozenset(self._bases)

    def type(self, name: str) -> TypeDef | None:
        """A resource type, datatype or primitive by name, or a backbone by path (``Patient.contact``)."""
        try:
            return self._types[name]
        except KeyError:
            raw = self._index.types.get(name)
            if raw is None:
                return None
            found = self._types[name] = self._unpack.unpack_type(name, raw)
            return found

    def is_a(self, name: str, base: str) -> bool:
        """Whether type ``name`` is ``base`` or derives from it: ``is_a("Age", "Quantity")``."""
        while name and name != base:
            name = self._bases.get(name, "")
        return bool(name)

    def search_parameters(self, type_name: str) -> Mapping[str, SearchParameter]:
        """The parameters of a resource type by code, with those of its base types; empty for another name."""
        found = self._parameters.get(type_name)
        if found is None:
            inherited = self.search_parameters(base) if (base := self._bases.get(type_name, "")) else {}
            raw = self._index.parameters.get(type_name)
            own = self._unpack.unpack_parameters(raw) if raw is not None else {}
            found = {**inherited, **own}
            if type_name in self._bases:
                self._parameters[type_name] = found
        return found

    @property
    def compartments(self) -> frozenset[str]:
        """The types that have a compartment: Patient, Encounter, …"""
        return frozenset(self._index.compartments)

    def compartment(self, type_name: str) -> Mapping[str, tuple[str, ...]]:
        """Resource types in the compartment with the reference parameters that place them in it.

        The resource that the compartment is about is in it too, by definition, without a parameter.
        https://hl7.org/fhir/R4/compartmentdefinition.html
        """
        return self._index.compartments.get(type_name, {})

    def required_codes(self, value_set: str) -> Mapping[str, frozenset[str]] | None:
        """System → codes of a value set that some element requires; None where it cannot be enumerated."""
        if value_set not in self._codes:
            raw = self._index.codes.get(value_set)
            if raw is None:
                return None
            self._codes[value_set] = self._unpack.unpack_codes(raw)
        return self._codes[value_set]

    @property
    def narrative_elements(self) -> frozenset[str]:
        """The XHTML elements a narrative may use (constraint txt-1)."""
        return self._index.narrative.elements

    @property
    def narrative_attributes(self) -> frozenset[str]:
        """The XHTML attributes a narrative may use (constraint txt-1)."""
        return self._index.narrative.attributes

    @property
    def archive(self) -> ConformanceArchive:
        """The conformance resources by id and by type."""
        if self._archive is None:
            from fhirserver.model.definitions.conformance import ConformanceArchive

            self._archive = ConformanceArchive(self._folder / "conformance.bin")
        return self._archive

    def conformance(self, url: str) -> JsonObject | None:
        """The StructureDefinition, ValueSet, CodeSystem … with this canonical url, or None. A fresh copy."""
        return self.archive.by_url(url)


@lru_cache(maxsize=1)
def definitions() -> Definitions:
    """The packed R4 definitions, loaded once per process."""
    return Definitions()
