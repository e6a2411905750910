"""Resources about the call itself, written one by one; what cannot be written is noted and lost to nobody else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.tools.client import FhirClient, Unreachable
from fhirserver.kernel.json import JsonObject

_TRIES = 3


@dataclass
class Writing:
    """Creates and updates. ``written`` are references, ``failures`` the types of what could not be written."""

    client: FhirClient
    written: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    async def put(self, resource: JsonObject, headers: Mapping[str, str]) -> str:
        """Create, or update where an id is known; the id, empty where it could not be written.

        A creation without an answer is not tried again: it may have happened.
        """
        type, id = resource["resourceType"], resource.get("id", "")
        method, path = ("PUT", f"{type}/{id}") if id else ("POST", type)
        for _ in range(_TRIES):
            try:
                answer = await self.client.send(method, path, resource, headers)
            except Unreachable:
                if method == "POST":
                    break
                continue
            if not answer.ok:
                break
            location = answer.headers.get("location", "")
            found = str(answer.body.get("id") or (location.split(f"{type}/")[-1].split("/")[0] or id))
            self.written.append(f"{type}/{found}")
            return found
        self.failures.append(type)
        return ""
