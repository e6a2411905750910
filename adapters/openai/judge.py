"""The judge that is a language model: OpenAI's Responses API with structured output.

What it answers is not simply believed: quotes must stand in the transcript, and the caller's words must bear on
the value (:mod:`fhirserver.world.judge.quotes`), else the verdict is doubtful.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import cast

from openai import (
    APIConnectionError,
    APIError,
    APIStatusError,
    AsyncOpenAI,
    InternalServerError,
    RateLimitError,
)
from openai.types.responses import Response, ResponseTextConfigParam

from adapters.openai.prompt import FORMAT, INSTRUCTIONS, prompt
from adapters.openai.settings import ModelSettings
from fhirserver.kernel.json import InvalidJson, Json, JsonObject, loads
from fhirserver.ports.judge import Claim, Evidence, Finding, JudgeUnavailable, Quote, Verdict
from fhirserver.world.judge.quotes import grounded

log = logging.getLogger("credence.judge")

CLAIMS_AT_ONCE = 20
LONGEST_PROMPT = 120_000
"""Characters; a longer conversation is left to an operator."""
ANSWER_TOKENS = 400
"""For one verdict, at most, beside the model's own thinking."""
_DAY = 86_400.0
_NO_ANSWER = "The language model gave no usable verdict."


class Budget:
    """Tokens that may be spent in a day; the count begins anew with the process and with each day."""

    def __init__(self, daily: int, clock: Callable[[], float] = time.monotonic):
        self._daily, self._clock = daily, clock
        self._since, self.spent = clock(), 0

    def check(self) -> None:
        """Raises :class:`JudgeUnavailable` where nothing is left."""
        if self._clock() - self._since >= _DAY:
            self._since, self.spent = self._clock(), 0
        if self.spent >= self._daily:
            raise JudgeUnavailable("the day's token budget is spent")

    def spend(self, tokens: int) -> None:
        """Count what a request took."""
        self.spent += tokens


class OpenAiJudge:
    """A :class:`~fhirserver.ports.judge.Judge`. Raises :class:`JudgeUnavailable` when the model cannot be asked."""

    name = "language model"

    def __init__(self, settings: ModelSettings, client: AsyncOpenAI | None = None):
        self._settings = settings
        self._client = client or settings.client()
        self.budget = Budget(settings.daily_tokens)

    async def judge(self, claims: Sequence[Claim], evidence: Evidence) -> Sequence[Verdict]:
        """One request for every twenty claims about a conversation."""
        verdicts: list[Verdict] = []
        for start in range(0, len(claims), CLAIMS_AT_ONCE):
            verdicts += await self._some(claims[start : start + CLAIMS_AT_ONCE], evidence)
        return verdicts

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _some(self, claims: Sequence[Claim], evidence: Evidence) -> list[Verdict]:
        asked = prompt(claims, evidence)
        if not evidence.turns or len(asked) > LONGEST_PROMPT:
            reason = (
                "There is no transcript to compare with."
                if not evidence.turns
                else "The conversation is too long for the model."
            )
            return [Verdict(Finding.DOUBTFUL, 0.9, reason)] * len(claims)
        answer = read_answer(await self._ask(asked, len(claims)))
        if answer is None:
            answer = read_answer(await self._ask(asked, len(claims)))
        log.info(
            "asked about %d claims: %s", len(claims), "answered" if answer is not None else "no usable answer"
        )
        return [_verdict(claim, (answer or {}).get(n), evidence) for n, claim in enumerate(claims, 1)]

    async def _ask(self, asked: str, claims: int) -> Response:
        self.budget.check()
        try:
            response = await self._client.responses.create(
                model=self._settings.model,
                instructions=INSTRUCTIONS,
                input=[{"role": "user", "content": asked}],
                text=cast(ResponseTextConfigParam, {"format": FORMAT}),
                max_output_tokens=2000 + ANSWER_TOKENS * claims,
                store=False,
            )
        except APIError as error:
            raise _unavailable(error) from None
        self.budget.spend(response.usage.total_tokens if response.usage else len(asked) // 3)
        return response


def _unavailable(error: APIError) -> JudgeUnavailable:
    """The SDK's error as one that may be logged: its own text may repeat what was sent."""
    passing = isinstance(error, APIConnectionError | RateLimitError | InternalServerError)
    status = f" {error.status_code}" if isinstance(error, APIStatusError) else ""
    return JudgeUnavailable(f"{type(error).__name__}{status}", lasting=not passing)


def read_answer(response: Response) -> dict[int, JsonObject] | None:
    """The verdicts by the claims' numbers; None for a refusal, an answer cut short, or one not of the form."""
    if response.status != "completed":
        return None
    try:
        answer = loads(response.output_text)
        return {int(one["claim"]): one for one in answer["verdicts"]}
    except (InvalidJson, KeyError, TypeError, ValueError):
        return None


def _verdict(claim: Claim, said: JsonObject | None, evidence: Evidence) -> Verdict:
    if said is None:
        return Verdict(Finding.DOUBTFUL, 0.5, _NO_ANSWER)
    try:
        verdict = Verdict(
            Finding(said["finding"]),
            min(max(float(said["certainty"]), 0.0), 1.0),
            str(said["reasoning"])[:1000],
            tuple(_quote(one, evidence) for one in said["quotes"]),
        )
    except (KeyError, TypeError, ValueError):
        return Verdict(Finding.DOUBTFUL, 0.5, _NO_ANSWER)
    return grounded(verdict, claim, evidence)


def _quote(said: Json, evidence: Evidence) -> Quote:
    number = int(said["turn"])
    speaker = next((t.speaker for t in evidence.turns if t.number == number), "")
    return Quote(number, speaker, str(said["text"]))
