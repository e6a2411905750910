"""TLS for MLLP, both ends: certificates are always verified, and a client's where a listener names an authority."""

from __future__ import annotations

import ssl
from pathlib import Path


class InvalidTls(ValueError):
    """A certificate or key cannot be used; the message names the file."""


def server_context(certificate: Path, key: Path, client_ca: Path | None = None) -> ssl.SSLContext:
    """For a listener. With ``client_ca`` a client must show a certificate of that authority.

    Raises :class:`InvalidTls`.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _own(context, certificate, key)
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        _trusted(context, client_ca)
    return context


def client_context(
    ca: Path | None = None, certificate: Path | None = None, key: Path | None = None
) -> ssl.SSLContext:
    """For a connection of ours. Without ``ca`` the authorities of the system are trusted.

    Raises :class:`InvalidTls`.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        _trusted(context, ca)
    if certificate is not None:
        _own(context, certificate, key or certificate)
    return context


def problem(error: Exception) -> str:
    """What went wrong in a handshake, in a few words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate was refused: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return (error.reason or type(error).__name__).lower().replace("_", " ")
    return type(error).__name__


def _own(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ValueError) as error:
        raise InvalidTls(f"{certificate}, {key}: no usable certificate and key ({problem(error)})") from None


def _trusted(context: ssl.SSLContext, ca: Path) -> None:
    try:
        context.load_verify_locations(ca)
    except (OSError, ValueError) as error:
        raise InvalidTls(f"{ca}: no usable certificate authority ({problem(error)})") from None
