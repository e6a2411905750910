"""A server that speaks the streaming Responses API as far as a telephone brain uses it, with faults on demand.

``python -m tests.model_server_process`` prints its address. Each request uses up one step of ``POST /admin/script``
``{"steps": [...], "forever": false}``:

* ``{"say": text, "calls": [{"name": …, "arguments": {…} or "raw text"}]}``: this is answered,
  with ``pause`` seconds after each word;
* ``{"fault": kind, …}`` with ``429``, ``500``, ``401``, ``slow`` (``seconds`` before anything), ``stall`` (``seconds``
  after the first words), ``cut`` (the connection ends within the answer), ``refusal``, ``incomplete``, ``failed``,
  ``error``, ``garbage`` (no event but noise), ``empty``; what ``say`` has is said before it;
* ``{"plausible": true}``: as without a script, when a small rule-driven model reads prompt and tools and answers as a
  language model would (:mod:`tests.plausible_model`).
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.plausible_model import answer_to

Json = dict[str, Any]
STATUSES = {"429": "rate_limit_exceeded", "500": "server_error", "401": "invalid_api_key"}


class Played:
    """What will be answered, and what was asked."""

    def __init__(self) -> None:
        self.steps: list[Json] = []
        self.forever = False
        self.requests: list[Json] = []

    def next(self, body: Json) -> Json:
        if not self.steps:
            return answer_to(body)
        step = self.steps[0] if self.forever and len(self.steps) == 1 else self.steps.pop(0)
        return answer_to(body) if step.get("plausible") else step


def response(body: Json, output: list[Json], status: str = "completed") -> Json:
    """A Response object."""
    return {
        "id": "resp_1", "object": "response", "created_at": 1, "status": status, "model": body.get("model", ""),
        "output": output, "parallel_tool_calls": False, "tool_choice": "auto", "tools": body.get("tools", []),
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        "error": {"code": "server_error", "message": "simulated"} if status == "failed" else None,
        "usage": {
            "input_tokens": 900, "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": 50, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 950,
        },
    }  # fmt: skip


def message_events(text: str, index: int, refusal: bool = False) -> tuple[list[Json], Json]:
    """The events of one message, and the finished item."""
    kind, name = ("refusal", "refusal") if refusal else ("output_text", "text")
    full: Json = {"type": kind, name: text} | ({} if refusal else {"annotations": []})
    place = {"item_id": f"msg_{index}", "output_index": index, "content_index": 0}
    item: Json = {"type": "message", "id": f"msg_{index}", "role": "assistant", "status": "completed"}
    events: list[Json] = [
        {"type": "response.output_item.added", "output_index": index,
         "item": {**item, "status": "in_progress", "content": []}},
        {"type": "response.content_part.added", **place, "part": {**full, name: ""}},
    ]  # fmt: skip
    words = text.split(" ")
    for number, word in enumerate(words):
        delta = word if number == len(words) - 1 else f"{word} "
        event: Json = {"type": f"response.{kind}.delta", "delta": delta, **place}
        events.append(event if refusal else {**event, "logprobs": []})
    done: Json = {"type": f"response.{kind}.done", name: text, **place}
    events.append(done if refusal else {**done, "logprobs": []})
    events.append({"type": "response.content_part.done", **place, "part": full})
    finished = {**item, "content": [full]}
    events.append({"type": "response.output_item.done", "output_index": index, "item": finished})
    return events, finished


def call_events(call: Json, index: int) -> tuple[list[Json], Json]:
    """The events of one function call, and the finished item."""
    arguments = call["arguments"] if isinstance(call["arguments"], str) else json.dumps(call["arguments"])
    item: Json = {
        "type": "function_call",
        "id": f"fc_{index}",
        "call_id": f"call_{index}",
        "name": call["name"],
    }
    finished = {**item, "arguments": arguments, "status": "completed"}
    place = {"item_id": f"fc_{index}", "output_index": index}
    return [
        {"type": "response.output_item.added", "output_index": index,
         "item": {**item, "arguments": "", "status": "in_progress"}},
        {"type": "response.function_call_arguments.delta", "delta": arguments, **place},
        {"type": "response.function_call_arguments.done", "arguments": arguments, "name": call["name"], **place},
        {"type": "response.output_item.done", "output_index": index, "item": finished},
    ], finished  # fmt: skip


def events_of(body: Json, step: Json) -> list[Json]:
    """All events of an answer, in order."""
    fault = step.get("fault", "")
    began = response(body, [], "in_progress")
    events: list[Json] = [
        {"type": "response.created", "response": began},
        {"type": "response.in_progress", "response": began},
    ]
    output: list[Json] = []
    if step.get("say"):
        more, item = message_events(step["say"], 0)
        events += more
        output.append(item)
    for call in step.get("calls", ()):
        more, item = call_events(call, len(output))
        events += more
        output.append(item)
    if fault == "refusal":
        events += message_events("I cannot help with that.", len(output), refusal=True)[0]
    if fault == "error":
        events.append({"type": "error", "code": "server_error", "message": "simulated", "param": None})
    else:
        status = fault if fault in ("incomplete", "failed") else "completed"
        events.append({"type": f"response.{status}", "response": response(body, output, status)})
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


async def _stream(body: Json, step: Json) -> AsyncIterator[bytes]:
    fault, seconds = step.get("fault", ""), float(step.get("seconds", 1))
    if fault == "slow":
        await asyncio.sleep(seconds)
    if fault == "garbage":
        yield b"event: response.created\ndata: {this is no JSON\n\n"
        return
    events = events_of(body, step)
    if fault == "cut":
        events = events[:-2]
    for event in events:
        yield f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
        if fault == "cut" and event is events[-1]:
            raise ConnectionResetError("simulated cut")
        if event["type"] == "response.output_text.delta":
            await asyncio.sleep(float(step.get("pause", 0)))
        if fault == "stall" and event["type"] == "response.output_text.done":
            await asyncio.sleep(seconds)


async def responses(request: Request) -> Response:
    """``POST /v1/responses``."""
    played: Played = request.app.state.played
    body: Json = await request.json()
    played.requests.append(body)
    step = played.next(body)
    fault = step.get("fault", "")
    if fault in STATUSES:
        error = {"message": "simulated", "type": STATUSES[fault], "code": STATUSES[fault]}
        return JSONResponse({"error": error}, int(fault), {"retry-after-ms": "10"})
    return StreamingResponse(_stream(body, step), media_type="text/event-stream")


async def script(request: Request) -> Response:
    """``POST /admin/script``."""
    played: Played = request.app.state.played
    wanted: Json = await request.json()
    played.steps, played.forever = list(wanted["steps"]), bool(wanted["forever"])
    return JSONResponse({})


async def requests(request: Request) -> Response:
    """``GET`` and ``DELETE /admin/requests``."""
    if request.method == "DELETE":
        request.app.state.played = Played()
    return JSONResponse(request.app.state.played.requests)


def create_app() -> Starlette:
    """The server as an ASGI application."""
    app = Starlette(
        routes=[
            Route("/v1/responses", responses, methods=["POST"]),
            Route("/admin/script", script, methods=["POST"]),
            Route("/admin/requests", requests, methods=["GET", "DELETE"]),
        ]
    )
    app.state.played = Played()
    return app


async def _serve() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(create_app(), lifespan="off", log_level="critical", access_log=False)
    print(f"http://127.0.0.1:{listening.getsockname()[1]}/v1", flush=True)
    await uvicorn.Server(config).serve(sockets=[listening])


if __name__ == "__main__":
    asyncio.run(_serve())
