"""Live calls: the list in the order in which they press, and one call with what can be done about it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from fhirserver.console.desk import HEADERS, HOME, Desk, fields, from_htmx, words_of
from fhirserver.console.live_calls import HEIGHT, WIDTH, felt, lasted, pressing, ran, talk
from fhirserver.console.sessions import Session
from fhirserver.interactions.live_calls import is_at_its_end, position, stream
from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.live_calls import DISPOSITIONS, MAX_WORDS, LiveCall, LiveCalls

PRIORITIES = {
    "safety_concern": "safety concern",
    "high_risk": "high risk",
    "long_wait": "long wait",
    "negative_emotion": "negative emotion",
    "looping": "goes in circles",
    "asked": "asked for a person",
}


class LiveCallPages:
    """Handlers of the pages; ``ending`` is set when the server is about to stop."""

    def __init__(self, desk: Desk, ending: asyncio.Event):
        self._desk, self._ending = desk, ending

    async def calls(self, request: Request, session: Session) -> Response:
        """All calls."""
        return self._all(request, session, "live.html")

    async def fragment(self, request: Request, session: Session) -> Response:
        """The list alone, asked for again every other second."""
        return self._all(request, session, "live_list.html")

    def _all(self, request: Request, session: Session, template: str) -> Response:
        calls = self._live.calls() if self._live else ()
        now = self._desk.context.clock.now()
        ages = {call.id: lasted((now - call.started).total_seconds()) for call in calls}
        return self._desk.page(
            request, template, session,
            calls=calls, ages=ages, lasted=lasted, pressing=pressing(calls), priorities=PRIORITIES,
        )  # fmt: skip

    async def call(self, request: Request, session: Session) -> Response:
        """One call."""
        return await self._one(request, session, "live_call.html")

    async def talk(self, request: Request, session: Session) -> Response:
        """What was said, alone."""
        return await self._one(request, session, "live_talk.html")

    async def state(self, request: Request, session: Session) -> Response:
        """How it is, alone."""
        return await self._one(request, session, "live_state.html")

    async def doings(self, request: Request, session: Session) -> Response:
        """What can be done, alone."""
        return await self._one(request, session, "live_doings.html")

    async def act(self, request: Request, session: Session) -> Response:
        """What the operator does."""
        id, sent = request.path_params["id"], await fields(request)
        live = self._live
        if live is None:
            return self._desk.page(request, "nothing.html", session, 404)
        try:
            await live.act(
                id,
                request.path_params["action"],
                session.principal.name,
                sent.get("text", ""),
                sent.get("disposition", ""),
            )
        except Refusal as refusal:
            return await self._after(request, session, refusal.category.value, words_of(refusal))
        if from_htmx(request):
            return await self._after(request, session)
        return RedirectResponse(f"{HOME}/live/{id}", 303, HEADERS)

    async def _after(
        self, request: Request, session: Session, status: int = 200, wrong: str = ""
    ) -> Response:
        template = "live_doings.html" if from_htmx(request) else "live_call.html"
        return await self._one(request, session, template, status, wrong)

    async def _one(
        self, request: Request, session: Session, template: str, status: int = 200, wrong: str = ""
    ) -> Response:
        live, id = self._live, request.path_params["id"]
        call = live.call(id) if live else None
        if live is None or call is None:
            return self._desk.page(request, "nothing.html", session, 404)
        events = await live.so_far(id)
        age = lasted((self._desk.context.clock.now() - call.started).total_seconds())
        return self._desk.page(
            request, template, session, status,
            call=call, age=age, lines=talk(events), felt=felt(events), tools=ran(events), wrong=wrong,
            mine=call.holder == session.principal.name, may_speak=may_speak(call, session.principal.name),
            wraps=wraps(call, session.principal.name), dispositions=DISPOSITIONS, most=MAX_WORDS, lasted=lasted,
            priorities=PRIORITIES, width=WIDTH, height=HEIGHT,
        )  # fmt: skip

    # what goes on and on

    async def events(self, request: Request) -> Response:
        """The events of a call for a signed-in operator; 401 for a stranger, 204 where there is nothing more."""
        session, live, id = await self._desk.sessions.of(request), self._live, request.path_params["id"]
        if session is None:
            return Response(status_code=401, headers=HEADERS)
        after = position(request.headers.get("last-event-id") or request.query_params.get("after", ""))
        if live is None or live.call(id) is None or is_at_its_end(live, id, after):
            return Response(status_code=204, headers=HEADERS)
        events = stream(live, id, after, self._ending)
        return StreamingResponse(events, media_type="text/event-stream", headers=HEADERS)

    async def audio(self, request: Request, session: Session) -> Response:
        """The sound of a call from now on; that somebody listens is noted."""
        live, id = self._live, request.path_params["id"]
        try:
            if live is None:
                return Response(status_code=404, headers=HEADERS)
            sound = live.audio(id)
            await live.act(id, "listen", session.principal.name)
        except Refusal as refusal:
            return Response(status_code=refusal.category.value, headers=HEADERS)
        return StreamingResponse(self._until(sound), media_type="audio/wav", headers=HEADERS)

    async def _until(self, sound: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for chunk in sound:
            if self._ending.is_set():
                return
            yield chunk

    @property
    def _live(self) -> LiveCalls | None:
        return self._desk.context.live


def may_speak(call: LiveCall, operator: str) -> bool:
    """Whether an operator may have something said now: in person, or by the agent."""
    return not call.ended and call.holder in ("", operator)


def wraps(call: LiveCall, operator: str) -> bool:
    """Whether an operator may wrap the call up: it has an escalation, and nobody else holds it."""
    return bool(call.stage) and call.stage != "completed" and call.holder in ("", operator)
