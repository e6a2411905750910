"""Twilio's REST API as far as the telephone uses it, as a process: ``python -m agent.simulator.rest_api``.

Prints its address. Keeps what it was asked and gives what it is told to: ``POST /admin/faults`` takes a list of
``{"status": 429, "code": 20429}`` (that answer), ``{"drop": true}`` (does it, and closes without an answer),
one for each request to come; ``GET /admin/requests`` lists the forms received.

``POST /admin/media?account=…`` keeps a picture (the body) and gives the address that a message's ``MediaUrl0`` has.

With ``--auth-token`` those who are called answer (extra ``espeak``): ``POST /admin/callees`` takes a map of numbers to
who answers (:func:`agent.simulator.callee.callee_of`), ``GET /admin/answered`` lists what became of calls. Without,
and for numbers that are not in the map, a call rings for ever and nothing is told of it.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import secrets
import socket
import tempfile
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Message

from agent.channels.script import InvalidScript
from agent.simulator.callee import Callee, callee_of, write_tone
from agent.simulator.carrier import Line
from agent.simulator.outgoing import Callees, OutgoingCarrier
from agent.speech.local.espeak import EspeakSynthesiser, EspeakVoice

_ACCOUNT = "/2010-04-01/Accounts/{account}"


class RestApi:
    """Calls and messages of one account; whoever gives the account's id as name is let in."""

    def __init__(self, callees: Callees | None = None, line: Line | None = None) -> None:
        self._callees, self._line = callees, line
        self._client = httpx.AsyncClient(timeout=httpx.Timeout(15), trust_env=False)
        self._answering: set[asyncio.Task[None]] = set()
        self.answered: list[dict[str, Any]] = []
        self.requests: list[dict[str, Any]] = []
        self.faults: deque[dict[str, Any]] = deque()
        self.calls: list[dict[str, Any]] = []
        self.media: dict[str, tuple[bytes, str]] = {}

    def routes(self) -> list[Route]:
        return [
            Route(f"{_ACCOUNT}/Calls.json", self._call, methods=["POST"]),
            Route(f"{_ACCOUNT}/Calls.json", self._list, methods=["GET"]),
            Route(f"{_ACCOUNT}/Messages.json", self._message, methods=["POST"]),
            Route(f"{_ACCOUNT}/Messages/{{message}}/Media/{{media}}", self._media, methods=["GET"]),
            Route("/admin/media", self._keep_media, methods=["POST"]),
            Route("/admin/requests", self._requests, methods=["GET"]),
            Route("/admin/faults", self._faults, methods=["POST"]),
            Route("/admin/callees", self._set_callees, methods=["POST"]),
            Route("/admin/answered", self._list_answered, methods=["GET"]),
        ]

    async def _call(self, request: Request) -> Response:
        return await self._make(request, "CA", "queued")

    async def _keep_media(self, request: Request) -> Response:
        """A picture for a message to come: the body; the answer has its address for ``MediaUrl0``."""
        name = f"ME{secrets.token_hex(16)}"
        self.media[name] = (await request.body(), request.headers.get("content-type", ""))
        path = f"/2010-04-01/Accounts/{request.query_params.get('account', '')}/Messages/MM{name[2:]}/Media/{name}"
        return JSONResponse({"url": f"https://api.twilio.com{path}"}, 201)

    async def _media(self, request: Request) -> Response:
        """https://www.twilio.com/docs/messaging/api/media-resource"""
        if not let_in(request):
            return JSONResponse({"code": 20003, "status": 401}, 401)
        found = self.media.get(request.path_params["media"])
        if found is None:
            return JSONResponse({"code": 20404, "status": 404}, 404)
        return Response(found[0], media_type=found[1])

    async def _message(self, request: Request) -> Response:
        return await self._make(request, "SM", "queued")

    async def _make(self, request: Request, prefix: str, status: str) -> Response:
        sent = await request.form()
        form = {name: str(value) for name, value in sent.multi_items()}
        self.requests.append({"path": request.url.path, **form})
        fault = self.faults.popleft() if self.faults else {}
        if not let_in(request):
            return refused(401, 20003)
        if "status" in fault:
            return refused(fault["status"], fault.get("code", fault["status"]))
        made = {
            "sid": f"{prefix}{secrets.token_hex(16)}",
            "account_sid": request.path_params["account"],
            "to": form.get("To", ""),
            "from": form.get("From", ""),
            "status": status,
            "date_created": format_datetime(datetime.now(UTC)),
        }
        if prefix == "CA":
            self.calls.append(made)
            self._ring(made, {name: [str(value) for value in sent.getlist(name)] for name in sent})
        return Dropped() if fault.get("drop") else JSONResponse(made, status_code=201)

    def _ring(self, made: dict[str, Any], form: dict[str, list[str]]) -> None:
        """Have the call answered by whoever has the number."""
        callee = self._callees.of(made["to"]) if self._callees is not None else None
        if callee is not None and self._line is not None:
            line = replace(self._line, account=made["account_sid"])
            carrier = OutgoingCarrier(line, self._client, made["sid"], form, callee)
            task = asyncio.create_task(self._answer(carrier, made))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)

    async def _answer(self, carrier: OutgoingCarrier, made: dict[str, Any]) -> None:
        assert self._callees is not None
        result = await self._callees.answer(carrier)
        made["status"] = carrier.told[-1] if carrier.told else "completed"
        self.answered.append({"to": made["to"], "told": carrier.told, **result.as_json()})

    async def _set_callees(self, request: Request) -> Response:
        if self._callees is None:
            return refused(409, 0)
        told = await request.json()
        try:
            self._callees.by_number |= {number: callee_of(one) for number, one in told.items()}
        except InvalidScript as wrong:
            return JSONResponse({"message": str(wrong)}, status_code=400)
        return Response(status_code=204)

    async def _list_answered(self, request: Request) -> Response:
        return JSONResponse(self.answered)

    async def _list(self, request: Request) -> Response:
        if not let_in(request):
            return refused(401, 20003)
        to = request.query_params.get("To", "")
        found = [call for call in reversed(self.calls) if not to or call["to"] == to]
        return JSONResponse({"calls": found, "page": 0, "page_size": 50, "next_page_uri": None})

    async def _requests(self, request: Request) -> Response:
        return JSONResponse(self.requests)

    async def _faults(self, request: Request) -> Response:
        self.faults.extend(await request.json())
        return Response(status_code=204)


