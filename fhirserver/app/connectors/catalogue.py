"""All connectors there are: those of the settings, which are published as Endpoints, and Endpoints that are connectors.

Every process reads the same Endpoints, so that a change holds everywhere, without a restart.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from adapters.runner.code_maps import Coder
from adapters.runner.runner import Runner
from adapters.runner.work import CannotBegin, Plan
from fhirserver.app.connectors.coding import make_coder
from fhirserver.app.connectors.connector import Connector
from fhirserver.app.connectors.endpoint import (
    SETTINGS,
    endpoint_id,
    name_of,
    read_endpoint,
    write_endpoint,
)
from fhirserver.app.connectors.guard import TYPE, ConnectorGuard
from fhirserver.app.connectors.kind import Workmates
from fhirserver.app.connectors.making import make_assistant, make_runner
from fhirserver.app.connectors.secrets import MissingSecret, Secrets
from fhirserver.app.setting_kinds import WrongSetting
from fhirserver.interactions.exchange import Context
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.ports.log import Statement
from fhirserver.search.cursor import decode
from fhirserver.search.expression import Query, TokenIs
from fhirserver.store.commands import Command, Put
from fhirserver.world.vocabulary import CONNECTOR_NAME

ACTIVE, SUSPENDED, OFF = "active", "suspended", "off"
_PAGE = 200


@dataclass(frozen=True, slots=True)
class Known:
    """One connector; ``connector`` is None where it cannot be begun, and ``problem`` says why."""

    name: str
    endpoint: str
    status: str
    connector: Connector | None
    problem: str = ""

    @property
    def runs(self) -> bool:
        """Whether it shall be at work, be it paused."""
        return self.connector is not None and self.status in (ACTIVE, SUSPENDED)


class Catalogue:
    """``own`` are the connectors of the settings; ``mates`` the other processes of this server, if any."""

    def __init__(
        self,
        context: Context,
        own: Sequence[Connector],
        secrets: Secrets,
        guard: ConnectorGuard,
        system: str,
        mates: Workmates | None = None,
    ):
        self._context, self._secrets, self._guard, self._system = context, secrets, guard, system
        self._mates = mates
        self._own = {one.name: one for one in own}
        self._read_at, self._known = -1, dict[str, Known]()

    def coder(self, connector: Connector) -> Coder | None:
        """What translates the codes of its records."""
        return make_coder(connector, self._context)

    async def publish(self) -> None:
        """State the connectors of the settings as Endpoints; those that are no longer in the settings are off."""
        endpoints = {str(one["id"]): one for one in await self._endpoints()}
        puts: list[Put] = []
        for name, connector in self._own.items():
            before = endpoints.pop(endpoint_id(name), {})
            status = str(before.get("status", ACTIVE)) if _is_of_settings(before) else ACTIVE
            status = ACTIVE if status == OFF else status
            puts.append(Put(TYPE, endpoint_id(name), write_endpoint(connector.table, status)))
        for id, endpoint in endpoints.items():
            if _is_of_settings(endpoint):
                puts.append(Put(TYPE, id, {**_without_meta(endpoint), "status": OFF}))
        if puts:
            await self._context.store.submit(Command(Statement(self._system, self._system), puts))

    async def known(self) -> Mapping[str, Known]:
        """All connectors by name, as they are now."""
        head = (await self._context.store.storage.head()).position
        if head != self._read_at:
            endpoints = await self._endpoints()
            self._known = {one.name: one for one in self._all(endpoints)}
            self._read_at = head
        return self._known

    @property
    def last_known(self) -> Collection[Known]:
        """All connectors as they were when somebody last asked; those of the settings where nobody has."""
        return self._known.values() or list(self._all(()))

    def _all(self, endpoints: Sequence[JsonObject]) -> Iterator[Known]:
        """Those of Endpoints, the last of one name first, then those of the settings, which win."""
        statuses = {str(one["id"]): str(one["status"]) for one in endpoints}
        for endpoint in sorted(endpoints, key=lambda one: str(one["id"]), reverse=True):
            if not _is_of_settings(endpoint):
                yield self._of_endpoint(endpoint)
        for name, connector in self._own.items():
            id = endpoint_id(name)
            yield Known(name, id, statuses.get(id, ACTIVE), connector)

    def _of_endpoint(self, endpoint: JsonObject) -> Known:
        known = Known(name_of(endpoint), str(endpoint["id"]), str(endpoint["status"]), None)
        try:
            return replace(known, connector=self._guard.connector(endpoint))
        except WrongSetting as wrong:
            return replace(known, problem=f"{wrong.setting}: {wrong.problem}")

    async def _endpoints(self) -> list[JsonObject]:
        found: list[JsonObject] = []
        query = Query(TYPE, TokenIs("identifier", CONNECTOR_NAME, None), count=_PAGE)
        while True:
            page = await self._context.store.search(query)
            found += [one for one in (loads(version.content) for version in page.versions) if name_of(one)]
            if not page.cursor:
                return found
            query = replace(query, cursor=decode(page.cursor, ()))

    async def plans(self) -> Mapping[str, Plan]:
        """What shall be at work."""
        known = await self.known()
        return {
            name: self._plan(one, one.connector) for name, one in known.items() if one.runs and one.connector
        }

    def _plan(self, known: Known, connector: Connector) -> Plan:
        given = (connector, self._context, self._secrets, self._mates)
        make, assist = partial(_made, *given), make_assistant(*given)
        return Plan(known.name, connector.version, make, known.status == SUSPENDED, assist)


def _made(connector: Connector, context: Context, secrets: Secrets, mates: Workmates | None) -> Runner:
    try:
        return make_runner(connector, context, secrets, mates)
    except MissingSecret as missing:
        raise CannotBegin(str(missing)) from None


def _is_of_settings(endpoint: JsonObject) -> bool:
    if not endpoint:
        return False
    try:
        return read_endpoint(endpoint).origin == SETTINGS
    except WrongSetting:
        return False


def _without_meta(endpoint: JsonObject) -> JsonObject:
    return {name: value for name, value in endpoint.items() if name != "meta"}
