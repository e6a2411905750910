"""The keys with which the server signs tokens: made when first needed, rotated by an operator, shown as a JWK Set.

One key of each algorithm signs. An old one stays in the set until all that it signed is over, so that rotating ends no
token. https://www.rfc-editor.org/rfc/rfc7517
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from fhirserver.kernel.json import JsonObject

if TYPE_CHECKING:
    from joserfc.jwk import ECKey, RSAKey

ES256, RS256 = "ES256", "RS256"
ALGORITHMS = (ES256, RS256)
"""ES256 for access tokens, and for ID tokens where a client asks for it; RS256 for the others, as OpenID says."""
LONGEST_TOKEN_SECONDS = 3600
"""No token that these keys sign lives longer."""
_SLACK_SECONDS = 120
_RSA_BITS = 2048
_REREAD_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class ServerSigningKey:
    """One key pair. ``retired``: since when it signs nothing any more, in seconds since 1970; 0 for one that signs."""

    kid: str
    algorithm: str
    made: int
    retired: int
    jwk: JsonObject
    """The private key."""

    def is_over(self, now: float) -> bool:
        """Whether everything that it signed has ended."""
        return bool(self.retired) and self.retired + LONGEST_TOKEN_SECONDS + _SLACK_SECONDS <= now

    def public(self) -> JsonObject:
        """What others verify with."""
        names = ("kty", "crv", "x", "y", "n", "e")
        shown = {name: self.jwk[name] for name in names if name in self.jwk}
        return {**shown, "kid": self.kid, "alg": self.algorithm, "use": "sig"}

    def __repr__(self) -> str:
        return f"ServerSigningKey({self.kid!r}, {self.algorithm!r})"


class KeyStorage(Protocol):
    """Where the keys are kept. All processes that serve together have the same."""

    def all(self) -> Sequence[ServerSigningKey]: ...

    def mark(self) -> object:
        """Something that changes whenever :meth:`all` may answer otherwise."""
        ...

    def put(self, key: ServerSigningKey) -> None:
        """Keep a key, or what has changed of it."""
        ...

    def remove(self, kid: str) -> None: ...

    def first(self, key: ServerSigningKey) -> None:
        """Keep a key where there is none that signs with its algorithm; of several that try at once one does."""
        ...


class MemoryKeys:
    """Keys of a server that keeps nothing."""

    def __init__(self) -> None:
        self._keys: dict[str, ServerSigningKey] = {}
        self._changes = 0

    def all(self) -> Sequence[ServerSigningKey]:
        return [*self._keys.values()]

    def mark(self) -> object:
        return self._changes

    def put(self, key: ServerSigningKey) -> None:
        self._keys[key.kid] = key
        self._changes += 1

    def remove(self, kid: str) -> None:
        self._keys.pop(kid, None)
        self._changes += 1

    def first(self, key: ServerSigningKey) -> None:
        if not any(one.algorithm == key.algorithm and not one.retired for one in self._keys.values()):
            self.put(key)


def made_key(algorithm: str, now: float) -> ServerSigningKey:
    """A fresh key pair; its ``kid`` is the thumbprint of its public half."""
    from joserfc.jwk import ECKey, RSAKey

    made: Any = ECKey.generate_key("P-256") if algorithm == ES256 else RSAKey.generate_key(_RSA_BITS)
    jwk: JsonObject = made.as_dict(private=True)
    return ServerSigningKey(made.thumbprint(), algorithm, int(now), 0, {**jwk, "kid": made.thumbprint()})


class KeyRing:
    """The keys as tokens are signed and verified with them. What another process changes is seen within a second."""

    def __init__(self, storage: KeyStorage, now: Callable[[], float] = time.time):
        self._storage, self._now = storage, now
        self._mark: object = None
        self._looked = float("-inf")
        self._keys: dict[str, ServerSigningKey] = {}
        self._imported: dict[str, ECKey | RSAKey] = {}

    async def ensure(self, *algorithms: str) -> None:
        """Make what keys are missing, beside the event loop: an RSA key takes a second."""
        self._look()
        if any(self._current(one) is None for one in algorithms):
            await asyncio.to_thread(lambda: [self.signing(one) for one in algorithms])

    def signing(self, algorithm: str) -> tuple[str, ECKey | RSAKey]:
        """The key that signs now, and its ``kid``; the first is made."""
        self._look()
        found = self._current(algorithm)
        if found is None:
            self._storage.first(made_key(algorithm, self._now()))
            self._read()
            found = self._current(algorithm)
        assert found is not None
        return found.kid, self._key(found)

    def _current(self, algorithm: str) -> ServerSigningKey | None:
        """The newest that is not retired."""
        usable = [one for one in self._keys.values() if one.algorithm == algorithm and not one.retired]
        return max(usable, key=lambda one: (one.made, one.kid), default=None)

    def verifying(self, kid: object, algorithm: str) -> ECKey | RSAKey | None:
        """The key with this ``kid``, where it is of this algorithm and something that it signed may still hold."""
        self._look()
        found = self._keys.get(kid) if isinstance(kid, str) else None
        if found is None or found.algorithm != algorithm or found.is_over(self._now()):
            return None
        return self._key(found)

    def jwks(self) -> JsonObject:
        """All public keys by which something may still be verified; makes the first of each algorithm."""
        for algorithm in ALGORITHMS:
            self.signing(algorithm)
        return {"keys": [one.public() for one in self.all() if not one.is_over(self._now())]}

    def all(self) -> Sequence[ServerSigningKey]:
        """Newest first."""
        self._look()
        return sorted(self._keys.values(), key=lambda one: (-one.made, one.kid))

    def rotate(self, algorithms: Sequence[str] = ALGORITHMS) -> Sequence[ServerSigningKey]:
        """Fresh keys sign from now on. Keys by which nothing can be verified any more are removed."""
        fresh = [made_key(algorithm, self._now()) for algorithm in algorithms]
        for key in fresh:
            self._storage.put(key)
        for old in self._storage.all():
            if old.is_over(self._now()):
                self._storage.remove(old.kid)
            elif old.algorithm in algorithms and not old.retired and old not in fresh:
                self._storage.put(replace(old, retired=int(self._now())))
        self._read()
        return fresh

    def _look(self) -> None:
        """Read the keys again where they may have changed; asked at most once a second."""
        at = time.monotonic()
        if at - self._looked >= _REREAD_SECONDS:
            self._looked = at
            if self._storage.mark() != self._mark:
                self._read()

    def _read(self) -> None:
        self._mark = self._storage.mark()
        self._keys = {key.kid: key for key in self._storage.all()}
        self._imported = {kid: key for kid, key in self._imported.items() if kid in self._keys}

    def _key(self, found: ServerSigningKey) -> ECKey | RSAKey:
        if found.kid not in self._imported:
            from joserfc.jwk import ECKey, RSAKey

            kind: Any = ECKey if found.algorithm == ES256 else RSAKey
            self._imported[found.kid] = kind.import_key(found.jwk)
        return self._imported[found.kid]
