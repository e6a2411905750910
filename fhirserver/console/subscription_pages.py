"""The subscriptions page: how each of them stands, live by asking again; ask a subscriber again, or switch one off."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fhirserver.console.connectors import age
from fhirserver.console.desk import HEADERS, HOME, Desk, words_of
from fhirserver.console.sessions import Session
from fhirserver.console.subscriptions import subscriptions
from fhirserver.kernel.outcomes import Refusal

_STEPS = {"ask-again": "The subscriber is being asked again", "switch-off": "The subscription is off"}


class SubscriptionPages:
    """Handlers of the subscriptions page."""

    def __init__(self, desk: Desk):
        self._desk = desk

    async def subscriptions(self, request: Request, session: Session) -> Response:
        """All Subscriptions."""
        return await self._all(request, session, "subscriptions.html")

    async def fragment(self, request: Request, session: Session) -> Response:
        """The list alone, asked for again every other second."""
        return await self._all(request, session, "subscriptions_list.html")

    async def step(self, request: Request, session: Session) -> Response:
        """Ask again or switch off, by the operation of that name."""
        step, id = request.path_params["step"], request.path_params["id"]
        if step not in _STEPS:
            return self._desk.page(request, "nothing.html", session, 403)
        try:
            await self._desk.invoke(session, "Subscription", id, step)
        except Refusal as refusal:
            words = words_of(refusal)
            return await self._all(request, session, "subscriptions.html", refusal.category.value, words)
        return RedirectResponse(f"{HOME}/subscriptions?done={step}", 303, HEADERS)

    async def _all(
        self, request: Request, session: Session, template: str, status: int = 200, wrong: str = ""
    ) -> Response:
        after = request.query_params.get("after", "")
        try:
            listed = await subscriptions(self._desk.context, after)
        except ValueError:
            return self._desk.page(request, "nothing.html", session, 404)
        done = _STEPS.get(request.query_params.get("done", ""), "")
        return self._desk.page(
            request, template, session, status, listed=listed, after=after, wrong=wrong, done=done, age=age
        )
