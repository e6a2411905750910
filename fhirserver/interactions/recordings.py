"""Who may hear the recording of a call, and the AuditEvent of it: https://hl7.org/fhir/R4/auditevent.html

The sound is no resource, so it is guarded by those that tell of it: whoever may read the call's Communication and the
Media that says where the sound is may hear it. Delete the Media, and nobody can.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta
from pathlib import Path

from fhirserver.access.principals import Principal
from fhirserver.interactions.exchange import Context, Request
from fhirserver.interactions.registry import Registry
from fhirserver.kernel.ids import is_id
from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.world.sources import Source
from fhirserver.world.vocabulary import OPERATOR_ACTION, RECORDING

ONCE = timedelta(minutes=15)
"""A player asks for one sound in many pieces: within this time they are one access."""
_MOST = 1000
_LIFECYCLE = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
_WRITER = Principal("credence", Source("credence", "system", authoritative=True), frozenset({"write"}))


async def media_of(
    context: Context, registry: Registry, principal: Principal, call: str
) -> JsonObject | None:
    """The Media of a call's recording as the principal may read it. Raises what the search refuses."""
    params = (("identifier", f"{RECORDING}|{call}"), ("_count", "1"))
    found = await registry.dispatch(context, Request(principal, "GET", "Media", params=params))
    media = (entry["resource"] for entry in loads(found.body).get("entry", ()))
    return next((one for one in media if one["resourceType"] == "Media"), None)


class Listening:
    """Lets principals hear recordings, and notes that they did."""

    def __init__(self, context: Context, registry: Registry):
        self._context, self._registry = context, registry
        self._noted: OrderedDict[tuple[str, str], datetime] = OrderedDict()

    async def file(self, principal: Principal, call: str) -> Path:
        """Where the sound is. Refuses (403) who may not read what tells of it, (404, 410) what is not there."""
        path = await self._path(principal, call)
        if path is None:
            raise refuse(Category.NOT_FOUND, "not-found", "There is no recording of this call")
        await self._note(principal, call)
        return path

    async def _path(self, principal: Principal, call: str) -> Path | None:
        recordings = self._context.recordings
        if not is_id(call):
            return None
        await self._registry.dispatch(self._context, Request(principal, "GET", "Communication", call))
        if await media_of(self._context, self._registry, principal, call) is None:
            return None
        return recordings.file(call) if recordings is not None else None

    async def _note(self, principal: Principal, call: str) -> None:
        """Write the AuditEvent, before any sound is given. Raises what is refused: unnoted is unheard."""
        now, key = self._context.clock.now(), (principal.name, call)
        if key in self._noted and now - self._noted[key] < ONCE:
            return
        body = audit(principal.name, call, now)
        await self._registry.dispatch(self._context, Request(_WRITER, "POST", "AuditEvent", body=body))
        self._noted[key] = now
        self._noted.move_to_end(key)
        if len(self._noted) > _MOST:
            self._noted.popitem(last=False)


def audit(listener: str, call: str, at: datetime) -> JsonObject:
    """The AuditEvent of a recording that was listened to."""
    return {
        "resourceType": "AuditEvent",
        "type": {"system": _LIFECYCLE, "code": "access", "display": "Access/View Record Lifecycle Event"},
        "subtype": [{"system": OPERATOR_ACTION, "code": "listen-recording"}],
        "action": "R",
        "recorded": instant(at),
        "outcome": "0",
        "agent": [{"who": {"display": listener}, "requestor": True}],
        "source": {"observer": {"display": "Credence"}},
        "entity": [{"what": {"reference": f"Communication/{call}"}}],
    }


async def may_hear(listening: Listening, principal: Principal, call: str) -> Path | None:
    """The sound, or None for whoever may not hear it and where there is none."""
    try:
        return await listening.file(principal, call)
    except Refusal as refusal:
        if refusal.category in (Category.FORBIDDEN, Category.NOT_FOUND, Category.GONE):
            return None
        raise
