"""How the server's port is kept: who can read along, how long the certificate is good, who stands before it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urlsplit

from fhirserver.app.checkup.finding import Finding, error, good, warning
from fhirserver.app.drill_time import is_here
from fhirserver.app.settings import Settings
from fhirserver.app.tls import Tls

_SOON_DAYS = 14


def port(chosen: Settings, now: datetime) -> Iterator[Finding]:
    """What is to be said of ``[server]``."""
    where = f"{chosen.host}:{chosen.port}"
    if chosen.tls is not None:
        yield _certificate(chosen.tls, where, now)
    elif is_here(chosen.host):
        yield good("port", f"plain HTTP on {where}, for this machine alone")
    else:
        todo = "set [server] tls_cert and tls_key, or listen on 127.0.0.1 behind a proxy with TLS"
        yield warning("port", f"plain HTTP on {where}: whoever is on the way reads along", todo)
    named = urlsplit(chosen.base_url).hostname or "127.0.0.1"
    if chosen.tls is None and not is_here(named) and not chosen.trusted_proxies:
        todo = "name its address in [server] trusted_proxies"
        yield warning(
            "proxy", "a proxy seems to stand before it: all who come through it are counted as one", todo
        )


def _certificate(tls: Tls, where: str, now: datetime) -> Finding:
    from cryptography.x509 import load_pem_x509_certificate

    until = load_pem_x509_certificate(tls.first().encode()).not_valid_after_utc
    days = (until - now).days
    if days < 0:
        return error("port", f"the certificate of https on {where} ended on {until:%Y-%m-%d}", "renew it")
    words = f"https on {where}, its certificate good for {days} more days"
    return warning("port", words, "renew it") if days < _SOON_DAYS else good("port", words)
