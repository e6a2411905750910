"""Pushing one change, so that any number of attempts make it once."""

from __future__ import annotations

from adapters.fhir import marking
from adapters.fhir.arrival import shows
from adapters.fhir.exchange import Answer, Exchange, record
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.references import parse_reference
from fhirserver.ports.ehr import (
    Change,
    Conflict,
    EhrError,
    Gone,
    NeedsPerson,
    Operation,
    Permanent,
    Receipt,
    Record,
    Retryable,
)

_WHOLE = {"Prefer": "return=representation"}


class Pusher:
    """Pushes to one EHR. ``tag_updates``: mark updates with their key, for EHRs that keep tags."""

    def __init__(self, exchange: Exchange, tag_updates: bool = True):
        self._exchange = exchange
        self._tag_updates = tag_updates

    async def push(self, change: Change, conditional_create: bool, checked: bool = True) -> Receipt:
        """``checked``: the EHR heeds ``If-Match``; where it does not, we look before we write."""
        if change.operation is Operation.CREATE:
            return await self._create(change, conditional_create)
        if not change.id:
            raise Permanent(f"a change to a {change.type} must name the record")
        if not checked and (done := await self._compared(change)):
            return done
        return await (self._update if change.operation is Operation.UPDATE else self._delete)(change)

    async def _compared(self, change: Change) -> Receipt | None:
        """Read what stands there and compare it with what the change was decided on.

        Raises :class:`~fhirserver.ports.ehr.Conflict` where it is something else; the receipt where the change is
        there already. Between this and the write somebody else may write: without versions nothing can prevent that.
        """
        try:
            current = await self._exchange.read(change.type, change.id)
        except Gone:
            if change.operation is Operation.DELETE:
                return None
            raise
        if change.operation is Operation.UPDATE and await self._arrived(current, change):
            return Receipt(current, replayed=True)
        if change.version and current.version:
            same = current.version == change.version
        else:
            same = change.before is None or _same(current.content, change.before)
        if not same:
            raise Conflict("the EHR holds something else", current=current)
        return None

    async def _create(self, change: Change, conditional: bool) -> Receipt:
        """Create under the key. https://hl7.org/fhir/R4/http.html#ccreate

        An EHR without conditional create is asked first whether an earlier attempt arrived.
        """
        look = change.only_found or not conditional
        if look and (found := await self._created(change)):
            return Receipt(found, replayed=True)
        if change.only_found:
            raise Gone(f"no earlier attempt made the {change.type}")
        headers = {"If-None-Exist": marking.condition(change.type, change.key), **_WHOLE}
        content = marking.for_create(change.content, change.key)
        try:
            answer = await self._exchange.send("POST", change.type, content=content, headers=headers)
        except (Conflict, Permanent):
            # What we created before may be the very thing that is in the way now.
            if found := await self._created(change):
                return Receipt(found, replayed=True)
            raise
        made = await self._answered(answer, change.type)
        return Receipt(made, replayed=answer.status == 200)

    async def _created(self, change: Change) -> Record | None:
        """The record made under the key by an earlier attempt."""
        found = await self._exchange.search(change.type, marking.search(change.type, change.key))
        if len(found) > 1:
            raise NeedsPerson(f"several records of type {change.type} carry one idempotency key")
        return found[0] if found else None

    async def _answered(self, answer: Answer, type: str) -> Record:
        """The record in the answer to a write, read from where it says if it has none."""
        if answer.body is not None and answer.body["resourceType"] == type:
            return record(answer.body)
        place = answer.headers.get("location") or answer.headers.get("content-location") or ""
        literal = parse_reference(place.partition("?")[0])
        if literal is None:
            raise Retryable("the answer to a write does not say what was written", status=answer.status)
        return await self._exchange.read(type, literal.id)

    async def _update(self, change: Change) -> Receipt:
        """Replace the version the change was decided on. https://hl7.org/fhir/R4/http.html#concurrency"""
        if change.attempt > 1 and not change.version:
            current = await self._exchange.read(change.type, change.id)
            if await self._arrived(current, change):
                return Receipt(current, replayed=True)
        try:
            answer = await self._put(change)
        except Conflict as conflict:
            current = await self._exchange.read(change.type, change.id)
            if await self._arrived(current, change):
                return Receipt(current, replayed=True)
            raise Conflict(
                conflict.reason, current=current, status=conflict.status, issues=conflict.issues
            ) from None
        if answer.body is not None and answer.body["resourceType"] == change.type:
            return Receipt(record(answer.body))
        return Receipt(await self._exchange.read(change.type, change.id))

    async def _put(self, change: Change) -> Answer:
        content = {**change.content, "id": change.id}
        if self._tag_updates:
            content = marking.for_update(content, change.key)
        headers = {**_WHOLE, **_if_match(change)}
        return await self._exchange.send(
            "PUT", f"{change.type}/{change.id}", content=content, headers=headers
        )

    async def _arrived(self, current: Record, change: Change) -> bool:
        """Whether an earlier attempt, whose answer was lost, did it."""
        if marking.is_marked(current, change.key):
            return True
        before = change.before if change.before is not None else await self._version(change)
        return shows(current.content, change.content, before)

    async def _version(self, change: Change) -> JsonObject | None:
        """The version the change was decided on, if the EHR still shows it."""
        if not change.version:
            return None
        try:
            path = f"{change.type}/{change.id}/_history/{change.version}"
            return (await self._exchange.send("GET", path)).body
        except Retryable:
            raise
        except EhrError:
            return None

    async def _delete(self, change: Change) -> Receipt:
        """Delete; that it is gone already is success. https://hl7.org/fhir/R4/http.html#delete"""
        gone = Record(change.type, change.id, "", "", {}, deleted=True)
        try:
            await self._exchange.send("DELETE", f"{change.type}/{change.id}", headers=_if_match(change))
        except Gone:
            return Receipt(gone, replayed=True)
        return Receipt(gone)


def _same(current: JsonObject, before: JsonObject) -> bool:
    """Whether a record still says what it said."""
    return shows(current, before, None) or (
        shows(current, before, before) and shows(before, current, current)
    )


def _if_match(change: Change) -> dict[str, str]:
    return {"If-Match": f'W/"{change.version}"'} if change.version else {}
