"""The HL7v2 messages of all listeners. What reads and tries them again is imported when somebody first asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from fhirserver.app.connectors.catalogue import Catalogue
from fhirserver.ports.connectors import Connectors
from fhirserver.ports.messages import Anatomy, ReceivedMessage, Retried
from fhirserver.store.store import Store

if TYPE_CHECKING:
    from fhirserver.app.message_desk import MessageDesk

KIND = "hl7v2"


class LateMessages:
    """See :class:`fhirserver.ports.messages.Messages`. Says itself who listens, and asks the desk for all else."""

    def __init__(self, store: Store, catalogue: Catalogue, connectors: Connectors):
        self._store, self._catalogue, self._connectors = store, catalogue, connectors

    @property
    def present(self) -> bool:
        return any(one.connector and one.connector.kind == KIND for one in self._catalogue.last_known)

    async def listeners(self) -> Sequence[str]:
        known = await self._catalogue.known()
        return sorted(name for name, one in known.items() if one.connector and one.connector.kind == KIND)

    @cached_property
    def _desk(self) -> MessageDesk:
        from fhirserver.app.message_desk import MessageDesk

        return MessageDesk(self._store, self._catalogue, self._connectors)

    async def failures(self, listener: str = "", settled: bool = False) -> Sequence[ReceivedMessage]:
        return await self._desk.failures(listener, settled)

    async def received(self, listener: str, since: str) -> Sequence[ReceivedMessage]:
        return await self._desk.received(listener, since)

    async def by_control_id(self, listener: str, control_id: str) -> Sequence[ReceivedMessage]:
        return await self._desk.by_control_id(listener, control_id)

    async def entry(self, key: str) -> ReceivedMessage | None:
        return await self._desk.entry(key)

    async def anatomy(self, one: ReceivedMessage) -> Anatomy | None:
        return await self._desk.anatomy(one)

    async def retry(self, one: ReceivedMessage, text: str | None, principal: str) -> Retried:
        return await self._desk.retry(one, text, principal)

    async def close(self, one: ReceivedMessage, how: str, principal: str) -> None:
        await self._desk.close(one, how, principal)
