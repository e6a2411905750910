"""The server's own key: what other secrets are derived from, so that none of them has to be kept.

All processes that serve one tenant have the same key. Whoever has it can sign notifications and open sockets. After it
was changed, what was made with the one before is still taken for a while.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fhirserver.access.owners import Owner

LEAST_BYTES = 32


@dataclass(frozen=True, slots=True)
class FormerKey:
    """A key that was in use; it still counts until then, in seconds since 1970."""

    secret: bytes = field(repr=False)
    until: float


class ServerKey:
    """A secret of at least 32 bytes, and those before it. Raises ValueError for a shorter one."""

    def __init__(self, secret: bytes, former: Sequence[FormerKey] = (), now: Callable[[], float] = time.time):
        if any(len(one) < LEAST_BYTES for one in (secret, *(key.secret for key in former))):
            raise ValueError(f"the server's key has at least {LEAST_BYTES} bytes")
        self._secret, self._former, self._now = secret, tuple(former), now

    @staticmethod
    def random() -> ServerKey:
        """A fresh key, for a server that keeps nothing."""
        return ServerKey(secrets.token_bytes(LEAST_BYTES))

    def derive(self, purpose: str, *parts: str) -> bytes:
        """32 bytes for one purpose and what is named by ``parts``; no two of them have the same."""
        return _derived(self._secret, purpose, parts)

    def derive_all(self, purpose: str, *parts: str) -> tuple[bytes, ...]:
        """What :meth:`derive` gives, then what it gave with the keys before that still count."""
        now = self._now()
        former = (key.secret for key in self._former if key.until > now)
        return tuple(_derived(secret, purpose, parts) for secret in (self._secret, *former))

    def derive_former(self, purpose: str, *parts: str) -> tuple[bytes, ...]:
        """What :meth:`derive` gave with each key before, also with one that does not count any more."""
        return tuple(_derived(key.secret, purpose, parts) for key in self._former)

    def __repr__(self) -> str:
        return "ServerKey()"


def _derived(secret: bytes, purpose: str, parts: Sequence[str]) -> bytes:
    named = [part.encode() for part in (purpose, *parts)]
    text = b"".join(len(part).to_bytes(4, "big") + part for part in named)
    return hmac.digest(secret, text, hashlib.sha256)


def signing_secret(key: ServerKey, subscription: str, owner: Owner) -> str:
    """With what notifications of an owner's subscription are signed. Its UTF-8 bytes, as they stand, are the HMAC key.

    Who takes over another's subscription has another secret: the old one would let him speak to the old endpoint.
    """
    return signing_secrets(key, subscription, owner)[0]


def signing_secrets(key: ServerKey, subscription: str, owner: Owner) -> tuple[str, ...]:
    """The same, then those of the keys before: who has not asked again since knows one of these."""
    app = (owner.client, owner.grant) if owner.client else ()
    derived = key.derive_all("notifications of a subscription", subscription, owner.principal, *app)
    return tuple("whsec_" + one.hex() for one in derived)
