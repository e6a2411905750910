"""TLS of the server's own ports: the certificate of ``[server]``, taken anew when it was renewed.

Versions below 1.2 are not spoken (https://www.rfc-editor.org/rfc/rfc8996).
"""

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

log = logging.getLogger("credence.tls")

LOOK_TICKS = 100
"""How many ticks of the HTTP server, of a tenth of a second, pass between two looks at the files."""


class InvalidTls(ValueError):
    """A certificate or key cannot be used; the message names the setting and the file."""


@dataclass(frozen=True, slots=True)
class Tls:
    """``[server] tls_cert`` with its chain and ``tls_key`` (PEM); clients must show a certificate of ``client_ca``
    where there is one."""

    certificate: Path
    key: Path
    client_ca: Path | None = None

    def server_context(self) -> ssl.SSLContext:
        """For the port. Raises :class:`InvalidTls`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION
        self.load(context)
        if self.client_ca is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            _trust(context, self.client_ca, "tls_client_ca")
        return context

    def without_clients(self) -> Tls:
        """The same for a port whose clients show no certificates."""
        return Tls(self.certificate, self.key)

    def load(self, context: ssl.SSLContext) -> None:
        """Put certificate and key into a context as they are now; connections that are open keep the old ones."""
        try:
            context.load_cert_chain(self.certificate, self.key, password=_no_password)
        except (OSError, ValueError) as error:
            names = f"[server] tls_cert {self.certificate}, tls_key {self.key}"
            raise InvalidTls(f"{names}: no usable certificate and key ({_problem(error)})") from None

    def own_context(self) -> ssl.SSLContext:
        """For a client that asks this very server, by whatever name: no other certificate is trusted.

        Raises :class:`InvalidTls`.
        """
        return OwnContext(self)

    def first(self) -> str:
        """The server's own certificate without its chain: else whoever its authority signs for would be trusted."""
        try:
            text = self.certificate.read_text("ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidTls(f"[server] tls_cert {self.certificate}: {_problem(error)}") from None
        end = "-----END CERTIFICATE-----"
        return text[: text.find(end) + len(end)]


def _no_password() -> str:
    """Asked for by a key that is encrypted; without this OpenSSL would ask at the terminal and wait."""
    raise ValueError("the key is encrypted: keys are protected by the rights of their file")


def _trust(context: ssl.SSLContext, ca: Path, setting: str) -> None:
    try:
        context.load_verify_locations(ca)
    except (OSError, ValueError) as error:
        raise InvalidTls(f"[server] {setting} {ca}: no usable authority ({_problem(error)})") from None


def _problem(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or type(error).__name__).lower().replace("_", " ")
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(error)


class OwnContext(ssl.SSLContext):
    """Trusts the one certificate of ``tls``, and the one that took its place when it was renewed."""

    def __new__(cls, tls: Tls) -> OwnContext:
        made = super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        made.check_hostname = False
        made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        return made

    def __init__(self, tls: Tls):
        self._tls, self._seen = tls, (-1, -1)
        self._freshen()

    def wrap_bio(self, *given: Any, **named: Any) -> ssl.SSLObject:
        self._freshen()
        return super().wrap_bio(*given, **named)

    def wrap_socket(self, *given: Any, **named: Any) -> ssl.SSLSocket:
        self._freshen()
        return super().wrap_socket(*given, **named)

    def _freshen(self) -> None:
        stamp = _stamp(self._tls.certificate)
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            self.load_verify_locations(cadata=self._tls.first())
        except ssl.SSLError as error:
            raise InvalidTls(f"[server] tls_cert {self._tls.certificate}: {_problem(error)}") from None
        if self._tls.client_ca is not None:
            self._tls.load(self)


class Renewal:
    """Takes a certificate anew when its files have changed. ``context`` is the one that the port uses."""

    def __init__(self, tls: Tls, context: ssl.SSLContext):
        self._tls, self._context = tls, context
        self._seen = self._stamps()

    def look(self) -> bool:
        """Look at the files. True where a new certificate was taken; one that does not fit its key is not."""
        stamps = self._stamps()
        if stamps == self._seen:
            return False
        self._seen = stamps
        try:
            self._tls.load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))  # a half-written pair must not spoil ours
            self._tls.load(self._context)
        except InvalidTls as wrong:
            log.error("the certificate was not renewed: %s", wrong)
            return False
        log.info("a renewed certificate is used from now on")
        return True

    def _stamps(self) -> tuple[tuple[int, int], ...]:
        return tuple(_stamp(path) for path in (self._tls.certificate, self._tls.key))


def _stamp(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except OSError:
        return 0, 0
    return stat.st_mtime_ns, stat.st_ino
