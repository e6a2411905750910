"""``GET [base]/metadata``, rendered once for each form that is asked for: it is large and open to everybody.

https://hl7.org/fhir/R4/http.html#capabilities
"""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.registry import Handler
from fhirserver.interactions.subset import subset_params, subset_version
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.rest.answers import Shape, gzipped, render, wants_gzip

_MOST_FORMS = 8


class Capabilities:
    """The CapabilityStatement of a handler, and the last forms it was given in."""

    def __init__(self, handler: Handler):
        self._handler = handler
        self._source = b""
        self._forms: dict[tuple[object, ...], Result] = {}

    async def answer(self, context: Context, request: Request, shape: Shape) -> Result:
        """The statement; ``_summary`` and ``_elements`` are cut from it. Refuses (400) other parameters."""
        params = [pair for pair in request.params if not _is_mode(*pair)]
        subset = subset_params("CapabilityStatement", params, request.lenient)
        result = await self._handler(context, request)
        if not subset.whole:
            body = subset_version(result.body, "CapabilityStatement", subset)
            return Result(result.status, body, result.headers)
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


def _is_mode(name: str, value: str) -> bool:
    """``mode=full`` is what is served; the other modes are refused."""
    if name != "mode":
        return False
    if value != "full":
        text = "metadata is served with mode=full"
        raise refuse(Category.INVALID, "not-supported", text, "http.mode")
    return True
