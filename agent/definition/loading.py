"""The agents in force as conversations take them: read by FHIR, remembered for a few seconds.

A conversation keeps the setting it began with. What cannot be read, or has errors, changes nothing: what was known last
holds on, and without anything known what the settings say.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from agent.definition.checking import AGENT, NUMBER, RULES, agent_faults, errors
from agent.definition.setting import applied
from agent.memory import Setting
from agent.tools.client import FhirClient, Unreachable
from fhirserver.kernel.json import JsonObject
from fhirserver.world.configuration import KIND, Configured, NoConfiguration, configured, url_of
from fhirserver.world.configured.agent import Agent, PhoneNumber
from fhirserver.world.configured.parts import InvalidDocument, read
from fhirserver.world.configured.scheduling_rules import ORDINARY, SchedulingRules

log = logging.getLogger("credence.definition")

FRESH_SECONDS = 2.0
"""For so long what was read is taken without another look."""
_PAUSE_SECONDS = 30.0
"""Between looks while nobody asks: each stands in the audit."""
_KINDS = (AGENT, RULES, NUMBER)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was in force at one moment, by id; numbers by number."""

    agents: Mapping[str, Configured] = field(default_factory=dict)
    rules: Mapping[str, Configured] = field(default_factory=dict)
    numbers: Mapping[str, PhoneNumber] = field(default_factory=dict)


@dataclass
class Definitions:
    """``base`` is what the settings say, which holds where no agent does."""

    client: FhirClient
    base: Setting
    clock: Callable[[], float] = time.monotonic
    snapshot: Snapshot = field(default_factory=Snapshot)

    def __post_init__(self) -> None:
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()
        self._failing = ""
        self._known: dict[tuple[str, str, str, str], Setting] = {}

    def of(self, agent: str) -> Setting:
        """The setting of an agent by its id, from what was read last; ``base`` where there is none in force."""
        found = self.snapshot.agents.get(agent)
        if found is None:
            if agent:
                log.warning("agent '%s' is not in force: the settings answer", agent)
            return self.base
        rules = self.snapshot.rules.get(str(found.document.get("scheduling_rules", "")))
        key = (found.id, found.revision, rules.id if rules else "", rules.revision if rules else "")
        if key not in self._known:
            self._known = {k: v for k, v in self._known.items() if k[0] != found.id}
            self._known[key] = self._setting(self._named(found), found, rules)
        return self._known[key]

    def of_number(self, number: str, texts: bool = False) -> Setting:
        """The setting of the agent that answers a number of ours, from what was read last."""
        found = self.snapshot.numbers.get(number)
        if found is None or not (found.texts if texts else found.calls):
            return self.base
        return self.of(found.agent)

    async def again(self, name: str) -> Setting:
        """The setting that a conversation began with, for one that is taken up again: by :attr:`Setting.agent`.

        The rules are those of now: what may be offered is a matter of the day.
        """
        await self.fresh()
        url, _, version = name.partition("|")
        id = url.removeprefix(url_of(""))
        if not version or self._named(self.snapshot.agents.get(id)) == name:
            return self.of(id)
        try:
            found = configured(await self.client.read(f"Library/{id}.v{version}") or {})
        except (NoConfiguration, Unreachable) as error:
            log.error("version %s of agent '%s' cannot be read: %s", version, id, type(error).__name__)
            return self.of(id)
        rules = self.snapshot.rules.get(str(found.document.get("scheduling_rules", "")))
        return self._setting(name, found, rules)

    async def fresh(self) -> Definitions:
        """Itself, having looked lately."""
        async with self._reading:
            if self.clock() - self._read_at >= FRESH_SECONDS:
                await self.refresh()
        return self

    async def keep(self) -> None:
        """Look again and again, so that what is known is not old when nothing can be read."""
        while True:
            await self.fresh()
            await asyncio.sleep(_PAUSE_SECONDS)

    async def refresh(self) -> None:
        """Read what is in force now; trouble is told once, and what was known holds on."""
        types = ",".join(f"{KIND}|{kind}" for kind in _KINDS)
        params = [("type", types), ("status", "active"), ("_count", "200")]
        try:
            found = await self.client.search("Library", params)
        except Unreachable as error:
            self._trouble(f"agents cannot be read ({error}): what was known holds on")
            return
        self._failing, self._read_at = "", self.clock()
        self.snapshot = _snapshot(found)

    def _trouble(self, what: str) -> None:
        if what != self._failing:
            log.error("%s", what)
        self._failing = what

    @staticmethod
    def _named(found: Configured | None) -> str:
        return f"{url_of(found.id)}|{found.version or found.revision}" if found else ""

    def _setting(self, name: str, found: Configured, rules: Configured | None) -> Setting:
        try:
            stated = read(Agent, found.document)
            wrong = errors(agent_faults(stated))
            if wrong:
                raise InvalidDocument(wrong)
            return applied(self.base, stated, name, self._rules(stated, rules))
        except InvalidDocument as invalid:
            log.error("agent '%s' has errors (%s): the settings answer", found.id, invalid.faults[0].pointer)
            return self.base

    def _rules(self, stated: Agent, found: Configured | None) -> SchedulingRules:
        """The rule set of an agent. Without it nothing may be offered that it would have taken away, so nothing is."""
        if not stated.scheduling_rules:
            return ORDINARY
        try:
            if found is not None:
                return read(SchedulingRules, found.document)
            log.error("rule set '%s' is not in force: no slot is offered", stated.scheduling_rules)
        except InvalidDocument as invalid:
            log.error(
                "rule set '%s' has errors (%s): no slot is offered",
                found.id if found else "",
                invalid.faults[0].pointer,
            )
        return NOTHING


NOTHING = read(SchedulingRules, {"lead": 60 * 24 * 60, "rolling_days": [{"days": 1}]})
"""Rules that leave nothing: what stands for those that cannot be read."""


def _snapshot(found: list[JsonObject]) -> Snapshot:
    by_kind: dict[str, dict[str, Configured]] = {kind: {} for kind in _KINDS}
    numbers: dict[str, PhoneNumber] = {}
    for resource in found:
        try:
            one = configured(resource)
            if one.kind == NUMBER:
                told = read(PhoneNumber, one.document)
                numbers[told.number] = told
            elif one.kind in by_kind and not one.url:
                by_kind[one.kind][one.id] = one
        except (NoConfiguration, InvalidDocument) as wrong:
            log.error("a Library of configuration cannot be read: %s", type(wrong).__name__)
    return Snapshot(by_kind[AGENT], by_kind[RULES], numbers)
