"""What follows the log for ``/platform``: what sends webhooks, and what counts. In the process of the followers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from typing import Final

from adapters.runner.lease import Leases
from fhirserver.app.alone import Loop, alone
from fhirserver.app.settings import Settings
from fhirserver.app.subscribing import egress_of
from fhirserver.interactions.events.tail import EventTail
from fhirserver.interactions.exchange import Context
from fhirserver.interactions.webhooks.records import WebhookRecords
from subscriptions.analytics import AnalyticsFollower
from subscriptions.channels.sending import Sender
from subscriptions.patience import Patience
from subscriptions.webhooks.deliveries import WebhookDeliveries
from subscriptions.webhooks.endpoint import Office

_LEASE: Final = "~webhooks"
"""No connector is called so."""


def webhook_loops(settings: Settings, context: Context) -> Sequence[tuple[str, Loop]]:
    """What delivers, where there is ``/platform``: of hosts that share a database one at a time."""
    if not settings.platform.enabled:
        return ()
    deliver = partial(_deliver, settings, context)
    if settings.storage != "mongo":
        return [("webhooks", deliver)]
    return [("webhooks", partial(_in_turn, settings, context, deliver))]


def analytics_loops(context: Context) -> Sequence[tuple[str, Loop]]:
    """What counts."""
    if context.analytics is None:
        return ()
    return [("analytics", AnalyticsFollower(context.store, context.analytics).run)]


async def _in_turn(settings: Settings, context: Context, deliver: Loop) -> None:
    await alone(_LEASE, Leases(context.store.storage.cells, settings.lease_seconds), deliver)


async def _deliver(settings: Settings, context: Context) -> None:
    chosen = settings.subscriptions
    sender = Sender(egress_of(chosen), f"Credence/{version('credence')}")
    office = Office(
        context.store,
        EventTail(context.store),
        WebhookRecords(context.store.storage.access_records),
        sender,
        context.key,
        context.base_url,
        Patience(cap=chosen.retry_cap, attempts=chosen.attempts, off_after=chosen.off_after),
        context.audit,
    )
    try:
        await WebhookDeliveries(office).run()
    finally:
        await sender.close()
