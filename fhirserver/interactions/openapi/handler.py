"""``GET [base]/openapi.json``: the description, for those who may read."""

from __future__ import annotations

import asyncio
from functools import lru_cache

from fhirserver.access.principals import require
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.openapi.document import openapi_document
from fhirserver.interactions.registry import Handler, Registry
from fhirserver.interactions.resources import known_type
from fhirserver.kernel.json import dumps
from fhirserver.kernel.outcomes import Category, Refusal, refuse

MEDIA_TYPE = "application/vnd.oai.openapi+json"


def openapi(registry: Registry, version: str) -> Handler:
    """The handler of ``GET /openapi.json``; ``_type=Patient,Observation`` leaves the other types out."""

    @lru_cache(maxsize=16)
    def described(base_url: str, types: tuple[str, ...] | None) -> bytes:
        return dumps(openapi_document(registry, base_url, version, types))

    async def handler(context: Context, request: Request) -> Result:
        if request.method not in ("GET", "HEAD"):
            raise _by_get()
        require(request.principal, "read")
        body = await asyncio.to_thread(described, context.base_url, asked_types(request))
        return Result(200, body, content_type=MEDIA_TYPE)

    return handler


def asked_types(request: Request) -> tuple[str, ...] | None:
    """The types that ``_type`` names, in order; None for all. Refuses (400) other parameters and types."""
    found: set[str] = set()
    for name, value in request.params:
        if name != "_type":
            text = "The description takes only _type"
            raise refuse(Category.INVALID, "not-supported", text, f"http.{name[:64]}")
        found.update(value.split(","))
    for type in found:
        try:
            known_type(type)
        except Refusal as refusal:
            raise refuse(Category.INVALID, "value", refusal.issues[0].diagnostics, "http._type") from None
    return tuple(sorted(found)) or None


def _by_get() -> Refusal:
    refusal = refuse(Category.NOT_ALLOWED, "not-supported", "openapi.json is read by GET", "http.method")
    refusal.headers["Allow"] = "GET, HEAD"
    return refusal
