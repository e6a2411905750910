"""The HL7v2 messages of all listeners taken from the log, explained, and tried again, from any process."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.hl7v2.acknowledgement import Verdict
from adapters.hl7v2.charset import write
from adapters.hl7v2.convert.site import Site
from adapters.hl7v2.ingest.dead_letters import DeadLetters
from adapters.hl7v2.intake.archive import Archive
from adapters.hl7v2.intake.reception import Reception
from adapters.hl7v2.malformed import MalformedMessage
from fhirserver.app.anatomy import anatomy, lines
from fhirserver.app.connectors import hl7v2
from fhirserver.app.connectors.catalogue import Catalogue
from fhirserver.app.connectors.connector import Connector
from fhirserver.app.connectors.hl7v2 import Hl7v2Connector
from fhirserver.app.messages import KIND
from fhirserver.kernel.json import canonical
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.connectors import Connectors
from fhirserver.ports.messages import Anatomy, ReceivedMessage, Retried
from fhirserver.store.store import Store

_NOT_NOW = {"paused": "paused", "stopping": "being stopped", "off": "off", "refused": "not able to begin"}


class MessageDesk:
    """What :class:`fhirserver.app.messages.LateMessages` asks for all but who listens.

    A message is tried again in the process that was asked, whichever holds the listener: what must not happen twice
    is refused by the store.
    """

    def __init__(self, store: Store, catalogue: Catalogue, connectors: Connectors):
        self._store, self._catalogue, self._connectors = store, catalogue, connectors
        self._archive = Archive(store)
        self._receptions: dict[str, tuple[bytes, Reception]] = {}

    async def failures(self, listener: str = "", settled: bool = False) -> Sequence[ReceivedMessage]:
        return await self._archive.failures(listener, settled)

    async def received(self, listener: str, since: str) -> Sequence[ReceivedMessage]:
        return await self._archive.received(listener, since)

    async def by_control_id(self, listener: str, control_id: str) -> Sequence[ReceivedMessage]:
        return await self._archive.by_control_id(listener, control_id)

    async def entry(self, key: str) -> ReceivedMessage | None:
        return await self._archive.entry(key)

    async def anatomy(self, one: ReceivedMessage) -> Anatomy | None:
        raw = await self._archive.raw(one)
        if raw is None:
            return None
        connector = await self._connector(one.listener)
        own: Hl7v2Connector | None = connector.own if connector else None
        encoding, site = (own.encoding, own.site) if own else ("utf-8", Site())
        return anatomy(raw, encoding, site, one.place)

    async def retry(self, one: ReceivedMessage, text: str | None, principal: str) -> Retried:
        connector = await self._connector(one.listener)
        if connector is None:
            words = f"There is no connector '{one.listener[:64]}' any more that takes messages in"
            raise refuse(Category.NOT_FOUND, "not-found", words)
        if state := _NOT_NOW.get((await self._connectors.status(one.listener)).state):
            words = f"The connector {one.listener} is {state}. Resume it, then try again"
            raise refuse(Category.CONFLICT, "conflict", words)
        try:
            raw = await self._raw(one, text, connector.own)
            return _told(await self._reception(connector).again(raw, one.key, principal))
        except MalformedMessage as error:
            return Retried("AE", str(error))

    async def close(self, one: ReceivedMessage, how: str, principal: str) -> None:
        await DeadLetters(self._store, one.listener).close(one, how, principal)

    async def _raw(self, one: ReceivedMessage, text: str | None, own: Hl7v2Connector) -> bytes:
        """The bytes to try: as they were, or ``text`` in the character set that it declares."""
        if text is not None:
            return write("".join(f"{line}\r" for line in lines(text).split("\n")), own.encoding)
        raw = await self._archive.raw(one)
        if raw is None:
            raise refuse(Category.CONFLICT, "conflict", "The failure was closed meanwhile")
        return raw

    async def _connector(self, listener: str) -> Connector | None:
        known = (await self._catalogue.known()).get(listener)
        connector = known.connector if known else None
        return connector if connector and connector.kind == KIND else None

    def _reception(self, connector: Connector) -> Reception:
        """One for each connector as long as its settings stand, so that tries at once wait for each other."""
        settings = canonical(dict(connector.table))
        held, reception = self._receptions.get(connector.name, (b"", None))
        if reception is None or held != settings:
            reception = hl7v2.make_reception(connector, self._store, coder=self._catalogue.coder(connector))
            self._receptions[connector.name] = (settings, reception)
        return reception


def _told(verdict: Verdict) -> Retried:
    words = [verdict.error if not verdict.accepted else "", verdict.place, verdict.text]
    return Retried(verdict.code, " ".join(word for word in words if word))
