"""``credence eval`` against the embedded server: what goes right is seen, and what goes wrong is caught."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from agent.effects import Effect, RunTool, Say
from agent.evaluation.practice import practice
from agent.evaluation.runner import Mind, Outcome, TextDriver, run
from agent.evaluation.scenario import Scenario, load
from agent.policy.dialogue import Dialogue
from agent.requests import CONFIRMED, Basis, Cancel
from agent.signals import Answered, Signal
from fhirserver.app.commands import eval as command
from fhirserver.app.embedded import EmbeddedServers

SCENARIOS = {s.name: s for s in load()}
SOME = [
    "reschedule-terse",
    "reschedule-slot-taken",
    "wrong-person",
    "hang-up-mid-write",
    "yes-before-the-read-back-was-heard",
    "abuse-warned-then-ended",
    "emergency-while-searching",
]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> EmbeddedServers:
    made = EmbeddedServers(tmp_path_factory.mktemp("servers"))
    asyncio.run(made.seed(practice().resources))
    return made


async def play(name: str | Scenario, servers: EmbeddedServers, mind: Mind | None = None) -> Outcome:
    scenario = SCENARIOS[name] if isinstance(name, str) else name
    return await run(scenario, 42, servers.fresh, TextDriver(mind))


@pytest.mark.parametrize("name", SOME)
async def test_some_scenarios(name: str, servers: EmbeddedServers) -> None:
    outcome = await play(name, servers)
    assert outcome.success, "\n".join([*map(str, outcome.wrong), *outcome.transcript])


class Leaky(Dialogue):
    """Greets with what it has found by the caller's number."""

    def respond(self, signal: Signal, turn: int) -> Sequence[Effect]:
        effects = super().respond(signal, turn)
        if isinstance(signal, Answered):
            return [*effects, Say("Is this about the visit on Thursday, Eve?", 0)]
        return effects


class Rash(Dialogue):
    """Cancels somebody else's appointment along the way."""

    def respond(self, signal: Signal, turn: int) -> Sequence[Effect]:
        effects = super().respond(signal, turn)
        if isinstance(signal, Answered):
            basis = Basis(CONFIRMED, "confirmed", (1,))
            return [*effects, RunTool(9999, Cancel("Patient/ada", "ada-wed", "", "pat", basis))]
        return effects


async def test_a_disclosure_is_caught(servers: EmbeddedServers) -> None:
    outcome = await play("cancel-simple", servers, Mind(Leaky))
    assert {"eve", "thursday"} <= set(outcome.disclosures)
    assert not outcome.success


async def test_a_wrong_write_is_caught(servers: EmbeddedServers) -> None:
    outcome = await play("cancel-simple", servers, Mind(Rash))
    assert {"Appointment/ada-wed", "Slot/of-ada-wed"} <= set(outcome.wrong_writes)
    assert not outcome.success


async def test_a_wrong_world_is_caught(servers: EmbeddedServers) -> None:
    simple = SCENARIOS["cancel-simple"]
    (first, *_) = simple.after.find
    wrong = replace(simple, after=replace(simple.after, find=(replace(first, where={"status": "booked"}),)))
    outcome = await play(wrong, servers)
    assert any("status is ['cancelled'], not 'booked'" in w for w in outcome.wrong)


def test_the_command_reports_and_answers_by_its_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report.json"
    assert command.run(["--only", "wrong-number-sorry", "--out", str(out)]) == 0
    report = json.loads(out.read_text())
    assert (report["runs"], report["success"], report["holds"]) == (1, 1.0, True)
    assert "the limits hold" in " ".join(capsys.readouterr().out.split())


def test_the_command_fails_where_the_limits_do_not_hold(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "- {name: impossible, about: x, patient: eve, script: bye, after: {outcome: transfer}}"
    )
    assert command.run(["--scenarios", str(tmp_path)]) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["--only", "nothing-of-that-name"],
        ["--brain", "llm"],
        ["--by", "audio", "--only", "reschedule-unsure-of-everything"],
        ["--scenarios", "/nonexistent"],
    ],
)
def test_what_cannot_be_run_says_so(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(arguments) == 2
    assert "credence eval:" in capsys.readouterr().err
