"""``python -m fhirserver.app.dry_run``: scenarios played against an agent's document, in a process of their own.

Reads one JSON object from standard input, writes a JSON object a line: what became of each scenario. It has a server of
its own over the made-up practice of the evaluation, in a folder that is removed; it knows nothing of the real one.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from agent.definition.setting import applied
from agent.evaluation.practice import ZONE, practice
from agent.evaluation.runner import Outcome, TextDriver, run
from agent.evaluation.scenario import Scenario, load, parse
from agent.memory import Setting
from fhirserver.app.embedded import EmbeddedServers
from fhirserver.kernel.json import JsonObject, dumps, loads
from fhirserver.ports.agents import PlayedScenario
from fhirserver.world.configured.agent import Agent
from fhirserver.world.configured.parts import read
from fhirserver.world.configured.scheduling_rules import SchedulingRules

_NICE = 10
_SEED = 7000


class ByDocument(TextDriver):
    """Plays a scenario with the agent of a document. The zone is that of the made-up practice: its days are stated
    there, and the scenario's own settings hold where they are stricter."""

    def __init__(self, stated: Agent, rules: SchedulingRules):
        super().__init__()
        self._stated, self._rules = stated, rules

    def setting(self, scenario: Scenario) -> Setting:
        base = Setting(practice="Riverside Clinic", **scenario.setting)
        rules = self._rules.model_copy(update={"zone": ""})
        return replace(applied(base, self._stated, "", rules), zone=str(ZONE), brain="policy")


async def play(asked: JsonObject, tell: Any) -> None:
    """Play what is asked for, one after the other, telling what became of each."""
    stated = read(Agent, asked["document"])
    driver = ByDocument(stated, read(SchedulingRules, asked["rules"]))
    chosen = scenarios(asked["scenarios"], asked["given"])
    with tempfile.TemporaryDirectory(prefix="credence-dry-run-") as folder:
        servers = EmbeddedServers(Path(folder))
        await servers.seed(practice().resources)
        for scenario in chosen:
            tell(_told(await run(scenario, _SEED, servers.fresh, driver)))


def scenarios(names: list[str], given: str) -> list[Scenario]:
    """The shipped ones of these names, and those that are given as a file has them. Raises InvalidScenario."""
    shipped = {one.name: one for one in load()} if names else {}
    return [*(shipped[name] for name in names), *(parse(given, "scenarios") if given.strip() else ())]


def _told(outcome: Outcome) -> JsonObject:
    return asdict(
        PlayedScenario(
            outcome.scenario,
            outcome.success,
            outcome.ended,
            outcome.wrong,
            outcome.wrong_writes,
            outcome.disclosures,
            outcome.turns,
            outcome.transcript,
            outcome.walk,
        )
    )


def main() -> None:
    """Nobody who is on a real call waits for this."""
    os.nice(_NICE)
    asked = loads(sys.stdin.buffer.read())

    def tell(told: JsonObject) -> None:
        sys.stdout.buffer.write(dumps(told) + b"\n")
        sys.stdout.buffer.flush()

    asyncio.run(play(asked, tell))


if __name__ == "__main__":
    main()
