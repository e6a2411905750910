"""The agent as it is set up by data: implements :class:`fhirserver.ports.agents.Agents`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from functools import cache
from typing import Any

from agent.definition.checking import AGENT, NUMBER, RULES, errors, faults
from agent.definition.graph import build
from agent.definition.own import told_of
from agent.evaluation.scenario import InvalidScenario, load, parse
from agent.requests import SearchSlots
from agent.scheduling.applying import Verdict, verdicts
from agent.tools.calendar import look
from agent.tools.client import FhirClient, Unreachable
from fhirserver.kernel.json import JsonObject, dumps, loads
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.agents import (
    DryRun,
    ExplainedSlot,
    Explanation,
    Fault,
    GraphState,
    Looked,
    PlayedScenario,
)
from fhirserver.world.chat_services import InvalidService, chat_service
from fhirserver.world.configured.agent import Agent
from fhirserver.world.configured.parts import InvalidDocument, read
from fhirserver.world.configured.scheduling_rules import SchedulingRules

log = logging.getLogger("credence.agents")

SERVICE = "chat-service"
MOST_SCENARIOS = 200
_LONGEST_LINE = 4 * 1024 * 1024
AsClient = Callable[[object], AbstractAsyncContextManager[FhirClient]]
"""This server's FHIR as a principal, for as long as the block lasts."""


def check(kind: str, document: JsonObject) -> Sequence[Fault]:
    """All that is wrong with a document of a kind."""
    if kind != SERVICE:
        return faults(kind, document) if kind in (AGENT, RULES, NUMBER) else ()
    try:
        chat_service("checked", "", document)
    except InvalidService as wrong:
        return (Fault(wrong.pointer, wrong.problem),)
    return ()


class AgentDesk:
    """``as_client``: how the calendar is reached for an explanation. One dry run at a time."""

    def __init__(self, as_client: AsClient):
        self._as_client = as_client
        self._playing = asyncio.Lock()

    def check(self, kind: str, document: JsonObject) -> Sequence[Fault]:
        return check(kind, document)

    def graph(self, document: JsonObject) -> Sequence[GraphState]:
        """The states in the order of the ordinary graph, those of the document's own last."""
        try:
            stated = read(Agent, document)
        except InvalidDocument:
            stated = Agent()
        built = build(stated)
        return [
            GraphState(
                one.name,
                one.kind,
                one.after,
                one.needs_identity,
                one.says or one.guides or told_of(one.own),
                one.max_turns,
                one.form_after,
                one.name in built.changed,
                one.own is not None,
            )
            for one in built.states.values()
        ]

    def scenarios(self) -> Sequence[tuple[str, str]]:
        return _shipped()

    async def dry_run(
        self, document: JsonObject, rules: JsonObject, scenarios: Sequence[str], given: str, seconds: float
    ) -> DryRun:
        wrong = [*errors(faults(AGENT, document)), *errors(faults(RULES, rules))]
        if wrong:
            text = f"{wrong[0].pointer or '/'}: {wrong[0].detail}"
            raise refuse(Category.UNPROCESSABLE, "invalid", f"The document has errors: {text}", "/document")
        names = _names(scenarios, given)
        if self._playing.locked():
            refusal = refuse(Category.BUSY, "transient", "Another dry run is being played")
            refusal.headers["Retry-After"] = str(max(1, int(seconds)))
            raise refusal
        async with self._playing:
            asked = {"document": document, "rules": rules, "scenarios": list(scenarios), "given": given}
            began = time.monotonic()
            played = await _played(asked, seconds)
        done = {one.scenario for one in played}
        left = tuple(name for name in names if name not in done)
        return DryRun(tuple(played), left, round(time.monotonic() - began, 3))

    async def explain(self, rules: JsonObject, looked: Looked, principal: object) -> Explanation:
        stated = read(SchedulingRules, rules)
        request = SearchSlots(
            looked.first,
            looked.last,
            looked.practitioner,
            looked.patient,
            looked.moves.removeprefix("Appointment/"),
        )
        try:
            async with self._as_client(principal) as client:
                calendar = await look(client, request, looked.zone, stated, looked.now)
        except Unreachable as error:
            raise refuse(Category.BUSY, "transient", f"The calendar could not be read: {error}") from None
        wanted = [s for s in calendar.slots if not looked.slots or s.id in looked.slots]
        told = verdicts(stated, wanted, calendar.around)
        counts = Counter(removal.rule for verdict in told for removal in verdict.removals)
        shown = tuple(_explained(verdict) for verdict in told[: looked.most])
        return Explanation(shown, stated.zone or looked.zone, len(told) > looked.most, dict(counts))


def _explained(verdict: Verdict) -> ExplainedSlot:
    slot = verdict.slot
    removed = tuple((removal.rule, removal.reason) for removal in verdict.removals)
    start, end = _plain(slot.start), _plain(slot.end)
    return ExplainedSlot(
        f"Slot/{slot.id}", start, end, slot.practitioner, slot.practitioner_name, slot.location, removed
    )


def _plain(at: datetime) -> datetime:
    """With its offset, and not with rules of a zone that others would have to know."""
    return datetime.fromisoformat(at.isoformat())


@cache
def _shipped() -> Sequence[tuple[str, str]]:
    return tuple((one.name, one.about) for one in load())


def _names(scenarios: Sequence[str], given: str) -> Sequence[str]:
    """The names of all that is to be played. Refuses (422) what is none."""
    known = {name for name, _ in _shipped()}
    for place, name in enumerate(scenarios):
        if name not in known:
            text = f"There is no scenario '{name}'"
            raise refuse(Category.UNPROCESSABLE, "value", text, f"/scenarios/{place}")
    try:
        own = [one.name for one in parse(given, "scenarios")] if given.strip() else []
    except InvalidScenario as wrong:
        raise refuse(Category.UNPROCESSABLE, "value", str(wrong), "/given") from None
    names = [*scenarios, *own]
    if not names:
        raise refuse(Category.UNPROCESSABLE, "value", "Name at least one scenario, or give one", "/scenarios")
    if len(names) > MOST_SCENARIOS or len(set(names)) < len(names):
        text = f"At most {MOST_SCENARIOS} scenarios, each of a name of its own"
        raise refuse(Category.UNPROCESSABLE, "value", text, "/scenarios")
    return names


async def _played(asked: JsonObject, seconds: float) -> list[PlayedScenario]:
    """What a process of its own tells within the time; it is ended then."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "fhirserver.app.dry_run",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        limit=_LONGEST_LINE,
    )  # fmt: skip
    played: list[PlayedScenario] = []
    try:
        async with asyncio.timeout(seconds):
            await _tell(process, asked)
            assert process.stdout is not None
            async for line in process.stdout:
                played.append(_read(loads(line)))
            await process.wait()
        if process.returncode:
            log.error("a dry run ended with %s", process.returncode)
    except TimeoutError:
        log.info("a dry run was ended after %s seconds", seconds)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    return played


async def _tell(process: asyncio.subprocess.Process, asked: JsonObject) -> None:
    assert process.stdin is not None
    process.stdin.write(dumps(asked))
    with contextlib.suppress(ConnectionError):
        await process.stdin.drain()
    process.stdin.close()


def _read(told: JsonObject) -> PlayedScenario:
    members: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in told.items()}
    return PlayedScenario(**members)
