"""rest-hook: an HTTP request to the subscriber's endpoint.

Of topic subscriptions, a POST of the notification Bundle. Of R4 criteria subscriptions, a POST of nothing where no
payload was asked for, else the resource as `PUT [endpoint]/[type]/[id]`.

https://hl7.org/fhir/R4/subscription.html#2.46.7.1, https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/channels.html#rest-hook
"""

from __future__ import annotations

import httpx

from subscriptions.channels.channel import Delivery, Target
from subscriptions.channels.sending import Sender


class RestHook:
    """Delivers by HTTP. An answer of 2xx means that the subscriber has it."""

    def __init__(self, sender: Sender):
        self._sender = sender

    def refusal(self, target: Target) -> str | None:
        return self._sender.refusal(target.endpoint, target.headers)

    def discloses(self, target: Target) -> bool:
        return True

    async def deliver(self, delivery: Delivery) -> None:
        url = endpoint_with(delivery.target.endpoint, delivery.path)
        await self._sender.send(delivery, delivery.method, url, delivery.body, delivery.content_type)

    async def close(self) -> None:
        await self._sender.close()


def endpoint_with(endpoint: str, path: str) -> httpx.URL:
    """The endpoint with a path behind its own, before its query."""
    url = httpx.URL(endpoint).copy_with(fragment=None)
    if not path:
        return url
    return url.copy_with(path=f"{url.path.rstrip('/')}/{path.lstrip('/')}")
