"""A server that speaks as much of OpenAI's API as Credence uses, as a process of its own, with faults on demand.

``python -m adapters.simulator.openai [--port N]`` prints its address. It has no model: what it answers is scripted.

* ``POST /v1/responses``: the next scripted text; ``stream: true`` sends it as server-sent events. Without a script a
  request for verdicts gets ``doubtful`` for every claim, any other an empty object.
* ``GET /v1/models``, ``GET /v1/models/{id}``: the models of ``PUT /admin/models`` (``{id: {"shutdown_date": …}}``).
* ``GET /v1/realtime`` (a websocket): see :mod:`adapters.simulator.openai_realtime`.
* ``POST /v1/audio/transcriptions``: the next text of ``heard``.
* ``POST /admin/script`` ``{"texts": [...], "faults": [...]}``: answers and faults, used up one for each request. A
  fault is ``{"kind": …}``: ``429`` (``retry_after``), ``500``, ``401``, ``slow`` (``seconds``), ``cut`` (the connection
  ends within the answer), ``malformed`` (no JSON), ``refusal``, ``incomplete``.
* ``GET /admin/requests``: the bodies received, ``DELETE`` forgets all.
* ``POST /admin/realtime``: what the websocket will hear and how it will fail, ``GET``: what it was sent.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute

from adapters.simulator.openai_realtime import Realtime, realtime

Json = dict[str, Any]


class Scripted:
    """What the server will answer, and what it was asked."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.faults: list[Json] = []
        self.requests: list[Json] = []
        names = ("gpt-6-luna", "gpt-live-transcribe", "gpt-transcribe", "gpt-realtime-2.1")
        self.models: dict[str, Json] = {name: {} for name in names}
        self.realtime = Realtime()

    def next_fault(self) -> Json:
        return self.faults.pop(0) if self.faults else {}

    def next_text(self, body: Json) -> str:
        return self.texts.pop(0) if self.texts else _default(body)


def _default(body: Json) -> str:
    if body.get("text", {}).get("format", {}).get("name") != "verdicts":
        return "{}"
    claims = json.loads(body["input"][0]["content"])["claims"]
    doubtful = {"finding": "doubtful", "certainty": 0.5, "reasoning": "No script.", "quotes": []}
    return json.dumps({"verdicts": [{"claim": one["claim"], **doubtful} for one in claims]})


def _response(body: Json, content: list[Json], status: str = "completed") -> Json:
    message = {"type": "message", "id": "msg_1", "role": "assistant", "status": status, "content": content}
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": status,
        "model": body.get("model", ""),
        "output": [message],
        "parallel_tool_calls": False,
        "tool_choice": "auto",
        "tools": [],
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        "usage": {
            "input_tokens": 100,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 20,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 120,
        },
    }


def _text(text: str) -> list[Json]:
    return [{"type": "output_text", "text": text, "annotations": []}]


