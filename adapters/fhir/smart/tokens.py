"""Access tokens by the client credentials grant: kept, renewed before they end, asked for once at a time."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime

import httpx

from adapters.fhir.refusals import retry_after
from adapters.fhir.smart.credentials import Credentials, Proof
from adapters.fhir.smart.discovery import ask, discover
from adapters.fhir.smart.keys import InvalidKey
from fhirserver.kernel.instants import Clock, SystemClock
from fhirserver.kernel.json import InvalidJson, Json, JsonObject, loads
from fhirserver.ports.ehr import EhrError, Retryable, Throttled, Unauthorized, Unusable

log = logging.getLogger("credence.fhir")
_SHORTEST = 1.0
_UNSAID = 300.0
"""How long a token is believed to hold whose answer does not say."""
_TELLING = 30.0
"""How many seconds two clocks must differ for that to be a reason of a refusal."""
_ERROR = re.compile(r"[a-z_]{3,40}\Z")


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """Where tokens come from. ``token_url`` empty: as the EHR says. Times are seconds.

    A token is renewed ``early`` before it ends, or when a fifth of its life is left if that is later. After a refusal
    the next request for a token is made ``pause`` later at the earliest.
    """

    base_url: str
    scope: str = "system/*.read"
    token_url: str = ""
    early: float = 60.0
    pause: float = 15.0
    timeout: float = 30.0


@dataclass(frozen=True, slots=True)
class Held:
    """A token, by a monotonic clock: ``renew_at`` it should be replaced, ``ends_at`` it must."""

    token: str = field(repr=False)
    renew_at: float
    ends_at: float


class SmartTokens:
    """A :class:`~adapters.fhir.tokens.TokenProvider` for one client of one EHR."""

    def __init__(
        self,
        settings: TokenSettings,
        credentials: Credentials,
        *,
        clock: Clock | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        transport: httpx.AsyncBaseTransport | None = None,
    ):
        self._settings, self._credentials = settings, credentials
        self._clock, self._monotonic = clock or SystemClock(), monotonic
        self._http = httpx.AsyncClient(timeout=settings.timeout, transport=transport, trust_env=False)
        self._one_at_a_time = asyncio.Lock()
        self._held: Held | None = None
        self._url = settings.token_url
        self._skew = 0.0
        self._refusal: Unauthorized | None = None
        self._refused_until = 0.0
        self._taken = ""

    async def token(self, refused: str = "") -> str:
        """See :meth:`adapters.fhir.tokens.TokenProvider.token`."""
        if (held := self._usable(refused)) is not None:
            return held.token
        async with self._one_at_a_time:
            if (held := self._usable(refused)) is not None:  # whoever was before us has renewed it
                return held.token
            return (await self._renewed(refused)).token

    async def close(self) -> None:
        await self._http.aclose()

    def _usable(self, refused: str) -> Held | None:
        held = self._held
        fresh = held is not None and held.token != refused and self._monotonic() < held.renew_at
        return held if fresh else None

    async def _renewed(self, refused: str) -> Held:
        old = self._held
        try:
            self._held = await self._ask()
        except EhrError as error:
            if old is None or old.token == refused or self._monotonic() >= old.ends_at:
                raise
            log.warning("an access token was not renewed early: %s", type(error).__name__)
            return old
        return self._held

    async def _ask(self) -> Held:
        """A new token. A refusal is remembered for a while: it would only be repeated."""
        if self._refusal is not None and self._monotonic() < self._refused_until:
            raise type(self._refusal)(self._refusal.reason, status=self._refusal.status)
        try:
            if not self._url:
                self._url = (await discover(self._http, self._settings.base_url, self._clock)).url
            return await self._by_their_clock()
        except Unauthorized as error:
            self._refusal, self._refused_until = error, self._monotonic() + self._settings.pause
            self._url = self._settings.token_url  # it may have moved
            raise

    async def _by_their_clock(self) -> Held:
        """A token, in a second try by the EHR's clock where the first was by ours and that differs."""
        believed = self._skew
        try:
            return await self._with_each_proof()
        except Unauthorized:
            if abs(self._skew - believed) < _TELLING:
                raise
            return await self._with_each_proof()

    async def _with_each_proof(self) -> Held:
        refusal: EhrError | None = None
        try:
            proofs = list(self._credentials.proofs(self._url, self._clock.now().timestamp() + self._skew))
        except InvalidKey as error:
            raise Unusable(str(error)) from None
        for proof in sorted(proofs, key=lambda each: each.name != self._taken):
            try:
                held = await self._exchanged(proof)
            except Unauthorized as error:
                refusal = refusal or error
                continue
            self._taken, self._refusal = proof.name, None
            return held
        raise refusal or Unusable("there are no credentials")

    async def _exchanged(self, proof: Proof) -> Held:
        """https://hl7.org/fhir/smart-app-launch/backend-services.html#obtain-access-token"""
        asked = self._monotonic()
        form = {"grant_type": "client_credentials", "scope": self._settings.scope, **proof.form}
        status, headers, body = await ask(
            self._http, "POST", self._url, form=form, headers=dict(proof.headers)
        )
        self._learn_clock(headers)
        answer = _object(body)
        if status != 200:
            raise self._error(status, headers, answer)
        token = answer.get("access_token")
        if not isinstance(token, str) or not token or not token.isprintable() or not token.isascii():
            raise Retryable("the token endpoint answers without a token", status=status)
        life = max(_SHORTEST, _seconds(answer.get("expires_in")))
        early = min(self._settings.early, life / 5)
        return Held(token, asked + life - early, asked + life)

    def _learn_clock(self, headers: httpx.Headers) -> None:
        """How far the EHR's clock is before ours, so that the next assertion holds by that clock."""
        try:
            at = parsedate_to_datetime(headers["date"])
        except (KeyError, ValueError):
            return
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        skew = (at - self._clock.now()).total_seconds()
        self._skew = skew if abs(skew) > 2.0 else 0.0

    def _error(self, status: int, headers: httpx.Headers, answer: JsonObject) -> EhrError:
        """https://www.rfc-editor.org/rfc/rfc6749#section-5.2"""
        code = str(answer.get("error", ""))
        named = code if _ERROR.match(code) else "no reason given"
        after = retry_after(headers.get("retry-after", ""), self._clock.now())
        if status == 429:
            return Throttled("the token endpoint asks for fewer requests", after=after, status=status)
        if status >= 500 or code == "temporarily_unavailable":
            return Retryable("the token endpoint could not do it now", after=after, status=status)
        if status < 400:
            return Unusable("the token endpoint redirects", status=status)
        return Unauthorized(f"the token endpoint refuses us: {named}", status=401)


def _object(body: bytes) -> JsonObject:
    try:
        found = loads(body) if body else {}
    except InvalidJson:
        return {}
    return found if isinstance(found, dict) else {}


def _seconds(value: Json) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return _UNSAID
