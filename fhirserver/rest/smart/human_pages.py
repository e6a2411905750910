"""The pages of an authorization: sign in, pick a patient, pick an encounter, consent, and what went wrong."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from fhirserver.access.browser_sessions import form_token
from fhirserver.access.scopes import Scopes
from fhirserver.access.smart.authorizations import Standing
from fhirserver.access.smart.clients import REGISTRATION
from fhirserver.access.smart.pending import Step
from fhirserver.access.smart.people import SignedIn
from fhirserver.rest.smart.consent_words import consent
from fhirserver.rest.smart.look import Look
from fhirserver.rest.smart.noting import comes_from
from fhirserver.rest.smart.pages import form_targets
from fhirserver.rest.smart.patient_rows import Choices
from fhirserver.rest.smart.sign_in import SigningIn
from fhirserver.rest.smart.visitors import Visitors


class HumanPages:
    """See :class:`fhirserver.rest.smart.pages.Pages`."""

    def __init__(self, look: Look, signing_in: SigningIn, visitors: Visitors, choices: Choices):
        self._look, self._signing_in, self._visitors, self._choices = look, signing_in, visitors, choices

    async def sign_in(self, request: Request, standing: Standing) -> Response:
        return self._signing_in.page(
            request,
            standing.pending.id,
            targets=form_targets(standing),
            app=standing.client.name,
            other_user=standing.step is Step.OTHER_USER,
        )

    async def pick_patient(self, request: Request, standing: Standing) -> Response:
        user = _looking(request, standing)
        text = request.query_params.get("q", "").strip()
        listed = await self._choices.patients(user, text)
        any_patient = user.patients is None
        return await self._page(
            request, "patient.html", standing, listed=listed, text=text, any_patient=any_patient
        )

    async def pick_encounter(self, request: Request, standing: Standing) -> Response:
        patient, user = standing.pending.patient, _looking(request, standing)
        return await self._page(
            request,
            "encounter.html",
            standing,
            patient=await self._choices.patient(user, patient),
            encounters=await self._choices.encounters(user, patient),
        )

    async def consent(self, request: Request, standing: Standing, offered: Scopes) -> Response:
        chosen = standing.pending.patient
        patient = await self._choices.patient(_looking(request, standing), chosen) if chosen else None
        return await self._page(
            request,
            "consent.html",
            standing,
            asked=consent(offered),
            patient=patient,
            visit=standing.pending.encounter,
            back_to=_place(standing.pending.redirect_uri),
            home=_place(standing.client.client_uri),
            unchecked=standing.client.made_by == REGISTRATION,
        )

    def problem(self, request: Request, status: int, text: str) -> Response:
        return self._look.page(request, "problem.html", status, text=text)

    async def _page(self, request: Request, name: str, standing: Standing, **values: Any) -> Response:
        session = await self._visitors.session(request)
        return self._look.page(
            request,
            name,
            targets=form_targets(standing),
            app=standing.client.name,
            user=standing.user,
            flow=standing.pending.id,
            form_token=standing.pending.form_token,
            session_token=form_token(session[1].id) if session else "",
            **values,
        )


def _looking(request: Request, standing: Standing) -> SignedIn:
    """Who looks at a page of somebody's record; what is read for it is noted with where they are."""
    assert standing.user is not None, "pages with records come after the sign-in"
    comes_from(request)
    return standing.user


def _place(uri: str) -> str:
    """Whose page an address is: its host, or its scheme for an app that is no page of the web."""
    parts = urlsplit(uri)
    return parts.netloc if parts.scheme in ("http", "https") else parts.scheme
