"""``GET [base]/metadata``, rendered once for each form that is asked for: it is large and open to everybody.

https://hl7.org/fhir/R4/http.html#capabilities
"""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.registry import Handler
from fhirserver.rest.answers import Shape, gzipped, render, wants_gzip

_MOST_FORMS = 8
_OF_THE_EDGE = frozenset({"_format", "_pretty"})


class Capabilities:
    """The CapabilityStatement of a handler, and the last forms it was given in."""

    def __init__(self, handler: Handler):
        self._handler = handler
        self._source = b""
        self._forms: dict[tuple[object, ...], Result] = {}

    async def answer(self, context: Context, request: Request, shape: Shape) -> Result:
        """The statement, or the part that is asked for."""
        result = await self._handler(context, request)
        if any(name not in _OF_THE_EDGE for name, _ in request.params):
            return result
        return await self._form(result, shape)

    async def _form(self, result: Result, shape: Shape) -> Result:
        if result.body is not self._source:
            self._source = result.body
            self._forms.clear()
        compressed = "accept-encoding" in shape.headers and wants_gzip(
            shape, result.body, shape.format.content_type
        )
        key = (shape.format, shape.pretty, compressed)
        if key not in self._forms:
            if len(self._forms) >= _MOST_FORMS:
                self._forms.clear()
            self._forms[key] = await _made(Result(200, result.body), shape, compressed)
        made = self._forms[key]
        return Result(made.status, made.body, dict(made.headers), content_type=made.content_type)


async def _made(result: Result, shape: Shape, compressed: bool) -> Result:
    result.content_type = (await render(result, shape)).decode()
    if compressed:
        result.body = await gzipped(result.body)
        result.headers["Content-Encoding"] = "gzip"
    return result
