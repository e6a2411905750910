"""What may become of an Endpoint that is a connector, decided with every write, whoever's word it is.

An EHR must not be able to start a connector by a record of its own, nor anybody who may merely write resources.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from fhirserver.access.principals import Principal
from fhirserver.app.connectors.connector import Connector, parse_connector
from fhirserver.app.connectors.endpoint import SETTINGS, is_connector, name_of, read_endpoint
from fhirserver.app.setting_kinds import WrongSetting
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.log import Statement

TYPE = "Endpoint"


class ConnectorGuard:
    """``admins`` are the principals that may change connectors; ``taken`` the names that the settings use."""

    def __init__(
        self,
        system: str,
        admins: Collection[Principal],
        sources: Collection[str],
        folder: Path,
        taken: Collection[str] = (),
    ):
        self._system, self._sources, self._folder = system, frozenset(sources), folder
        self._admins = frozenset((one.source.id, one.name) for one in admins)
        self._also: Callable[[str, str], bool] = lambda source, principal: False
        self._taken = frozenset(taken)

    def also(self, is_admin: Callable[[str, str], bool]) -> None:
        """Others who may too, asked each time by source and name: who comes and goes while the server runs."""
        self._also = is_admin

    def __call__(self, before: JsonObject, after: JsonObject, statement: Statement) -> None:
        """Refuses (403) whoever is no administrator, and (422) a connector that could not be begun."""
        if not (is_connector(before) or is_connector(after)) or _said(before) == _said(after):
            return
        if statement.source == self._system:
            return
        who = statement.source, statement.principal
        if who not in self._admins and not self._also(*who):
            text = "An Endpoint that is a connector is changed by the role 'admin' only"
            raise refuse(Category.FORBIDDEN, "forbidden", text, TYPE)
        if _of_settings(before) and _said(before, "status") != _said(after, "status"):
            text = (
                "This connector stands in the settings: change it there; only its status can be changed here"
            )
            raise refuse(Category.NOT_ALLOWED, "not-supported", text, TYPE)
        if is_connector(after) and not _of_settings(before):
            self._check(after)

    def _check(self, endpoint: JsonObject) -> None:
        if name_of(endpoint) in self._taken:
            text = f"The settings have a connector '{name_of(endpoint)}' already"
            raise refuse(Category.UNPROCESSABLE, "duplicate", text, "Endpoint.identifier")
        try:
            self.connector(endpoint)
        except WrongSetting as wrong:
            raise refuse(Category.UNPROCESSABLE, "value", wrong.problem, wrong.setting) from None

    def connector(self, endpoint: JsonObject) -> Connector:
        """The connector that an Endpoint describes. Raises :class:`WrongSetting`, with a FHIRPath as its setting."""
        entry = read_endpoint(endpoint)
        if entry.origin == SETTINGS:
            raise WrongSetting(
                entry.place(""), "only the server itself says that a connector is of the settings"
            )
        try:
            return parse_connector(entry.table, "the Endpoint", self._folder, self._sources - {self._system})
        except WrongSetting as wrong:
            raise WrongSetting(entry.place(wrong.setting), wrong.problem) from None


def _said(endpoint: Mapping[str, Any], *without: str) -> JsonObject:
    return {name: value for name, value in endpoint.items() if name not in ("meta", *without)}


def _of_settings(endpoint: JsonObject) -> bool:
    if not is_connector(endpoint):
        return False
    try:
        return read_endpoint(endpoint).origin == SETTINGS
    except WrongSetting:
        return False