def _error(status: int, code: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse(
        {"error": {"message": f"simulated {code}", "type": code, "code": code}}, status, headers
    )


async def _cut() -> AsyncIterator[bytes]:
    yield b'{"id": "resp_1", "object": "resp'
    raise ConnectionResetError("simulated cut")


async def _events(answer: Json, text: str) -> AsyncIterator[bytes]:
    started = {**answer, "status": "in_progress", "output": []}
    events: list[Json] = [{"type": "response.created", "response": started}]
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    events += [
        {"type": "response.output_text.delta", "delta": part, "logprobs": [], **place}
        for part in text.split(" ")
    ]
    events.append({"type": "response.completed", "response": answer})
    for number, event in enumerate(events):
        yield f"event: {event['type']}\ndata: {json.dumps({**event, 'sequence_number': number})}\n\n".encode()


async def responses(request: Request) -> Response:
    """``POST /v1/responses``."""
    script: Scripted = request.app.state.script
    body: Json = await request.json()
    script.requests.append(body)
    fault = script.next_fault()
    kind = fault.get("kind", "")
    if kind == "slow":
        await asyncio.sleep(float(fault.get("seconds", 1)))
    refused = _refused(kind, fault, body)
    if refused is not None:
        return refused
    text = "this is no JSON {" if kind == "malformed" else script.next_text(body)
    answer = _response(body, _text(text))
    if body.get("stream"):
        return StreamingResponse(_events(answer, text), media_type="text/event-stream")
    return JSONResponse(answer)


def _refused(kind: str, fault: Json, body: Json) -> Response | None:
    if kind == "429":
        return _error(
            429,
            "rate_limit_exceeded",
            {"retry-after-ms": str(int(1000 * float(fault.get("retry_after", 0.05))))},
        )
    if kind in ("500", "401"):
        return _error(
            int(kind), "server_error" if kind == "500" else "invalid_api_key", {"retry-after-ms": "20"}
        )
    if kind == "cut":
        return StreamingResponse(_cut(), media_type="application/json", headers={"content-length": "4000"})
    if kind == "refusal":
        return JSONResponse(_response(body, [{"type": "refusal", "refusal": "I cannot help with that."}]))
    return (
        JSONResponse(_response(body, _text('{"verdicts": ['), "incomplete")) if kind == "incomplete" else None
    )


async def transcriptions(request: Request) -> Response:
    """``POST /v1/audio/transcriptions``."""
    script: Scripted = request.app.state.script
    form = await request.form()
    fields: Json = {}
    for name, value in form.multi_items():
        fields.setdefault(name, []).append(value if isinstance(value, str) else len(await value.read()))
    script.requests.append(fields)
    fault = script.next_fault()
    if fault.get("kind") == "slow":
        await asyncio.sleep(float(fault.get("seconds", 1)))
    heard = script.realtime.heard
    return _refused(fault.get("kind", ""), fault, {}) or JSONResponse({"text": heard.pop(0) if heard else ""})


async def realtime_script(request: Request) -> Response:
    """``GET`` and ``POST /admin/realtime``."""
    state: Realtime = request.app.state.script.realtime
    if request.method == "POST":
        state.script(await request.json())
    return JSONResponse(state.report())


def _model(name: str, more: Json) -> Json:
    return {"id": name, "object": "model", "created": 1, "owned_by": "openai", **more}


async def models(request: Request) -> Response:
    """``GET /v1/models``."""
    known = request.app.state.script.models
    return JSONResponse({"object": "list", "data": [_model(name, more) for name, more in known.items()]})


async def model(request: Request) -> Response:
    """``GET /v1/models/{id}``."""
    known, name = request.app.state.script.models, request.path_params["id"]
    return JSONResponse(_model(name, known[name])) if name in known else _error(404, "model_not_found")


async def script(request: Request) -> Response:
    """``POST /admin/script``."""
    wanted: Json = await request.json()
    request.app.state.script.texts += wanted.get("texts", [])
    request.app.state.script.faults += wanted.get("faults", [])
    return JSONResponse({})


async def requests(request: Request) -> Response:
    """``GET`` and ``DELETE /admin/requests``."""
    if request.method == "DELETE":
        request.app.state.script = Scripted()
    return JSONResponse(request.app.state.script.requests)


async def set_models(request: Request) -> Response:
    """``PUT /admin/models``."""
    request.app.state.script.models = await request.json()
    return JSONResponse({})


def create_app() -> Starlette:
    """The server as an ASGI application."""
    app = Starlette(
        routes=[
            Route("/v1/responses", responses, methods=["POST"]),
            Route("/v1/models", models),
            Route("/v1/models/{id}", model),
            Route("/v1/audio/transcriptions", transcriptions, methods=["POST"]),
            WebSocketRoute("/v1/realtime", realtime),
            Route("/admin/realtime", realtime_script, methods=["GET", "POST"]),
            Route("/admin/script", script, methods=["POST"]),
            Route("/admin/requests", requests, methods=["GET", "DELETE"]),
            Route("/admin/models", set_models, methods=["PUT"]),
        ]
    )
    app.state.script = Scripted()
    return app


async def _serve(port: int) -> None:
    listening = socket.create_server(("127.0.0.1", port))
    config = uvicorn.Config(
        create_app(), lifespan="off", log_level="critical", access_log=False, ws="websockets-sansio"
    )
    print(f"http://127.0.0.1:{listening.getsockname()[1]}/v1", flush=True)
    await uvicorn.Server(config).serve(sockets=[listening])


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="A scripted server of OpenAI's API.")
    parser.add_argument("--port", type=int, default=0)
    asyncio.run(_serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
