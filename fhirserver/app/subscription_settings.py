"""The settings of ``[subscriptions]``: where notifications may go, and how long a subscriber is waited for."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fhirserver.kernel.addresses import Addresses

_POSITIVE = ("attempts", "retry_cap_seconds", "off_after_hours")


class InvalidSubscriptions(ValueError):
    """The table is wrong; the message names the setting and what to do."""


@dataclass(frozen=True, slots=True)
class SubscriptionSettings:
    """See docs/settings.md. ``key_file`` empty: a key is made beside the data; ``ca_file`` empty: the usual ones."""

    allow_private: bool = False
    allow_http: bool = False
    allowed_addresses: tuple[str, ...] = ()
    ca_file: str = ""
    key_file: str = ""
    attempts: int = 5
    retry_cap: float = 60.0
    off_after: float = 72 * 3600.0

    @property
    def addresses(self) -> Addresses:
        """Which addresses endpoints may have."""
        return Addresses(self.allow_private, self.allowed_addresses)


def parse_subscriptions(table: Mapping[str, Any], folder: Path) -> SubscriptionSettings:
    """Read the table, whose settings are of the right kinds. Raises :class:`InvalidSubscriptions`."""
    for name in _POSITIVE:
        if table.get(name, 1) <= 0:
            raise InvalidSubscriptions(f"{name} is more than 0")
    for name in ("ca_file", "key_file"):
        if table.get(name) and not (folder / table[name]).is_file():
            raise InvalidSubscriptions(f"{name}: {table[name]} is not there")
    if table.get("ca_file"):
        _check_authorities(folder / table["ca_file"], table["ca_file"])
    standard = SubscriptionSettings()
    read = SubscriptionSettings(
        allow_private=table.get("allow_private", False),
        allow_http=table.get("allow_http", False),
        allowed_addresses=tuple(table.get("allowed_addresses", ())),
        ca_file=str(folder / table["ca_file"]) if table.get("ca_file") else "",
        key_file=str(folder / table["key_file"]) if table.get("key_file") else "",
        attempts=table.get("attempts", standard.attempts),
        retry_cap=float(table.get("retry_cap_seconds", standard.retry_cap)),
        off_after=float(table.get("off_after_hours", standard.off_after / 3600)) * 3600,
    )
    try:
        _ = read.addresses
    except ValueError as error:
        raise InvalidSubscriptions(f"allowed_addresses: {error}") from None
    return read


def _check_authorities(path: Path, name: str) -> None:
    try:
        ssl.create_default_context(cafile=path)
    except ssl.SSLError:
        raise InvalidSubscriptions(f"ca_file: {name} holds no certificates (PEM)") from None
