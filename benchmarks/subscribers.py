"""``python -m benchmarks.subscribers``: does a subscriber that hangs delay the others?

Five subscribers are told of the same events. In every second round the fifth takes what it is sent and never answers.
What counts is how long after its commit an event is at each of the other four, by the same clock; rounds alternate, so
that a busy machine is busy for both.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import httpx

from tests.faults.subscriber_kills import Drill
from tests.subscribing import encounter, encounter_topic, status_of, topic_subscription

OTHERS = 4
_SECONDS = 60.0


class Isolation(Drill):
    """Rounds with and without a subscriber that hangs."""

    async def measure(self, rounds: int, events: int) -> dict[bool, list[float]]:
        """Milliseconds from commit to arrival, by whether one hung."""
        found: dict[bool, list[float]] = {False: [], True: []}
        try:
            self.server.start()
            self.subscriber.start()
            async with self._client() as client:
                topic = encounter_topic(notificationShape=[])
                del topic["notificationShape"]
                (await client.put("/SubscriptionTopic/encounter-complete", json=topic)).raise_for_status()
                for number in range(OTHERS):
                    await self._stand(client, f"other{number}", "active")
                await self._round(client, events)  # not counted: the first is slower
                for number in range(2 * rounds):
                    hangs = bool(number % 2)
                    await self._hang(client, hangs)
                    found[hangs] += await self._round(client, events)
        finally:
            self.subscriber.stop()
            self.server.kill()
        return found

    async def _stand(self, client: httpx.AsyncClient, id: str, status: str) -> None:
        asked = "off" if status == "off" else "requested"
        subscription = topic_subscription(f"{self.subscriber.url}/{id}", content="id-only", id=id)
        answer = await client.put(f"/Subscription/{id}", json={**subscription, "status": asked})
        answer.raise_for_status()
        until = time.monotonic() + _SECONDS
        while (await client.get(f"/Subscription/{id}")).json()["status"] != status:
            assert time.monotonic() < until, f"{id} is not {status}"
            await asyncio.sleep(0.02)

    async def _hang(self, client: httpx.AsyncClient, hangs: bool) -> None:
        self.subscriber.heal()
        await self._stand(client, "hangs", "off")
        await self._stand(client, "hangs", "active")
        if hangs:
            self.subscriber.fault("hang", path="/hangs")

    async def _round(self, client: httpx.AsyncClient, events: int) -> list[float]:
        before = {id: len(self._arrivals(id)) for id in self._others()}
        for _ in range(events):
            id, self._identity = f"b{self._identity}", self._identity + 1
            (await client.put(f"/Encounter/{id}", json=encounter(id, "finished"))).raise_for_status()
        until = time.monotonic() + _SECONDS
        while any(len(self._arrivals(id)) < before[id] + events for id in self._others()):
            assert time.monotonic() < until, "events did not arrive"
            await asyncio.sleep(0.05)
        return [one for id in self._others() for one in self._arrivals(id)[before[id] :]]

    def _others(self) -> list[str]:
        return [f"other{number}" for number in range(OTHERS)]

    def _arrivals(self, id: str) -> list[float]:
        """Milliseconds from commit to arrival of every event at one subscriber."""
        found = []
        for one in self.subscriber.received(f"/{id}"):
            for event in status_of(one.json)["events"]:
                committed = datetime.fromisoformat(event["timestamp"]).timestamp()
                found.append((one.at - committed) * 1000)
        return found


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--events", type=int, default=100)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(Isolation(Path(folder)).measure(given.rounds, given.events))
    alone, beside = statistics.median(found[False]), statistics.median(found[True])
    tails = [statistics.quantiles(found[which], n=20)[-1] for which in (False, True)]
    print(f"commit to arrival at {OTHERS} subscribers, {len(found[False])} notifications each way")
    print(f"  all answer      p50 {alone:.1f} ms, p95 {tails[0]:.1f} ms")
    print(f"  a fifth hangs   p50 {beside:.1f} ms, p95 {tails[1]:.1f} ms")
    print(f"  ratio           p50 {beside / alone:.3f}, p95 {tails[1] / tails[0]:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