class Dropped(Response):
    """Closes the connection in the middle of an answer."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        start: Message = {
            "type": "http.response.start",
            "status": 201,
            "headers": [(b"content-length", b"100")],
        }
        await send(start)
        await send({"type": "http.response.body", "body": b"{", "more_body": False})


def let_in(request: Request) -> bool:
    kind, _, credentials = request.headers.get("authorization", "").partition(" ")
    account = request.path_params["account"]
    return kind == "Basic" and base64.b64decode(credentials).decode().startswith(f"{account}:")


def refused(status: int, code: int) -> Response:
    return JSONResponse({"code": code, "message": "as told", "status": status}, status_code=status)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve on loopback until ended."""
    parser = argparse.ArgumentParser(prog="agent.simulator.rest_api")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--auth-token", default="", help="signs what is told; without one nobody answers")
    parser.add_argument("--webhook", default="http://127.0.0.1:8090/telephony/voice")
    parser.add_argument("--public-url", default="")
    parser.add_argument("--record", type=Path, help="a folder for the sound of calls")
    given = parser.parse_args(arguments)
    line = Line(given.webhook, given.auth_token, given.public_url) if given.auth_token else None
    asyncio.run(serve(given.port, line, given.record))


async def serve(
    port: int, line: Line | None = None, record: Path | None = None, anybody: Callee | None = None
) -> None:
    """Serve on ``port`` of loopback (0: a free one) and print the address. With ``line`` calls are answered."""
    listener = socket.create_server(("127.0.0.1", port))
    with tempfile.TemporaryDirectory(prefix="credence-callees-") as folder:
        async with contextlib.AsyncExitStack() as open:
            callees = None
            if line is not None:
                voice = EspeakSynthesiser(EspeakVoice("en-us+f2", 150, 50))
                await voice.start()
                open.push_async_callback(voice.close)
                tone = write_tone(Path(folder) / "tone.wav")
                callees = Callees(voice, record or Path(folder), tone, anybody=anybody)
            print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
            routes = RestApi(callees, line).routes()
            config = uvicorn.Config(Starlette(routes=routes), log_level="critical", lifespan="off")
            await uvicorn.Server(config).serve(sockets=[listener])


if __name__ == "__main__":
    main()
