"""The pages about patients: finding one, the record with its lineage at any moment, and one commit's Provenance."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fhirserver.console.desk import HEADERS, HOME, Desk, from_htmx, words_of
from fhirserver.console.forms import open_forms
from fhirserver.console.patient import record
from fhirserver.console.sessions import Session
from fhirserver.interactions.people import found
from fhirserver.kernel.ids import is_id
from fhirserver.kernel.json import JsonObject, loads, pretty
from fhirserver.kernel.outcomes import Refusal
from fhirserver.store.as_of import Moment, moment


class PatientPages:
    """Handlers of the pages about patients."""

    def __init__(self, desk: Desk):
        self._desk = desk

    async def search(self, request: Request, session: Session) -> Response:
        """The patients that the search box finds; at once to the record where it is only one."""
        text = request.query_params.get("q", "").strip()
        wrong = ""
        try:
            people, more = await found(self._desk.context, self._desk.registry, session.principal, text)
        except Refusal as refusal:
            people, more, wrong = [], False, words_of(refusal)
        if len(people) == 1 and not more:
            return RedirectResponse(f"{HOME}/patient/{people[0].id}", 303, HEADERS)
        return self._desk.page(
            request, "patients.html", session, people=people, more=more, text=text, wrong=wrong
        )

    async def patient(self, request: Request, session: Session) -> Response:
        """One patient's record, now or as of a moment."""
        id = request.path_params["id"]
        wrong = ""
        try:
            at = await self._moment(request)
        except Refusal as refusal:
            at, wrong = None, words_of(refusal)
        shown = await record(self._desk.context.store, self._desk.queue, id, at) if is_id(id) else None
        if shown is None:
            return self._desk.page(request, "nothing.html", session, 404)
        name = "patient_record.html" if from_htmx(request) else "patient.html"
        now = self._desk.reviewer(session).now
        forms = await open_forms(self._desk.context.store, id, now) if shown.now else ()
        return self._desk.page(
            request,
            name,
            session,
            400 if wrong else 200,
            record=shown,
            wrong=wrong,
            now=now,
            forms=forms,
        )

    async def _moment(self, request: Request) -> Moment | None:
        """The moment that ``at`` (a position) or ``on`` (a date or time) asks for; None for now."""
        text = request.query_params.get("at") or request.query_params.get("on", "")
        if not text.strip():
            return None
        at = await moment(self._desk.context.store, text.strip())
        return None if at.position >= self._desk.context.store.head else at

    async def provenance(self, request: Request, session: Session) -> Response:
        """One commit's Provenance for people to read."""
        try:
            result = await self._desk.read(session, "Provenance", request.path_params["id"])
        except Refusal:
            return self._desk.page(request, "nothing.html", session, 404)
        resource: JsonObject = loads(result.body)
        return self._desk.page(
            request, "provenance.html", session, provenance=resource, json=pretty(resource).decode()
        )
