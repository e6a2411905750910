"""The settings of ``[server]`` and ``[limits]`` that keep others out: TLS, trusted proxies, rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final

from fhirserver.app.setting_kinds import WrongSetting
from fhirserver.app.tls import InvalidTls, Tls
from fhirserver.rest.visits import Rates

RATES: Final = {
    "requests_per_second_address": "address_per_second",
    "requests_per_second_principal": "principal_per_second",
    "failed_sign_ins_per_minute": "failed_per_minute",
    "connections_per_address": "connections_per_address",
}
"""Settings of ``[limits]`` by what they are called here."""


def parse_tls(table: Mapping[str, Any], folder: Path) -> Tls | None:
    """``tls_cert``, ``tls_key`` and ``tls_client_ca``, with the files read once; None: no TLS.

    Raises :class:`WrongSetting`.
    """
    certificate, key = table.get("tls_cert", ""), table.get("tls_key", "")
    if bool(certificate) != bool(key):
        raise WrongSetting("tls_key", "tls_cert and tls_key go together")
    client_ca = table.get("tls_client_ca", "")
    if not certificate:
        if client_ca:
            raise WrongSetting("tls_client_ca", "tls_client_ca goes with tls_cert and tls_key")
        return None
    made = Tls(folder / certificate, folder / key, folder / client_ca if client_ca else None)
    try:
        made.server_context()
    except InvalidTls as wrong:
        raise WrongSetting("tls_cert", str(wrong).removeprefix("[server] ")) from None
    return made


def parse_proxies(table: Mapping[str, Any]) -> tuple[str, ...]:
    """``trusted_proxies``: addresses and networks. Raises :class:`WrongSetting`."""
    values: Sequence[str] = table.get("trusted_proxies", ())
    for value in values:
        try:
            ip_network(value)
        except ValueError:
            raise WrongSetting(
                "trusted_proxies",
                f"trusted_proxies: '{value[:64]}' is no address or network such as 10.0.0.0/24",
            ) from None
    return tuple(values)


def parse_rates(table: Mapping[str, Any]) -> Rates:
    """Those of ``[limits]`` that are rates; 0 is without a limit. Raises :class:`WrongSetting`."""
    given = {inner: table[name] for name, inner in RATES.items() if name in table}
    for name in RATES:
        if table.get(name, 0) < 0:
            raise WrongSetting(name, f"{name} is 0 (no limit) or more")
    whole = given.pop("connections_per_address", Rates().connections_per_address)
    return Rates(**{name: float(value) for name, value in given.items()}, connections_per_address=whole)
