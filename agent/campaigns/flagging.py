"""Putting the Flag of somebody who wants no more of it: once, and again where it had been taken back."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from agent.campaigns.ledger import Ledger, identified
from agent.campaigns.preferences import BARRED
from agent.tools.client import Unreachable, version_of
from fhirserver.kernel.json import JsonObject

_TRIES = 4


async def put_flag(ledger: Ledger, wish: JsonObject, headers: Mapping[str, str] | None = None) -> str:
    """The reference of the Flag that is active now. Raises :class:`Unreachable`."""
    patient, name = wish["subject"]["reference"], wish["identifier"][0]["value"]
    unless = f"{identified(BARRED, name)}&patient={quote(patient, safe='')}"
    for _ in range(_TRIES):
        reference, fresh = await ledger.make(wish, unless, "", headers)
        found = None if fresh else await ledger.client.read(reference)
        if found is None or found.get("status") == "active":
            return reference
        again = wish | {"id": found["id"]}
        if await ledger.put(again, version_of(found), ""):
            return reference
    raise Unreachable("a Flag was changed by others again and again")
