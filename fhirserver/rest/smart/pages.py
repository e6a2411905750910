"""What people see of an authorization. The flow is here and in :mod:`fhirserver.access.smart`; pages only render.

Each step is reached at :data:`CONTINUE` with the id of what is in progress as ``flow``, and posts to one of the paths
below, with the fields ``flow`` and ``form_token`` (:attr:`Pending.form_token`), and what was decided:

======================  ===========================================================================
``POST`` to             fields
======================  ===========================================================================
:data:`PATIENT`         ``patient``: the id of a Patient
:data:`ENCOUNTER`       ``encounter``: the id of an Encounter of the patient; empty to go on without
:data:`CONSENT`         ``decision``: ``allow`` or ``deny``; ``scope``, once for each offered scope that stays
:data:`CANCEL`          nothing more: the app is told that the user gave up
======================  ===========================================================================

Signing in is not of the flow: the page posts to wherever its maker likes, who sends the browser to
``CONTINUE?flow=…`` when somebody is signed in.

A page whose form may end in a redirect to the app needs the app's origin in ``form-action`` of its
Content-Security-Policy, as browsers apply that to redirects too: :func:`form_targets` says which.
"""

from __future__ import annotations

from typing import Protocol

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from fhirserver.access.scopes import Scopes
from fhirserver.access.smart.authorizations import Standing
from fhirserver.access.smart.pending import Step
from fhirserver.access.smart.people import SignedIn
from fhirserver.access.smart.redirects import origin_of

AUTHORIZE = "/auth/authorize"
CONTINUE = "/auth/continue"
PATIENT = "/auth/patient"
ENCOUNTER = "/auth/encounter"
CONSENT = "/auth/consent"
CANCEL = "/auth/cancel"


class SignIns(Protocol):
    """Sessions of users."""

    async def of(self, request: Request) -> SignedIn | None:
        """Who is signed in with the browser that made a request, while they may."""
        ...


class Pages(Protocol):
    """The pages of the steps. Each answers a GET of :data:`CONTINUE`."""

    async def sign_in(self, request: Request, standing: Standing) -> Response:
        """Somebody has to sign in: nobody is (:attr:`Step.SIGN_IN`), not recently enough, or it is somebody else than
        the user whom the EHR launched the app for (:attr:`Step.OTHER_USER`)."""
        ...

    async def pick_patient(self, request: Request, standing: Standing) -> Response:
        """``standing.user.patients`` are the only ones to choose from; None: all."""
        ...

    async def pick_encounter(self, request: Request, standing: Standing) -> Response:
        """Of the patient ``standing.pending.patient``."""
        ...

    async def consent(self, request: Request, standing: Standing, offered: Scopes) -> Response:
        """Whether the app may have ``offered``, all or some."""
        ...

    def problem(self, request: Request, status: int, text: str) -> Response:
        """It cannot go on, and the app cannot be told."""
        ...


def form_targets(standing: Standing) -> str:
    """The sources of ``form-action`` for a page of an authorization: this server, and where the app is."""
    uri = standing.pending.redirect_uri
    return f"'self' {origin_of(uri) or uri.partition(':')[0].lower() + ':'}"


class NobodySignsIn:
    """A server without users: apps can only act for themselves (backend services)."""

    async def of(self, request: Request) -> SignedIn | None:
        return None


class NoPages:
    """Says that there are no users here."""

    async def sign_in(self, request: Request, standing: Standing) -> Response:
        return self.problem(request, 501, "Nobody can sign in at this server")

    async def pick_patient(self, request: Request, standing: Standing) -> Response:
        return await self.sign_in(request, standing)

    async def pick_encounter(self, request: Request, standing: Standing) -> Response:
        return await self.sign_in(request, standing)

    async def consent(self, request: Request, standing: Standing, offered: Scopes) -> Response:
        return await self.sign_in(request, standing)

    def problem(self, request: Request, status: int, text: str) -> Response:
        return PlainTextResponse(text, status, {"Cache-Control": "no-store"})


async def page_of(pages: Pages, request: Request, standing: Standing) -> Response:
    """The page of the step that comes next."""
    if standing.step in (Step.SIGN_IN, Step.OTHER_USER):
        return await pages.sign_in(request, standing)
    if standing.step is Step.PATIENT:
        return await pages.pick_patient(request, standing)
    if standing.step is Step.ENCOUNTER:
        return await pages.pick_encounter(request, standing)
    assert standing.user is not None
    offered = standing.pending.offered(standing.client, standing.user)
    return await pages.consent(request, standing, offered)
