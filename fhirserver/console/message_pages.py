"""The HL7v2 message pages: what failed, what was received, one message with its fields; fix it and try it again."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fhirserver.console.desk import HEADERS, HOME, Desk, fields
from fhirserver.console.sessions import Session
from fhirserver.kernel.instants import instant
from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.messages import Messages, ReceivedMessage

_HOUR = len("2026-11-28T15")
_SHOWN = 200
"""Messages on a page: the latest."""


class MessagePages:
    """Handlers of the message pages."""

    def __init__(self, desk: Desk):
        self._desk = desk

    @property
    def _messages(self) -> Messages | None:
        return self._desk.context.messages

    async def messages(self, request: Request, session: Session) -> Response:
        """Open failures, and what a listener took in within an hour or under a control id."""
        if self._messages is None:
            return self._desk.page(request, "nothing.html", session, 404)
        return await self._list(request, session, "messages.html")

    async def fragment(self, request: Request, session: Session) -> Response:
        """The lists alone, asked for again."""
        if self._messages is None:
            return self._desk.page(request, "nothing.html", session, 404)
        return await self._list(request, session, "messages_list.html")

    async def message(self, request: Request, session: Session) -> Response:
        """One message."""
        return await self._one(request, session)

    async def decide(self, request: Request, session: Session) -> Response:
        """Try a failure again, as it is in the form now, or close it with a reason."""
        one = await self._found(request)
        if one is None or self._messages is None:
            return self._desk.page(request, "nothing.html", session, 404)
        sent, who = await fields(request), session.principal.name
        if request.path_params["decision"] == "close":
            reason = sent.get("reason", "").strip()
            if not reason:
                return await self._one(request, session, 422, "Say why nothing more needs to be done")
            await self._messages.close(one, reason, who)
            return RedirectResponse(f"{HOME}/messages?listener={one.listener}", 303, HEADERS)
        return await self._retry(request, session, one, sent.get("text", ""))

    async def _retry(self, request: Request, session: Session, one: ReceivedMessage, text: str) -> Response:
        assert self._messages is not None
        anatomy = await self._messages.anatomy(one)
        as_it_was = anatomy is not None and _lines(anatomy.text) == _lines(text)
        try:
            answer = await self._messages.retry(one, None if as_it_was else text, session.principal.name)
        except Refusal as refusal:
            words = "; ".join(issue.diagnostics for issue in refusal.issues)
            return await self._one(request, session, refusal.category.value, words, text)
        if answer.code != "AA":
            words = f"Not taken in: {answer.code} {answer.text}".rstrip()
            return await self._one(request, session, 422, words, text)
        return RedirectResponse(f"{HOME}/messages?listener={one.listener}&done=1", 303, HEADERS)

    async def _found(self, request: Request) -> ReceivedMessage | None:
        return await self._messages.entry(request.path_params["key"]) if self._messages else None

    async def _one(
        self, request: Request, session: Session, status: int = 200, wrong: str = "", text: str = ""
    ) -> Response:
        one = await self._found(request)
        if one is None or self._messages is None:
            return self._desk.page(request, "nothing.html", session, 404)
        anatomy = await self._messages.anatomy(one)
        return self._desk.page(
            request, "message.html", session, status, one=one, anatomy=anatomy, wrong=wrong, edited=text
        )

    async def _list(self, request: Request, session: Session, template: str) -> Response:
        assert self._messages is not None
        listeners = await self._messages.listeners()
        asked = request.query_params
        listener = asked.get("listener", "") or next(iter(listeners), "")
        since = asked.get("since", "") or instant(self._desk.context.clock.now())[:_HOUR]
        control = asked.get("control", "").strip()
        if control:
            received = await self._messages.by_control_id(listener, control)
        else:
            received = await self._messages.received(listener, since) if len(since) >= _HOUR else []
        return self._desk.page(
            request,
            template,
            session,
            listeners=listeners,
            listener=listener,
            since=since,
            control=control,
            failures=await self._messages.failures(),
            received=list(reversed(received))[:_SHOWN],
            total=len(received),
            done=asked.get("done", ""),
        )


def _lines(text: str) -> list[str]:
    """The segments of a message, however a browser ends lines."""
    return [line for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n") if line]
