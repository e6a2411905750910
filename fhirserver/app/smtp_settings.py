"""The settings of ``[subscriptions.smtp]``: the mail server that takes notifications by email."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fhirserver.app.secret_files import warn_of_readers

if TYPE_CHECKING:
    from subscriptions.channels.mail import Smtp

_PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}


class InvalidSmtp(ValueError):
    """The table is wrong; the message names the setting and what to do."""


def parse_smtp(table: Mapping[str, Any], folder: Path) -> Smtp | None:
    """Read the table, whose settings are of the right kinds; None for an empty one: then there is no email.

    Raises :class:`InvalidSmtp`.
    """
    if not table:
        return None
    from subscriptions.channels.mail import Smtp

    tls = table.get("tls", "starttls")
    if tls not in _PORTS:
        raise InvalidSmtp(f"tls is one of {', '.join(_PORTS)}")
    if not table.get("host"):
        raise InvalidSmtp("host is needed")
    return Smtp(
        table["host"],
        _port(table.get("port", _PORTS[tls])),
        tls,
        _sender(table.get("from", "")),
        table.get("user", ""),
        _password(table, folder),
        _file(table, "ca_file", folder),
        table.get("attachments", False),
        tuple(table.get("domains", ())),
    )


def _port(value: int) -> int:
    if not 0 < value < 65536:
        raise InvalidSmtp("port is a whole number from 1 to 65535")
    return value


def _sender(value: str) -> str:
    from subscriptions.channels.mail_address import InvalidAddress, address_of

    try:
        return address_of(f"mailto:{value}")
    except InvalidAddress:
        raise InvalidSmtp("from is needed: the e-mail address that notifications come from") from None


def _password(table: Mapping[str, Any], folder: Path) -> str:
    """The content of ``password_file``, which goes with ``user``."""
    path = _file(table, "password_file", folder)
    if bool(table.get("user")) != (path is not None):
        raise InvalidSmtp("user and password_file go together")
    if path is None:
        return ""
    try:
        warn_of_readers(path)
        return path.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise InvalidSmtp(f"password_file: {table['password_file']} cannot be read") from None


def _file(table: Mapping[str, Any], name: str, folder: Path) -> Path | None:
    if not table.get(name):
        return None
    path = folder / str(table[name])
    if not path.is_file():
        raise InvalidSmtp(f"{name}: {table[name]} is not there")
    return path
