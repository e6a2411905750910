"""Putting the Flag of somebody who wants no more of it: once, wider where more is wanted, and again where it had been
taken back."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from agent.campaigns.ledger import Ledger, identified
from agent.campaigns.preferences import BARRED, covers, widened
from agent.tools.client import Unreachable, version_of
from fhirserver.kernel.json import JsonObject

_TRIES = 4


async def put_flag(ledger: Ledger, wish: JsonObject, headers: Mapping[str, str] | None = None) -> str:
    """The reference of the Flag that is active now and says as much. Raises :class:`Unreachable`."""
    patient, name = wish["subject"]["reference"], wish["identifier"][0]["value"]
    unless = f"{identified(BARRED, name)}&patient={quote(patient, safe='')}"
    for _ in range(_TRIES):
        held = await _held(ledger, wish)
        enough = next((one for one in held if covers(one, wish)), None)
        if enough is not None:
            return f"Flag/{enough['id']}"
        if held:
            if await ledger.put(widened(held[0], wish), version_of(held[0]), ""):
                return f"Flag/{held[0]['id']}"
            continue
        reference, fresh = await ledger.make(wish, unless, "", headers)
        if fresh:
            return reference
    raise Unreachable("a Flag was changed by others again and again")


async def _held(ledger: Ledger, wish: JsonObject) -> list[JsonObject]:
    """The patient's Flags about any of the same numbers, those that are active first."""
    names = ",".join(f"{BARRED}|{one['value']}" for one in wish["identifier"])
    params = [("identifier", names), ("patient", wish["subject"]["reference"])]
    found = [one for one in await ledger.client.search("Flag", params) if one["resourceType"] == "Flag"]
    return sorted(found, key=lambda one: one.get("status") != "active")
