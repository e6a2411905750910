"""Updates: which of a mapping's actions lead from what the vendor holds to what it shall hold, and whether they did."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from adapters.rest.exchange import Exchange, Made
from adapters.rest.expressions import Scope, Unmappable
from adapters.rest.inward import Inward
from adapters.rest.mapping import Action, Resource
from adapters.rest.patience import Patience
from adapters.rest.reader import Reader
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.ehr import Change, Conflict, Gone, Permanent, Receipt, Record, Unanswered


class Updater:
    """Makes one update, once. A vendor without versions is looked at before, and what it shows decides."""

    def __init__(self, exchange: Exchange, reader: Reader, patience: Patience):
        self._exchange, self._reader, self._patience = exchange, reader, patience

    async def update(self, change: Change) -> Receipt:
        """Raises :class:`~fhirserver.ports.ehr.EhrError`."""
        resource = self._reader.resource(change.type)
        if not resource.update:
            raise Permanent(f"the mapping does not update {change.type}")
        current = await self._current(change)
        due = await self._due(resource, change, current.content)
        if due and await self._patience.since(change.sent):
            # What an earlier attempt did may not have been seen yet.
            current = await self._current(change)
            due = await self._due(resource, change, current.content)
        if not due:
            return await self._nothing_due(resource, change, current)
        if change.version and current.version != change.version:
            raise Conflict("the EHR's record is another than the change was decided on", current=current)
        await self._send(due, change, current)
        return Receipt(await self._arrived(resource, change, current))

    async def _current(self, change: Change) -> Record:
        """What the EHR holds; a record that was made just now may not be seen at once."""
        async for _ in self._patience.tries():
            with contextlib.suppress(Gone):
                return await self._reader.read(change.type, change.id)
        raise Gone("the record is not in the EHR")

    async def _nothing_due(self, resource: Resource, change: Change, current: Record) -> Receipt:
        """It is there already: done before, or by somebody else. Or all of it is what this EHR does not keep."""
        was_due = change.before is None or bool(await self._due(resource, change, change.before))
        return Receipt(current, replayed=was_due)

    async def _due(self, resource: Resource, change: Change, before: JsonObject) -> list[tuple[Action, Made]]:
        """The actions that lead from ``before`` to the content."""
        scope = self.scope(resource, change, before)
        found: list[tuple[Action, Made]] = []
        for action in resource.update:
            made = action_of(self._exchange, self._reader.inward, action, change.content, before, scope)
            if made is None:
                continue
            if action.alone:
                return [(action, made)]
            found.append((action, made))
        return found

    def scope(self, resource: Resource, change: Change, before: JsonObject) -> Scope:
        return self._reader.scope(resource, change.id, before=before, key=change.key)

    async def _send(self, due: Sequence[tuple[Action, Made]], change: Change, before: Record) -> None:
        """Raises what the vendor answers; a conflict that our own earlier attempt caused is none."""
        await change.begin_sending()
        for action, made in due:
            made = await self._moved(made, action, change, before)
            try:
                await self._exchange.send(made, action.request.failed)
            except (Conflict, Permanent) as error:
                resource = self._reader.resource(change.type)
                current = await self._reader.read(change.type, change.id)
                still = [one.name for one, _ in await self._due(resource, change, current.content)]
                if action.name not in still:
                    continue
                if isinstance(error, Conflict):
                    raise _with_current(error, current) from None
                raise

    async def _moved(self, made: Made, action: Action, change: Change, before: Record) -> Made:
        """The same for the record in whose place it now stands."""
        resource = self._reader.resource(change.type)
        if resource.moved_to is None:
            return made
        _, id = await self._reader.follow(resource, change.id)
        if id == change.id:
            return made
        scope = self._reader.scope(resource, id, before=before.content, key=change.key)
        return (
            action_of(self._exchange, self._reader.inward, action, change.content, before.content, scope)
            or made
        )

    async def _arrived(self, resource: Resource, change: Change, before: Record) -> Record:
        """The record as soon as it shows the change; after all patience as it is shown."""
        latest = before
        async for _ in self._patience.tries():
            latest = await self._reader.read(change.type, change.id)
            if not await self._due(resource, change, latest.content):
                return latest
        if latest.version == before.version and self._patience.seconds:
            raise Unanswered("the EHR does not show the change yet")
        return latest


def action_of(
    exchange: Exchange,
    inward: Inward,
    action: Action,
    content: JsonObject,
    before: JsonObject,
    scope: Scope,
) -> Made | None:
    """The request of an action that leads from ``before`` to the content; None where it is not due."""
    try:
        if action.when is not None and not inward.says(action.when, content, scope):
            return None
    except Unmappable as error:
        raise Permanent(f"the mapping fails at {error}") from None
    made = exchange.make(action.request, content, scope)
    old = exchange.make(action.request, before, scope)
    if action.when is None and made.body == old.body:
        return None
    return _changed(made, old, action.always) if action.only_changed else made


def _changed(made: Made, old: Made, always: Sequence[str]) -> Made:
    """Only the members of the body that are others than before; one that is no more is sent empty."""
    body, before = made.body or {}, old.body or {}
    kept = {name: value for name, value in body.items() if name in always or before.get(name) != value}
    gone = {name: "" for name in before if name not in body}
    return Made(made.method, made.path, made.query, {**kept, **gone}, made.form)


def _with_current(conflict: Conflict, current: Record) -> Conflict:
    return Conflict(conflict.reason, current=current, status=conflict.status, issues=conflict.issues)
