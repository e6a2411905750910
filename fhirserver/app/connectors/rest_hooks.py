"""What becomes of a vendor's word that a record changed: it is read and taken in, by whichever process gets the call.

The answer is 200 once that is durable; 401 for a wrong signature; 503 where the EHR cannot be read now, so that the
vendor sends it again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from adapters.rest.ehr import RestEhr
from adapters.rest.webhook import MOST_BYTES, Forged, Notice, Unreadable, Webhook, key_of
from adapters.runner.code_maps import Coder
from adapters.runner.inbound import Inbound
from fhirserver.app.connectors.connector import Connector
from fhirserver.app.connectors.rest import RestConnector
from fhirserver.app.connectors.secrets import MissingSecret, Secrets
from fhirserver.kernel.instants import SystemClock
from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.ehr import EhrError, Gone, Record
from fhirserver.store.store import Store

KEYS_SECONDS = 60.0
"""So long keys are kept after a wrong signature, so that forgers do not make us ask the vendor all the time."""

log = logging.getLogger("credence.webhooks")


@dataclass(slots=True)
class _Hook:
    """One connector's: the adapter that reads what is named, and the keys by which notices are signed."""

    connector: Connector
    ehr: RestEhr
    webhook: Webhook
    inbound: Inbound
    keys: list[bytes] = field(default_factory=list)
    keys_at: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class RestHooks:
    """The webhooks of all connectors of the kind ``rest`` of this process."""

    def __init__(self, store: Store, secrets: Secrets, coder: Callable[[Connector], Coder | None]):
        self._store, self._secrets, self._coder = store, secrets, coder
        self._hooks: dict[str, _Hook] = {}

    async def receive(self, connector: Connector, request: Request) -> Response:
        """See the module."""
        hook = await self._hook(connector)
        if hook is None:
            return Response(status_code=404)
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > MOST_BYTES:
                return Response(status_code=413)
        try:
            return Response(status_code=await self._act(hook, request.headers, bytes(body)))
        except (EhrError, MissingSecret) as error:
            log.warning("%s: a webhook was not followed: %s", hook.connector.name, type(error).__name__)
            return Response(status_code=503)

    async def _act(self, hook: _Hook, headers: Mapping[str, str], body: bytes) -> int:
        try:
            notice = hook.webhook.read(headers, body, await self._keys(hook))
        except Forged as error:
            log.warning("%s: a webhook was refused: %s", hook.connector.name, error)
            if time.monotonic() - hook.keys_at > KEYS_SECONDS:
                hook.keys = []  # the vendor may sign by another by now
            return 401
        except Unreadable as error:
            log.warning("%s: a webhook was not understood: %s", hook.connector.name, error)
            return 400
        if notice.type and hook.webhook.is_new(notice):
            try:
                await self._take(hook, notice)
            except Refusal as refusal:
                log.warning(
                    "%s: a record could not be taken in: %s", hook.connector.name, refusal.category.name
                )
                return 503
        hook.webhook.done(notice)
        return 200

    async def _take(self, hook: _Hook, notice: Notice) -> None:
        asked = SystemClock().now()
        try:
            record = await hook.ehr.read(notice.type, notice.id)
        except Gone:
            record = Record(notice.type, notice.id, "deleted", "", {}, deleted=True)
        await hook.inbound.take(record, asked=asked)

    async def _keys(self, hook: _Hook) -> list[bytes]:
        """The keys: of the settings, or those that the vendor handed out for our address."""
        async with hook.lock:
            if not hook.keys:
                own: RestConnector = hook.connector.own
                kind = hook.ehr.mapping.webhook.signature.kind if hook.ehr.mapping.webhook else ""
                stated = own.webhook_key.read(self._secrets)
                texts = [stated] if stated else await hook.ehr.subscribe(own.webhook_url)
                hook.keys = [key_of(kind, text) for text in texts]
                hook.keys_at = time.monotonic()
            return hook.keys

    async def _hook(self, connector: Connector) -> _Hook | None:
        held = self._hooks.get(connector.name)
        if held is None or held.connector != connector:
            made = self._make(connector)
            if made is None:
                return None
            if held is not None:
                await held.ehr.close()
            self._hooks[connector.name] = held = made
        return held

    def _make(self, connector: Connector) -> _Hook | None:
        own: RestConnector = connector.own
        rules = own.mapping.webhook
        if rules is None or not (own.webhook_key or own.webhook_url):
            return None
        ehr = RestEhr(own.settings(self._secrets))
        inbound = Inbound(self._store, ehr, connector.name, connector.source, coder=self._coder(connector))
        return _Hook(connector, ehr, Webhook(rules, ehr.inward), inbound)

    async def close(self) -> None:
        for hook in self._hooks.values():
            await hook.ehr.close()
