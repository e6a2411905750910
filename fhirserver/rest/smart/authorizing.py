"""``/auth/authorize`` and the pages behind it: the browser's part. https://hl7.org/fhir/smart-app-launch/app-launch.html"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fhirserver.access.audit.event import AUTHORIZE as AUTHORIZED
from fhirserver.access.audit.event import CONSENT as DECIDED
from fhirserver.access.audit.event import Audit
from fhirserver.access.cookies import is_from_elsewhere
from fhirserver.access.smart.authorization_request import Tellable, Untellable
from fhirserver.access.smart.authorizations import Authorizations, Standing
from fhirserver.access.smart.errors import OAuthError
from fhirserver.access.smart.pending import Step
from fhirserver.access.smart.people import SignedIn
from fhirserver.access.smart.server import AuthorizationServer
from fhirserver.rest.smart.forms import pairs_of, read_pairs
from fhirserver.rest.smart.noting import Note
from fhirserver.rest.smart.pages import (
    AUTHORIZE,
    CANCEL,
    CONSENT,
    CONTINUE,
    ENCOUNTER,
    PATIENT,
    Pages,
    SignIns,
    page_of,
)
from fhirserver.rest.smart.replies import PRIVATE

_COOKIE = "credence_app"
_SECONDS = 3600
_NO_FRAMES = {"Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY"}


class Form:
    """A form that a page posted, in a browser, while somebody is signed in."""

    def __init__(self, pairs: Sequence[tuple[str, str]], browser: str, user: SignedIn | None):
        self._pairs, self.browser, self.user = pairs, browser, user

    def one(self, name: str) -> str:
        """The field of a name; empty where there is none."""
        return next((value for one, value in self._pairs if one == name), "")

    def all(self, name: str) -> list[str]:
        return [value for one, value in self._pairs if one == name]

    @property
    def place(self) -> tuple[str, str, str, SignedIn | None]:
        """Of which authorization it is, from where, by whom: what every decision is told first."""
        return self.one("flow"), self.browser, self.one("form_token"), self.user


Answering = Callable[[Request, Note], Awaitable[Response]]
Picking = Callable[[Form], Awaitable[Standing]]


class Authorizing:
    """The endpoints of browsers."""

    def __init__(self, server: AuthorizationServer, sign_ins: SignIns, pages: Pages, audit: Audit):
        self._authorizations: Authorizations = server.authorizations
        self._secure = server.settings.addresses.issuer.startswith("https:")
        self._sign_ins, self._pages, self._audit = sign_ins, pages, audit

    def routes(self) -> list[Route]:
        return [
            Route(AUTHORIZE, self._guarded(self._begin, AUTHORIZED), methods=["GET", "POST"]),
            Route(CONTINUE, self._guarded(self._continue, DECIDED), methods=["GET"]),
            Route(PATIENT, self._picked(self._pick_patient), methods=["POST"]),
            Route(ENCOUNTER, self._picked(self._pick_encounter), methods=["POST"]),
            Route(CONSENT, self._guarded(self._decide, DECIDED), methods=["POST"]),
            Route(CANCEL, self._guarded(self._cancel, DECIDED), methods=["POST"]),
        ]

    def _guarded(self, answering: Answering, what: str) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint whose errors are told to the app, or to the user where the app cannot be. Decisions and refusals
        are noted as ``what``; a page that is only shown is not."""

        async def guarded(request: Request) -> Response:
            note = Note(self._audit, what, request)
            try:
                answer = await answering(request, note)
            except Tellable as error:
                note.refused(error)
                answer = _sent_to(error.location)
            except (Untellable, OAuthError) as error:
                note.refused(error)
                answer = self._pages.problem(request, 400, error.description)
            if note.says_something:
                note.done(answer.status_code)
            for name, value in {**PRIVATE, **_NO_FRAMES}.items():
                answer.headers.setdefault(name, value)
            return answer

        return guarded

    async def _begin(self, request: Request, note: Note) -> Response:
        posted = request.method == "POST"
        pairs = await pairs_of(request) if posted else read_pairs(request.scope["query_string"])
        asked = dict(pairs)
        note.tell(client_id=asked.get("client_id", ""), scope=asked.get("scope", ""))
        browser = self._browser(request) or secrets.token_urlsafe(32)
        flow = await self._authorizations.begin(pairs, browser)
        answer = _sent_to(f"{CONTINUE}?{urlencode({'flow': flow})}")
        answer.set_cookie(
            self._cookie, browser, _SECONDS, path="/", secure=self._secure, httponly=True, samesite="lax"
        )
        return answer

    async def _continue(self, request: Request, note: Note) -> Response:
        user = await self._sign_ins.of(request)
        flow = request.query_params.get("flow", "")
        standing = await self._authorizations.standing(flow, self._browser(request), user)
        if standing.step is not Step.DONE:
            return await page_of(self._pages, request, standing)
        decided = await self._authorizations.finish(standing)
        note.of_decision(decided, "not asked")
        return _sent_to(decided.location)

    def _picked(self, picking: Picking) -> Callable[[Request], Awaitable[Response]]:
        async def picked(request: Request, note: Note) -> Response:
            standing = await picking(await self._form(request))
            return _sent_to(f"{CONTINUE}?{urlencode({'flow': standing.pending.id})}")

        return self._guarded(picked, DECIDED)

    async def _form(self, request: Request) -> Form:
        if is_from_elsewhere(request.headers):
            raise Untellable(
                "invalid_request", "The form came from another site: go back and reload the page"
            )
        pairs = await pairs_of(request)
        return Form(pairs, self._browser(request), await self._sign_ins.of(request))

    async def _pick_patient(self, form: Form) -> Standing:
        return await self._authorizations.pick_patient(*form.place, form.one("patient"))

    async def _pick_encounter(self, form: Form) -> Standing:
        return await self._authorizations.pick_encounter(*form.place, form.one("encounter"))

    async def _decide(self, request: Request, note: Note) -> Response:
        form = await self._form(request)
        if form.one("decision") != "allow":
            return await self._refuse(form, note)
        decided = await self._authorizations.allow(*form.place, form.all("scope"))
        note.of_decision(decided, "allowed")
        return _sent_to(decided.location)

    async def _cancel(self, request: Request, note: Note) -> Response:
        return await self._refuse(await self._form(request), note)

    async def _refuse(self, form: Form, note: Note) -> Response:
        decided = await self._authorizations.refuse(*form.place)
        note.of_decision(decided, "denied")
        return _sent_to(decided.location)

    @property
    def _cookie(self) -> str:
        """``__Host-``: no other host of the same site can set it."""
        return f"__Host-{_COOKIE}" if self._secure else _COOKIE

    def _browser(self, request: Request) -> str:
        return request.cookies.get(self._cookie, "")


def _sent_to(location: str) -> Response:
    """A redirect by GET, whatever the request was. https://www.rfc-editor.org/rfc/rfc9700#section-4.12"""
    return RedirectResponse(location, 303)
