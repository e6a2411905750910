"""Passes with which one process of a server asks another on behalf of an operator that it has let in itself."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import time
from collections.abc import Callable, Sequence
from hashlib import sha256

from fhirserver.access.principals import Principal, Principals
from fhirserver.access.server_key import ServerKey
from fhirserver.world.sources import Source

SERVER = "credence serve"
"""What asks on behalf of whoever has a pass; no client can be called so."""
_PURPOSE = "an operator's pass"
_CALL_PURPOSE = "an operator's pass to the sound of a call"
_MARK = "desk"
_SECONDS = 60
_CALL_SECONDS = 30


class DeskPasses:
    """Makes and reads passes: ``desk.<name>.<until>.<signature>``, good for a minute. ``now``: seconds since 1970."""

    def __init__(self, key: ServerKey, now: Callable[[], float] = time.time):
        self._key, self._now = key, now

    def issue(self, operator: str) -> str:
        """A pass for an operator who has been let in."""
        name = base64.urlsafe_b64encode(operator.encode()).decode().rstrip("=")
        stated = f"{_MARK}.{name}.{int(self._now()) + _SECONDS}"
        return f"{stated}.{self._signed(stated)[0]}"

    def operator(self, token: str) -> str:
        """Whose pass it is; empty for what is none, is not ours, or is too old."""
        stated, _, signature = token.rpartition(".")
        mark, _, rest = stated.partition(".")
        name, _, until = rest.partition(".")
        if mark != _MARK or not until.isdecimal() or not _is_one_of(signature, self._signed(stated)):
            return ""
        if int(until) < self._now():
            return ""
        try:
            return base64.urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode()
        except (binascii.Error, UnicodeDecodeError):
            return ""

    def _signed(self, stated: str) -> list[str]:
        """By the key of now, and by those before that still count."""
        keys, text = self._key.derive_all(_PURPOSE), stated.encode("utf-8", "replace")
        return [hmac.new(key, text, sha256).hexdigest() for key in keys]


class CallPasses:
    """Passes for the sound of one call: good for an operator, a call and half a minute, and once in a process."""

    def __init__(self, key: ServerKey, now: Callable[[], float] = time.time):
        self._key, self._now = key, now
        self._used: dict[str, int] = {}

    def issue(self, operator: str, call: str) -> str:
        """A pass for an operator who has been let in."""
        stated = f"{int(self._now()) + _CALL_SECONDS}.{secrets.token_urlsafe(12)}"
        return f"{stated}.{self._signed(stated, operator, call)[0]}"

    def redeem(self, token: str, operator: str, call: str) -> bool:
        """Whether it lets this operator hear this call now; it does so once."""
        stated, _, signature = token.rpartition(".")
        until = stated.partition(".")[0]
        if not _is_one_of(signature, self._signed(stated, operator, call)):
            return False
        now = self._now()
        self._used = {used: end for used, end in self._used.items() if end >= now}
        if int(until) < now or stated in self._used:
            return False
        self._used[stated] = int(until)
        return True

    def _signed(self, *parts: str) -> list[str]:
        named = [part.encode("utf-8", "replace") for part in parts]
        text = b"".join(len(part).to_bytes(4, "big") + part for part in named)
        return [hmac.new(key, text, sha256).hexdigest() for key in self._key.derive_all(_CALL_PURPOSE)]


def _is_one_of(signature: str, ours: Sequence[str]) -> bool:
    given = signature.encode("utf-8", "replace")
    return any(hmac.compare_digest(one.encode(), given) for one in ours)


class DeskPrincipals(Principals):
    """The principals of the settings, and operators with a pass: they may do what operators do and nothing else."""

    def __init__(self, principals: Principals, passes: DeskPasses):
        super().__init__(())
        self._principals, self._passes = principals, passes

    def authenticate(self, authorization: str | None) -> Principal:
        """The principal of an ``Authorization: Bearer`` header. Raises :class:`Refusal` (401)."""
        scheme, _, token = (authorization or "").partition(" ")
        operator = self._passes.operator(token.strip()) if scheme.lower() == "bearer" else ""
        if operator:
            return Principal(operator, Source("operator", "operator"), frozenset({"operator"}), client=SERVER)
        return self._principals.authenticate(authorization)

    def of_digest(self, digest: str) -> Principal | None:
        return self._principals.of_digest(digest)
