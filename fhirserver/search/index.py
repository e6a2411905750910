"""The index values of a resource, by every search parameter of its type.

The parameters of a type are compiled once into a tree of property names: a resource is walked once, and only
what is there is looked at. https://hl7.org/fhir/R4/search.html#table
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import lru_cache, partial
from itertools import product
from typing import Any, Final, TypeAlias, cast

from fhirserver.kernel.json import JsonObject
from fhirserver.model.definitions import SearchComponent, SearchParameter, definitions
from fhirserver.model.fhirpath import FhirPathError, Typed, compile_path
from fhirserver.search.convert import (
    Codes,
    Converter,
    Values,
    any_case,
    converter,
    media_type,
    own_canonicals,
    sounding,
)
from fhirserver.search.defined import STANDARD, Parameters
from fhirserver.search.routes import Route, Step, is_any_case, is_media_type, passes, routes
from fhirserver.search.values import CompositeValue, IndexValue, ReferenceValue, SimpleValue

_KEPT_BY_STORAGE: Final = frozenset({"_id", "_lastUpdated"})
_REACHES_META: Final = re.compile(r"\b(meta|children|descendants)\b")
# R4 states the expressions of these two components the wrong way round.
_SWAPPED: Final = {"http://hl7.org/fhir/SearchParameter/DocumentReference-relationship": ("target", "code")}

PROVENANCE_PATIENT: Final = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Provenance.patient"
"""R5's Provenance.patient as an extension: the patients in whose compartments the targets are."""
_PATIENTS: Final = " | ".join(
    f"Provenance{holder}.extension.where(url = '{PROVENANCE_PATIENT}').value" for holder in ("", ".target")
)


def extract(
    resource: JsonObject,
    base: str = "",
    known: Parameters = STANDARD,
    codes: frozenset[str] | None = None,
) -> list[IndexValue]:
    """The distinct index values of a resource; malformed elements yield none, an unknown type none at all.

    References that start with ``base``, the server's own URL with a slash at its end, are local.
    ``known`` are the parameters there are, ``codes`` the only ones of them that matter (None: all).
    """
    values = _extractor_for(resource, known, codes)(resource)
    if base:
        values = [_localised(value, base) for value in values]
    return list(dict.fromkeys(_placed_in(resource, values)))


def extract_body(resource: JsonObject, known: Parameters = STANDARD) -> Values | None:
    """The values that do not depend on ``meta``; None where a parameter of the type makes that uncertain.

    With those of :func:`extract_meta` they are what :func:`extract` yields.
    """
    values = _extractor_for(resource, known).body(resource)
    return None if values is None else _placed_in(resource, values)


def extract_meta(resource: JsonObject, known: Parameters = STANDARD) -> Values:
    """The values that :func:`extract_body` leaves out."""
    return _extractor_for(resource, known).meta(resource)


def _extractor_for(
    resource: JsonObject, known: Parameters, codes: frozenset[str] | None = None
) -> Extraction:
    type_name = str(resource.get("resourceType", ""))
    known = known if type_name in known.own else STANDARD
    return extractor(type_name, known) if codes is None else _some_extractor(type_name, known, codes)


def _placed_in(resource: JsonObject, values: Values) -> Values:
    return placed(values, str(resource.get("id", ""))) if "contained" in resource else values


def placed(values: Iterable[IndexValue], place: str) -> list[IndexValue]:
    """The values, with references to what is contained in the resource at ``place``; see :mod:`.values`."""
    found = list(values)
    for at, value in enumerate(found):
        if value[0].endswith(":contained") and isinstance(value, ReferenceValue) and len(value.target) > 1:
            found[at] = value._replace(target=place + value.target)
            found.append(value._replace(target="#"))
    return found


def _localised(value: IndexValue, base: str) -> IndexValue:
    if isinstance(value, CompositeValue):
        return CompositeValue(
            value.param, tuple(cast(SimpleValue, _localised(part, base)) for part in value.parts)
        )
    if isinstance(value, ReferenceValue) and not value.type and value.target.startswith(base):
        type_name, _, resource_id = value.target[len(base) :].partition("/")
        if type_name in definitions().resource_types and _is_target(value.param, resource_id):
            return ReferenceValue(value.param, type_name, resource_id)
    return value


def _is_target(param: str, text: str) -> bool:
    return "/" not in text or (param.endswith(":version") and text.count("/") == 2)


