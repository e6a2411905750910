"""What the audit notes of a notification: to whom it was sent, for whom, and which versions it names or holds."""

from __future__ import annotations

from urllib.parse import urlsplit

from fhirserver.access.audit.event import NOTIFICATION, Event
from fhirserver.access.owners import Owner
from subscriptions.channels.channel import Delivery


def disclosure(owner: Owner, delivery: Delivery, failed: str = "", address: str = "") -> Event:
    """The event of a delivery that has left. ``failed``: why it was not taken, as far as is known; who did not answer
    may have it all the same. ``address``: the other end of the socket it went over, where it did."""
    target = delivery.target
    place = address or place_of_url(target.endpoint)
    details = {"recipient": place, "channel": target.type, "number": str(delivery.number), "failed": failed}
    return Event(
        NOTIFICATION,
        type="Subscription",
        id=target.subscription,
        shown=delivery.disclosed,
        status=504 if failed else 200,
        principal=owner.principal,
        client=owner.client,
        grant=owner.grant,
        address=place,
        details=details,
    )


def place_of_url(endpoint: str) -> str:
    """Scheme, host and port of a URL: its path may be a secret. Of a mail address all of it."""
    split = urlsplit(endpoint)
    return f"{split.scheme}://{split.netloc.rpartition('@')[2]}/" if split.netloc else endpoint
