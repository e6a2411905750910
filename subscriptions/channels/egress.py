"""What may be asked for outside, as far as a URL shows it: the scheme, the port, who it speaks as."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from fhirserver.kernel.addresses import Addresses

_MOST_URL: Final = 2048
_LAST_SYSTEM_PORT: Final = 1023
_BAD_PORTS: Final = frozenset(
    {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, *range(6665, 6670), 6679, 6697, 10080}
)
"""Of other protocols, as https://fetch.spec.whatwg.org/#port-blocking lists them above the system ports."""

_HOST: Final = re.compile(rb"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252})|[0-9a-fA-F:.]+")


@dataclass(frozen=True, slots=True)
class Egress:
    """What may be asked for outside. ``ca_file``: certificates (PEM) of authorities to be trusted beside the usual."""

    addresses: Addresses = field(default_factory=Addresses)
    allow_http: bool = False
    ca_file: Path | None = None

    def objection(self, url: str | httpx.URL) -> str | None:
        """Why this URL can never be asked for, as far as it shows without resolving its host; None where it may be."""
        try:
            parsed = httpx.URL(url)
        except (httpx.InvalidURL, TypeError):
            return "it is not a URL"
        return self._against_form(parsed) or self._against_host(parsed)

    def _against_form(self, url: httpx.URL) -> str | None:
        if len(str(url)) > _MOST_URL:
            return f"it is longer than {_MOST_URL} characters"
        if url.scheme not in ("http", "https") or not _HOST.fullmatch(url.raw_host):
            return "it is not an https URL"
        if url.scheme == "http" and not self.allow_http:
            return "it is http, and only https is allowed here"
        if url.userinfo:
            return "it holds a user or password"
        if url.port is not None and not _is_sane(url.port):
            return "its port is none for HTTP"
        return None

    def _against_host(self, url: httpx.URL) -> str | None:
        literal = url.host.strip("[]")
        if ":" in literal or literal.replace(".", "").isdigit():
            why = self.addresses.objection(literal)
            return None if why is None else f"its host may not be connected to: {why}"
        return None

    def context(self) -> ssl.SSLContext:
        """How certificates are checked. Raises OSError and ssl.SSLError for a ``ca_file`` that is none."""
        made = httpx.create_ssl_context(trust_env=False)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.ca_file is not None:
            made.load_verify_locations(self.ca_file)
        return made


def _is_sane(port: int) -> bool:
    return port in (80, 443) or (_LAST_SYSTEM_PORT < port < 65536 and port not in _BAD_PORTS)
