"""Grants: what a user has let an app do, or a backend service may do, for as long as it holds; and refresh tokens.

A grant has one refresh token at a time. Each use makes the next, and whoever shows an older one shows that it was
copied: then nothing of the grant holds any more. https://www.rfc-editor.org/rfc/rfc9700#section-4.14
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from fhirserver.access.permissions import Rights
from fhirserver.access.principals import token_digest
from fhirserver.access.scopes import Scopes, parse_scopes
from fhirserver.access.server_key import ServerKey
from fhirserver.access.smart.errors import OAuthError, invalid_grant
from fhirserver.access.smart.people import People, rights_claim, rights_of_claim
from fhirserver.access.smart.revocations import Revocations
from fhirserver.access.smart.settings import Lifetimes
from fhirserver.kernel.ids import new_id
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.access_records import AccessRecord, AccessRecords

_PREFIX = "grant/"
_OF_USER = "grants-of/"
_MARK = "rt"


@dataclass(frozen=True, slots=True)
class Grant:
    """One authorization. ``scope`` is what was granted, ``asked`` what was asked for, as the client wrote it.

    ``login``, ``subject``, ``epoch``, ``name``, ``fhir_user`` are the user's, empty for a backend service. ``session``
    names that of the user, where the grant ends with it at ``until``. ``context`` is what else of the launch the client
    is told. ``uses`` counts refreshes, ``refresh`` is the digest of the token for the next. Times: seconds since 1970.
    """

    client: str
    source: str
    scope: str
    id: str = field(default_factory=new_id)
    asked: str = ""
    rights: Rights = field(default_factory=Rights)
    login: str = ""
    subject: str = ""
    epoch: str = ""
    name: str = ""
    fhir_user: str = ""
    session: str = ""
    until: int = 0
    patient: str = ""
    encounter: str = ""
    context: JsonObject = field(default_factory=dict)
    authenticated: int = 0
    nonce: str = ""
    made: int = 0
    uses: int = 0
    refresh: str = ""

    @property
    def scopes(self) -> Scopes:
        return parse_scopes(self.scope)

    def as_json(self) -> JsonObject:
        """How it is kept, beside its id."""
        kept = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "id"}
        return {**kept, "rights": rights_claim(self.rights)}


def grant_of_json(id: str, kept: JsonObject) -> Grant:
    """The grant that was kept."""
    given: dict[str, Any] = {one.name: kept[one.name] for one in fields(Grant) if one.name in kept}
    return Grant(**{**given, "id": id, "rights": rights_of_claim(kept["rights"])})


class Grants:
    """The grants of users, which outlive their first access token. ``now``: seconds since 1970."""

    def __init__(
        self,
        records: AccessRecords,
        revocations: Revocations,
        people: People,
        key: ServerKey,
        lifetimes: Lifetimes,
        now: Callable[[], float] = time.time,
    ):
        self._records, self._revocations, self._people = records, revocations, people
        self._lifetimes, self._now = lifetimes, now
        self._key = key

    async def find(self, id: str) -> Grant | None:
        """The grant of this id, while it holds as far as it says for itself."""
        kept = await self._kept(id) if id else None
        return kept[1] if kept else None

    async def _kept(self, id: str) -> tuple[AccessRecord, Grant] | None:
        kept = await self._records.read(_PREFIX + id)
        if kept is None or await self._revocations.is_revoked("grant", id):
            return None
        return kept, grant_of_json(id, kept.value)

    async def put(self, grant: Grant, refreshing: bool) -> str:
        """Keep a new grant; its first refresh token, or nothing where there is to be none."""
        token, grant = self._renewed(grant) if refreshing else ("", grant)
        if not await self._records.swap(_PREFIX + grant.id, 0, grant.as_json(), self._end(grant)):
            raise invalid_grant("there is such a grant already")
        if await self._revocations.is_revoked("grant", grant.id):  # its code was used a second time meanwhile
            raise invalid_grant("The code was used twice at once: what came of it is revoked")
        if grant.login:
            await self.of_user(grant.login)  # which forgets those that are over
            await self._records.swap(_of_user(grant.login) + grant.id, 0, {})
        return token

    async def of_user(self, login: str) -> Sequence[Grant]:
        """What a user has let apps do, as far as it holds, the latest first."""
        prefix, found = _of_user(login), []
        for one in await self._records.find(prefix):
            grant = await self.find(one.key.removeprefix(prefix))
            if grant is None:
                await self._records.remove(one.key, one.revision)
            elif await self._people.rights(grant.login, grant.epoch) is not None:
                found.append(grant)
        return sorted(found, key=lambda grant: grant.made, reverse=True)

    async def refresh(self, token: str, client: str) -> tuple[Grant, str]:
        """The grant of a refresh token, and the next token. Raises OAuthError.

        A token that was used already ends the grant, whoever shows it.
        """
        id = self._grant_of(token)
        found = await self._kept(id) if id else None
        if found is None or found[1].client != client:
            raise invalid_grant("The refresh token is not known, or holds no more")
        kept, grant = found
        if not hmac.compare_digest(grant.refresh, token_digest(token)):
            await self.end(id)
            raise invalid_grant("The refresh token was used before: the whole grant is revoked")
        fresh, changed = self._renewed(await self._as_of_now(grant))
        if not await self._records.swap(kept.key, kept.revision, changed.as_json(), self._end(changed)):
            await self.end(id)
            raise invalid_grant("The refresh token was used twice at once: the whole grant is revoked")
        return changed, fresh

    async def _as_of_now(self, grant: Grant) -> Grant:
        """The same as :meth:`current`; a grant of which nothing holds any more is ended."""
        try:
            return await self.current(grant)
        except OAuthError:
            await self.end(grant.id)
            raise

    async def current(self, grant: Grant) -> Grant:
        """The grant with what its user may do by now. Raises OAuthError where nothing of it holds any more: the user is
        no more, may not see the patient any more, or has ended the session that it was for."""
        rights = await self._people.rights(grant.login, grant.epoch)
        if rights is None:
            raise invalid_grant("The user who granted this is no more, or has to sign in again")
        if grant.patient and rights.patients is not None and grant.patient not in rights.patients:
            raise invalid_grant("The user who granted this may not see the patient's record any more")
        if grant.session and not await self._people.is_open(grant.session):
            raise invalid_grant("The user's session has ended, and online_access with it")
        return replace(grant, rights=rights)

    async def end(self, id: str) -> None:
        """Nothing of a grant holds from now on: no access token, no refresh token."""
        await self._revocations.revoke("grant", id)
        while (kept := await self._records.read(_PREFIX + id)) is not None:
            if await self._records.remove(kept.key, kept.revision):
                return

    async def of_token(self, token: str) -> Grant | None:
        """The grant whose refresh token this is now."""
        id = self._grant_of(token)
        grant = await self.find(id) if id else None
        return grant if grant and hmac.compare_digest(grant.refresh, token_digest(token)) else None

    def of_any_token(self, token: str) -> str:
        """The id of the grant whose refresh token this is, or once was; empty for what is none of ours."""
        return self._grant_of(token)

    def _end(self, grant: Grant) -> int:
        """Until when a grant is kept: while something of it may hold."""
        now = int(self._now())
        ends = [now + (self._lifetimes.refresh_idle if grant.refresh else self._lifetimes.access)]
        if grant.until:
            ends.append(grant.until)
        if self._lifetimes.offline and grant.refresh:
            ends.append(grant.made + self._lifetimes.offline)
        return min(ends)

    def _renewed(self, grant: Grant) -> tuple[str, Grant]:
        stated = f"{_MARK}.{grant.id}.{secrets.token_urlsafe(32)}"
        token = f"{stated}.{self._seals(stated)[0]}"
        uses = grant.uses + bool(grant.refresh)
        return token, replace(grant, refresh=token_digest(token), uses=uses)

    def _seals(self, stated: str) -> list[str]:
        """They tell an old token of ours from a guess: only the former ends a grant. By the server's key of now, then
        by those before that still count."""
        text = stated.encode("utf-8", "replace")
        macs = [hmac.digest(key, text, hashlib.sha256) for key in self._key.derive_all("refresh tokens")]
        return [urlsafe_b64encode(mac).decode().rstrip("=") for mac in macs]

    def _grant_of(self, token: str) -> str:
        stated, _, seal = token.rpartition(".")
        parts = stated.split(".")
        if len(parts) != 3 or parts[0] != _MARK or not token.isascii():
            return ""
        return parts[1] if any(hmac.compare_digest(one, seal) for one in self._seals(stated)) else ""


def _of_user(login: str) -> str:
    """Where the ids of a user's grants are listed."""
    return f"{_OF_USER}{token_digest(login)}/"
