"""A subscriber of ``/platform/events`` as clients write one: it comes back behind the last id that it got."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True, slots=True)
class Sse:
    """One server-sent event as it was dispatched."""

    id: str
    event: str
    data: Any


def events_in(lines: Iterator[str]) -> Iterator[Sse]:
    """Dispatches as https://html.spec.whatwg.org/multipage/server-sent-events.html has it: what was cut off is none."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        elif "data" in fields:
            yield Sse(fields.get("id", ""), fields.get("event", "message"), json.loads(fields["data"]))
            fields = {}
        else:
            fields = {}


def whole_lines(response: httpx.Response) -> Iterator[str]:
    """The lines that ended; what was cut off in its middle is not one."""
    rest = ""
    for piece in response.iter_text():
        *lines, rest = (rest + piece).split("\n")
        yield from lines


class Listener:
    """One subscriber. ``last`` is the id by which it comes back."""

    def __init__(self, url: str, headers: dict[str, str], params: dict[str, str] | None = None):
        self._url, self._headers, self._params = url, headers, params or {}
        self.last = ""
        self.drops = 0

    def once(self, timeout: float = 20.0) -> Iterator[Sse]:
        """What comes over one connection, heartbeats too, until it is cut off. Raises what is refused."""
        headers = {**self._headers, "Accept": "text/event-stream"}
        if self.last:
            headers["Last-Event-ID"] = self.last
        try:
            with (  # without TLS, and so without reading all certificates
                httpx.Client(verify=False, timeout=timeout) as client,
                client.stream("GET", self._url, headers=headers, params=self._params) as response,
            ):
                if response.status_code != 200:
                    raise RuntimeError(f"HTTP {response.status_code}: {response.read()[:300]!r}")
                for event in events_in(whole_lines(response)):
                    self.last = event.id
                    yield event
        except httpx.TransportError:
            self.drops += 1
