"""What the subscriptions page shows: how each stands, where it sends, how far behind it is, what went wrong."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from fhirserver.interactions.exchange import Context
from fhirserver.interactions.subscription.standing_now import lag_now, of_version
from fhirserver.kernel.json import loads
from fhirserver.ports.storage import Version
from fhirserver.search.cursor import decode
from fhirserver.search.expression import Query

PAGE = 50
"""Subscriptions on a page."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One Subscription as a line. ``host`` is all that is shown of its endpoint: the rest may hold a secret.

    ``behind`` are events that the subscriber has not taken, ``lag`` the seconds since the first of them; both None
    where reading leaves no trace, and for what is off.
    """

    id: str
    reason: str
    status: str
    about: str
    channel: str
    host: str
    owner: str
    number: int
    behind: int | None
    lag: float | None
    error: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of them, how many there are, and where the next page begins."""

    shown: list[Shown]
    total: int
    more: str = ""


async def subscriptions(context: Context, cursor: str = "") -> Listed:
    """A page of all Subscriptions. Raises ValueError for a cursor that is none."""
    query = Query("Subscription", count=PAGE, cursor=decode(cursor, ()) if cursor else None)
    page = await context.store.search(query)
    total = await context.store.count(Query("Subscription"))
    return Listed([await _shown(context, one) for one in page.versions], total, page.cursor)


async def _shown(context: Context, version: Version) -> Shown:
    now = await of_version(context, version)
    wanted, lag = now.wanted, await lag_now(context, now)
    return Shown(
        wanted.id,
        str(loads(version.content).get("reason", "")),
        wanted.status,
        wanted.topic.rpartition("/")[2] if wanted.topic else _criteria(wanted.type, wanted.query),
        wanted.channel,
        _host(wanted.endpoint),
        now.standing.owner.principal,
        now.number,
        lag.events if lag else None,
        lag.seconds if lag else None,
        wanted.error,
    )


def _criteria(type: str, query: str) -> str:
    return f"{type}?{query}" if query else type


def _host(endpoint: str) -> str:
    """The host and port of a URL, or the domain of a mail address."""
    try:
        split = urlsplit(endpoint)
        named = f"{split.hostname}:{split.port}" if split.port else split.hostname
    except ValueError:  # a port that is none: nothing was ever sent there
        return ""
    return named or endpoint.rpartition("@")[2]
