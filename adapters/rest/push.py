"""Pushing one change, so that any number of attempts make it once."""

from __future__ import annotations

from adapters.rest.creating import Creator
from adapters.rest.exchange import Exchange
from adapters.rest.paging import Lister
from adapters.rest.patience import Patience
from adapters.rest.reader import Reader
from adapters.rest.updating import Updater
from fhirserver.ports.ehr import Change, Conflict, Gone, Operation, Permanent, Receipt, Record


class Pusher:
    """Pushes to one vendor."""

    def __init__(self, exchange: Exchange, lister: Lister, reader: Reader, patience: Patience):
        self._exchange, self._reader = exchange, reader
        self._creator = Creator(exchange, lister, reader, patience)
        self.updater = Updater(exchange, reader, patience)

    async def push(self, change: Change) -> Receipt:
        """Raises :class:`~fhirserver.ports.ehr.EhrError`."""
        if change.operation is Operation.CREATE:
            return await self._creator.create(change)
        if not change.id:
            raise Permanent(f"a change to a {change.type} must name the record")
        if change.operation is Operation.UPDATE:
            return await self.updater.update(change)
        return await self._delete(change)

    async def _delete(self, change: Change) -> Receipt:
        """Delete; that it is gone already is success."""
        gone = Record(change.type, change.id, "deleted", "", {}, deleted=True)
        resource = self._reader.resource(change.type)
        if resource.delete is None:
            raise Permanent(f"the mapping does not delete {change.type}")
        try:
            current = await self._reader.read(change.type, change.id)
            if current.deleted:
                return Receipt(gone, replayed=True)
            if change.version and current.version != change.version:
                raise Conflict("the EHR's record is another than the change was decided on", current=current)
            scope = self._reader.scope(resource, change.id, before=current.content, key=change.key)
            made = self._exchange.make(resource.delete, current.content, scope)
            await self._exchange.send(made, resource.delete.failed)
        except Gone:
            return Receipt(gone, replayed=True)
        return Receipt(gone)
