"""Reading single records, those that go on elsewhere included, and the records that are kept at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from adapters.rest.exchange import Exchange
from adapters.rest.expressions import Evaluator, Expression, Scope, Unmappable, plain
from adapters.rest.inward import Inward
from adapters.rest.mapping import MappingFile, Request, Resource
from adapters.rest.paging import Lister
from fhirserver.kernel.json import Json, JsonObject
from fhirserver.ports.ehr import Gone, Permanent, Record, Retryable

MOST_MOVES = 20


class Reader:
    """Reads from one vendor. Raises the errors of :mod:`fhirserver.ports.ehr`."""

    def __init__(self, exchange: Exchange, lister: Lister, inward: Inward):
        self._exchange, self._lister, self.inward = exchange, lister, inward
        self._kept: dict[str, dict[str, Json]] = {}
        inward.evaluator.functions.lookup = lambda type, id: self._kept.get(type, {}).get(id)

    @property
    def mapping(self) -> MappingFile:
        return self.inward.mapping

    @property
    def evaluator(self) -> Evaluator:
        return self.inward.evaluator

    def resource(self, type: str) -> Resource:
        """Raises :class:`~fhirserver.ports.ehr.Permanent` for one that the mapping does not have."""
        found = self.mapping.resources.get(type)
        if found is None:
            raise Permanent(f"the mapping has no {type}")
        return found

    async def prepare(self) -> None:
        """Have at hand what mappings look up."""
        for resource in self.mapping.resources.values():
            if resource.keep and resource.type not in self._kept and resource.list is not None:
                await self.refresh(resource)

    async def refresh(self, resource: Resource) -> Sequence[Json]:
        """The vendor's records of a kept resource, read anew."""
        if resource.list is None:
            raise Permanent(f"the mapping does not list {resource.type}")
        listing, scope = resource.list, self.inward.scope()
        made = self._exchange.make(listing.request, {}, scope)
        kept: dict[str, Json] = {}
        async for page in self._lister.pages(made, listing.records, listing.paging, scope):
            for one in page.records:
                kept[self._id(resource, one, scope)] = one
        self._kept[resource.type] = kept
        return list(kept.values())

    def kept(self, type: str) -> list[Json]:
        return list(self._kept.get(type, {}).values())

    def keep(self, resource: Resource, records: Mapping[str, Json]) -> None:
        if resource.keep:
            self._kept[resource.type] = dict(records)

    def _id(self, resource: Resource, record: Json, scope: Scope) -> str:
        try:
            return self.inward.id(resource.id, record, scope)
        except Unmappable as error:
            raise Retryable(f"a record of the EHR has no id: {error}") from None

    async def raw(self, resource: Resource, id: str) -> Json:
        """The vendor's record. Raises :class:`~fhirserver.ports.ehr.Gone`."""
        if resource.read is None:
            raise Permanent(f"the mapping does not read {resource.type}")
        await self.prepare()
        scope = self.scope(resource, id)
        answer = await self._exchange.send(self._exchange.make(resource.read.request, {}, scope))
        found = self._value(resource.read.record, answer.body, scope)
        if found is None:
            raise Gone("the record is not in the EHR", status=answer.status)
        return found

    def scope(self, resource: Resource, id: str, **more: Json) -> Scope:
        """What expressions about one record see. Raises :class:`~fhirserver.ports.ehr.Gone` for a strange id."""
        try:
            return self.inward.scope(id=self.inward.split(resource, id), **more)
        except Unmappable as error:
            raise Gone(f"the record is not in the EHR: {error}") from None

    def _value(self, expression: Expression, body: Json, scope: Scope) -> Json:
        try:
            return self.evaluator.value(expression, body, scope)
        except Unmappable as error:
            raise Retryable(f"the answer is not of the form expected: {error}") from None

    async def read(self, type: str, id: str) -> Record:
        """The record as it stands, wherever it has moved to."""
        resource = self.resource(type)
        record, _ = await self.follow(resource, id)
        scope = self.parent_scope(resource, id)
        if self._is_none(resource, record, scope):
            raise Gone(f"what the EHR has under this id is no {type}")
        return self.as_record(resource, record, scope, id)

    def _is_none(self, resource: Resource, record: Json, scope: Scope) -> bool:
        try:
            return self.inward.says(resource.skip, record, scope)
        except Unmappable as error:
            raise Retryable(f"the answer is not of the form expected: {error}") from None

    async def follow(self, resource: Resource, id: str) -> tuple[Json, str]:
        """The vendor's record that an id stands for now, and that record's own id."""
        current = id
        for _ in range(MOST_MOVES):
            raw = await self.raw(resource, current)
            following = self.moved_to(resource, raw)
            if not following or following == current:
                return raw, current
            current = following
        raise Permanent("the EHR's records lead in a circle")

    def moved_to(self, resource: Resource, raw: Json) -> str:
        if resource.moved_to is None:
            return ""
        return plain(self._value(resource.moved_to, raw, self.inward.scope()))

    def parent_scope(self, resource: Resource, id: str) -> Scope:
        """What expressions see beside a record that was read alone: the ids of what holds it."""
        return self.scope(resource, id, parent=self._parent(resource, id))

    def _parent(self, resource: Resource, id: str) -> JsonObject:
        """As much of the holding record as a composite id tells: the parts named as that record's members."""
        parts = self.inward.split(resource, id)
        return dict(parts) if isinstance(parts, dict) else {}

    def as_record(self, resource: Resource, raw: Json, scope: Scope, id: str = "") -> Record:
        """Raises :class:`~fhirserver.ports.ehr.Retryable` where the mapping fails on the record."""
        try:
            return self.inward.record(resource, raw, scope, id)
        except Unmappable as error:
            raise Retryable(f"a record of type {resource.type} cannot be mapped: {error}") from None

    async def find(self, type: str, system: str, value: str) -> list[Record]:
        """The records with an identifier, as far as the mapping can ask for it."""
        resource = self.resource(type)
        if (find := resource.find.get(system)) is None:
            return []
        await self.prepare()
        scope = self.inward.scope(value=value)
        request: Request = find.request
        answer = await self._exchange.send(self._exchange.make(request, {}, scope))
        found = self._value(find.records, answer.body, scope)
        return [self.as_record(resource, raw, self.inward.scope()) for raw in found or ()]
