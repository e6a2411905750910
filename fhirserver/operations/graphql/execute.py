"""Answering a checked document. https://hl7.org/fhir/R4/graphql.html"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from graphql import FieldNode, FragmentSpreadNode, SelectionSetNode

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.operations.graphql.arguments import Values, arguments, directives, is_wanted
from fhirserver.operations.graphql.check import INTROSPECTION, resolved_type
from fhirserver.operations.graphql.document import Document
from fhirserver.operations.graphql.errors import Path, QueryError, error_json
from fhirserver.operations.graphql.introspection import Introspection
from fhirserver.operations.graphql.lists import evaluated, narrowed
from fhirserver.operations.graphql.source import Found, Source
from fhirserver.operations.graphql.types import (
    QUERY,
    Field,
    applies,
    fields_of,
    is_resource,
    is_scalar,
    shown,
    type_named,
)

MAX_VALUES = 200_000
"""Values in one answer."""
MAX_SECONDS = 20.0
_BREATH = 500
_RESOURCE = 10
"""What a resource that a search finds counts for, and the search itself."""


class Place(NamedTuple):
    """A value being answered: its type, the value, the resource it is in, and where in the answer it goes."""

    type: str
    value: JsonObject
    resource: JsonObject | None
    path: Path


class Shape(NamedTuple):
    """How values go into the answer: ``collated`` into lists below a flattened list, with a ``suffix`` of a slice."""

    collated: bool = False
    suffix: str = ""


@dataclass(slots=True)
class Execution:
    """One answer in the making."""

    document: Document
    variables: Values
    source: Source
    introspection: Introspection
    errors: list[JsonObject] = field(default_factory=list)
    _values: int = 0
    _until: float = field(default_factory=lambda: time.monotonic() + MAX_SECONDS)

    async def run(self, type: str, root: JsonObject, resource: JsonObject | None) -> JsonObject:
        """The data of the operation, beginning at a value of ``type``. Raises :class:`QueryError` for too much."""
        data: JsonObject = {}
        place = Place(type, root, resource, ())
        await self._object(place, [self.document.operation.selection_set], data, Shape())
        return data

    async def _object(
        self, place: Place, selections: Sequence[SelectionSetNode], out: JsonObject, shape: Shape
    ) -> None:
        for key, nodes in self._collected(place, selections).items():
            await self._spend()
            try:
                await self._field(place, key, nodes, out, shape)
            except Refusal as refusal:
                text = refusal.issues[0].diagnostics or "The field cannot be answered"
                self.errors.append(error_json(text, nodes[0], (*place.path, key), refusal))
                if not shape.collated:
                    out[f"{key}{shape.suffix}"] = None

    async def _spend(self, values: int = 1) -> None:
        self._values += values
        if self._values > MAX_VALUES:
            raise QueryError(f"The answer has more than {MAX_VALUES} values; ask for less")
        if values > 1 or self._values % _BREATH == 0:
            await asyncio.sleep(0)
            if time.monotonic() > self._until:
                raise QueryError(f"The answer takes longer than {MAX_SECONDS:.0f} seconds; ask for less")

    def _collected(self, place: Place, selections: Sequence[SelectionSetNode]) -> dict[str, list[FieldNode]]:
        """The fields by the name they have in the answer; the same field selected twice is one."""
        found: dict[str, list[FieldNode]] = {}
        for node in (node for one in selections for node in self._fields(place, one)):
            key = node.alias.value if node.alias else node.name.value
            others = found.setdefault(key, [])
            if others and not self._same(others[0], node):
                raise QueryError(f"Two different fields are both called '{key[:64]}'", node)
            others.append(node)
        return found

    def _same(self, one: FieldNode, other: FieldNode) -> bool:
        return one.name.value == other.name.value and arguments(one.arguments, self.variables) == arguments(
            other.arguments, self.variables
        )

    def _fields(self, place: Place, selections: SelectionSetNode) -> Iterator[FieldNode]:
        for one in self.document.parts(selections):
            if not is_wanted(directives(one, self.variables)):
                continue
            if isinstance(one, FieldNode):
                yield one
                continue
            inner = self.document.fragment(one) if isinstance(one, FragmentSpreadNode) else one
            condition = inner.type_condition
            if condition is None or applies(type_named(condition.name.value) or "", place.type):
                yield from self._fields(place, inner.selection_set)

    async def _field(
        self, place: Place, key: str, nodes: list[FieldNode], out: JsonObject, shape: Shape
    ) -> None:
        name = nodes[0].name.value
        if name == "__typename":
            _put(out, key, [shown(place.type)], shape, single=True)
            return
        if place.type == QUERY and name in INTROSPECTION:
            out[key] = await asyncio.to_thread(self.introspection.answer, nodes[0])
            return
        found = fields_of(place.type)[name]
        given = arguments(nodes[0].arguments, self.variables)
        if found.kind in ("list", "connection"):
            await self._lookup(place, key, found, given, nodes, out, shape)
            return
        items = await self._items(place, found, given)
        type = resolved_type(given) if found.kind == "resolve" else found.type
        if found.kind == "sibling":
            type = "Element"
        await self._values_of(place, key, replace(found, type=type), items, nodes, out, shape)

    async def _items(self, place: Place, found: Field, given: Values) -> list[Json]:
        """The values of a field of a value, one or many."""
        if found.kind == "read":
            return [await self.source.read(found.resource, str(given["id"]))]
        if found.kind == "type":
            return [place.value.get("resourceType")]
        if found.kind == "resolve":
            return await self._resolved(place, given)
        value = place.value.get(found.name)
        items = value if isinstance(value, list) else [] if value is None else [value]
        return narrowed(items, found.type, given) if given else list(items)

    async def _resolved(self, place: Place, given: Values) -> list[Json]:
        reference = place.value.get("reference")
        resource = None
        if isinstance(reference, str):
            resource = await self.source.resolve(reference, place.resource or {})
        if resource is None:
            if given.get("optional") is True or not isinstance(reference, str):
                return []
            raise refuse(Category.NOT_FOUND, "not-found", "The reference leads to no resource here")
        wanted = resolved_type(given)
        return [resource] if applies(wanted, str(resource["resourceType"])) else []

    async def _lookup(
        self,
        place: Place,
        key: str,
        found: Field,
        given: Values,
        nodes: list[FieldNode],
        out: JsonObject,
        shape: Shape,
    ) -> None:
        about = place.value if is_resource(place.type) else None
        page = await self.source.search(found.resource, given, about)
        await self._spend(_RESOURCE * (len(page.resources) + 1))
        if found.kind == "list":
            await self._values_of(place, key, found, list(page.resources), nodes, out, shape)
            return
        connection = await self._connection(found, page, nodes)
        await self._values_of(place, key, found, [connection], nodes, out, shape)

    async def _connection(self, found: Field, page: Found, nodes: list[FieldNode]) -> JsonObject:
        sets = [node.selection_set for node in nodes if node.selection_set]
        place = Place(found.type, {}, None, ())
        wanted = {node.name.value for one in sets for node in self._fields(place, one)}
        total = await self.source.count(page.query) if wanted & {"count", "last"} else 0
        return {
            "count": total,
            "offset": page.start.offset,
            "pagesize": page.query.count,
            "edges": [{"mode": "match", "resource": resource} for resource in page.resources],
            "first": page.first,
            "previous": page.previous,
            "next": page.next,
            "last": page.last(total),
        }

    async def _values_of(
        self,
        place: Place,
        key: str,
        found: Field,
        items: list[Json],
        nodes: list[FieldNode],
        out: JsonObject,
        shape: Shape,
    ) -> None:
        """Put the values of a field into the answer, as its directives say."""
        told = directives(nodes[0], self.variables)
        if "first" in told:
            items = items[:1]
        many = found.is_list and "singleton" not in told
        if "singleton" in told and len(items) > 1 and not shape.collated:
            raise refuse(
                Category.UNPROCESSABLE, "multiple-matches", f"'{key}' is no singleton: it has {len(items)}"
            )
        groups = _sliced(told["slice"], found, items) if "slice" in told else {"": items}
        for suffix, group in groups.items():
            inner = shape._replace(suffix=shape.suffix + suffix)
            if "flatten" in told:
                below = inner._replace(collated=shape.collated or (found.is_list and "singleton" not in told))
                await self._flattened(place, key, found, group, nodes, out, below)
                continue
            made = [
                await self._completed(place, (key, number) if many else (key,), found, item, nodes)
                for number, item in enumerate(group)
            ]
            if made or not shape.collated:
                _put(out, key, made, inner, single="singleton" in told if shape.collated else not many)

    async def _flattened(
        self,
        place: Place,
        key: str,
        found: Field,
        items: list[Json],
        nodes: list[FieldNode],
        out: JsonObject,
        shape: Shape,
    ) -> None:
        """The fields of the values take the place of the field itself."""
        sets = [node.selection_set for node in nodes if node.selection_set]
        for number, item in enumerate(items):
            if isinstance(item, dict):
                inner = self._inner(place, (key, number), found.type, item)
                await self._object(inner, sets, out, shape)

    def _inner(self, place: Place, step: Path, type: str, item: JsonObject) -> Place:
        if is_resource(type):
            return Place(str(item["resourceType"]), item, _container(place, item), (*place.path, *step))
        return Place(type, item, place.resource, (*place.path, *step))

    async def _completed(
        self, place: Place, step: Path, found: Field, item: Json, nodes: list[FieldNode]
    ) -> Json:
        await self._spend()
        if not isinstance(item, dict) or is_scalar(found.type):
            return item
        sets = [node.selection_set for node in nodes if node.selection_set]
        out: JsonObject = {}
        await self._object(self._inner(place, step, found.type, item), sets, out, Shape())
        return out


def _container(place: Place, item: JsonObject) -> JsonObject:
    """The resource in which ``#id`` is looked for: a contained one looks in the one around it."""
    around = place.resource
    if around is not None and any(one is item for one in around.get("contained", ())):
        return around
    return item


def _sliced(told: Values, found: Field, items: list[Json]) -> dict[str, list[Json]]:
    """The items by what the path of ``@slice`` gives for each: ``.official`` …"""
    path = str(next(iter(told.values())))
    groups: dict[str, list[Json]] = {}
    for number, item in enumerate(items):
        value = [str(one.value) for one in evaluated(path, found.type, item, number)]
        groups.setdefault(f".{value[0]}" if value else "", []).append(item)
    return groups


def _put(out: JsonObject, key: str, values: list[Json], shape: Shape, single: bool) -> None:
    """Put values under a key, among those that a flattened list has put there already."""
    name = f"{key}{shape.suffix}"
    if shape.collated and not single:
        out.setdefault(name, []).extend(value for value in values if value is not None)
    elif shape.collated:
        if values and name not in out:
            out[name] = values[0]
    elif single:
        out[name] = values[0] if values else None
    else:
        out[name] = values or None
