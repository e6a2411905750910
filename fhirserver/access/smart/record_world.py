"""What authorizations ask of the record, answered by the store."""

from __future__ import annotations

from fhirserver.kernel.json import JsonObject, loads
from fhirserver.store.store import Store


class RecordWorld:
    """See :class:`fhirserver.access.smart.authorizations.World`."""

    def __init__(self, store: Store):
        self._store = store

    async def has_patient(self, id: str) -> bool:
        return await self._read("Patient", id) is not None

    async def patient_of_encounter(self, id: str) -> str:
        encounter = await self._read("Encounter", id)
        reference = encounter.get("subject", {}).get("reference", "") if encounter else ""
        type, _, patient = str(reference).partition("/")
        return patient if type == "Patient" and "/" not in patient else ""

    async def _read(self, type: str, id: str) -> JsonObject | None:
        found = await self._store.read(type, id)
        if found is None or found.deleted:
            return None
        resource: JsonObject = loads(found.content)
        return resource
