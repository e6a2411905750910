"""The campaign pages: all of them at a glance, one as it goes on; live by server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from fhirserver.console.campaign_board import CampaignBoard
from fhirserver.console.campaign_view import WORDS, card, people, shown
from fhirserver.console.desk import HEADERS, HOME, Desk, from_htmx, words_of
from fhirserver.console.live import GATHER_SECONDS, LOOK_SECONDS, QUIET_SECONDS, STREAM_SECONDS
from fhirserver.console.sessions import Session
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.campaigns import ACTIONS, Campaigns

PAGE = 100
"""Members on a page of a group."""
_DONE = {
    "pause": "The campaign is paused: nobody is contacted from now on",
    "resume": "The campaign goes on",
    "cancel": "The campaign is cancelled",
}


class CampaignPages:
    """Handlers of the pages; ``ending`` is set when the server is about to stop."""

    def __init__(self, desk: Desk, ending: asyncio.Event):
        self._desk, self._ending = desk, ending
        self._board = CampaignBoard(desk.context.store)

    async def campaigns(self, request: Request, session: Session) -> Response:
        """All campaigns."""
        return await self._all(request, session, "campaigns.html")

    async def fragment(self, request: Request, session: Session) -> Response:
        """The list alone."""
        return await self._all(request, session, "campaigns_list.html")

    async def _all(self, request: Request, session: Session, template: str) -> Response:
        await self._board.refresh()
        cards = [card(self._board, id) for id in self._board.campaigns()]
        return self._desk.page(request, template, session, cards=cards)

    async def campaign(self, request: Request, session: Session) -> Response:
        """One campaign."""
        return await self._one(request, session, "campaign.html")

    async def figures(self, request: Request, session: Session) -> Response:
        """How it is, alone."""
        return await self._one(request, session, "campaign_figures.html")

    async def members(self, request: Request, session: Session) -> Response:
        """Those with one outcome, a page of them."""
        await self._board.refresh()
        id, params = request.path_params["id"], request.query_params
        if id not in self._board.campaigns():
            return self._desk.page(request, "nothing.html", session, 404)
        outcome, tried = params.get("outcome", ""), params.get("tried", "") == "1"
        found = people(self._board, id, outcome, tried)
        told = params.get("page", "1")
        number = max(
            1, min(int(told) if told.isdecimal() and len(told) < 6 else 1, -(-len(found) // PAGE) or 1)
        )
        part = found[(number - 1) * PAGE : number * PAGE]
        return self._desk.page(
            request, "campaign_people.html", session,
            card=card(self._board, id), people=part, count=len(found), number=number, last=-(-len(found) // PAGE),
            outcome=outcome, tried=tried, words=WORDS.get(outcome, outcome.replace("-", " ")),
        )  # fmt: skip

    async def act(self, request: Request, session: Session) -> Response:
        """Pause, resume or cancel, as the operator."""
        id, action = request.path_params["id"], request.path_params["action"]
        if action not in ACTIONS:
            return self._desk.page(request, "nothing.html", session, 404)
        try:
            campaigns: Campaigns | None = request.app.state.campaigns()
            if campaigns is None:
                raise refuse(Category.FORBIDDEN, "forbidden", "The settings want no campaigns here")
            await campaigns.change(id, action, session.principal.name)
        except Refusal as refusal:
            return await self._one(
                request, session, "campaign.html", refusal.category.value, words_of(refusal)
            )
        return RedirectResponse(f"{HOME}/campaigns/{id}?done={action}", 303, HEADERS)

    async def _one(
        self, request: Request, session: Session, template: str, status: int = 200, wrong: str = ""
    ) -> Response:
        await self._board.refresh()
        id = request.path_params["id"]
        if id not in self._board.campaigns():
            return self._desk.page(request, "nothing.html", session, 404)
        done = "" if from_htmx(request) else _DONE.get(request.query_params.get("done", ""), "")
        one = shown(self._board, id)
        return self._desk.page(
            request, template, session, status, one=one, wrong=wrong, done=done, words=WORDS
        )

    # what goes on and on

    async def events(self, request: Request) -> Response:
        """A stream that says when a campaign has changed, for a signed-in operator; 401 for a stranger."""
        if await self._desk.sessions.of(request) is None:
            return Response(status_code=401, headers=HEADERS)
        told = request.headers.get("last-event-id") or request.query_params.get("after", "")
        after = int(told) if told.isdecimal() and len(told) < 19 else self._desk.context.store.head
        stream = self._stream(request, request.path_params.get("id", ""), after)
        return StreamingResponse(stream, media_type="text/event-stream", headers=HEADERS)

    async def _stream(self, request: Request, id: str, after: int) -> AsyncIterator[bytes]:
        """An event for each time that ``id`` (or any campaign, for none) has become another."""
        store, clock = self._desk.context.store, asyncio.get_running_loop().time
        until, silent = clock() + STREAM_SECONDS, clock()
        yield b"retry: 1000\n\n"
        while clock() < until and not self._ending.is_set():
            if await store.wait_beyond(after, LOOK_SECONDS):
                await asyncio.sleep(GATHER_SECONDS)
                await self._board.refresh()
                before, after = after, self._board.position
                changed = self._board.changed
                if (changed.get(id, 0) if id else max(changed.values(), default=0)) > before:
                    silent = clock()
                    yield f"id: {after}\nevent: campaign\ndata: {{}}\n\n".encode()
            elif clock() - silent > QUIET_SECONDS:
                if await request.is_disconnected():
                    return
                silent = clock()
                yield b": still here\n\n"
