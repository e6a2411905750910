"""The FHIRPath by which a webhook chooses among events: ``status = 'booked' and %previous.empty()``."""

from __future__ import annotations

from fhirserver.interactions.events.event import DomainEvent
from fhirserver.kernel.json import Json, JsonObject, loads
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.model.fhirpath import Environment, FhirPathError, Path, Typed, compile_path
from fhirserver.ports.storage import Version
from fhirserver.store.store import Store

_SECONDS = 1.0


class Condition:
    """An expression that must be true of a version: it is the focus and ``%current``; ``%previous`` is the version
    before, empty where there was none. Of a deletion the focus is what was deleted, and ``%current`` is empty."""

    def __init__(self, text: str, place: str = "/condition"):
        """Refuses (422) what is no FHIRPath."""
        self.text = text
        try:
            self._path: Path | None = compile_path(text, "Resource", strict=False) if text else None
        except FhirPathError as error:
            raise refuse(Category.UNPROCESSABLE, "invalid", f"This is no FHIRPath: {error}", place) from None

    async def holds(self, store: Store, event: DomainEvent) -> bool:
        """Whether it is true; what cannot be asked of a resource is not true of it."""
        if self._path is None:
            return True
        current = await _state(store, event, event.version)
        previous = await _state(store, event, event.version - 1) if event.version > 1 else None
        focus = current or previous
        if focus is None:
            return False
        type = event.key.type
        variables: dict[str, Json | list[Typed]] = {
            "current": [Typed(current, type)] if current else [],
            "previous": [Typed(previous, type)] if previous else [],
        }
        environment = Environment(variables=variables, resource=focus, seconds=_SECONDS)
        try:
            found = self._path.on(Typed(focus, type), environment)
        except FhirPathError:
            return False
        return len(found) == 1 and found[0].value is True


async def _state(store: Store, event: DomainEvent, version: int) -> JsonObject | None:
    found: Version | None = await store.read_version(*event.key, version)
    if found is None or found.deleted:
        return None
    content: JsonObject = loads(found.content)
    return content
