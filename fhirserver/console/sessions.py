"""Sessions of operators at the console: a token once, then a cookie.

Kept as small files in a folder, so that every server process knows them, or in memory where there is no
folder. Neither the token nor the cookie is kept: only their digests.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request

from fhirserver.access.principals import Principal, Principals, token_digest
from fhirserver.kernel.json import InvalidJson, JsonObject, dumps, loads
from fhirserver.kernel.outcomes import Refusal

COOKIE = "credence_session"
SECONDS = 8 * 3600


@dataclass(frozen=True, slots=True)
class LastDecision:
    """What the operator decided last: the items, what to say of it, what could not be done, and whether it can be
    taken back."""

    items: tuple[str, ...]
    said: str
    refused: tuple[str, ...] = ()
    undoable: bool = True

    @staticmethod
    def of(kept: JsonObject) -> LastDecision:
        return LastDecision(tuple(kept["items"]), kept["said"], tuple(kept["refused"]), kept["undoable"])

    def as_json(self) -> JsonObject:
        return {
            "items": list(self.items),
            "said": self.said,
            "refused": list(self.refused),
            "undoable": self.undoable,
        }


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in operator; ``form_token`` guards every form against other sites."""

    principal: Principal
    form_token: str
    last: LastDecision | None = None


class SessionFiles(MutableMapping[str, JsonObject]):
    """Sessions by the digest of their id, one file each, readable by the server's user only."""

    def __init__(self, folder: Path):
        self._folder = folder

    def __getitem__(self, digest: str) -> JsonObject:
        try:
            kept: JsonObject = loads((self._folder / digest).read_bytes())
        except (OSError, InvalidJson):
            raise KeyError from None
        return kept

    def __setitem__(self, digest: str, kept: JsonObject) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._folder / f".{digest}.{os.getpid()}"  # another process may write the same one
        fresh.touch(0o600)
        fresh.write_bytes(dumps(kept))
        fresh.replace(self._folder / digest)

    def __delitem__(self, digest: str) -> None:
        try:
            (self._folder / digest).unlink()
        except FileNotFoundError:
            raise KeyError from None

    def __iter__(self) -> Iterator[str]:
        if self._folder.is_dir():
            yield from (one.name for one in self._folder.iterdir() if not one.name.startswith("."))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Sessions:
    """All sessions; of this process alone where there is no ``folder``."""

    def __init__(self, principals: Principals, folder: Path | None = None):
        self._principals = principals
        self._kept: MutableMapping[str, JsonObject] = {} if folder is None else SessionFiles(folder)

    def sign_in(self, token: str) -> str | None:
        """A new session's id for a token with the operator role, or None."""
        try:
            principal = self._principals.authenticate(f"Bearer {token.strip()}")
        except Refusal:
            return None
        if not principal.may("operator"):
            return None
        self._forget_old()
        id = secrets.token_urlsafe(32)
        self._kept[_digest(id)] = {
            "token": token_digest(token.strip()),
            "form": secrets.token_urlsafe(32),
            "until": int(time.time()) + SECONDS,
        }
        return id

    def _forget_old(self) -> None:
        for digest in list(self._kept):
            kept = self._kept.get(digest)
            if kept is not None and kept["until"] <= time.time():
                with contextlib.suppress(KeyError):
                    del self._kept[digest]

    def of(self, request: Request) -> Session | None:
        """The session a request belongs to, while its token is still one of the settings."""
        kept = self._kept.get(_digest(request.cookies.get(COOKIE, "")))
        if kept is None or kept["until"] <= time.time():
            return None
        principal = self._principals.of_digest(kept["token"])
        if principal is None or not principal.may("operator"):
            return None
        last = LastDecision.of(kept["last"]) if kept.get("last") else None
        return Session(principal, kept["form"], last)

    def remember(self, request: Request, last: LastDecision | None) -> None:
        """Keep what the operator of this request decided last."""
        digest = _digest(request.cookies.get(COOKIE, ""))
        kept = self._kept.get(digest)
        if kept is not None:
            self._kept[digest] = {**kept, "last": last.as_json() if last else None}

    def ended(self, request: Request) -> bool:
        """Whether a request comes from a browser whose session is over."""
        return COOKIE in request.cookies and self.of(request) is None

    def sign_out(self, request: Request) -> None:
        self._kept.pop(_digest(request.cookies.get(COOKIE, "")), None)


def _digest(id: str) -> str:
    return hashlib.sha256(id.encode()).hexdigest()


def form_is_ours(session: Session, token: str) -> bool:
    """Whether a form came from a page of this session."""
    return hmac.compare_digest(session.form_token.encode(), token.encode())
