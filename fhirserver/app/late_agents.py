"""The agent's checks and trials, loaded when they are first asked for: most workers never are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from fhirserver.access.principals import Principal
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.agents import DryRun, Explanation, Fault, GraphState, Looked

if TYPE_CHECKING:
    from agent.tools.client import FhirClient
    from fhirserver.app.agent_desk import AgentDesk
    from fhirserver.app.inside_way import InsideWay


def check(kind: str, document: JsonObject) -> Sequence[Fault]:
    """All that is wrong with a document of a kind."""
    from fhirserver.app.agent_desk import check as checked

    return checked(kind, document)


class LateAgents:
    """Implements :class:`fhirserver.ports.agents.Agents`. ``way``: to this server's FHIR, made later than this."""

    def __init__(self, way: Callable[[], InsideWay]):
        self._way = way
        self._made: AgentDesk | None = None

    @property
    def _desk(self) -> AgentDesk:
        if self._made is None:
            from fhirserver.app.agent_desk import AgentDesk

            self._made = AgentDesk(self._as_client)
        return self._made

    def _as_client(self, principal: object) -> AbstractAsyncContextManager[FhirClient]:
        if not isinstance(principal, Principal):
            raise TypeError("a principal is needed")
        return self._way().visiting(principal)

    def check(self, kind: str, document: JsonObject) -> Sequence[Fault]:
        return check(kind, document)

    def graph(self, document: JsonObject) -> Sequence[GraphState]:
        return self._desk.graph(document)

    def scenarios(self) -> Sequence[tuple[str, str]]:
        return self._desk.scenarios()

    async def dry_run(
        self, document: JsonObject, rules: JsonObject, scenarios: Sequence[str], given: str, seconds: float
    ) -> DryRun:
        return await self._desk.dry_run(document, rules, scenarios, given, seconds)

    async def explain(self, rules: JsonObject, looked: Looked, principal: object) -> Explanation:
        return await self._desk.explain(rules, looked, principal)
