"""One HTTP request to a subscriber: guarded, signed, within its time, and its answer read only as far as needed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Final

import httpx

from fhirserver.kernel.instants import Clock, SystemClock
from fhirserver.kernel.tracing import outgoing
from subscriptions.channels import answers, header_lines, signing
from subscriptions.channels.channel import ATTEMPT_SECONDS, Delivery, Target, Undeliverable
from subscriptions.channels.egress import Egress
from subscriptions.channels.guarded import Forbidden, certificate_fault, guarded_client, read_some
from subscriptions.channels.resolver import Resolve

ANSWER_BYTES: Final = 64 * 1024
_ANSWER_SECONDS: Final = 2.0
"""What came after the status is of little interest; reading it lets the connection be used again."""


class Sender:
    """Sends to any number of endpoints at once; none waits for another. Keeps connections to them open."""

    def __init__(
        self,
        egress: Egress,
        agent: str = "Credence",
        resolve: Resolve | None = None,
        clock: Clock | None = None,
    ):
        self._egress, self._agent, self._clock = egress, agent, clock or SystemClock()
        self._http = guarded_client(egress, ATTEMPT_SECONDS, resolve)

    def refusal(self, endpoint: str, headers: tuple[str, ...]) -> str | None:
        """Why nothing can ever be sent to this endpoint with these headers."""
        why = self._egress.objection(endpoint)
        if why is not None:
            return f"the endpoint cannot be used: {why}"
        return header_lines.objection(headers)

    async def send(
        self, delivery: Delivery, method: str, url: httpx.URL, body: bytes, content_type: str
    ) -> bytes:
        """Returns the beginning of what was answered, once it was taken. Raises Undeliverable."""
        target = delivery.target
        why = self.refusal(target.endpoint, target.headers)
        if why is not None:
            raise Undeliverable(why, retryable=False, unsent=True)
        headers = self._headers(delivery, body, content_type)
        _, answered = await self._exchange(method, url, headers, body, target.timeout)
        return answered

    async def post(self, endpoint: str, headers: Mapping[str, str], body: bytes, seconds: float) -> int:
        """POST a body with these headers and no other of ours; the status, once it was taken. Raises Undeliverable."""
        why = self._egress.objection(endpoint)
        if why is not None:
            raise Undeliverable(f"the endpoint cannot be used: {why}", retryable=False, unsent=True)
        all = httpx.Headers(
            {"User-Agent": self._agent, "Accept-Encoding": "identity", **outgoing(), **headers}
        )
        status, _ = await self._exchange("POST", httpx.URL(endpoint), all, body, seconds)
        return status

    async def _exchange(
        self, method: str, url: httpx.URL, headers: httpx.Headers, body: bytes, seconds: float
    ) -> tuple[int, bytes]:
        """The status and the beginning of what was answered, once it was taken. Raises Undeliverable."""
        request = self._http.build_request(
            method, url, content=body, headers=headers, timeout=httpx.Timeout(seconds)
        )
        try:
            async with asyncio.timeout(seconds):
                answer = await self._http.send(request, stream=True)
        except TimeoutError:
            raise Undeliverable(f"no answer within {seconds:g} seconds", retryable=True) from None
        except httpx.RequestError as error:
            raise _undeliverable(error, seconds) from None
        try:
            answers.check(answer.status_code, answer.headers, self._clock.now())
            return answer.status_code, await _beginning(answer)
        finally:
            await answer.aclose()

    def _headers(self, delivery: Delivery, body: bytes, content_type: str) -> httpx.Headers:
        """Those of the subscription first: ours cannot be among them."""
        target = delivery.target
        ours = {
            "User-Agent": self._agent,
            "Accept-Encoding": "identity",
            "Idempotency-Key": delivery.key,
            "X-Credence-Subscription": target.subscription,
            "X-Credence-Event-Number": str(delivery.number),
            "X-Credence-Notification-Type": delivery.kind,
            **outgoing(),
            **({"Content-Type": content_type} if body else {}),
            **self._signed(target, body),
        }
        return httpx.Headers([*header_lines.parsed(target.headers), *ours.items()])

    def _signed(self, target: Target, body: bytes) -> Mapping[str, str]:
        if not target.secret:
            return {}
        secrets = (target.secret, *target.former_secrets)
        return {signing.HEADER: signing.signature(secrets, body, int(self._clock.now().timestamp()))}

    async def close(self) -> None:
        await self._http.aclose()


async def _beginning(answer: httpx.Response) -> bytes:
    """What an answer says after its status. The delivery was taken, so nothing here fails."""
    with contextlib.suppress(httpx.RequestError, TimeoutError):
        async with asyncio.timeout(_ANSWER_SECONDS):
            return await read_some(answer, ANSWER_BYTES)
    return b""


def _undeliverable(error: httpx.RequestError, seconds: float) -> Undeliverable:
    """In words that hold nothing of the request."""
    if isinstance(error, Forbidden):
        return Undeliverable(str(error), retryable=False, unsent=True)
    certificate = certificate_fault(error)
    if certificate is not None:
        return Undeliverable(f"its certificate is not accepted: {certificate}", retryable=True, unsent=True)
    if isinstance(error, httpx.TimeoutException):
        return Undeliverable(f"no answer within {seconds:g} seconds", retryable=True)
    if isinstance(error, httpx.ConnectError):
        return Undeliverable("it cannot be connected to", retryable=True, unsent=True)
    if isinstance(error, httpx.ProtocolError):
        return Undeliverable("it does not answer as HTTP has it, or hung up", retryable=True)
    return Undeliverable("the connection broke", retryable=True)
