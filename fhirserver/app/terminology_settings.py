"""The settings of ``[terminology]``: how much is answered, and another server that is asked what is not known here."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from fhirserver.app.connectors.secrets import Secret, secret_of, secret_settings
from fhirserver.app.setting_kinds import SettingKinds, WrongSetting, kinds
from fhirserver.kernel.addresses import Addresses
from terminology.remote.settings import LOCAL, REMOTE, RemoteSettings

_SECRETS = ("token", "client_key", "client_secret")
TERMINOLOGY: SettingKinds = kinds(
    f"server first ca_file client_id client_key_id scope token_url {secret_settings(*_SECRETS)}",
    "systems allowed_addresses",
    "timeout_seconds cache_seconds pause_seconds",
    "cache_entries answer_bytes failures attempts expansion_limit",
    "allow_private allow_http",
)
_POSITIVE: Final = (
    *("timeout_seconds", "pause_seconds", "cache_entries", "answer_bytes"),
    *("failures", "attempts"),
)


@dataclass(frozen=True, slots=True)
class TerminologySettings:
    """``remote`` None: there is no other server. What follows is how it is reached, and who we are to it.

    ``expansion_limit`` is above what R4's lists of codes have that people choose from (1,357 common units), and below
    the 2,000 codes that the ecosystem's tests want to be refused; other servers have 1,000."""

    remote: RemoteSettings | None = None
    addresses: Addresses = field(default_factory=Addresses)
    allow_http: bool = False
    ca_file: Path | None = None
    token: Secret = field(default_factory=lambda: Secret("token"))
    client_id: str = ""
    client_key: Secret = field(default_factory=lambda: Secret("client_key"))
    client_key_id: str = ""
    client_secret: Secret = field(default_factory=lambda: Secret("client_secret"))
    scope: str = "system/*.read"
    token_url: str = ""
    expansion_limit: int = 1_500


def parse_terminology(table: Mapping[str, Any], folder: Path) -> TerminologySettings:
    """Read the table, whose settings are of the right kinds. Raises :class:`WrongSetting`."""
    limit = table.get("expansion_limit", TerminologySettings().expansion_limit)
    if limit < 1:
        raise WrongSetting("expansion_limit", "expansion_limit is at least 1")
    if not table.get("server"):
        if others := table.keys() - {"expansion_limit"}:
            raise WrongSetting("server", f"{min(others)} is about another server: 'server' is needed")
        return TerminologySettings(expansion_limit=limit)
    _check(table)
    try:
        addresses = Addresses(table.get("allow_private", False), tuple(table.get("allowed_addresses", ())))
    except ValueError as problem:
        raise WrongSetting("allowed_addresses", f"allowed_addresses: {problem}") from None
    standard = TerminologySettings()
    read = TerminologySettings(
        _remote(table),
        addresses,
        table.get("allow_http", False),
        _authorities(table, folder),
        secret_of(table, "token"),
        table.get("client_id", ""),
        secret_of(table, "client_key"),
        table.get("client_key_id", ""),
        secret_of(table, "client_secret"),
        table.get("scope", standard.scope),
        table.get("token_url", ""),
        limit,
    )
    _check_credentials(read)
    return read


def _check(table: Mapping[str, Any]) -> None:
    for name in _POSITIVE:
        if table.get(name, 1) <= 0:
            raise WrongSetting(name, f"{name} is more than 0")
    if table.get("cache_seconds", 0) < 0:
        raise WrongSetting("cache_seconds", "cache_seconds is 0 or more")
    if table.get("first", LOCAL) not in (LOCAL, REMOTE):
        raise WrongSetting("first", f"first is '{LOCAL}' or '{REMOTE}'")
    if table.get("first") == REMOTE and not table.get("systems"):
        raise WrongSetting(
            "first", "first = 'remote' needs systems: those it is asked about, or \"*\" for all"
        )
    for name in ("server", "token_url"):
        _check_address(name, table.get(name, ""), table.get("allow_http", False))


def _check_address(name: str, address: str, http: bool) -> None:
    if not address:
        return
    try:
        parts = urlsplit(address)
    except ValueError:
        raise WrongSetting(name, f"{name} is no address") from None
    if parts.scheme not in ("https", "http") or not parts.hostname or not address.isprintable():
        raise WrongSetting(name, f"{name} is an address that begins with https://")
    if parts.scheme == "http" and not http:
        raise WrongSetting(
            name, f"{name} is http: codes and the token could be read on the way (allow_http = true)"
        )
    if parts.username or parts.password:
        raise WrongSetting(name, f"{name} holds a user or password; secrets stand in files of their own")
    if parts.query or parts.fragment:
        raise WrongSetting(name, f"{name} has no '?' and no '#'")


def _remote(table: Mapping[str, Any]) -> RemoteSettings:
    standard = RemoteSettings("")
    return RemoteSettings(
        table["server"],
        frozenset(table.get("systems", ())),
        table.get("first", LOCAL),
        float(table.get("timeout_seconds", standard.timeout)),
        float(table.get("cache_seconds", standard.kept)),
        table.get("cache_entries", standard.most_kept),
        table.get("answer_bytes", standard.answer_bytes),
        table.get("attempts", standard.attempts),
        table.get("failures", standard.failures),
        float(table.get("pause_seconds", standard.pause)),
    )


def _authorities(table: Mapping[str, Any], folder: Path) -> Path | None:
    if not table.get("ca_file"):
        return None
    path = folder / str(table["ca_file"])
    if not path.is_file():
        raise WrongSetting("ca_file", f"ca_file: {table['ca_file']} is not there")
    try:
        ssl.create_default_context(cafile=path)
    except ssl.SSLError:
        raise WrongSetting("ca_file", f"ca_file: {table['ca_file']} holds no certificates (PEM)") from None
    return path


def _check_credentials(read: TerminologySettings) -> None:
    if bool(read.client_id) != bool(read.client_key or read.client_secret):
        raise WrongSetting("client_id", "client_id goes with client_key or client_secret, and they with it")
    if read.client_key and read.client_secret:
        raise WrongSetting("client_secret", "there is client_key or client_secret, not both")
    if read.client_id and read.token:
        raise WrongSetting("token", "there is token or client_id, not both")
