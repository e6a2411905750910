"""The pages of the review queue: the list, decisions on what is selected in it, and taking the last one back."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fhirserver.console.decisions import on_items, remembered
from fhirserver.console.desk import HEADERS, HOME, Desk, from_htmx, given
from fhirserver.console.kinds import REASONS
from fhirserver.console.queue_filter import ORDERS, Filter, selected
from fhirserver.console.sessions import LastDecision, Session
from fhirserver.console.sign_in import SignIn

ON_SEVERAL = ("approve", "reject", "claim", "release")


class QueuePages:
    """Handlers of the queue."""

    def __init__(self, desk: Desk, sign_in: SignIn):
        self._desk, self._sign_in = desk, sign_in

    async def queue(self, request: Request) -> Response:
        """What waits for a decision; the sign-in page for a stranger."""
        if await self._desk.sessions.of(request) is None:
            return await self._sign_in.form(request)
        return await self._desk.signed_in(self._whole)(request)

    async def _whole(self, request: Request, session: Session) -> Response:
        return await self._list(request, session, "queue.html")

    async def fragment(self, request: Request, session: Session) -> Response:
        """The list alone; the address becomes that of the page with this list."""
        answer = await self._list(request, session, "queue_list.html")
        query = Filter.of(request.query_params).query()
        answer.headers["HX-Replace-Url"] = f"{HOME}?{query}" if query else HOME
        return answer

    async def decide(self, request: Request, session: Session) -> Response:
        """Approve, reject, hold or give back what is selected."""
        decision = request.path_params["decision"]
        if decision not in ON_SEVERAL:
            return self._desk.page(request, "nothing.html", session, 404)
        sent = await given(request, "item", "reason")
        reason = (sent["reason"] or [""])[0]
        await self._desk.queue.refresh()
        if decision == "reject" and not reason:
            last = LastDecision((), "Nothing rejected", ("A rejection needs a reason",), undoable=False)
        elif not sent["item"]:
            last = LastDecision((), "Nothing is selected", (), undoable=False)
        else:
            first = self._desk.queue.items.get(sent["item"][0])
            outcome = await on_items(self._desk, session, decision, sent["item"], reason)
            last = remembered(outcome, decision, first.about if first else "one item")
        return await self._after(request, last)

    async def undo(self, request: Request, session: Session) -> Response:
        """Take the last decision back."""
        last = session.last
        if last is None or not last.undoable:
            return await self._after(
                request, LastDecision((), "There is nothing to undo", (), undoable=False)
            )
        outcome = await on_items(self._desk, session, "undo", last.items)
        return await self._after(request, remembered(outcome, "undo", last.said))

    async def _after(self, request: Request, last: LastDecision) -> Response:
        await self._desk.sessions.remember(request, last)
        filter = Filter.of(request.query_params)
        if from_htmx(request):
            session = await self._desk.sessions.of(request)
            return (
                await self._list(request, session, "queue_list.html")
                if session
                else Response(status_code=401)
            )
        query = filter.query()
        return RedirectResponse(f"{HOME}?{query}" if query else HOME, 303, HEADERS)

    async def _list(self, request: Request, session: Session, template: str) -> Response:
        await self._desk.queue.refresh()
        filter = Filter.of(request.query_params)
        reviewer = self._desk.reviewer(session)
        shown = await selected(self._desk.queue, filter, reviewer)
        return self._desk.page(
            request,
            template,
            session,
            shown=shown,
            filter=shown.filter,
            orders={name: words for name, (words, _) in ORDERS.items()},
            reasons=REASONS,
            now=reviewer.now,
        )
