"""HTTP below ASGI: what uvicorn refuses by itself is answered as FHIR wants it."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from fhirserver.kernel.json import dumps
from fhirserver.kernel.outcomes import Issue, operation_outcome

_TEXT = (
    "This is not HTTP as it is understood here: an unknown method, a malformed header, or a URL above 64 KiB"
)
_BODY = dumps(operation_outcome([Issue("structure", _TEXT, ("http",))]))


class FhirHttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol, whose refusal of what cannot be parsed (400) is an OperationOutcome."""

    def send_400_response(self, msg: str) -> None:
        """Answer and close; ``msg`` is uvicorn's own text, which says less."""
        head = (
            b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/fhir+json; charset=utf-8\r\n"
            b"content-length: %d\r\nconnection: close\r\n\r\n" % len(_BODY)
        )
        self.transport.write(head + _BODY)
        self.transport.close()
