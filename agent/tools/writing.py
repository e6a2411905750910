"""Resources about the call itself, written one by one; what cannot be written is noted and lost to nobody else."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.tools.client import AGAIN, Answer, FhirClient, Unreachable
from fhirserver.kernel.json import JsonObject

SOON = 1.0
_PAUSE, _LONGEST = 0.1, 5.0
_ONLY_CREATED = frozenset({"AuditEvent"})


@dataclass
class Writing:
    """Creates and updates. ``written`` are references, ``failures`` the types of what could not be written.

    ``patience``: seconds for which it waits, over all that is written, for a server that is away (begun anew after
    ``kill -9``, say) or busy; somebody who waits for what is written wants it :data:`SOON`.
    """

    client: FhirClient
    written: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    patience: float = SOON

    async def put(self, resource: JsonObject, headers: Mapping[str, str]) -> str:
        """Create, or update where an id is known; the id, empty where it could not be written.

        What is new gets its id here, so that it is there once, however often it is tried. What may only be created
        (https://hl7.org/fhir/R4/auditevent.html) is not tried again where it may have happened.
        """
        type, id = resource["resourceType"], str(resource.get("id", ""))
        if not id and type not in _ONLY_CREATED:
            id = str(uuid.uuid4())
            resource = {**resource, "id": id}
        method, path = ("PUT", f"{type}/{id}") if id else ("POST", type)
        answer = await self._answer(method, path, resource, headers)
        if answer is None or not answer.ok:
            self.failures.append(type)
            return ""
        location = answer.headers.get("location", "")
        found = str(answer.body.get("id") or (location.split(f"{type}/")[-1].split("/")[0] or id))
        self.written.append(f"{type}/{found}")
        return found

    async def _answer(
        self, method: str, path: str, resource: JsonObject, headers: Mapping[str, str]
    ) -> Answer | None:
        pause, answer = _PAUSE, None
        while True:
            try:
                answer = await self.client.send(method, path, resource, headers)
            except Unreachable:
                if method == "POST":
                    return None
            if (answer is not None and answer.status not in AGAIN) or self.patience < pause:
                return answer
            self.patience -= pause
            await asyncio.sleep(pause)
            pause, answer = min(pause * 2, _LONGEST), None
