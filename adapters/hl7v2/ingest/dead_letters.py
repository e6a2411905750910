"""A message that was not taken in, as an operator sees it: a failed Task, in the queue with those of other connectors.

The message itself and why it failed are in the record of the intake (``hl7-failed``). The Task names its entry; set to
``requested`` it asks for another try, and it is completed when the message was taken in.
"""

from __future__ import annotations

from adapters.hl7v2.acknowledgement import Verdict
from adapters.hl7v2.intake.archive import Archive
from adapters.runner.tasks import OPEN, SYSTEM, intake_task, moved
from fhirserver.kernel.ids import derived_id
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.kernel.outcomes import Issue
from fhirserver.ports.log import Statement
from fhirserver.ports.messages import ReceivedMessage
from fhirserver.store.commands import Put, Write
from fhirserver.store.store import Store

_CODES = {"101": "required", "102": "value", "103": "code-invalid", "204": "not-found", "205": "duplicate"}


_PREFIX = "hl7v2/"


def entry_of(task: JsonObject) -> str:
    """The key of the entry in the record that a Task is about."""
    return str(task.get("input", [{}])[0].get("valueString", "")).removeprefix(_PREFIX)


class DeadLetters:
    """The Tasks of one connector, one for each entry. Implements :class:`adapters.hl7v2.intake.letters.Letters`."""

    def __init__(self, store: Store, connector: str):
        self._store, self._connector = store, connector

    async def kept(self, entry: str, since: str, verdict: Verdict) -> tuple[Write, ...]:
        before = await self._task(entry)
        issue = Issue(_CODES.get(verdict.error, "processing"), verdict.text, (verdict.place or "MSH",))
        task = intake_task(
            self._connector, f"{_PREFIX}{entry}", (issue,), str(before.get("authoredOn", since))
        )
        return self._put(entry, task)

    async def failed_again(self, entry: str, verdict: Verdict) -> tuple[Write, ...]:
        before = await self._task(entry)
        return await self.kept(entry, "", verdict) if before.get("status") in OPEN else ()

    async def settled(self, entry: str) -> tuple[Write, ...]:
        before = await self._task(entry)
        return self._put(entry, moved(before, "completed", "Taken in")) if before else ()

    async def close(self, one: ReceivedMessage, how: str, principal: str, done: bool = False) -> None:
        """Close a failure that needs nothing more, and its Task with it. ``done``: its message was taken in."""
        before = await self._task(one.key)
        open = before.get("status") in (*OPEN, "failed")
        closed = (
            moved(before, "completed", "Taken in") if done else moved(before, "cancelled", f"Closed: {how}")
        )
        also = self._put(one.key, closed) if open else ()
        await Archive(self._store).close(one, how, principal, also)

    async def _task(self, entry: str) -> JsonObject:
        version = await self._store.read("Task", self._id(entry))
        return dict(loads(version.content)) if version is not None and not version.deleted else {}

    def _put(self, entry: str, task: JsonObject) -> tuple[Write, ...]:
        says = Statement(SYSTEM, principal=f"intake:{self._connector}", method="intake")
        return (Put("Task", self._id(entry), task, statement=says),)

    def _id(self, entry: str) -> str:
        return derived_id("intake", self._connector, entry)
