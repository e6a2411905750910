"""What a kind of connector provides: its own settings, and the adapter made from them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from adapters.fhir.retries import RetryPolicy
from adapters.runner.rate import Rate
from fhirserver.app.connectors.secrets import Secrets
from fhirserver.app.setting_kinds import SettingKinds
from fhirserver.ports.ehr import Ehr

if TYPE_CHECKING:
    from fhirserver.app.connectors.connector import Connector
    from fhirserver.interactions.exchange import Context

Loop = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Workmates:
    """The other processes of this server: ``folder`` is where they meet, this one's alone among all servers.

    ``rank`` is 0 for a process that only serves; one that has other work too has more, and is given the less.
    """

    folder: Path
    rank: int


@dataclass(frozen=True, slots=True)
class Making:
    """What a kind may use to make an adapter.

    ``connector`` has the common settings, and the kind's own as ``connector.own``. ``retries`` is how it shall wait
    between tries. ``rate`` is how often it may ask: over HTTP by a
    :class:`~adapters.runner.paced.PacedTransport`, otherwise ``await rate.request()`` before each request.
    ``pull_soon`` says that the EHR has news: the next pull is then made at once. ``heard`` says that a message of its
    own accord came, and whether it was taken in. ``mates`` is None for the only process of a server.
    """

    connector: Connector
    context: Context
    secrets: Secrets
    retries: RetryPolicy
    rate: Rate
    pull_soon: Callable[[], None] = lambda: None
    heard: Callable[[bool], None] = lambda taken: None
    mates: Workmates | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """What came of it, at work as long as this process holds the connector's lease.

    ``ehr`` is what the runner pulls from and pushes to; None for a connector that is only listened to. ``loops`` are
    those of its own, such as a listener, by name; they end when cancelled. ``close`` is called when all of them have
    ended and ``ehr`` is closed.
    """

    ehr: Ehr | None = None
    loops: Mapping[str, Loop] = field(default_factory=dict)
    close: Callable[[], Coroutine[Any, Any, None]] | None = None


class Kind(Protocol):
    """A module of :mod:`fhirserver.app.connectors`."""

    @property
    def SETTINGS(self) -> SettingKinds:
        """Its own settings, beside those that every connector has. docs/settings.md explains each."""

    @property
    def CLEAR(self) -> frozenset[str]:
        """Those that may stand in the settings file only: secrets in clear, and paths of this machine."""

    def parse(self, entry: Mapping[str, Any], where: str, folder: Path) -> Any:
        """Its settings as one value, from a table whose settings are of the right types.

        ``where`` names the table for people; relative paths are from ``folder``. Nothing is read but what the
        settings name as files of their own. Raises :class:`~fhirserver.app.setting_kinds.WrongSetting`.
        """

    def make(self, own: Any, making: Making) -> Made:
        """The adapter. Raises :class:`~fhirserver.app.connectors.secrets.MissingSecret`."""