class Extraction:
    """The compiled extraction for a resource type; it may yield a value twice.

    What leads through ``meta``, which the server adds to, is apart, unless some parameter may look there as well.
    """

    __slots__ = ("_apart", "_meta", "_paths", "_tree")

    def __init__(self, type_name: str, parameters: Iterable[SearchParameter]):
        self._tree, self._meta, paths, self._apart = _Tree(), _Tree(), [], True
        for parameter in map(_completed, parameters):
            if not parameter.expression or parameter.code in _KEPT_BY_STORAGE:
                continue
            of_meta = _is_of_meta(parameter, type_name)
            self._apart &= of_meta or not _may_read_meta(parameter)
            paths += _place(self._meta if of_meta else self._tree, parameter, type_name)
        self._paths = tuple(paths)

    def __call__(self, resource: JsonObject) -> Values:
        out = self._body(resource)
        _walk(self._meta, resource, resource, out)
        return out

    def body(self, resource: JsonObject) -> Values | None:
        """The values that have nothing to do with ``meta``; None where that cannot be told."""
        return self._body(resource) if self._apart else None

    def meta(self, resource: JsonObject) -> Values:
        """The values of the members of ``meta``."""
        out: Values = []
        _walk(self._meta, resource, resource, out)
        return out

    def _body(self, resource: JsonObject) -> Values:
        out: Values = []
        _walk(self._tree, resource, resource, out)
        for path in self._paths:
            path(resource, out)
        return out


def _completed(parameter: SearchParameter) -> SearchParameter:
    """The parameter, with what R4's expression cannot reach: whom a Provenance is about that targets no Patient."""
    if parameter.url != "http://hl7.org/fhir/SearchParameter/Provenance-patient":
        return parameter
    return replace(parameter, expression=f"{parameter.expression} | {_PATIENTS}")


@lru_cache(maxsize=256)
def extractor(type_name: str, known: Parameters = STANDARD) -> Extraction:
    """The compiled extraction for a resource type."""
    return Extraction(type_name, known.of(type_name).values())


@lru_cache(maxsize=1024)
def _some_extractor(type_name: str, known: Parameters, codes: frozenset[str]) -> Extraction:
    """The same for some parameters."""
    chosen = [parameter for code, parameter in known.of(type_name).items() if code in codes]
    return Extraction(type_name, chosen)


_Path: TypeAlias = Callable[[JsonObject, Values], None]


def _is_of_meta(parameter: SearchParameter, origin: str) -> bool:
    """Whether all that a parameter indexes is below ``meta``."""
    found = routes(parameter.expression, origin) if parameter.type != "composite" else None
    return bool(found) and all(route.steps and route.steps[0].name == "meta" for route in found or ())


def _may_read_meta(parameter: SearchParameter) -> bool:
    """Whether a parameter may look at ``meta``, by the words of its expressions."""
    texts = (parameter.expression, *(component.expression for component in parameter.components))
    return any(map(_REACHES_META.search, texts))


# --- the tree

_Taker: TypeAlias = Callable[[Any, JsonObject, Values], None]
"""Takes an item and the resource it is in, and appends values."""


class _Edge:
    """What happens to the items of one property: takers for each, and the way further down."""

    __slots__ = ("child", "converters", "first", "keep", "step", "takers")

    def __init__(self, step: Step):
        self.step = step
        self.keep = passes(step.keep) if step.keep else None
        self.first = step.first
        self.converters: list[Converter] = []
        self.takers: list[_Taker] = []
        self.child: _Tree | None = None


class _Tree:
    """The edges by property name."""

    __slots__ = ("edges", "takers")

    def __init__(self) -> None:
        self.edges: dict[str, list[_Edge]] = {}
        self.takers: list[_Taker] = []

    def edge(self, step: Step) -> _Edge:
        edges = self.edges.setdefault(step.name, [])
        for edge in edges:
            if edge.step == step:
                return edge
        edges.append(_Edge(step))
        return edges[-1]

    def reach(self, steps: tuple[Step, ...]) -> _Edge | None:
        """The edge at the end of ``steps``, made where it is missing; None for no steps."""
        edge: _Edge | None = None
        tree = self
        for step in steps:
            if edge is not None:
                tree = edge.child = edge.child or _Tree()
            edge = tree.edge(step)
        return edge


def _walk(tree: _Tree, node: Any, resource: JsonObject, out: Values) -> None:
    if not isinstance(node, dict):
        return
    for taker in tree.takers:
        taker(node, resource, out)
    edges_of = tree.edges
    if len(edges_of) < len(node):
        for name, edges in edges_of.items():
            value = node.get(name)
            if value is not None:
                _descend(edges, value, resource, out)
    else:
        for name, value in node.items():
            if name in edges_of and value is not None:
                _descend(edges_of[name], value, resource, out)


def _descend(edges: list[_Edge], value: Any, resource: JsonObject, out: Values) -> None:
    items = value if isinstance(value, list) else (value,)
    for edge in edges:
        keep, child = edge.keep, edge.child
        for item in items[:1] if edge.first else items:
            if item is None or (keep is not None and not keep(item, resource)):
                continue
            for convert in edge.converters:
                convert(item, out)
            for taker in edge.takers:
                taker(item, resource, out)
            if child is not None:
                _walk(child, item, resource, out)


