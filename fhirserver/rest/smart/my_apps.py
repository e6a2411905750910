"""The apps that somebody has let in, and letting them out again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fhirserver.access.audit.event import REVOKE as REVOKED
from fhirserver.access.audit.event import Audit
from fhirserver.access.browser_sessions import BrowserSession, form_is_ours
from fhirserver.access.cookies import is_from_elsewhere
from fhirserver.access.smart.clients import Clients
from fhirserver.access.smart.errors import OAuthError
from fhirserver.access.smart.grants import Grant, Grants
from fhirserver.access.users import User
from fhirserver.rest.smart.consent_words import summary
from fhirserver.rest.smart.forms import fields_of
from fhirserver.rest.smart.look import Look
from fhirserver.rest.smart.noting import Note, comes_from
from fhirserver.rest.smart.patient_rows import Choices
from fhirserver.rest.smart.sign_in import APPS, SIGN_IN
from fhirserver.rest.smart.visitors import Visitors

REVOKE = f"{APPS}/revoke"


@dataclass(frozen=True, slots=True)
class AppRow:
    """One app: since when (a date), for whose record, what it may do."""

    grant: str
    name: str
    since: str
    patient: str
    may: Sequence[str]


class MyApps:
    """Handlers."""

    def __init__(
        self,
        look: Look,
        visitors: Visitors,
        choices: Choices,
        clients: Clients,
        grants: Grants,
        audit: Audit,
    ):
        self._look, self._visitors, self._choices = look, visitors, choices
        self._clients, self._grants, self._audit = clients, grants, audit

    def routes(self) -> list[Route]:
        return [Route(APPS, self._list, methods=["GET"]), Route(REVOKE, self._revoke, methods=["POST"])]

    async def _list(self, request: Request) -> Response:
        found = await self._visitors.session(request)
        if found is None:
            return RedirectResponse(SIGN_IN, 303, {"Cache-Control": "no-store"})
        return await self._page(request, *found)

    async def _page(
        self, request: Request, user: User, session: BrowserSession, status: int = 200
    ) -> Response:
        grants = await self._grants.of_user(user.login)
        comes_from(request)
        return self._look.page(
            request,
            "apps.html",
            status,
            apps=[await self._row(user, grant) for grant in grants],
            user=user,
            flow="",
            session_token=session.form_token,
            ended=request.query_params.get("ended", "") == "1",
        )

    async def _revoke(self, request: Request) -> Response:
        found = await self._visitors.session(request)
        if found is None:
            return RedirectResponse(SIGN_IN, 303, {"Cache-Control": "no-store"})
        user, session = found
        try:
            sent = await fields_of(request)
        except OAuthError:
            sent = {}
        ours = form_is_ours(session.form_token, sent.get("form_token", ""))
        if not ours or is_from_elsewhere(request.headers):
            self._note_refusal(request, user, "The form is not one of this session")
            return await self._page(request, user, session, 403)
        grant = await self._grants.find(sent.get("grant", ""))
        if grant is not None and grant.login == user.login:
            await self._grants.end(grant.id)
            note = Note(self._audit, REVOKED, request)
            note.of_grant(grant, grant.scope)
            note.done(200)
        elif grant is not None:
            self._note_refusal(request, user, "What another user has let in")
        return RedirectResponse(f"{APPS}?ended=1", 303, {"Cache-Control": "no-store"})

    def _note_refusal(self, request: Request, user: User, why: str) -> None:
        note = Note(self._audit, REVOKED, request)
        note.by_user(user.login, user.fhir_user)
        note.refused(OAuthError("forbidden", why, 403))
        note.done(403)

    async def _row(self, user: User, grant: Grant) -> AppRow:
        client = await self._clients.find(grant.client)
        patient = await self._choices.patient(user, grant.patient) if grant.patient else None
        since = datetime.fromtimestamp(grant.made, UTC).date().isoformat()
        name = client.name if client else grant.client
        return AppRow(grant.id, name, since, patient.name if patient else "", summary(grant.scopes))
