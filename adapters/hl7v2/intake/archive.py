"""What was received and what became of it, for people: lists, single messages with their bytes, closing a failure."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from adapters.hl7v2.intake.record import CONTROL, FAILED, RECEIVED, WAITING
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.ports.log import Statement
from fhirserver.ports.messages import ReceivedMessage
from fhirserver.ports.storage import Fact
from fhirserver.store.commands import Command, Note, Write
from fhirserver.store.store import Store


class Archive:
    """The record of all listeners of a store."""

    def __init__(self, store: Store):
        self.store = store

    async def failures(self, listener: str = "", settled: bool = False) -> Sequence[ReceivedMessage]:
        """What could not be taken in, the oldest first; with ``settled`` also what is closed."""
        facts = await self.store.facts(FAILED, f"{listener}/" if listener else "")
        return [entry(fact) for fact in facts if settled or fact.value["open"]]

    async def received(self, listener: str, since: str) -> Sequence[ReceivedMessage]:
        """What a listener took in at an instant that begins with ``since``, such as ``2026-11-28T15:0``, oldest first.

        An instant of an hour or less keeps the answer short: a listener may take in a million messages a day.
        """
        return [entry(fact) for fact in await self.store.facts(RECEIVED, f"{listener}/{since}")]

    async def by_control_id(self, listener: str, control_id: str) -> Sequence[ReceivedMessage]:
        """The last message under that control id of each sender who used it."""
        facts = await self.store.facts(CONTROL, f"{listener}/{control_id}/")
        found = [await self._entry_of(listener, fact) for fact in facts]
        return [one for one in found if one is not None]

    async def entry(self, key: str) -> ReceivedMessage | None:
        """One message by its key."""
        for kind in (RECEIVED, FAILED, WAITING):
            fact = await self.store.fact(kind, key)
            if fact is not None and fact.value.get("waiting", True):
                return entry(fact)
        return None

    async def raw(self, one: ReceivedMessage) -> bytes | None:
        """Every byte of it, where they are kept: with the failure, or as the Binary that is its evidence."""
        if one.raw is not None:
            return one.raw
        for reference in one.resources:
            type, _, id = reference.partition("/")
            version = await self.store.read(type, id) if type == "Binary" else None
            if version is not None and not version.deleted:
                return base64.b64decode(loads(version.content)["data"])
        return None

    async def close(
        self, one: ReceivedMessage, how: str, principal: str = "", also: Sequence[Write] = ()
    ) -> None:
        """Close a failure: it was put right elsewhere, or nothing needs to be done. Its bytes stay in the log.

        ``also`` is written in the same commit.
        """
        fact = await self.store.fact(FAILED, one.key)
        if fact is None or not fact.value["open"]:
            return
        kept = {name: value for name, value in fact.value.items() if name != "raw"}
        value: JsonObject = {**kept, "open": False, "settled": how}
        statement = Statement("credence", principal=principal or "intake", method="hl7v2")
        await self.store.submit(Command(statement, (Note(FAILED, one.key, value), *also)))

    async def _entry_of(self, listener: str, control: Fact) -> ReceivedMessage | None:
        if failed := control.value.get("entry"):
            return await self.entry(failed)
        mark = control.value["mark"]
        return await self.entry(f"{listener}/{control.value['at']}/{mark}")


def entry(fact: Fact) -> ReceivedMessage:
    """A fact of the record as a message."""
    value = fact.value
    listener, at, _ = fact.key.rsplit("/", 2)
    raw = value.get("raw")
    application, facility = value.get("sender", ("", ""))
    return ReceivedMessage(
        fact.key,
        listener,
        at,
        value.get("control", ""),
        value.get("event", ""),
        (application, facility),
        value.get("code", ""),
        fact.position,
        value.get("error", ""),
        value.get("place", ""),
        value.get("text", ""),
        value.get("open", False),
        value.get("settled", ""),
        tuple(value.get("resources", ())),
        tuple(value.get("unmapped", ())),
        tuple(value.get("warnings", ())),
        base64.b64decode(raw) if raw is not None else None,
    )
