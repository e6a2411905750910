"""What terminology operations are asked about: a value set, codes."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.read import current
from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.operations.parameters import inputs, one
from fhirserver.ports.terminology import Question, Terminology

Given = dict[str, list[Json]]
_LONGEST_KEY = 64 * 1024


async def service(context: Context) -> Terminology:
    """The terminology service, knowing all that is stored by now, or a refusal where the server has none."""
    if context.terminology is None:
        raise refuse(Category.NOT_SUPPORTED, "not-supported", "This server has no terminology service")
    await context.conformance.catch_up()
    return context.terminology


async def answered(context: Context, request: Request, operation: str, *, aside: bool = False) -> Result:
    """The answer of the terminology service to an operation. ``aside``: it may take long, so that others go on
    meanwhile."""
    terminology = await service(context)
    if request.id:
        await current(context, request.type, request.id)
    key = _key(request)

    def ask() -> Question:
        return question_of(request)

    if aside or terminology.waits:
        return Result(200, await asyncio.to_thread(terminology.answer, operation, key, ask))
    return Result(200, terminology.answer(operation, key, ask))


def _key(request: Request) -> Hashable:
    """Two requests with the same key ask the same; None in a Bundle, where there is no body of its own."""
    body = request.body
    if isinstance(body, dict) or (body is not None and len(body) > _LONGEST_KEY):
        return None
    language = request.headers.get("accept-language", "")
    return request.type, request.id, tuple(request.params), bytes(body or b""), language


def question_of(request: Request) -> Question:
    """What an operation on terminology is asked."""
    instance = f"{request.type}/{request.id}" if request.id else ""
    given = inputs(request)
    return Question(given, instance, request.headers.get("accept-language", ""), request.principal.name)


async def value_set_of(context: Context, request: Request, given: Given) -> str | JsonObject:
    """The value set: that of the URL, the one given as ``valueSet``, or the canonical ``url`` with its version."""
    if request.id:
        await current(context, request.type, request.id)
        return f"{request.type}/{request.id}"
    inline = one(given, "valueSet")
    if isinstance(inline, dict):
        return inline
    url, version = str(one(given, "url", required=True)), one(given, "valueSetVersion")
    return f"{url}|{version}" if version and "|" not in url else url


@dataclass(frozen=True, slots=True)
class Coded:
    """One code to ask about; empty where it was not given. A bare code may be of any system, a Coding is of its own."""

    system: str
    code: str
    version: str = ""
    display: str = ""
    is_coding: bool = False


def codes_of(given: Given, system: str = "system", version: str = "systemVersion") -> list[Coded]:
    """From ``codeableConcept``, ``coding``, or ``code`` with its ``system``, ``systemVersion`` and ``display``."""
    concept, coding = one(given, "codeableConcept"), one(given, "coding")
    if isinstance(concept, dict):
        return [_coding(one) for one in concept.get("coding", ())]
    if isinstance(coding, dict):
        return [_coding(coding)]
    texts = {name: str(one(given, name) or "") for name in (system, version, "display")}
    code = str(one(given, "code", required=True))
    return [Coded(texts[system], code, texts[version], texts["display"])]


def _coding(coding: JsonObject) -> Coded:
    system, code, version, display = (
        str(coding.get(member, "")) for member in ("system", "code", "version", "display")
    )
    return Coded(system, code, version, display, is_coding=True)


def flag(given: Given, name: str) -> bool:
    """A boolean input, also as text of the URL."""
    value = one(given, name)
    if value in (None, False, "false"):
        return False
    if value in (True, "true"):
        return True
    raise refuse(Category.INVALID, "value", f"{name} is true or false", f"http.{name}")
