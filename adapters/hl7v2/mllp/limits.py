"""What a listener allows: who may connect, how many, how slow, how much."""

from __future__ import annotations

import ipaddress
import logging
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

log = logging.getLogger("credence.hl7")

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
LOG_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes and seconds. ``allowed`` are the networks that may connect; none: all.

    ``message_seconds`` is for one message from its first byte to its last, ``idle_seconds`` for the silence between
    two; ``answer_seconds`` is how long a peer may take to read what it is answered. ``pipelined`` messages of one
    connection are taken in before the first of them is answered.
    """

    message_bytes: int = 16 * 1024 * 1024
    connections: int = 256
    connections_per_peer: int = 64
    message_seconds: float = 60.0
    idle_seconds: float = 3600.0
    handshake_seconds: float = 10.0
    answer_seconds: float = 30.0
    linger_seconds: float = 3.0
    pipelined: int = 16
    allowed: Sequence[Network] = ()

    @property
    def memory_bytes(self) -> int:
        """What the messages that are being handled may take together, as they stood on the wire."""
        return 4 * self.message_bytes


class Admission:
    """Who is connected, and whether one more may be."""

    def __init__(self, limits: Limits):
        self._limits = limits
        self._peers: Counter[str] = Counter()

    def refusal(self, peer: str) -> str:
        """Why a peer may not connect now; empty where it may."""
        if self._limits.allowed and not _within(peer, self._limits.allowed):
            return "its address is not allowed"
        if self._peers.total() >= self._limits.connections:
            return f"there are {self._limits.connections} connections already"
        if self._peers[peer] >= self._limits.connections_per_peer:
            return f"it has {self._limits.connections_per_peer} connections already"
        return ""

    def enter(self, peer: str) -> None:
        self._peers[peer] += 1

    def leave(self, peer: str) -> None:
        self._peers[peer] -= 1
        if not self._peers[peer]:
            del self._peers[peer]

    @property
    def count(self) -> int:
        return self._peers.total()


class Complaints:
    """Log lines about peers, at most one a second of each kind: a flood of connections is no flood of lines."""

    def __init__(self, listener: str):
        self._listener = listener
        self._last: dict[str, float] = {}
        self._unsaid: Counter[str] = Counter()

    def say(self, peer: str, what: str) -> None:
        now = time.monotonic()
        if now - self._last.get(what, -LOG_SECONDS) < LOG_SECONDS:
            self._unsaid[what] += 1
            return
        self._last[what] = now
        more = self._unsaid.pop(what, 0)
        log.warning("%s: %s: %s%s", self._listener, peer, what, f" (and {more} times before)" if more else "")


def _within(peer: str, networks: Sequence[Network]) -> bool:
    address = ipaddress.ip_address(peer.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in network for network in networks)
