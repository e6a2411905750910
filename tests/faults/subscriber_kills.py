"""``python -m tests.faults.subscriber_kills --events 10000``: a subscriber dies again and again, and the server too.

A writer makes Encounters, one after the other, that are all events for one subscription. Meanwhile the subscriber is
killed (``kill -9``) and started again, and so is the server. Afterwards what the subscriber has kept on disk, without
what came twice by its number, must be every event exactly once, in the order of the log.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from fhirserver.kernel.json import JsonObject
from tests.server_process import ServerProcess
from tests.subscriber_process import Received, SubscriberProcess
from tests.subscribing import encounter, encounter_topic, status_of, topic_subscription

SETTINGS = "\n[subscriptions]\nallow_private = true\nallow_http = true\nretry_cap_seconds = 0.5\n"
_AT_ONCE = 20
_PATIENCE = 600.0


@dataclass
class Outcome:
    """What came of a drill. ``problems`` is empty where all is well."""

    events: int
    kills: int
    server_kills: int
    deliveries: int = 0
    repeated: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        verdict = "; ".join(self.problems[:5]) or "each exactly once, none missing, in order"
        return (
            f"{self.events} events, subscriber killed {self.kills} times, server {self.server_kills} times: "
            f"{self.deliveries} notifications, {self.repeated} events came again, {self.seconds:.1f} s: {verdict}"
        )


class Drill:
    """One server, one subscriber, one writer."""

    def __init__(self, folder: Path, seed: int = 1):
        self._random = random.Random(seed)
        self.server = ServerProcess(folder / "server", settings=SETTINGS)
        self.subscriber = SubscriberProcess(folder / "subscriber")
        self._written: list[str] = []
        self._identity = 0

    async def run(self, events: int, kills: int, server_kills: int = 0) -> Outcome:
        """Write so many events while killing; then wait until all have come, and compare."""
        outcome, started = Outcome(events, kills, server_kills), time.monotonic()
        try:
            self.server.start()
            self.subscriber.start()
            await self._subscribe()
            whom = ["subscriber"] * kills + ["server"] * server_kills
            self._random.shuffle(whom)
            await self._write(events, whom)
            await self._all_came(events)
            outcome.problems += self._compare(outcome)
            outcome.seconds = time.monotonic() - started
        finally:
            self.subscriber.stop()
            self.server.kill()
        return outcome

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.server.base, headers=self.server.headers, timeout=30)

    async def _subscribe(self) -> None:
        async with self._client() as client:
            (
                await client.put("/SubscriptionTopic/encounter-complete", json=encounter_topic())
            ).raise_for_status()
            subscription = topic_subscription(f"{self.subscriber.url}/hook", content="id-only", id="drill")
            (await client.put("/Subscription/drill", json=subscription)).raise_for_status()
            until = time.monotonic() + 30
            while (await client.get("/Subscription/drill")).json()["status"] != "active":
                assert time.monotonic() < until, "the subscription did not become active"
                await asyncio.sleep(0.05)

    async def _write(self, events: int, whom: Sequence[str]) -> None:
        """The events in lots, each lot one transaction in the order of its entries, with the kills spread over them."""
        lots = [min(_AT_ONCE, events - start) for start in range(0, events, _AT_ONCE)]
        when = sorted(self._random.sample(range(len(lots)), min(len(whom), len(lots))))
        due = dict(zip(when, whom, strict=False))
        for number, size in enumerate(lots):
            await self._lot(size)
            if number in due:
                await self._kill(due[number])

    async def _lot(self, size: int) -> None:
        made = [f"e{self._identity + at}" for at in range(size)]
        self._identity += size
        entries = [
            {"resource": encounter(id, "finished"), "request": {"method": "PUT", "url": f"Encounter/{id}"}}
            for id in made
        ]
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        while True:  # a PUT of the same makes no second version: it may be tried again
            with contextlib.suppress(httpx.HTTPError):
                async with self._client() as client:
                    (await client.post("/", json=bundle)).raise_for_status()
                    break
            await asyncio.sleep(0.1)
        self._written += made

    async def _kill(self, whom: str) -> None:
        await asyncio.sleep(self._random.uniform(0, 0.3))
        victim = self.server if whom == "server" else self.subscriber
        victim.kill()
        if whom == "server":
            await asyncio.to_thread(self.server.start)
            return
        await asyncio.sleep(self._random.uniform(0, 0.5))
        await asyncio.to_thread(self.subscriber.start)

    async def _all_came(self, events: int) -> None:
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            came = self._notifications()
            if came and int(came[-1]["events"][-1]["event-number"]) >= events:
                return
            await asyncio.sleep(0.3)

    def _notifications(self) -> list[JsonObject]:
        taken: list[Received] = [one for one in self.subscriber.received("/hook") if one.status == 200]
        told = [status_of(one.json) for one in taken]
        return [one for one in told if one["type"] == "event-notification"]

    def _compare(self, outcome: Outcome) -> list[str]:
        """What is wrong with what came."""
        came = self._notifications()
        outcome.deliveries = len(came)
        focus: dict[int, str] = {}
        order: list[int] = []
        problems = []
        for event in (event for one in came for event in one["events"]):
            number, what = int(event["event-number"]), event["focus"]["reference"].rpartition("/")[2]
            if number not in focus:
                order.append(number)
            elif focus[number] != what:
                problems.append(f"event {number} was {focus[number]}, then {what}")
            else:
                outcome.repeated += 1
            focus[number] = what
        if order != sorted(order):
            problems.append("events did not come in order")
        if missing := set(range(1, outcome.events + 1)) - set(focus):
            problems.append(f"{len(missing)} events are missing, the first is {min(missing)}")
        if extra := set(focus) - set(range(1, outcome.events + 1)):
            problems.append(f"{len(extra)} events were never written")
        if [focus[number] for number in sorted(focus)] != self._written:
            problems.append("the numbers do not follow the log")
        return problems


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--server-kills", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        outcome = asyncio.run(
            Drill(Path(folder), given.seed).run(given.events, given.kills, given.server_kills)
        )
    print(outcome)
    return 1 if outcome.problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
