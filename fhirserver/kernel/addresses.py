"""Which IP addresses may be connected to when the host was named by somebody else: a subscriber, a webhook's owner.

Such a host may stand for the server itself, for its neighbours behind the firewall, or for the metadata service that
hands out a cloud machine's credentials (server-side request forgery). What is judged is the address that will be
connected to, never the name. The ranges are those of IANA's registries of special-purpose addresses:

https://www.iana.org/assignments/iana-ipv4-special-registry, https://www.iana.org/assignments/iana-ipv6-special-registry
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TypeAlias

from fhirserver.kernel.outcomes import Category, refuse

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network


def _networks(words: Mapping[str, str]) -> tuple[tuple[Network, str], ...]:
    return tuple((ip_network(text), word) for word, texts in words.items() for text in texts.split())


_METADATA = _networks(
    {
        "metadata service": "169.254.169.254 169.254.170.2 169.254.170.23 100.100.100.200 168.63.129.16 192.0.0.192"
        " fd00:ec2::254 fd00:ec2::23 fd20:ce::254"
    }
)
"""Of AWS, Google, Azure, Alibaba and Oracle. That of Azure is a public address."""

_INSIDE = _networks(
    {
        "loopback": "127.0.0.0/8 ::1",
        "private": "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7 fec0::/10",
        "link-local": "169.254.0.0/16 fe80::/10",
        "shared (carrier-grade NAT)": "100.64.0.0/10",
        "benchmarking": "198.18.0.0/15",
        "documentation": "192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 2001:db8::/32 3fff::/20",
        "locally translated (NAT64)": "64:ff9b:1::/48",
    }
)
"""Open where private addresses are allowed."""

_NOWHERE = _networks(
    {
        "unspecified": "0.0.0.0/8 ::",
        "multicast": "224.0.0.0/4 ff00::/8",
        "tunnel (6to4, Teredo)": "192.88.99.0/24 2001::/23 2002::/16",
        "reserved": "192.0.0.0/24 240.0.0.0/4 5f00::/16",
    }
)
"""No single host, or one whose real address is hidden inside."""

_GLOBAL = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)


class Addresses:
    """A rule about addresses. ``allowed`` are networks such as ``10.0.0.0/24`` that are open whatever they are.

    ``allow_private`` opens loopback, private, link-local and shared addresses, but never those of metadata services,
    multicast and reserved ones. Raises ValueError for what is no network.
    """

    def __init__(self, allow_private: bool = False, allowed: Iterable[str] = ()):
        self.allow_private = allow_private
        self._allowed = tuple(_network(text) for text in sorted(allowed))

    def objection(self, address: str | Address) -> str | None:
        """Why this address may not be connected to, without the address itself; None where it may."""
        try:
            host = ip_address(address.partition("%")[0]) if isinstance(address, str) else address
        except ValueError:
            return "it is not an IP address"
        if self._is_allowed(host):
            return None
        behind = _translated(host)
        if behind is not None:
            return self.objection(behind)
        inside = _isatap(host)
        return self._against(host) or (None if inside is None else self.objection(inside))

    def check(self, address: str | Address) -> None:
        """Raises Refusal (422) for an address that may not be connected to."""
        why = self.objection(address)
        if why is not None:
            raise refuse(Category.UNPROCESSABLE, "security", f"The address may not be connected to: {why}")

    def _is_allowed(self, host: Address) -> bool:
        return any(host.version == network.version and host in network for network in self._allowed)

    def _against(self, host: Address) -> str | None:
        kinds = (_METADATA, _NOWHERE) if self.allow_private else (_METADATA, _NOWHERE, _INSIDE)
        for kind in kinds:
            for network, word in kind:
                if host.version == network.version and host in network:
                    return f"it is a {word} address"
        known = isinstance(host, IPv4Address) or host in _GLOBAL
        if not known and not (self.allow_private and _within(host, _INSIDE)):
            return "it is a reserved address"
        return None


def _network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError:
        raise ValueError(f"'{text}' is not a network such as 10.0.0.0/24 or fd00::/8") from None


def _within(host: Address, kind: tuple[tuple[Network, str], ...]) -> bool:
    return any(host.version == network.version and host in network for network, _ in kind)


def _translated(host: Address) -> IPv4Address | None:
    """The IPv4 address that is meant: IPv4-mapped, or translated by NAT64."""
    if not isinstance(host, IPv6Address):
        return None
    return host.ipv4_mapped or (_last(host) if host in _NAT64 else None)


def _isatap(host: Address) -> IPv4Address | None:
    """The IPv4 address that an ISATAP tunnel would send to."""
    tunnels = isinstance(host, IPv6Address) and (int(host) >> 32) & 0xFFFF_FFFF in _ISATAP
    return _last(host) if tunnels else None


def _last(host: Address) -> IPv4Address:
    return IPv4Address(int(host) & 0xFFFF_FFFF)
