"""What may become of resources that set the server up, and who may have it so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fhirserver.app.configuration_guard import TYPE as LIBRARY
from fhirserver.app.configuration_guard import ConfigurationGuard
from fhirserver.app.connectors.guard import TYPE as ENDPOINT
from fhirserver.app.connectors.guard import ConnectorGuard
from fhirserver.store.state import Guard


@dataclass(frozen=True)
class Guards:
    """One for each kind of resource that is more than a record."""

    connectors: ConnectorGuard
    configuration: ConfigurationGuard

    @property
    def by_type(self) -> Mapping[str, Guard]:
        """As the store asks them."""
        return {ENDPOINT: self.connectors, LIBRARY: self.configuration}

    def also(self, is_admin: Callable[[str, str], bool]) -> None:
        """Others who may, asked each time by source and name: who comes and goes while the server runs."""
        self.connectors.also(is_admin)
        self.configuration.also(is_admin)
