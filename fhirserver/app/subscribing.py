"""Subscriptions put together: channels, the follower that numbers events, and the tasks that deliver them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fhirserver.access.binding_tokens import BindingTokens
from fhirserver.access.owners import Owners
from fhirserver.access.principals import Principals
from fhirserver.app.settings import SYSTEM, Settings
from fhirserver.app.subscription_settings import SubscriptionSettings
from fhirserver.interactions.exchange import Context
from fhirserver.interactions.subscription.channel_checks import ChannelCheck, Channels
from fhirserver.interactions.subscription.wanted import Wanted
from fhirserver.store.followers import follow
from subscriptions.channels import websocket
from subscriptions.channels.channel import Channel, Target
from subscriptions.channels.egress import Egress
from subscriptions.channels.message import Message
from subscriptions.channels.rest_hook import RestHook
from subscriptions.channels.sending import Sender
from subscriptions.deliveries import Deliveries
from subscriptions.delivery import Desk
from subscriptions.notifier import Notifier
from subscriptions.patience import Patience
from subscriptions.recorded_feed import RecordedFeed
from subscriptions.rendering import Rendering

Loop = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Outlets:
    """The ways out, by channel type."""

    channels: Mapping[str, Channel]

    websocket_url: str = ""

    def checked(self) -> Channels:
        """What writes of Subscriptions are held to. Sockets are no way out: their clients come in."""
        refusals = {type: channel.refusal for type, channel in self.channels.items()}
        if self.websocket_url:
            refusals["websocket"] = websocket.refusal
        return Channels({type: _check(refusal) for type, refusal in refusals.items()}, self.websocket_url)

    async def close(self) -> None:
        """Let go of all connections."""
        for channel in self.channels.values():
            await channel.close()


def make_outlets(settings: Settings) -> Outlets:
    """The channels that the settings allow."""
    sender = Sender(egress_of(settings.subscriptions), f"Credence/{version('credence')}")
    channels: dict[str, Channel] = {
        "rest-hook": RestHook(sender),
        "message": Message(sender, settings.fhir_base),
    }
    if settings.smtp is not None:
        from subscriptions.channels.mail import Mail

        channels["email"] = Mail(settings.smtp, settings.fhir_base)
    return Outlets(channels, websocket.url_of(settings.fhir_base))


def make_sockets(context: Context, principals: Principals, owners: Owners) -> websocket.Sockets:
    """What serves this process's sockets."""
    feed = RecordedFeed(context, Rendering(context, owners))
    tokens = BindingTokens(context.key, context.clock)
    return websocket.Sockets(feed, tokens, principals, audit=context.audit)


def egress_of(chosen: SubscriptionSettings) -> Egress:
    """What may be asked for outside, where somebody else has named it."""
    ca_file = Path(chosen.ca_file) if chosen.ca_file else None
    return Egress(chosen.addresses, chosen.allow_http, ca_file)


def _check(refusal: Callable[[Target], str | None]) -> ChannelCheck:
    def check(wanted: Wanted) -> str | None:
        return refusal(Target("", wanted.channel, wanted.endpoint, wanted.headers, wanted.mime))

    return check


def subscription_loops(
    settings: Settings, context: Context, outlets: Outlets, owners: Owners
) -> Sequence[tuple[str, Loop]]:
    """The follower for all subscriptions, and the tasks that deliver."""
    chosen = settings.subscriptions
    patience = Patience(cap=chosen.retry_cap, attempts=chosen.attempts, off_after=chosen.off_after)
    rendering = Rendering(context, owners)
    desk = Desk(context.store, rendering, outlets.channels, SYSTEM.id, patience, context.audit)
    notifier = Notifier(context, owners)
    deliveries = Deliveries(desk, notifier)
    return [
        ("subscriptions", partial(follow, context.store, notifier, SYSTEM.id, (deliveries,))),
        ("deliveries", deliveries.run),
    ]
