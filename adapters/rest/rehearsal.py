"""What a mapping does, without any vendor: records in element by element, changes out as the requests they would be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from adapters.rest.ehr import make_inward
from adapters.rest.exchange import Exchange, Made
from adapters.rest.expressions import Scope, plain
from adapters.rest.inward import Inward, assemble
from adapters.rest.inward import Made as MadeElement
from adapters.rest.mapping import MappingFile, Resource
from adapters.rest.tokens import Authorisation, Fixed
from adapters.rest.updating import action_of
from fhirserver.kernel.instants import Clock, SystemClock
from fhirserver.kernel.json import Json, JsonObject, dumps

ANY_SETTING = "0"


@dataclass(frozen=True, slots=True)
class Sent:
    """One request that would be made, and the name of what makes it."""

    name: str
    made: Made

    def as_json(self) -> JsonObject:
        json: JsonObject = {"name": self.name, "method": self.made.method, "path": self.made.path}
        if self.made.query:
            json["query"] = dict(self.made.query)
        if self.made.body is not None:
            json["form" if self.made.form else "json"] = self.made.body
        return json


class Rehearsal:
    """One mapping with some settings. ``kept``: records that lookup() finds, by type and id."""

    def __init__(
        self,
        mapping: MappingFile,
        settings: Mapping[str, Json],
        kept: Mapping[str, Mapping[str, Json]] | None = None,
        clock: Clock | None = None,
    ):
        needed = {n: ANY_SETTING for n, one in mapping.settings.items() if one.required}
        self.mapping = mapping
        self.inward: Inward = make_inward(mapping, {**needed, **settings}, clock)
        held = kept or {}
        self.inward.evaluator.functions.lookup = lambda type, id: held.get(type, {}).get(id)
        authoriser = Fixed(Authorisation())
        http = httpx.AsyncClient(transport=_Nowhere(), trust_env=False)
        self._exchange = Exchange(mapping.server.url, self.inward, http, authoriser, clock or SystemClock())

    def elements(self, type: str, record: Json, parent: Json = None) -> list[MadeElement]:
        """What each expression makes of a vendor's record."""
        resource = self.mapping.resources[type]
        return list(self.inward.elements(resource, record, self.inward.scope(parent=parent)))

    def content(self, type: str, record: Json, parent: Json = None) -> JsonObject:
        """The FHIR resource, with its id. Raises :class:`~adapters.rest.expressions.Unmappable`."""
        resource, scope = self.mapping.resources[type], self.inward.scope(parent=parent)
        made = assemble(type, self.elements(type, record, parent))
        return {**made, "id": self.inward.id(resource.id, record, scope)}

    def creates(self, content: JsonObject, key: str = "") -> Iterator[Sent]:
        """The look before a create, and the create."""
        resource = self.mapping.resources[content["resourceType"]]
        scope = self._outward(resource, "", key or f"{resource.type}/key", content=content)
        if resource.create is not None:
            if resource.create.look is not None:
                yield Sent("look", self._exchange.make(resource.create.look.request, content, scope))
            yield Sent("create", self._exchange.make(resource.create.request, content, scope))

    def updates(self, content: JsonObject, before: JsonObject, key: str = "") -> Iterator[Sent]:
        """The actions that lead from ``before`` to the content."""
        resource = self.mapping.resources[content["resourceType"]]
        id = str(content.get("id") or before.get("id") or "")
        scope = self._outward(resource, id, key or f"{resource.type}/key", before=before)
        for action in resource.update:
            made = action_of(self._exchange, self.inward, action, content, before, scope)
            if made is not None:
                yield Sent(action.name, made)
                if action.alone:
                    return

    def deletes(self, content: JsonObject) -> Iterator[Sent]:
        resource = self.mapping.resources[content["resourceType"]]
        if resource.delete is not None:
            scope = self._outward(resource, str(content["id"]), "", before=content)
            yield Sent("delete", self._exchange.make(resource.delete, content, scope))

    def _outward(self, resource: Resource, id: str, key: str, **more: Json) -> Scope:
        split = self.inward.split(resource, id) if id else ""
        return self.inward.scope(id=split, key=key, **more)


class _Nowhere(httpx.AsyncBaseTransport):
    """Nothing is ever sent in a rehearsal."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("a rehearsal sends nothing")


def shown(value: Any) -> str:
    """A value in one line."""
    return dumps(value).decode() if isinstance(value, dict | list) else plain(value)
