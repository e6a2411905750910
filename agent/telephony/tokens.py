"""Tokens of media streams: each lets one call in, once, for a short time. Pure."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Issued:
    token: str
    until: float


class Tokens:
    """``now`` is seconds of a steady clock."""

    def __init__(self, life: float):
        self._life = life
        self._issued: dict[str, _Issued] = {}

    def issue(self, call: str, now: float) -> str:
        """A token for this call; an earlier one of the same call is void."""
        self._issued[call] = _Issued(secrets.token_urlsafe(32), now + self._life)
        return self._issued[call].token

    def redeem(self, call: str, token: str, now: float) -> bool:
        """Whether the token lets this call in. It does so once; a wrong one leaves the right one as it is."""
        issued = self._issued.get(call)
        if issued is None or not hmac.compare_digest(issued.token.encode(), token.encode("utf-8", "replace")):
            return False
        del self._issued[call]
        return now <= issued.until

    def withdraw(self, call: str) -> None:
        """The call is over."""
        self._issued.pop(call, None)
