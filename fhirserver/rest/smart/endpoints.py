"""The endpoints of apps and services: token, revocation, introspection, user info, registration, launches."""

from __future__ import annotations

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fhirserver.access.audit.event import INTROSPECT, REGISTER, REVOKE, TOKEN, USERINFO, Audit
from fhirserver.access.principals import Principal, Principals
from fhirserver.access.smart.clients import Client
from fhirserver.access.smart.errors import OAuthError, invalid_client, invalid_request
from fhirserver.access.smart.launches import Launch, launch_of_request
from fhirserver.access.smart.redirects import with_parameters
from fhirserver.access.smart.server import AuthorizationServer
from fhirserver.rest.smart.forms import fields_of, json_of
from fhirserver.rest.smart.noting import note_of
from fhirserver.rest.smart.replies import PRIVATE, Endpoint, answering, from_anywhere, reply

_POST = "POST"
LAUNCH = "launch"
"""What is noted of a launch context that is made."""


class Endpoints:
    """``principals`` are those of the whole server: operators introspect, and EHRs launch, with their tokens."""

    def __init__(self, server: AuthorizationServer, principals: Principals, audit: Audit):
        self._server, self._principals, self._audit = server, principals, audit

    def routes(self) -> list[Route]:
        """All but user info and registration are asked by POST alone; web pages of all places may ask where apps of
        the browser do."""
        return [
            self._route("/auth/token", self._token, TOKEN),
            self._route("/auth/revoke", self._revoke, REVOKE),
            self._route("/auth/introspect", self._introspect, INTROSPECT),
            self._route("/auth/userinfo", self._userinfo, USERINFO, "GET, POST"),
            self._route("/auth/register", self._register, REGISTER),
            self._route("/auth/register/{id}", self._registration, REGISTER, "GET, PUT, DELETE"),
            Route("/auth/launches", answering(self._launch, LAUNCH, self._audit), methods=[_POST]),
        ]

    def _route(self, path: str, endpoint: Endpoint, what: str, methods: str = _POST) -> Route:
        opened = from_anywhere(answering(endpoint, what, self._audit), methods)
        return Route(path, opened, methods=[*methods.split(", "), "OPTIONS"])

    async def _token(self, request: Request) -> Response:
        """https://www.rfc-editor.org/rfc/rfc6749#section-3.2"""
        form, note = await fields_of(request), note_of(request)
        note.asks(form)
        issued = await self._server.endpoint.issue(_authorization(request), form)
        note.of_grant(issued.grant, issued.told["scope"])
        return reply(issued.told)

    async def _revoke(self, request: Request) -> Response:
        """https://www.rfc-editor.org/rfc/rfc7009: 200 whatever the token was."""
        form, note = await fields_of(request), note_of(request)
        note.asks(form)
        client = await self._server.authentication.client(_authorization(request), form)
        note.by_client(client.id)
        note.tell(ended=await self._server.introspection.revoke(_token_of(form), client))
        return Response(status_code=200, headers=PRIVATE)

    async def _introspect(self, request: Request) -> Response:
        """https://www.rfc-editor.org/rfc/rfc7662"""
        form = await fields_of(request)
        note_of(request).asks(form)
        client = await self._asking(request, form)
        return reply(await self._server.introspection.introspect(_token_of(form), client))

    async def _asking(self, request: Request, form: dict[str, str]) -> Client | None:
        """The confidential client that asks; None: an operator. Raises OAuthError."""
        authorization = _authorization(request)
        if authorization.lower().startswith("bearer "):
            principal = self._principals.authenticate(authorization)
            note_of(request).by_principal(principal)
            if principal.client:
                return await self._client_of(principal)
            if not principal.may("operator"):
                raise OAuthError("insufficient_scope", "The role operator is needed", 403)
            return None
        client = await self._server.authentication.client(authorization, form)
        note_of(request).by_client(client.id)
        if not client.is_confidential:
            raise invalid_client("Only who can prove who it is may introspect")
        return client

    async def _client_of(self, principal: Principal) -> Client:
        client = await self._server.clients.find(principal.client)
        if client is None or not client.introspects:
            raise OAuthError("insufficient_scope", "The client may not introspect by a bearer token", 403)
        return client

    async def _userinfo(self, request: Request) -> Response:
        """https://openid.net/specs/openid-connect-core-1_0.html#UserInfo"""
        told = await self._server.userinfo.of(_bearer(request))
        note_of(request).of_grant(told.grant, told.scope)
        return reply(told.claims)

    async def _register(self, request: Request) -> Response:
        """https://www.rfc-editor.org/rfc/rfc7591#section-3"""
        told = await self._server.registrations.register(await json_of(request), _bearer(request))
        note_of(request).by_client(told["client_id"])
        note_of(request).tell(client_name=told["client_name"], scope=told["scope"])
        return reply(told, 201)

    async def _registration(self, request: Request) -> Response:
        """https://www.rfc-editor.org/rfc/rfc7592#section-2"""
        id, token, registrations = request.path_params["id"], _bearer(request), self._server.registrations
        note_of(request).tell(client_id=id, method=request.method)
        if request.method == "PUT":
            return reply(await registrations.change(id, token, await json_of(request)))
        if request.method == "DELETE":
            await registrations.remove(id, token)
            return Response(status_code=204, headers=PRIVATE)
        return reply(await registrations.read(id, token))

    async def _launch(self, request: Request) -> Response:
        """A launch context for an app that an EHR, or an operator, is about to start."""
        principal = self._principals.authenticate(request.headers.get("authorization"))
        note_of(request).by_principal(principal)
        await self._check_may_launch(principal)
        launch = await self._in_world(launch_of_request(await json_of(request)))
        client = await self._server.clients.find(launch.client) if launch.client else None
        if launch.client and client is None:
            raise invalid_request("client_id: there is no such client")
        note_of(request).about_patients(launch.patient)
        note_of(request).tell(client_id=launch.client, for_user=launch.user)
        value = await self._server.launches.put(launch)
        told = {"launch": value, "expires_in": self._server.launches.seconds}
        if client is not None and client.launch_uri:
            fhir = self._server.settings.addresses.fhir
            told["url"] = with_parameters(client.launch_uri, {"iss": fhir, "launch": value})
        return reply(told, 201)

    async def _check_may_launch(self, principal: Principal) -> None:
        """Operators may, EHRs with tokens of the settings, and clients that are registered for it."""
        if principal.client:
            client = await self._server.clients.find(principal.client)
            allowed = client is not None and client.launches
        else:
            allowed = principal.may("operator") or principal.source.authoritative
        if not allowed:
            raise OAuthError("insufficient_scope", "Launches are made by EHRs and operators", 403)

    async def _in_world(self, launch: Launch) -> Launch:
        """The launch, where what it names is in the record."""
        world = self._server.world
        if launch.encounter:
            patient = await world.patient_of_encounter(launch.encounter)
            if not patient or launch.patient not in ("", patient):
                raise invalid_request("encounter: there is no such encounter of this patient")
            return replace(launch, patient=patient)
        if launch.patient and not await world.has_patient(launch.patient):
            raise invalid_request("patient: there is no such patient")
        return launch


def _authorization(request: Request) -> str:
    return request.headers.get("authorization", "")


def _bearer(request: Request) -> str:
    scheme, _, token = _authorization(request).partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _token_of(form: dict[str, str]) -> str:
    if "token" not in form:
        raise invalid_request("token is needed")
    return form["token"]
