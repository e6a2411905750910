"""What terminology operations are asked about: a value set, codes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.read import current
from fhirserver.kernel.json import Json, JsonObject, dumps
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.operations.parameters import inputs, one
from fhirserver.operations.terminology_asked import asked_of, asked_with_kept, languages_of
from fhirserver.ports.terminology import Question, Terminology
from fhirserver.ports.terminology_asked import Asked

Given = dict[str, list[Json]]
_LONGEST_KEY = 64 * 1024
_LARGE = 16 * 1024
"""A body of more bytes is read in a thread."""


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
    asked = await asked_before(context, request)

    def make() -> bytes:
        given = inputs(request)
        languages_of(request, given)
        instance = f"{request.type}/{request.id}" if request.id else ""
        question = Question(given, instance, request.headers.get("accept-language", ""))
        return dumps(terminology.answer(operation, question, asked or asked_of(request, given)))

    return await kept(context, request, operation, make, aside=aside)


async def asked_before(context: Context, request: Request) -> Asked | None:
    """What a request asks whose answer is not kept: it may use what earlier requests brought. None of others, which
    need not be read to be answered."""
    return await asked_with_kept(context, request, inputs(request)) if _key(request, "") is None else None


async def kept(
    context: Context, request: Request, operation: str, make: Callable[[], bytes], *, aside: bool = False
) -> Result:
    """The answer that the same request had before, where nothing has changed since, else what ``make`` gives."""
    terminology, key = await service(context), _key(request, operation)
    aside = aside or len(request.body or b"") > _LARGE

    def known() -> bytes:
        return make() if key is None else terminology.kept(key, make)

    if terminology.waits:
        return Result(200, await asyncio.to_thread(known))
    return Result(200, await context.work.done(known, aside=aside))


def _key(request: Request, operation: str) -> Hashable:
    """Two requests with the same key ask the same. None in a Bundle, where there is no body of its own, and where
    what earlier requests brought is in use."""
    body = request.body or b""
    if isinstance(body, dict) or len(body) > _LONGEST_KEY or b"cache-id" in body:
        return None
    if any(name == "cache-id" for name, _ in request.params):
        return None
    language = request.headers.get("accept-language", "")
    return operation, request.type, request.id, tuple(request.params), bytes(body), language


def value_set_of(request: Request, given: Given) -> str | JsonObject:
    """The value set: that of the URL, the one given as ``valueSet``, or the canonical ``url`` with its version."""
    if request.id:
        return f"{request.type}/{request.id}"
    inline = one(given, "valueSet")
    if isinstance(inline, dict):
        return inline
    url, version = str(one(given, "url", required=True)), one(given, "valueSetVersion")
    return f"{url}|{version}" if version and "|" not in url else url


async def kept_answer(context: Context, request: Request) -> Result | None:
    """What the same request was answered before, where nothing has changed since: it was found in order then, so it
    need not be looked at again."""
    if context.terminology is None or request.id:
        return None
    key = _key(request, request.operation[1:])
    if key is None:
        return None
    await context.conformance.catch_up()
    found = context.terminology.answered(key)
    return None if found is None else Result(200, found)
