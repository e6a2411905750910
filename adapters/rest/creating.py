"""Creates at vendors that know no idempotency: look before, leave a mark, look again after a lost answer."""

from __future__ import annotations

from dataclasses import replace

from adapters.rest.exchange import Answer, Exchange
from adapters.rest.expressions import Scope, Unmappable
from adapters.rest.inward import Inward
from adapters.rest.mapping import Create, Id, Look, Resource
from adapters.rest.paging import Lister
from adapters.rest.patience import Patience
from adapters.rest.reader import Reader
from fhirserver.kernel.json import Json
from fhirserver.ports.ehr import (
    Change,
    Conflict,
    Gone,
    NeedsPerson,
    Permanent,
    Receipt,
    Record,
    Retryable,
    Unanswered,
)


class Creator:
    """Makes one record, once, however often it is tried under the same key."""

    def __init__(self, exchange: Exchange, lister: Lister, reader: Reader, patience: Patience):
        self._exchange, self._lister, self._reader, self._patience = exchange, lister, reader, patience
        self._inward: Inward = reader.inward

    async def create(self, change: Change) -> Receipt:
        """Raises :class:`~fhirserver.ports.ehr.EhrError`."""
        resource = self._reader.resource(change.type)
        create = resource.create
        if create is None:
            raise Permanent(f"the mapping does not create {change.type}")
        await self._reader.prepare()
        if change.earlier is not None:
            change = replace(change, content=change.earlier)
        scope = self._inward.scope(key=change.key, content=change.content)
        if made := await self._made_before(resource, create, change, scope):
            return Receipt(made, replayed=True)
        if change.only_found:
            raise Gone(f"no earlier attempt made the {change.type}")
        request = self._exchange.make(create.request, change.content, scope)
        await change.begin_sending()
        try:
            answer = await self._exchange.send(request, create.request.failed)
        except (Conflict, Permanent):
            # What we made before may be the very thing that is in the way now.
            if made := await self._look(resource, create, change, scope):
                return Receipt(made, replayed=True)
            raise
        return Receipt(await self._shown(resource, create, answer, scope))

    async def _made_before(
        self, resource: Resource, create: Create, change: Change, scope: Scope
    ) -> Record | None:
        """What an earlier attempt made.

        The write of an earlier attempt, of this process or of one before it, may not be seen yet. Only what is not
        seen after the time it may take was not written.
        """
        if create.look is None:
            return None
        strangers = not change.only_found  # in the way of nothing where nothing is to be made
        made = await self._look(resource, create, change, scope, strangers)
        if made is None and await self._patience.since(change.sent):
            made = await self._look(resource, create, change, scope, strangers)
        return made

    async def _look(
        self, resource: Resource, create: Create, change: Change, scope: Scope, strangers: bool = False
    ) -> Record | None:
        """The record that carries our mark. ``strangers``: a record of somebody else's that is in the way counts.

        Raises :class:`~fhirserver.ports.ehr.NeedsPerson` and :class:`~fhirserver.ports.ehr.Conflict` for those.
        """
        look = create.look
        if look is None:
            return None
        found = await self._found(look, change, scope)
        ours = [raw for raw in found if self._is(look, "ours", raw, scope)]
        if len(ours) > 1:
            raise NeedsPerson(f"several records of type {change.type} carry one mark")
        if ours:
            return await self._read_made(resource, look.id or resource.id, ours[0], scope)
        if strangers and any(self._is(look, "taken", raw, scope) for raw in found):
            raise Conflict("something else is there in the EHR", explained=True)
        if strangers and any(self._is(look, "same", raw, scope) for raw in found):
            raise NeedsPerson(f"the EHR has a {change.type} that is probably the same")
        return None

    async def _found(self, look: Look, change: Change, scope: Scope) -> list[Json]:
        made = self._exchange.make(look.request, change.content, scope)
        found: list[Json] = []
        try:
            async for page in self._lister.pages(made, look.records, look.paging, scope):
                found += page.records
        except Gone:
            return []
        return found

    def _is(self, look: Look, what: str, raw: Json, scope: Scope) -> bool:
        try:
            return self._inward.says(getattr(look, what), raw, scope)
        except Unmappable as error:
            raise Permanent(f"the mapping fails at {error}") from None

    async def _read_made(self, resource: Resource, parts: Id, raw: Json, scope: Scope) -> Record:
        try:
            id = self._inward.id(parts, raw, scope)
        except Unmappable as error:
            raise Permanent(f"the mapping fails at {error}") from None
        return await self._reader.read(resource.type, id)

    async def _shown(self, resource: Resource, create: Create, answer: Answer, scope: Scope) -> Record:
        """The record, as soon as the vendor shows what it says it made."""
        try:
            id = self._inward.id(create.id, answer.body, scope)
        except Unmappable:
            raise Retryable(
                "the answer to a write does not say what was written", status=answer.status
            ) from None
        async for _ in self._patience.tries():
            try:
                return await self._reader.read(resource.type, id)
            except (Gone, Retryable):
                continue
        raise Unanswered("the EHR does not show yet what it made")
