"""What is refused at ``/platform``, as a problem (https://www.rfc-editor.org/rfc/rfc9457)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from fhirserver.interactions.faults import fault
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Refusal
from fhirserver.rest.problem import PROBLEM, described, problem_body

HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
MEDIA_TYPE = PROBLEM


def problem(
    status: int, title: str, errors: Sequence[JsonObject] = (), headers: Mapping[str, str] | None = None
) -> Response:
    """``errors``: each with ``pointer`` (where, as a JSON Pointer or a parameter's name) and ``detail``."""
    return Response(described(status, title, errors), status, {**HEADERS, **(headers or {})}, MEDIA_TYPE)


def of_refusal(refusal: Refusal) -> Response:
    """Its first issue as the title; what has a place, with it."""
    headers = {**HEADERS, **refusal.headers}
    return Response(problem_body(refusal), refusal.category.value, headers, MEDIA_TYPE)


def answer_problems(web: FastAPI) -> None:
    """Have everything that is refused there answered so."""

    @web.exception_handler(Refusal)
    async def refused(request: Request, refusal: Refusal) -> Response:
        return of_refusal(refusal)

    @web.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        errors = [{"pointer": _pointer(one["loc"]), "detail": one["msg"]} for one in error.errors()]
        return problem(400 if _is_no_json(error) else 422, "The request is not as it is described", errors)

    @web.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        return problem(error.status_code, str(error.detail), (), error.headers)

    @web.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> Response:
        return of_refusal(fault(error))


def _pointer(location: Sequence[Any]) -> str:
    """``("body", "name", 0)`` as ``/name/0``; of a parameter its name."""
    place, *rest = location or ("",)
    return "/" + "/".join(map(str, rest)) if place == "body" else ".".join(map(str, rest))


def _is_no_json(error: RequestValidationError) -> bool:
    return any(one["type"] == "json_invalid" for one in error.errors())
