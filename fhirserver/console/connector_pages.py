"""The connector pages: all of them at a glance, one with what waits and what failed; live by asking again."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fhirserver.console.connectors import age, failed, status_of, statuses, waiting
from fhirserver.console.desk import HEADERS, HOME, Desk, fields, from_htmx, given, strings, words_of
from fhirserver.console.sessions import Session
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.connectors import ConnectorStatus

STEPS = ("sync", "pause", "resume")
DECISIONS = ("retry", "discard")
_DONE = {
    "sync": "A sync has been asked for",
    "pause": "The connector is being paused",
    "resume": "The connector is being resumed",
    "retry": "Asked to be tried again",
    "discard": "Discarded",
}


class ConnectorPages:
    """Handlers of the connector pages."""

    def __init__(self, desk: Desk):
        self._desk = desk

    async def connectors(self, request: Request, session: Session) -> Response:
        """All connectors."""
        return await self._all(request, session, "connectors.html")

    async def fragment(self, request: Request, session: Session) -> Response:
        """The list alone, asked for again every other second."""
        return await self._all(request, session, "connectors_list.html")

    async def connector(self, request: Request, session: Session) -> Response:
        """One connector."""
        return await self._one(request, session, "connector.html")

    async def state(self, request: Request, session: Session) -> Response:
        """How it is, alone."""
        return await self._one(request, session, "connector_state.html")

    async def step(self, request: Request, session: Session) -> Response:
        """Sync, pause or resume, by the operation of that name."""
        step = request.path_params["step"]
        if step not in STEPS:
            return self._desk.page(request, "nothing.html", session, 403)
        return await self._invoke(request, session, step)

    async def decide(self, request: Request, session: Session) -> Response:
        """Retry or discard dead letters: those that are marked, or all of them."""
        decision = request.path_params["decision"]
        if decision not in DECISIONS:
            return self._desk.page(request, "nothing.html", session, 403)
        sent = await given(request, "task", "reason", "all")
        if not sent["task"] and not sent["all"]:
            return await self._one(request, session, "connector.html", 422, "Mark at least one dead letter")
        tasks = [] if sent["all"] else strings("task", sent["task"])
        return await self._invoke(request, session, decision, *tasks, *strings("reason", sent["reason"]))

    async def rehearse(self, request: Request, session: Session) -> Response:
        """What would be written to the EHR about a resource."""
        id, about = request.path_params["id"], (await fields(request)).get("resource", "").strip()
        given = strings("resource", [about]) if about else []
        try:
            answer = await self._desk.invoke(session, "Endpoint", id, "dry-run", *given)
        except Refusal as refusal:
            words = words_of(refusal)
            return await self._one(request, session, "connector.html", refusal.category.value, words)
        found = [_rehearsed(one) for one in loads(answer.body or b"{}").get("parameter", ())]
        return await self._one(request, session, "connector.html", rehearsed=found, resource=about)

    async def _invoke(
        self, request: Request, session: Session, name: str, *parameters: JsonObject
    ) -> Response:
        id = request.path_params["id"]
        try:
            await self._desk.invoke(session, "Endpoint", id, name, *parameters)
        except Refusal as refusal:
            words, status = words_of(refusal), refusal.category.value
            if (await fields(request)).get("from") == "list":
                return await self._all(request, session, "connectors.html", status, words)
            return await self._one(request, session, "connector.html", status, words)
        if (await fields(request)).get("from") == "list":
            return RedirectResponse(f"{HOME}/connectors?done={name}", 303, HEADERS)
        return RedirectResponse(f"{HOME}/connectors/{id}?done={name}", 303, HEADERS)

    async def _all(
        self, request: Request, session: Session, template: str, status: int = 200, wrong: str = ""
    ) -> Response:
        found = await statuses(self._desk.context)
        done = _DONE.get(request.query_params.get("done", ""), "")
        return self._desk.page(
            request, template, session, status, connectors=found, wrong=wrong, done=done, age=age
        )

    async def _one(
        self,
        request: Request,
        session: Session,
        template: str,
        status: int = 200,
        wrong: str = "",
        **more: object,
    ) -> Response:
        one = await status_of(self._desk.context, request.path_params["id"])
        if one is None:
            return self._desk.page(request, "nothing.html", session, 404)
        more |= await self._lists(request, one) if not from_htmx(request) else {}
        more.setdefault("shown", request.query_params.get("shown", ""))
        done = _DONE.get(request.query_params.get("done", ""), "")
        return self._desk.page(
            request, template, session, status, one=one, wrong=wrong, done=done, age=age, **more
        )

    async def _lists(self, request: Request, one: ConnectorStatus) -> dict[str, object]:
        """What failed and what waits. A cursor that is none begins at the beginning."""
        context, cursor = self._desk.context, request.query_params.get("after", "")
        try:
            letters = await failed(context, one.name, cursor)
        except ValueError:
            letters = await failed(context, one.name)
        return {"letters": letters, "shown": str(letters.total), "waiting": await waiting(context, one.name)}


def _rehearsed(result: JsonObject) -> dict[str, object]:
    """A result of ``$dry-run``, flat: its parts by name, and its units as a list."""
    flat: dict[str, object] = {}
    units: list[dict[str, object]] = []
    for part in result.get("part", ()):
        if part["name"] == "unit":
            units.append({one["name"]: _value(one) for one in part["part"]})
        elif part["name"] != "content":
            flat[part["name"]] = _value(part)
    return {**flat, "units": units}


def _value(part: JsonObject) -> object:
    value = next((value for name, value in part.items() if name.startswith("value")), "")
    return value.get("reference", "") if isinstance(value, dict) else value
