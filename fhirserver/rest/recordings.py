"""``GET /recordings/{id}.wav``: the sound of a call, for whoever may read its Communication and Media.

``id`` is the id of the Communication; ``Media.content.url`` has this address. A bearer token is needed as for FHIR; a
part may be asked for by a ``Range``.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Router

from fhirserver.access.audit.event import LISTEN, Audit, NoAudit
from fhirserver.access.principals import Principals
from fhirserver.interactions.faults import fault
from fhirserver.interactions.recordings import Listening
from fhirserver.kernel.json import dumps
from fhirserver.kernel.outcomes import Refusal, operation_outcome
from fhirserver.rest.beside import beside

_NOBODY = NoAudit()
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class RecordingRoutes:
    """The endpoint."""

    def __init__(self, listening: Listening, principals: Principals, audit: Audit = _NOBODY):
        self._listening, self._principals, self._audit = listening, principals, audit

    def router(self) -> Router:
        router = Router()
        router.add_route("/recordings/{id}.wav", self._sound, ["GET"], include_in_schema=False)
        return router

    async def _sound(self, request: Request) -> Response:
        principal = None
        try:
            principal = self._principals.authenticate(request.headers.get("authorization"))
            path = await self._listening.file(principal, request.path_params["id"])
        except Refusal as refusal:
            self._audit.note(beside(LISTEN, request, principal, refusal))
            return _refused(refusal)
        except Exception as error:
            return _refused(fault(error))
        self._audit.note(beside(LISTEN, request, principal))
        return FileResponse(path, media_type="audio/wav", headers=HEADERS)


def _refused(refusal: Refusal) -> Response:
    body = dumps(operation_outcome(refusal.issues))
    return Response(body, refusal.category.value, {**HEADERS, **refusal.headers}, "application/fhir+json")
