"""Who comes how often: requests of an address and of a principal, failed sign-ins and connections of an address.

Every process counts for itself. The machine itself (loopback) may ask as often as it likes: where a proxy on it hands
on what others ask, ``trusted_proxies`` says so, and they are counted by their own addresses.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, Final

from fhirserver.kernel.outcomes import Category, Issue, Refusal
from fhirserver.rest.defence import note_issue
from fhirserver.rest.pace import Pace

BURST_SECONDS: Final = 5.0
"""How many seconds' worth of requests may come at once."""
_NOTED_SECONDS: Final = 60.0
_LONGEST: Final = 64
"""Characters of an address, its zone included."""
_SITE: Final = 64
"""Bits of an IPv6 address that are one customer's: whoever has one address has all of them."""


@dataclass(frozen=True, slots=True)
class Rates:
    """What one address and one principal may do in one process; 0: as much as they like."""

    address_per_second: float = 1000.0
    principal_per_second: float = 2000.0
    failed_per_minute: float = 60.0
    connections_per_address: int = 500


def _address(scope: Mapping[str, Any]) -> str:
    """Who asks; empty where that is not known. What a proxy says of it may be anything."""
    client = scope.get("client")
    return str(client[0])[:_LONGEST] if client else ""


@lru_cache(maxsize=8192)
def site(address: str) -> str:
    """By what an address is counted: itself, or the network of an IPv6 address."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        mapped = found.ipv4_mapped
        return str(mapped) if mapped else str(ip_network((found, _SITE), strict=False))
    return str(found)


@lru_cache(maxsize=8192)
def _counted(address: str) -> str:
    """The same; empty for the machine itself."""
    if not address:
        return ""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return "" if found.is_loopback else site(address)


class Visits:
    """Counts, and refuses (429) what is too much."""

    def __init__(self, rates: Rates | None = None, proxies: Iterable[str] = ()):
        """``proxies``: networks whose connections are many people's, and have no limit."""
        rates = rates or Rates()
        self._proxies = tuple(ip_network(proxy) for proxy in proxies)
        self._addresses = Pace(rates.address_per_second, rates.address_per_second * BURST_SECONDS)
        self._principals = Pace(rates.principal_per_second, rates.principal_per_second * BURST_SECONDS)
        self._failed = Pace(rates.failed_per_minute / 60, rates.failed_per_minute)
        self._told = Pace(1 / _NOTED_SECONDS, 1)
        self._most_connections = rates.connections_per_address
        self._connections: dict[str, int] = {}

    def admit(self, scope: Mapping[str, Any]) -> None:
        """A request of an address. Raises :class:`Refusal` (429)."""
        who = _counted(_address(scope))
        if who and (seconds := self._addresses.wait(who)):
            raise self._too_many(seconds, "requests come from this address", scope)

    def admit_principal(self, name: str, scope: Mapping[str, Any]) -> None:
        """A request of a principal who is known by now. Raises :class:`Refusal` (429)."""
        if _counted(_address(scope)) and (seconds := self._principals.wait(name)):
            raise self._too_many(seconds, "requests come from this principal", scope)

    def failed(self, scope: Mapping[str, Any]) -> Refusal | None:
        """Somebody at this address was not who they said. A refusal (429) where that happens too often."""
        address = _address(scope)
        seconds = self._failed.wait(site(address)) if address else 0.0
        return self._too_many(seconds, "sign-ins from this address failed", scope) if seconds else None

    def check_failures(self, scope: Mapping[str, Any]) -> None:
        """Before a password or a token is looked at. Raises :class:`Refusal` (429) where too many have failed."""
        address = _address(scope)
        if address and (seconds := self._failed.is_spent(site(address))):
            raise self._too_many(seconds, "sign-ins from this address failed", scope)

    def _too_many(self, seconds: float, what: str, scope: Mapping[str, Any]) -> Refusal:
        issue = Issue("throttled", f"Too many {what}; come again in {math.ceil(seconds)} s", ("http",))
        if not self._told.wait((site(_address(scope)), what)):  # once a minute is enough
            note_issue(Category.TOO_MANY, issue, scope.get("client"))
        return Refusal(Category.TOO_MANY, (issue,), {"Retry-After": str(math.ceil(seconds))})

    def enter(self, address: str) -> bool:
        """A connection was opened. False where this address has as many as it may: then it is not counted."""
        who = _counted(address)
        if not who or not self._most_connections or self._is_proxy(address):
            return True
        open_now = self._connections.get(who, 0)
        if open_now >= self._most_connections:
            return False
        self._connections[who] = open_now + 1
        return True

    def _is_proxy(self, address: str) -> bool:
        try:
            found = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        return any(found.version == network.version and found in network for network in self._proxies)

    def leave(self, address: str) -> None:
        """A connection that had entered is gone."""
        who = _counted(address)
        left = self._connections.get(who, 0) - 1
        if left > 0:
            self._connections[who] = left
        else:
            self._connections.pop(who, None)
