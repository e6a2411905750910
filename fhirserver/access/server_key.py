"""The server's own key: what other secrets are derived from, so that none of them has to be kept.

All processes that serve one tenant have the same key. Whoever has it can sign notifications and open sockets.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

LEAST_BYTES = 32


class ServerKey:
    """A secret of at least 32 bytes. Raises ValueError for a shorter one."""

    def __init__(self, secret: bytes):
        if len(secret) < LEAST_BYTES:
            raise ValueError(f"the server's key has at least {LEAST_BYTES} bytes")
        self._secret = secret

    @staticmethod
    def random() -> ServerKey:
        """A fresh key, for a server that keeps nothing."""
        return ServerKey(secrets.token_bytes(LEAST_BYTES))

    def derive(self, purpose: str, *parts: str) -> bytes:
        """32 bytes for one purpose and what is named by ``parts``; no two of them have the same."""
        named = [part.encode() for part in (purpose, *parts)]
        text = b"".join(len(part).to_bytes(4, "big") + part for part in named)
        return hmac.digest(self._secret, text, hashlib.sha256)

    def __repr__(self) -> str:
        return "ServerKey()"


def signing_secret(key: ServerKey, subscription: str, owner: str) -> str:
    """With what notifications of an owner's subscription are signed. Its UTF-8 bytes, as they stand, are the HMAC key.

    Who takes over another's subscription has another secret: the old one would let him speak to the old endpoint.
    """
    return "whsec_" + key.derive("notifications of a subscription", subscription, owner).hex()
