"""How uvicorn is set up for the server and for the telephone alike: TLS, and whose word about clients counts."""

from __future__ import annotations

from typing import Any, Final

import uvicorn

from fhirserver.app.settings import Settings
from fhirserver.app.tls import LOOK_TICKS, Renewal
from fhirserver.rest.protocol import FhirHttpProtocol
from fhirserver.rest.socket_protocol import MESSAGE_BYTES, PING_SECONDS, FhirSocketProtocol

HANDSHAKE_SECONDS: Final = 10.0
"""How long a TLS handshake may take."""


class SafeConfig(uvicorn.Config):
    """uvicorn's configuration, its TLS context made by us. ``clients``: whether client certificates are asked for where
    the settings name their authority."""

    def __init__(self, settings: Settings, application: Any, *, clients: bool = True, **given: Any):
        super().__init__(
            application,
            loop="uvloop",
            http=FhirHttpProtocol,
            ws=FhirSocketProtocol,
            ws_max_size=MESSAGE_BYTES,
            ws_ping_interval=PING_SECONDS,
            ws_ping_timeout=PING_SECONDS,
            ws_per_message_deflate=False,
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=list(settings.trusted_proxies),
            **given,
        )
        self._tls, self._clients = settings.tls, clients
        self.renewal: Renewal | None = None

    def load(self) -> None:
        super().load()
        if self._tls is not None:
            tls = self._tls if self._clients else self._tls.without_clients()
            self.ssl = tls.server_context()
            self.renewal = Renewal(tls, self.ssl)

    def look_after_certificate(self, tick: int) -> None:
        """Called at every tick of the server; now and then the files are looked at."""
        if self.renewal is not None and tick % LOOK_TICKS == 0:
            self.renewal.look()
