"""``python -m agent.simulator.town --auth-token T --webhook http://…/telephony/voice --log FILE --people FILE``.

Twilio's REST API (calls, messages) for a whole town; prints its address. ``--people`` is a JSON list
(:func:`agent.simulator.town.people.townsman`); every other number is no longer in service. ``CREDENCE_CLOCK`` says how
fast the day goes by. With ``--lost 0.01`` one answer in a hundred is lost after what was asked for has been done.
``GET /admin/standing`` counts contacts and what is still going on. ``POST /admin/hold`` with ``{"when": "before"}`` (or
``"after"``) leaves the next contact that is asked for without an answer: before anything has come of it, or after.
Whoever asked can then be killed between its word and its deed; ``"held"`` in the standing says that it is so.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import secrets
import socket
from collections import Counter
from collections.abc import Coroutine
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agent.simulator.carrier import Line
from agent.simulator.rest_api import Dropped, let_in, refused
from agent.simulator.town.calls import TownCalls, order_in
from agent.simulator.town.contact_log import ContactLog
from agent.simulator.town.people import Townsman, townsman
from agent.simulator.town.texts import TownTexts
from fhirserver.kernel import wall

_ACCOUNT = "/2010-04-01/Accounts/{account}"
_OPTED_OUT = 21610
_HELD_SECONDS = 30


class Town:
    """The API, and everybody's telephones."""

    def __init__(self, line: Line, log: ContactLog, people: list[Townsman], lost: float, seed: int):
        limits = httpx.Limits(max_connections=None)
        self._client = httpx.AsyncClient(timeout=httpx.Timeout(15), limits=limits, trust_env=False)
        self._log, self._lost, self._chance = log, lost, random.Random(seed)  # noqa: S311  (chance of a drill)
        self._by_number = {one.number: one for one in people}
        self._calls = TownCalls(line, self._client, log)
        self._texts = TownTexts(line, self._client, log)
        self._going_on: set[asyncio.Task[None]] = set()
        self._counts: Counter[str] = Counter()
        self._later: set[str] = set()
        self._hold, self._held = "", 0

    def routes(self) -> list[Route]:
        return [
            Route(f"{_ACCOUNT}/Calls.json", self._call, methods=["POST"]),
            Route(f"{_ACCOUNT}/Calls.json", self._list, methods=["GET"]),
            Route(_ACCOUNT + "/Calls/{sid}/Events.json", self._events, methods=["GET"]),
            Route(_ACCOUNT + "/Calls/{sid}.json", self._one, methods=["GET"]),
            Route(f"{_ACCOUNT}/Messages.json", self._message, methods=["POST"]),
            Route(f"{_ACCOUNT}/Messages.json", self._list_messages, methods=["GET"]),
            Route("/admin/standing", self._standing, methods=["GET"]),
            Route("/admin/people", self._people, methods=["POST"]),
            Route("/admin/hold", self._hold_next, methods=["POST"]),
        ]

    async def _call(self, request: Request) -> Response:
        sent = await request.form()
        form = {name: [str(value) for value in sent.getlist(name)] for name in sent}
        if not let_in(request):
            return refused(401, 20003)
        if self._holds("before"):
            return await self._unanswered(request)
        who, sid = self._who(form.get("To", [""])[0], "failed"), f"CA{secrets.token_hex(16)}"
        order = order_in(form.get("Url", []) + form.get("StatusCallback", []))
        self._log.note("called", who.number, sid=sid, order=order)
        made = self._resource(request, sid, form)
        self._calls.records[sid] = made
        self._counts["called"] += 1
        self._begin(self._calling(sid, form, who))
        return await self._unanswered(request) if self._holds("after") else self._answer(made)

    async def _calling(self, sid: str, form: dict[str, list[str]], who: Townsman) -> None:
        await self._calls.made(sid, form, who)
        if who.call == "later" and who.number not in self._later:
            self._later.add(who.number)
            await asyncio.sleep(wall.waiting(who.answers_after))
            await self._calls.back(who)

    async def _message(self, request: Request) -> Response:
        sent = await request.form()
        form = {name: [str(value) for value in sent.getlist(name)] for name in sent}
        if not let_in(request):
            return refused(401, 20003)
        if self._holds("before"):
            return await self._unanswered(request)
        who, sid = self._who(form.get("To", [""])[0], "undelivered"), f"SM{secrets.token_hex(16)}"
        callback = form.get("StatusCallback", [""])[0]
        body, answers = form.get("Body", [""])[0], self._texts.answers(who.number)
        order = order_in([callback])
        self._log.note(
            "answer" if answers and not order else "texted", who.number, sid=sid, order=order, body=body
        )
        self._counts["answer" if answers and not order else "texted"] += 1
        if who.number in self._texts.blocked:
            return refused(400, _OPTED_OUT)
        made = self._texts.records[sid] = self._resource(request, sid, form)
        self._begin(self._texts.sent(sid, who, body, callback))
        if self._holds("after"):
            return await self._unanswered(request)
        return self._answer(made)

    def _who(self, number: str, fate: str) -> Townsman:
        """Who has the number; one that nobody has is out of service."""
        return self._by_number.get(number) or Townsman(number, call="failed", text="undelivered")

    def _resource(self, request: Request, sid: str, form: dict[str, list[str]]) -> dict[str, Any]:
        now = format_datetime(datetime.fromtimestamp(wall.seconds(), UTC))
        return {
            "sid": sid,
            "account_sid": request.path_params["account"],
            "to": form.get("To", [""])[0],
            "from": form.get("From", [""])[0],
            "status": "queued",
            "date_created": now,
            "start_time": now,
            "date_sent": now,
            "body": form.get("Body", [""])[0],
        }

    def _answer(self, made: dict[str, Any]) -> Response:
        return Dropped() if self._chance.random() < self._lost else JSONResponse(made, status_code=201)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._going_on.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._going_on.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._counts[f"trouble: {type(error).__name__}"] += 1

    async def _list(self, request: Request) -> Response:
        return _listed(request, "calls", self._calls.records, "StartTime>")

    async def _list_messages(self, request: Request) -> Response:
        return _listed(request, "messages", self._texts.records, "DateSent>")

    async def _events(self, request: Request) -> Response:
        """What we were asked about a call: its addresses, once they were asked."""
        if not let_in(request):
            return refused(401, 20003)
        asked = self._calls.asked.get(request.path_params["sid"], ())
        events = [{"request": {"url": url, "method": "POST"}, "response": {}} for url in asked]
        return JSONResponse({"events": events, "page": 0, "page_size": 50, "next_page_uri": None})

    async def _one(self, request: Request) -> Response:
        made = self._calls.records.get(request.path_params["sid"])
        if not let_in(request) or made is None:
            return refused(404, 20404)
        return JSONResponse(made)

    def _holds(self, when: str) -> bool:
        """Whether this one is the one to be left without an answer."""
        if self._hold != when:
            return False
        self._hold = ""
        return True

    async def _unanswered(self, request: Request) -> Response:
        """Nothing, for as long as whoever asked is there."""
        self._held += 1
        for _ in range(_HELD_SECONDS * 20):
            if await request.is_disconnected():
                break
            await asyncio.sleep(0.05)
        return Dropped()

    async def _hold_next(self, request: Request) -> Response:
        self._hold = str((await request.json())["when"])
        return Response(status_code=204)

    async def _standing(self, request: Request) -> Response:
        return JSONResponse({"going_on": len(self._going_on), "held": self._held, **self._counts})

    async def _people(self, request: Request) -> Response:
        told = [townsman(one) for one in await request.json()]
        self._by_number |= {one.number: one for one in told}
        return Response(status_code=204)