def _place(tree: _Tree, parameter: SearchParameter, origin: str) -> list[_Path]:
    """Put a parameter into the tree, or return what evaluates it as FHIRPath."""
    found = routes(parameter.expression, origin)
    if found is None:
        return [partial(_evaluate, parameter, _compiled(parameter.expression, origin))]
    strings = parameter.type == "token" and is_any_case(found)
    for route in found:
        _place_route(tree, parameter, route, partial(any_case, parameter.code) if strings else None)
    return []


def _place_route(
    tree: _Tree, parameter: SearchParameter, route: Route, convert: Converter | None = None
) -> None:
    edge = tree.reach(route.steps)
    if parameter.type == "composite":
        (edge or tree).takers.append(_composite(parameter, route.type))
    elif edge is not None:
        convert = convert or _converter(parameter, route)
        if convert is not None:
            edge.converters.append(convert)
        if parameter.type == "token" and is_media_type(route):
            edge.converters.append(partial(media_type, f"{parameter.code}:below"))
        if parameter.code == "url" and parameter.type == "uri" and route.steps == (Step("url"),):
            edge.takers.append(own_canonicals)


def _converter(parameter: SearchParameter | SearchComponent, route: Route) -> Converter | None:
    if isinstance(parameter, SearchParameter) and parameter.usage == "phonetic":
        return partial(sounding, parameter.code)
    return converter(parameter.code, parameter.type, route.type, _codes(route))


def _codes(route: Route) -> Codes | None:
    """Code → system of a bound `code` element, where one code is in one system only."""
    binding = route.element.binding if route.element and route.type == "code" else None
    systems = definitions().required_codes(binding.value_set) if binding else None
    if not systems:
        return None
    found: Codes = {}
    for system, codes in systems.items():
        found.update((code, "" if code in found else system) for code in codes)
    return found


# --- composites


class _Part:
    """A component of a composite: ``heads`` are the members that a focus without any value of it lacks."""

    __slots__ = ("code", "heads", "of_resource", "scaled", "tree")

    def __init__(self, code: str, tree: _Tree, of_resource: bool):
        self.code, self.scaled, self.tree, self.of_resource = code, f"{code}:ucum", tree, of_resource
        self.heads = frozenset(tree.edges)

    def values(self, item: Any, resource: JsonObject) -> list[SimpleValue]:
        focus = resource if self.of_resource else item
        found: Values = []
        if isinstance(focus, dict) and not self.heads.isdisjoint(focus):
            _walk(self.tree, focus, resource, found)
        wanted = (self.code, self.scaled)
        return cast("list[SimpleValue]", [value for value in found if value[0] in wanted])


def _composite(parameter: SearchParameter, origin: str) -> _Taker:
    swapped = _SWAPPED.get(parameter.url)
    parts = [
        _component(component, swapped[i] if swapped else component.expression, origin)
        for i, component in enumerate(parameter.components)
    ]
    return partial(_tuples, parameter.code, tuple(reversed(parts)))


def _tuples(code: str, parts: tuple[_Part, ...], item: Any, resource: JsonObject, out: Values) -> None:
    """Every combination of component values; the last component, mostly the rarer one, is asked first."""
    found: list[list[SimpleValue]] = []
    for part in parts:
        values = part.values(item, resource)
        if not values:
            return
        found.append(values)
    for combination in product(*reversed(found)):
        scaled = any(part[0][-5:] == ":ucum" for part in combination)
        out.append(CompositeValue(f"{code}:ucum" if scaled else code, combination))


def _component(component: SearchComponent, expression: str, origin: str) -> _Part:
    of_resource = expression.startswith("%resource.")
    if of_resource:
        expression = expression.removeprefix("%resource.")
        origin = origin.partition(".")[0]
    tree = _Tree()
    found = routes(expression, origin)
    if found is None:
        raise NotImplementedError(f"component {component.code} of {origin} is not a route")
    for route in found:
        edge, convert = tree.reach(route.steps), _converter(component, route)
        if edge is not None and convert is not None:
            edge.converters.append(convert)
    return _Part(component.code, tree, of_resource)


# --- expressions that are more than routes


def _compiled(expression: str, origin: str) -> Callable[[JsonObject], list[Typed]]:
    return compile_path(expression, context=origin)


def _evaluate(
    parameter: SearchParameter, path: Callable[[JsonObject], list[Typed]], resource: JsonObject, out: Values
) -> None:
    for item in _results(path, resource):
        convert = converter(parameter.code, parameter.type, item.type)
        if convert is not None:
            convert(item.value, out)


def _results(path: Callable[[JsonObject], list[Typed]], resource: JsonObject) -> Iterator[Typed]:
    try:
        yield from path(resource)
    except FhirPathError:
        return
