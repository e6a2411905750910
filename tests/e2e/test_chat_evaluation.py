"""Evaluation by chat: some of its scenarios through the real API on sockets, and what it would not let pass."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agent.evaluation.practice import practice
from agent.evaluation.runner import Outcome, run
from agent.evaluation.scenario import Scenario, load
from fhirserver.app.chat_evaluation import ChatDriver
from fhirserver.app.commands.eval import _played_by
from fhirserver.app.embedded import EmbeddedServers

SCENARIOS = {one.name: one for one in load() if _played_by(one, "chat")}


async def played(scenario: Scenario, folder: Path) -> Outcome:
    servers = EmbeddedServers(folder, sockets=True)
    await servers.seed(practice().resources)
    async with ChatDriver() as driver:
        return await run(scenario, 7, servers.fresh, driver)


def test_there_are_thirty_and_more() -> None:
    assert len(SCENARIOS) >= 30
    assert not any(_played_by(one, "text") for one in SCENARIOS.values() if one.only)


@pytest.mark.parametrize(
    "name",
    [
        "chat-bad-connection-cancel",
        "chat-signed-in",
        "chat-two-devices",
        "chat-resumed-later",
        "chat-emoji-yes",
    ],
)
async def test_scenarios_hold(name: str, tmp_path: Path) -> None:
    outcome = await played(SCENARIOS[name], tmp_path)
    assert outcome.success, (outcome.wrong, outcome.wrong_writes, outcome.disclosures)


async def test_what_is_not_true_afterwards_is_no_success(tmp_path: Path) -> None:
    scenario = SCENARIOS["chat-emoji-no"]
    (find,) = scenario.after.find
    wrong = replace(scenario.after, find=(replace(find, where={"status": "cancelled"}),))
    assert not (await played(replace(scenario, after=wrong), tmp_path)).success


async def test_what_may_not_be_written_is_found(tmp_path: Path) -> None:
    scenario = SCENARIOS["chat-signed-in"]
    outcome = await played(replace(scenario, after=replace(scenario.after, writes=())), tmp_path)
    assert "Appointment/eve-thu" in outcome.wrong_writes and not outcome.success