def _listed(request: Request, name: str, records: dict[str, dict[str, Any]], since: str) -> Response:
    """Those to a number since a time, the newest first."""
    if not let_in(request):
        return refused(401, 20003)
    to, after = request.query_params.get("To", ""), request.query_params.get(since, "")
    found = [one for one in reversed(records.values()) if not to or one["to"] == to]
    if after:
        first = datetime.fromisoformat(after)
        first = first if first.tzinfo else first.replace(tzinfo=UTC)
        found = [one for one in found if parsedate_to_datetime(one["date_created"]) >= first]
    return JSONResponse({name: found[:50], "page": 0, "page_size": 50, "next_page_uri": None})


async def _serve(given: argparse.Namespace) -> None:
    people = [townsman(one) for one in json.loads(given.people.read_text())] if given.people else []
    line = Line(given.webhook, given.auth_token, number=given.number, account=given.account)
    town = Town(line, ContactLog(given.log), people, given.lost, given.seed)
    with socket.create_server(("127.0.0.1", given.port), backlog=1024) as listener:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        config = uvicorn.Config(Starlette(routes=town.routes()), log_level="critical", lifespan="off")
        await uvicorn.Server(config).serve(sockets=[listener])


def main() -> None:
    """Serve on loopback until ended."""
    parser = argparse.ArgumentParser(prog="agent.simulator.town")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--auth-token", required=True, help="signs what is told")
    parser.add_argument("--webhook", default="http://127.0.0.1:8090/telephony/voice")
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--people", type=Path)
    parser.add_argument("--number", default="+15555550100")
    parser.add_argument("--account", default="AC" + "0" * 32)
    parser.add_argument("--lost", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=1)
    if wall.PROBLEM:
        parser.error(wall.PROBLEM)
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
