"""Two records of one person by two sources, and the item about them that the server makes by itself."""

from __future__ import annotations

import asyncio

from fhirserver.kernel.json import JsonObject
from tests.facade import Facade

RECORD: JsonObject = {
    "resourceType": "Patient",
    "identifier": [{"system": "urn:mrn", "value": "MRN-30998"}],
    "name": [{"use": "official", "family": "Lindqvist", "given": ["Katarina", "Elsa"]}],
    "gender": "female",
    "birthDate": "1979-03-14",
    "telecom": [{"system": "phone", "value": "+16175550198", "use": "mobile"}],
    "address": [{"use": "home", "line": ["48 Juniper Lane"], "city": "Salem", "postalCode": "01970"}],
}
CALLER: JsonObject = {
    **{name: value for name, value in RECORD.items() if name != "identifier"},
    "name": [{"family": "Lindquist", "given": ["Katarina"]}],
    "birthDate": "1979-03-15",
    "telecom": [
        {"system": "phone", "value": "+16175550198"},
        {"system": "email", "value": "kat@example.org"},
    ],
}


async def duplicate_item(server: Facade, one: str = "kat", other: str = "kat-call") -> str:
    """A record of the EHR, a caller whom the agent wrote down anew, her insurance; the id of the item."""
    await server.ehr.put({**RECORD, "id": one})
    await server.agent.put({**CALLER, "id": other})
    await server.agent.put(
        {
            "resourceType": "Coverage",
            "id": f"plan-{other}",
            "status": "active",
            "beneficiary": {"reference": f"Patient/{other}"},
            "payor": [{"display": "Aetna"}],
        }
    )
    async with asyncio.timeout(10):
        while not (found := {*await pairs(server, one)} & {*await pairs(server, other)}):
            await asyncio.sleep(0.02)
    return found.pop()


async def pairs(server: Facade, patient: str, status: str = "requested,accepted") -> list[str]:
    """The items about a patient and another, by the status."""
    query = f"Task?code=duplicate&status={status}"
    found = {*await server.ana.ids(f"{query}&focus=Patient/{patient}")}
    return sorted(found | {*await server.ana.ids(f"{query}&subject=Patient/{patient}")})
