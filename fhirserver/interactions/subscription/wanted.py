"""A Subscription as it is worked with: R4 criteria or a topic, filters, channel. Refusals are :mod:`.governing`'s.

https://hl7.org/fhir/R4/subscription.html and the backport's profile on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from fhirserver.interactions.subscription.vocabulary import (
    CHANNEL_TYPE,
    FILTER,
    HEARTBEAT,
    MAX_COUNT,
    PAYLOAD_CONTENT,
    TIMEOUT,
)
from fhirserver.kernel.instants import comparable
from fhirserver.kernel.json import JsonObject

_CRITERIA: Final = re.compile(r"([A-Z][A-Za-z]+)(?:\?(.*))?\Z", re.DOTALL)
ATTEMPT_SECONDS: Final = 10.0
MOST_SECONDS: Final = 60.0
"""The longest that one attempt may take, whatever a client asks for."""
AT_MOST: Final = 100
"""Events in one notification, where the client sets no limit or a higher one."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a Subscription asks for.

    ``topic`` is a canonical URL, or ``type`` and ``query`` are R4 criteria. ``content`` is ``empty``, ``id-only`` or
    ``full-resource``; ``mime`` that of the payload, empty where none was asked for. Times are seconds.
    """

    id: str
    status: str
    topic: str = ""
    type: str = ""
    query: str = ""
    filters: tuple[str, ...] = ()
    end: str = ""
    channel: str = ""
    endpoint: str = ""
    headers: tuple[str, ...] = ()
    mime: str = ""
    content: str = "full-resource"
    heartbeat: float = 0.0
    timeout: float = ATTEMPT_SECONDS
    most: int = AT_MOST
    error: str = ""

    @property
    def asks(self) -> tuple[object, ...]:
        """What of it is about who gets what: all but how it stands."""
        return (
            self.topic,
            self.type,
            self.query,
            self.filters,
            self.channel,
            self.endpoint,
            self.headers,
            self.mime,
        )

    def over(self, at: str) -> bool:
        """Whether it has come to its end by an instant."""
        return bool(self.end) and self.end <= at


def read_subscription(json: JsonObject, base: str) -> Wanted:
    """What a structurally valid Subscription asks for. ``base`` is the server's own base URL."""
    channel = json.get("channel") or {}
    criteria, topic = _criteria(str(json.get("criteria", "")), base)
    mime = str(channel.get("payload", ""))
    return Wanted(
        id=str(json.get("id", "")),
        status=str(json.get("status", "")),
        topic=topic,
        type=criteria[0],
        query=criteria[1],
        filters=tuple(str(one) for one in _values(json.get("_criteria"), FILTER)),
        end=_end(json),
        channel=_channel(channel),
        endpoint=str(channel.get("endpoint", "")),
        headers=tuple(channel.get("header") or ()),
        mime=mime,
        content=_content(channel, mime, bool(topic)),
        heartbeat=float(_first(channel, HEARTBEAT) or 0),
        timeout=min(float(_first(channel, TIMEOUT) or 0) or ATTEMPT_SECONDS, MOST_SECONDS),
        most=min(int(_first(channel, MAX_COUNT) or AT_MOST), AT_MOST),
        error=str(json.get("error", "")),
    )


def _criteria(text: str, base: str) -> tuple[tuple[str, str], str]:
    """R4 criteria as type and query, or the topic's canonical URL."""
    found = _CRITERIA.match(text.removeprefix(f"{base}/").removeprefix("/"))
    return ((found[1], found[2] or ""), "") if found else (("", ""), text)


def _end(json: JsonObject) -> str:
    return comparable(json["end"]) if json.get("end") else ""


def _channel(channel: JsonObject) -> str:
    """The channel's type; an additional one as ``system|code``."""
    more = next(iter(_values(channel.get("_type"), CHANNEL_TYPE)), None)
    if isinstance(more, dict):
        return f"{more.get('system', '')}|{more.get('code', '')}"
    return str(channel.get("type", ""))


def _content(channel: JsonObject, mime: str, topic: bool) -> str:
    stated = next(iter(_values(channel.get("_payload"), PAYLOAD_CONTENT)), None)
    if stated is not None:
        return str(stated)
    if topic:
        return "id-only" if mime else "empty"
    return "full-resource" if mime else "empty"


def _first(holder: JsonObject, url: str) -> Any:
    return next(iter(_values(holder, url)), None)


def _values(holder: Any, url: str) -> Iterable[Any]:
    """The values of an element's extensions with this URL."""
    if not isinstance(holder, dict):
        return
    for extension in holder.get("extension") or ():
        if extension.get("url") == url:
            yield from (value for name, value in extension.items() if name.startswith("value"))
