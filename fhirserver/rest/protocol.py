"""HTTP below ASGI: what uvicorn refuses by itself is answered as FHIR wants it, and heads have limits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from fhirserver.access.audit.event import Event
from fhirserver.kernel.correlation import made
from fhirserver.kernel.json import dumps
from fhirserver.kernel.outcomes import Category, Issue, operation_outcome
from fhirserver.rest.defence import note_issue
from fhirserver.rest.headers import MOST_BYTES
from fhirserver.rest.safe_headers import ALWAYS, HSTS, NO_STORE, POLICY, as_text
from fhirserver.rest.taking import WatchesTaking, leave, visits_of

HEAD_SECONDS = 20.0
"""How long a client may take from connecting, or from the first byte of a request, to the end of its headers."""
LINGER_SECONDS = 1.0
"""How long what still comes is thrown away after a refusal: closing on unread bytes would reset the connection,
and the client might never see the answer."""
LEFTOVER_SECONDS = 30.0
"""How long the rest of a body may still come that was answered before its end, such as one that is too large."""
_HEAD_BYTES = 2 * MOST_BYTES
_TEXT = (
    "This is not HTTP as it is understood here: an unknown method, a malformed header, or a URL above 64 KiB"
)


class FhirHttpProtocol(WatchesTaking, HttpToolsProtocol):
    """uvicorn's protocol with OperationOutcomes for what never becomes a request.

    Answers 400 to what cannot be parsed, 431 to a head that does not end, 408 to one that does not come. Cuts off
    clients that do not take their answers.
    """

    lost: Callable[[], None] | None = None
    """Called when the connection is gone."""
    _head_open = False
    _head_bytes = 0
    _refused = False
    _turned_away = False
    """There were too many connections of its address."""
    _timer: asyncio.TimerHandle | None = None
    _leftover: asyncio.TimerHandle | None = None
    """Runs while a body still comes after its answer."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        super().connection_made(transport)
        visits = visits_of(self.config)
        if visits is not None and self.client and not visits.enter(self.client[0]):
            self._turned_away = True
            transport.abort()
            return
        self._timer = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._stop_watching()
        self._stop_leftover()
        if not self._turned_away:
            leave(self.config, self.client)
        super().connection_lost(exc)
        if self.lost is not None:
            self.lost()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_taking()

    def resume_writing(self) -> None:
        if not self.transport.is_closing():
            self._stop_watching()
        super().resume_writing()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():  # it closes when the client has taken all
            self._watch_taking()
        elif self.cycle.more_body and self.cycle.response_complete:
            self._leftover = self.loop.call_later(LEFTOVER_SECONDS, self.transport.close)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if self._leftover is not None:
            self._stop_leftover()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _stop_leftover(self) -> None:
        if self._leftover is not None:
            self._leftover.cancel()
            self._leftover = None

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._watch_taking()

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        super().data_received(data)
        if self._head_open:  # only where the head did not come in one piece
            self._head_bytes += len(data)
            if self._head_bytes > _HEAD_BYTES:
                text = f"The headers of a request may have {MOST_BYTES} bytes"
                self._refuse(Category.HEADERS_TOO_LARGE, Issue("too-long", text, ("http",)))
            elif self._timer is None:
                self._timer = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._unset_keepalive_if_required()  # the end of a body that was answered already set it
        self._head_open, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        self._head_open = False
        if self._timer is not None:
            self._stop_timer()
        super().on_headers_complete()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        self._timer = None
        text = f"The headers did not come within {HEAD_SECONDS:.0f} seconds"
        self._refuse(Category.TIMEOUT, Issue("timeout", text, ("http",)))

    def send_400_response(self, msg: str) -> None:
        """Answer and close; ``msg`` is uvicorn's own text, which says less."""
        self._refuse(Category.INVALID, Issue("structure", _TEXT, ("http",)))

    def _refuse(self, category: Category, issue: Issue) -> None:
        """Answer and close, where nothing was answered yet."""
        self._stop_timer()
        self._head_open = False
        if self._refused or self.transport.is_closing():
            return
        if category is not Category.INVALID:
            note_issue(category, issue, self.client)
        id = self._noted(category, issue)
        body = dumps(operation_outcome([issue]))
        status = HTTPStatus(category.value)
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/fhir+json; charset=utf-8\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\nx-request-id: {id}\r\n"
            f"{as_text((*ALWAYS, POLICY, NO_STORE, *((HSTS,) if self.scheme == 'https' else ())))}\r\n"
        )
        self.transport.write(head.encode() + body)
        self._refused = True
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)
        self._watch_taking()

    def _noted(self, category: Category, issue: Issue) -> str:
        """Note a refusal for the audit; the number under which it stands there and in the answer."""
        id, audit = made(), getattr(self.config.app, "audit", None)
        if audit is not None:
            address = self.client[0] if self.client else ""
            audit.note(Event("request", status=category.value, issue=issue.code, address=address, request=id))
        return id
