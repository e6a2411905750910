"""What the R4 definitions say about types, elements and search parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Binding:
    """A binding to a value set by canonical url, with a version after ``|`` where there is one."""

    strength: str
    value_set: str


@dataclass(frozen=True, slots=True)
class ElementDef:
    """One element as it appears in JSON: a choice of n types is n of these.

    ``path`` is that of the specification (``Observation.value[x]``), ``name`` the FHIRPath name (``value``),
    ``json_name`` the property (``valueQuantity``). ``type`` is a type name, or the path of a backbone
    (``Patient.contact``), or ``Resource``. ``targets`` are the types a Reference or canonical may name, empty
    or ``Resource`` for any. ``max`` is None for ``*``. ``min`` of a choice holds for its types together.
    """

    path: str
    name: str
    json_name: str
    type: str
    choice: str
    min: int
    max: int | None
    targets: tuple[str, ...]
    binding: Binding | None
    is_summary: bool
    is_modifier: bool
    xml_attribute: bool

    @property
    def is_list(self) -> bool:
        return self.max != 1


@dataclass(frozen=True)
class TypeDef:
    """A resource type, datatype, primitive or backbone; ``elements`` holds the inherited ones too, in order.

    ``kind`` is ``resource``, ``complex-type``, ``primitive-type`` or ``backbone``. ``regex`` is that of a
    primitive's value, empty where the specification gives none.
    """

    name: str
    kind: str
    base: str
    abstract: bool
    regex: str
    elements: Mapping[str, ElementDef] = field(repr=False)

    @cached_property
    def by_name(self) -> Mapping[str, tuple[ElementDef, ...]]:
        """Elements by FHIRPath name: ``value`` gives every type of ``value[x]``."""
        found: dict[str, tuple[ElementDef, ...]] = {}
        for element in self.elements.values():
            found[element.name] = (*found.get(element.name, ()), element)
        return found


@dataclass(frozen=True, slots=True)
class SearchComponent:
    """A part of a composite; ``expression`` starts at each node the composite's own expression yields."""

    code: str
    url: str
    type: str
    expression: str
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SearchParameter:
    """A search parameter for one resource type.

    ``expression`` is the part of the FHIRPath union that applies to that type, empty for ``_text``,
    ``_content`` and ``_query``. ``usage`` is ``xpathUsage``: ``normal``, ``phonetic``, ``nearby`` …
    """

    code: str
    url: str
    type: str
    expression: str
    targets: tuple[str, ...] = ()
    components: tuple[SearchComponent, ...] = ()
    comparators: tuple[str, ...] = ()
    usage: str = "normal"
