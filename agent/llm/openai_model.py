"""The model over OpenAI's Responses API, with its own SDK: a stream of sentences, then the calls.

https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar, cast

from openai import APIError, APIStatusError, AsyncOpenAI, AsyncStream, Omit, omit
from openai.types.responses import (
    FunctionToolParam,
    Response,
    ResponseInputItemParam,
    ResponseInputParam,
    ResponseStreamEvent,
)
from openai.types.shared.reasoning_effort import ReasoningEffort
from openai.types.shared_params import Reasoning

from agent.llm.requests import AskModel, Item, ModelAnswer, ToolCall, ToolSpec, Words
from agent.llm.sentences import Splitter
from agent.requests import Request
from agent.results import Failed, Result

log = logging.getLogger("credence.llm")

LONGEST_ANSWER = 4000
"""Characters after which an answer that does not end is given up."""
MOST_CALLS = 8
_ROLES = {"caller": "user", "agent": "assistant", "note": "developer"}
Events: TypeAlias = AsyncStream[ResponseStreamEvent]
_Got = TypeVar("_Got")


@dataclass(frozen=True, slots=True)
class Reach:
    """How the model is reached; ``key`` is never shown. ``retries`` by the SDK, within the time of an answer."""

    key: str = field(repr=False)
    model: str = "gpt-6-luna"
    url: str = "https://api.openai.com/v1"
    retries: int = 1
    effort: str = "none"
    """Reasoning effort, as the API names it; empty to leave it to the model."""

    def client(self) -> AsyncOpenAI:
        """A client of the SDK."""
        return AsyncOpenAI(api_key=self.key, base_url=self.url, max_retries=self.retries)


class _Trouble(Exception):
    """The answer is of no use; the message says why, without a word of it."""


@dataclass
class _Answer:
    """What has come of an answer."""

    splitter: Splitter = field(default_factory=Splitter)
    calls: list[ToolCall] = field(default_factory=list)
    tokens: int = 0
    length: int = 0
    whole: bool = False


class OpenAiModel:
    """A :class:`~agent.call.Model`. What it logs holds no words of a call."""

    def __init__(self, reach: Reach, client: AsyncOpenAI | None = None):
        self._reach = reach
        self._client = client or reach.client()

    def runs(self, request: Request) -> bool:
        """Questions to the model, and nothing else."""
        return isinstance(request, AskModel)

    async def run(self, request: Request) -> AsyncIterator[str | Result]:
        """Sentences as they are whole, then the answer's end. Never raises: trouble is Failed."""
        if not isinstance(request, AskModel):
            yield Failed("not a question to a language model")
            return
        answer = _Answer()
        try:
            async for sentence in self._sentences(request, answer):
                yield sentence
        except TimeoutError:
            yield self._failed("too slow")
        except _Trouble as trouble:
            yield self._failed(str(trouble))
        except APIError as error:
            status = f" {error.status_code}" if isinstance(error, APIStatusError) else ""
            yield self._failed(f"{type(error).__name__}{status}")
        except Exception as error:
            # A stream can break in ways the SDK does not wrap: in the transport, in its JSON, in a shape nobody knows.
            # Whatever it is, the caller must not wait for ever.
            yield self._failed(type(error).__name__)
        else:
            yield ModelAnswer(tuple(answer.calls), answer.tokens)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()

    def _failed(self, why: str) -> Failed:
        log.warning("the language model failed: %s", why)
        return Failed(why)

    async def _sentences(self, request: AskModel, answer: _Answer) -> AsyncIterator[str]:
        """Reads the stream with a deadline for the first thing of use and one for the whole."""
        loop = asyncio.get_running_loop()
        began, budget = loop.time(), request.budget
        useful = False
        stream = await _within(self._open(request), began + budget.first_seconds)
        try:
            events = aiter(stream)
            while True:
                seconds = budget.whole_seconds if useful else budget.first_seconds
                event = await _within(_next(events), began + seconds)
                if event is None:
                    break
                for sentence in _take(event, answer):
                    useful = True
                    yield sentence
                useful = useful or bool(answer.calls)
        finally:
            await stream.close()
        if not answer.whole:
            raise _Trouble("the answer was cut off")
        for sentence in answer.splitter.finish():
            yield sentence

    async def _open(self, request: AskModel) -> Events:
        return await self._client.responses.create(
            model=self._reach.model,
            instructions=request.instructions,
            input=_input(request.items),
            tools=[_tool(spec) for spec in request.tools],
            tool_choice="auto",
            parallel_tool_calls=False,
            max_output_tokens=request.budget.answer_tokens,
            store=False,
            stream=True,
            reasoning=_effort(self._reach.effort),
        )


def _effort(effort: str) -> Reasoning | Omit:
    return Reasoning(effort=cast(ReasoningEffort, effort)) if effort else omit


async def _within(what: Awaitable[_Got], until: float) -> _Got:
    async with asyncio.timeout_at(until):
        return await what


async def _next(events: AsyncIterator[ResponseStreamEvent]) -> ResponseStreamEvent | None:
    return await anext(events, None)


def _take(event: ResponseStreamEvent, answer: _Answer) -> list[str]:
    """What one event adds; the sentences it completes. Raises :class:`_Trouble`."""
    if event.type == "response.output_text.delta":
        answer.length += len(event.delta)
        if answer.length > LONGEST_ANSWER:
            raise _Trouble("the answer is too long")
        return answer.splitter.feed(event.delta)
    if event.type == "response.output_text.done":
        return answer.splitter.finish()
    if event.type == "response.output_item.done" and event.item.type == "function_call":
        if len(answer.calls) >= MOST_CALLS:
            raise _Trouble("too many calls")
        answer.calls.append(ToolCall(event.item.call_id, event.item.name, event.item.arguments))
    elif event.type == "response.completed":
        answer.whole, answer.tokens = True, _tokens(event.response)
    elif event.type in ("response.refusal.delta", "response.refusal.done"):
        raise _Trouble("a refusal")
    elif event.type == "response.incomplete":
        raise _Trouble("the answer is incomplete")
    elif event.type in ("response.failed", "error"):
        raise _Trouble("the model failed")
    return []


def _tokens(response: Response) -> int:
    return response.usage.total_tokens if response.usage else 0


def _input(items: tuple[Item, ...]) -> ResponseInputParam:
    return [_item(item) for item in items]


def _item(item: Item) -> ResponseInputItemParam:
    if isinstance(item, Words):
        return cast(ResponseInputItemParam, {"role": _ROLES[item.speaker], "content": item.text})
    if isinstance(item, ToolCall):
        return {"type": "function_call", "call_id": item.id, "name": item.name, "arguments": item.arguments}
    return {"type": "function_call_output", "call_id": item.id, "output": item.output}


def _tool(spec: ToolSpec) -> FunctionToolParam:
    return {
        "type": "function",
        "name": spec.name,
        "description": spec.description,
        "parameters": dict(spec.parameters),
        "strict": True,
    }
