"""Forms in the server's process: wired to its FHIR, its key, its records and its audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.routing import BaseRoute

from agent.cards.reader import CardReader
from agent.forms.filling import Filling
from agent.forms.links import Links
from agent.forms.office import Office
from agent.forms.overdue import Overdue
from agent.forms.page.routes import Pages
from agent.forms.triggers import Triggers
from fhirserver.access.audit.event import FORM, Audit, Event
from fhirserver.access.principals import Principal
from fhirserver.app.agency import House, Loop
from fhirserver.app.late_records import LateRecords
from fhirserver.app.settings import Settings
from fhirserver.kernel.correlation import REQUEST
from fhirserver.model.definitions import definitions
from fhirserver.ports.access_records import AccessRecords
from fhirserver.rest.visits import Visits
from fhirserver.world.sources import Source

_WRITES = frozenset({"read", "write"})
_PATIENCE = 20


class FormsLodger:
    """A :class:`~fhirserver.app.agency.Lodger`: the pages, and the office that others ask (``office``)."""

    def __init__(self, house: House, agent: Source, source: Source):
        settings = house.settings
        self._clients = (
            house.client(Principal("forms", agent, _WRITES)),
            house.client(Principal(source.id, source, _WRITES)),
        )
        base = address(settings)
        self.office = Office(
            self._clients[0],
            Links(house.context.key.derive_all),
            house.context.clock,
            base,
            settings.forms.zone,
            settings.forms.link_hours,
            lambda: house.texts_out,
        )
        ahead = timedelta(days=settings.forms.ahead_days)
        self.triggers = Triggers(self.office, ahead, settings.forms.after_calls)
        self._overdue = Overdue(self.office)
        self._first = house.first
        types = definitions().resource_types if "*" in source.types else source.types
        filling = Filling(self.office, self._clients[1], types, CardReader())
        place = urlsplit(base)
        guard = VisitsGuard(house.edge.visits, house.context.audit)
        attempts = FormAttempts(LateRecords(house.context.store.storage))
        self._pages = Pages(filling, guard, attempts, place.path, place.scheme == "https")

    @property
    def routes(self) -> Sequence[BaseRoute]:
        return self._pages.routes

    @property
    def loops(self) -> Sequence[tuple[str, Loop]]:
        """Only one of the processes looks after what makes forms by itself, and after those that are overdue."""
        if not self._first:
            return ()
        found: list[tuple[str, Loop]] = [("overdue forms", self._overdue.run)]
        if self.triggers.ahead:
            found.append(("forms before appointments", self.triggers.run_before))
        if self.triggers.calls:
            found.append(("forms after calls", self.triggers.run_after))
        return found

    async def open(self) -> None:
        """Nothing is to be begun."""

    async def close(self) -> None:
        for client in self._clients:
            await client.close()


def forms_lodger(house: House) -> FormsLodger | None:
    """The forms, where the settings ask for them and have the sources for it."""
    settings = house.settings
    agent, source = agent_source(settings), settings.sources.get(settings.forms.source)
    if not forms_on(settings) or agent is None or source is None:
        return None
    return FormsLodger(house, agent, source)


def forms_on(settings: Settings) -> bool:
    """Whether there are forms, by the settings."""
    source = settings.sources.get(settings.forms.source)
    return settings.forms.enabled and agent_source(settings) is not None and source is not None


def agent_source(settings: Settings) -> Source | None:
    """As whom forms are made: the source of the agent that converses, else any agent's."""
    named = [one.source for _, one in settings.principals if one.name == settings.chat.principal]
    agents = [one for one in settings.sources.values() if one.kind == "agent"]
    return next(iter([*named, *agents]), None)


def address(settings: Settings) -> str:
    """Where the pages are, as patients see them."""
    return f"{settings.fhir_base.removesuffix('/fhir')}/forms"


@dataclass(frozen=True)
class VisitsGuard:
    """Links that open nothing count as failed sign-ins; what was answered is noted without the link."""

    visits: Visits
    audit: Audit

    def check(self, request: Request) -> None:
        """Refuses (429) who came with too many."""
        self.visits.check_failures(request.scope)

    def failed(self, request: Request) -> None:
        """One that opens nothing. Refuses (429) where that is too often."""
        refusal = self.visits.failed(request.scope)
        if refusal is not None:
            raise refusal

    def note(self, request: Request, form: str, patient: str, status: int) -> None:
        """By the form's id: who has the link has the form."""
        what = request.url.path.rpartition("/")[2] if request.url.path.count("/") > len("ab") else ""
        query = f"{request.method} /forms/{form or '?'}{f'/{what}' if what else ''}"
        address = request.client.host if request.client else ""
        patients = (patient.removeprefix("Patient/"),) if patient else ()
        self.audit.note(
            Event(
                FORM,
                query=query,
                status=status,
                address=address,
                request=REQUEST.get() or "",
                patients=patients,
            )
        )


@dataclass(frozen=True)
class FormAttempts:
    """Counts tries in the access records, for all processes."""

    records: AccessRecords

    async def count(self, form: str, until: int) -> int:
        """One more; how many it were with it."""
        key = f"form-attempts/{form}"
        for _ in range(_PATIENCE):
            kept = await self.records.read(key)
            tried = int(kept.value["n"]) + 1 if kept else 1
            if await self.records.swap(key, kept.revision if kept else 0, {"n": tried}, until):
                return tried
        return 1_000_000

    async def forget(self, form: str) -> None:
        """They have shown that it is theirs."""
        kept = await self.records.read(f"form-attempts/{form}")
        if kept is not None:
            await self.records.remove(kept.key, kept.revision)
