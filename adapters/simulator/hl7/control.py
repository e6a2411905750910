"""The control port: what the EHR has and did, a clerk's hand, and the faults. JSON over HTTP, with a token.

The paths and what they take are in docs/hl7v2-simulator.md.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adapters.simulator.hl7.clerk import Clerk, Json
from adapters.simulator.hl7.faults import FaultPlan, InvalidFaults
from adapters.simulator.hl7.feed import Feed
from adapters.simulator.hl7.hospital import Hospital
from adapters.simulator.hl7.listing import Listing
from adapters.simulator.hl7.reading import Refused
from adapters.simulator.hl7.reception import Desk
from adapters.simulator.hl7.seed import populate

_Endpoint = Callable[[Request], Awaitable[Response]]
_NOT_FOUND = "204"


class Control:
    """The ASGI application is ``app``."""

    def __init__(self, hospital: Hospital, plan: FaultPlan, feed: Feed, desk: Desk):
        self._hospital, self._plan, self._feed, self._desk = hospital, plan, feed, desk
        self._clerk, self._listing = Clerk(hospital), Listing(hospital.books)
        routes: list[tuple[str, str, _Endpoint]] = [
            ("GET", "/admin/faults", self._faults),
            ("POST", "/admin/faults", self._set_faults),
            ("POST", "/admin/reset", self._reset),
            ("GET", "/admin/state", self._state),
            ("POST", "/admin/patients", self._register),
            ("PATCH", "/admin/patients/{mrn}", self._alter),
            ("POST", "/admin/patients/{mrn}/merge", self._merge),
            ("POST", "/admin/appointments", self._book),
            ("PATCH", "/admin/appointments/{filler}", self._change),
            ("DELETE", "/admin/appointments/{filler}", self._end),
            ("GET", "/admin/{table}", self._list),
        ]
        self.app = Starlette(
            routes=[
                Route(path, self._guarded(endpoint), methods=[method]) for method, path, endpoint in routes
            ]
        )

    def _guarded(self, endpoint: _Endpoint) -> _Endpoint:
        expected = f"Bearer {self._hospital.options.token}".encode()

        async def guarded(request: Request) -> Response:
            stated = request.headers.get("authorization", "").encode("latin-1", "replace")
            if not hmac.compare_digest(stated, expected):
                return JSONResponse({"error": "a bearer token is required"}, 401)
            try:
                answer = await endpoint(request)
            except Refused as refused:
                verdict = refused.verdict
                status = 404 if verdict.error == _NOT_FOUND else 409
                return JSONResponse({"error": verdict.text, "code": verdict.own or verdict.error}, status)
            except ValueError as error:
                return JSONResponse({"error": str(error)}, 400)
            self._feed.wake()
            return answer

        return guarded

    async def _list(self, request: Request) -> Response:
        table = request.path_params["table"]
        if table not in self._listing.tables:
            return JSONResponse({"error": f"there are {', '.join(self._listing.tables)}"}, 404)
        return JSONResponse(self._listing.of(table, dict(request.query_params)))

    async def _state(self, request: Request) -> Response:
        return JSONResponse(
            {
                **self._listing.counts(),
                "received": self._desk.received,
                "feed_repeats": self._feed.repeats,
                "feed_repeated": self._feed.repeated,
                "faults": self._plan.as_json(),
            }
        )

    async def _faults(self, request: Request) -> Response:
        return JSONResponse(self._plan.as_json())

    async def _set_faults(self, request: Request) -> Response:
        try:
            self._plan.change(await _body(request))
        except InvalidFaults as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse(self._plan.as_json())

    async def _reset(self, request: Request) -> Response:
        """Everything anew, without faults."""
        self._plan.change({"reset": True})
        self._feed.forget()
        with self._hospital.books.transaction():
            self._hospital.books.empty()
            populate(self._hospital)
        return JSONResponse({})

    async def _register(self, request: Request) -> Response:
        return JSONResponse({"mrn": self._clerk.register(await _body(request))}, 201)

    async def _alter(self, request: Request) -> Response:
        return JSONResponse({"mrn": self._clerk.alter(request.path_params["mrn"], await _body(request))})

    async def _merge(self, request: Request) -> Response:
        body = await _body(request)
        self._clerk.merge(request.path_params["mrn"], str(body.get("into", "")))
        return JSONResponse({})

    async def _book(self, request: Request) -> Response:
        return JSONResponse({"filler": self._clerk.book(await _body(request))}, 201)

    async def _change(self, request: Request) -> Response:
        filler = self._clerk.change(request.path_params["filler"], await _body(request))
        return JSONResponse({"filler": filler})

    async def _end(self, request: Request) -> Response:
        """``?event=S15`` and so on says how."""
        event = request.query_params.get("event", "S15")
        return JSONResponse({"filler": self._clerk.end(request.path_params["filler"], event)})


async def _body(request: Request) -> Json:
    body = json.loads(await request.body() or b"{}")
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")
    return body
