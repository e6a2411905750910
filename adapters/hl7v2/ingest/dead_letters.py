"""A message that was not taken in, as an operator sees it: a failed Task, in the queue with those of other connectors.

The message itself and why it failed are in the record of the intake (``hl7-failed``). The Task names its entry; set to
``requested`` it asks for another try, and it is completed when the message was taken in.
"""

from __future__ import annotations

from adapters.hl7v2.intake.ingest import Received, Rejected
from adapters.runner.tasks import SYSTEM, intake_task, moved
from fhirserver.kernel.ids import derived_id
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.kernel.outcomes import Issue
from fhirserver.ports.log import Statement
from fhirserver.store.commands import Command, Put, Write
from fhirserver.store.store import Store

_CODES = {"101": "required", "102": "value", "103": "code-invalid", "204": "not-found", "205": "duplicate"}


_PREFIX = "hl7v2/"


def entry_of(task: JsonObject) -> str:
    """The key of the entry in the record that a Task is about."""
    return str(task.get("input", [{}])[0].get("valueString", "")).removeprefix(_PREFIX)


class DeadLetters:
    """The Tasks of one connector."""

    def __init__(self, store: Store, connector: str):
        self._store, self._connector = store, connector

    async def keep(self, received: Received, rejected: Rejected) -> None:
        """Show what was rejected, each message once however often it comes."""
        id = self._id(received)
        before = await self._task(id)
        issue = Issue(_CODES.get(rejected.error, "processing"), rejected.text, (rejected.place or "MSH",))
        entry = received.receipt.failed_before or received.receipt.entry
        task = intake_task(
            self._connector, f"{_PREFIX}{entry}", (issue,), before.get("authoredOn", received.at)
        )
        await self._store.submit(Command(self._system(), (Put("Task", id, task),)))

    async def settled(self, received: Received) -> tuple[Write, ...]:
        """The write that closes the Task of a message that is taken in now; asked only where it failed before."""
        if not received.receipt.failed_before:
            return ()
        id = self._id(received)
        task = await self._task(id)
        if not task:
            return ()
        return (Put("Task", id, moved(task, "completed", "Taken in"), statement=self._system()),)

    async def _task(self, id: str) -> JsonObject:
        version = await self._store.read("Task", id)
        return dict(loads(version.content)) if version is not None and not version.deleted else {}

    def _id(self, received: Received) -> str:
        receipt = received.receipt
        return derived_id("intake", self._connector, receipt.control_key or receipt.digest)

    def _system(self) -> Statement:
        return Statement(SYSTEM, principal=f"intake:{self._connector}", method="intake")
