"""Authorization codes: used once, within a minute, by the app that they were made for.

https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable

from fhirserver.access.principals import token_digest
from fhirserver.access.smart.errors import invalid_grant, invalid_request
from fhirserver.access.smart.grants import Grant, Grants, grant_of_json
from fhirserver.access.smart.keys import LONGEST_TOKEN_SECONDS
from fhirserver.access.smart.pkce import check_verifier
from fhirserver.ports.access_records import AccessRecord, AccessRecords

_PREFIX = "code/"


class Codes:
    """``now``: seconds since 1970."""

    def __init__(
        self, records: AccessRecords, grants: Grants, seconds: int, now: Callable[[], float] = time.time
    ):
        self._records, self._grants, self._seconds, self._now = records, grants, seconds, now

    async def put(self, grant: Grant, redirect_uri: str, challenge: str) -> str:
        """A code for a grant that holds nothing before the code is redeemed."""
        code, now = secrets.token_urlsafe(32), int(self._now())
        kept = {
            "grant": grant.id,
            "content": grant.as_json(),
            "redirect_uri": redirect_uri,
            "challenge": challenge,
            "until": now + self._seconds,
            "used": False,
        }
        # kept for longer than it holds: who uses it again later shows that it was copied
        await self._records.swap(_PREFIX + token_digest(code), 0, kept, now + LONGEST_TOKEN_SECONDS)
        return code

    async def redeem(self, code: str, client: str, redirect_uri: str, verifier: str) -> Grant:
        """What was granted. Raises OAuthError; a code that is used a second time ends what came of the first."""
        if not code or not redirect_uri:
            raise invalid_request("code and redirect_uri are needed")
        kept = await self._records.read(_PREFIX + token_digest(code))
        if kept is None or kept.value["content"]["client"] != client:
            raise invalid_grant("The code is not known, or is another client's")
        await self._use(kept)
        if kept.value["until"] <= self._now():
            raise invalid_grant("The code has expired")
        if not hmac.compare_digest(
            kept.value["redirect_uri"].encode(), redirect_uri.encode("utf-8", "replace")
        ):
            raise invalid_grant("redirect_uri is not the one of this authorization")
        check_verifier(verifier, kept.value["challenge"])
        return grant_of_json(kept.value["grant"], kept.value["content"])

    async def _use(self, kept: AccessRecord) -> None:
        """Of all who come with a code one gets further, whether the rest of the request is right or not."""
        used = {**kept.value, "used": True}
        if kept.value["used"] or not await self._records.swap(kept.key, kept.revision, used, kept.expires):
            await self._grants.end(kept.value["grant"])
            raise invalid_grant("The code was used before: what came of it is revoked")
