"""The agent's checks and trials, loaded when they are first asked for: most workers never are."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING

import httpx

from fhirserver.access.inside import InsidePrincipals
from fhirserver.access.principals import Principal
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.agents import DryRun, Explanation, Fault, GraphState, Looked

if TYPE_CHECKING:
    from agent.tools.client import FhirClient
    from fhirserver.app.agent_desk import AgentDesk
    from fhirserver.rest.edge import FhirEdge


def check(kind: str, document: JsonObject) -> Sequence[Fault]:
    """All that is wrong with a document of a kind."""
    from fhirserver.app.agent_desk import check as checked

    return checked(kind, document)


class LateAgents:
    """Implements :class:`fhirserver.ports.agents.Agents`. ``way``: the edge of this server and who may come in by it,
    both made later than this."""

    def __init__(self, fhir_base: str, way: Callable[[], tuple[FhirEdge, InsidePrincipals]]):
        self._fhir_base, self._way = fhir_base, way
        self._made: AgentDesk | None = None

    @property
    def _desk(self) -> AgentDesk:
        if self._made is None:
            from fhirserver.app.agent_desk import AgentDesk

            self._made = AgentDesk(self._as_client)
        return self._made

    @contextlib.asynccontextmanager
    async def _as_client(self, principal: object) -> AsyncIterator[FhirClient]:
        from agent.tools.client import FhirClient

        if not isinstance(principal, Principal):
            raise TypeError("a principal is needed")
        edge, principals = self._way()
        token = principals.admit(principal)
        transport = httpx.ASGITransport(app=edge, raise_app_exceptions=False)  # type: ignore[arg-type]
        client = FhirClient(self._fhir_base, token, transport)
        try:
            yield client
        finally:
            principals.dismiss(token)
            await client.close()

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
