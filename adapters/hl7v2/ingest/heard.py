"""When the source last spoke of each element of a resource, also where it only repeated itself.

A repetition leaves no trace in the ledger (docs/world-model.md), so that a message of before it, which comes late,
would pass for news. Every message about a patient or a visit therefore leaves one fact there: since when it holds, of
which elements it spoke, and where in the log the message before it stands. A message that comes in order needs no more
than the last time; for one that comes late the chain is followed back as far as its time.

Elements of which no fact speaks are as old as their claims, which the world minds by itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from fhirserver.kernel.frozen import frozen
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.storage import Fact
from fhirserver.store.commands import Note
from fhirserver.store.store import Store

HEARD = "hl7-spoken"
Time = tuple[str, str]
"""Since when a message holds, and the mark of the message."""


@frozen
class Arrival:
    """One message: its id, since when it holds, and whether it was taken in before."""

    id: str
    effective: str
    replayed: bool = False

    def comes_after(self, at: str, by: str) -> bool:
        """Whether it has the say over what was said of ``at`` by the message ``by``.

        Of two of one time the one that came later has it, also when the other is replayed.
        """
        return at < self.effective or (at == self.effective and (not self.replayed or by == self.mark))

    @property
    def mark(self) -> str:
        return self.id[:8]


@dataclass(slots=True)
class Heard:
    """What was heard before a message about the resources that it speaks of; and what is heard by it.

    ``before`` are the last facts about whom it speaks of (``Type/id``). ``times`` say when units and lists were spoken
    of last; they are only known, and only needed, where the message is ``late``.
    """

    arrival: Arrival
    before: Mapping[str, Fact | None] = field(default_factory=dict)
    late: bool = False
    times: dict[tuple[str, str], Time] = field(default_factory=dict)
    said: dict[str, list[str]] = field(default_factory=dict)
    lists: list[str] = field(default_factory=list)

    def is_news(self, resource: str, unit: str) -> bool:
        """Whether the source has not spoken of a unit of a resource since."""
        since = self.times.get((resource, unit)) if self.late else None
        return since is None or self.arrival.comes_after(*since)

    def last_of_list(self, key: str, known: Time) -> Time:
        """When a list was sent last, of which it is ``known`` when it changed last."""
        since = self.times.get((_LIST, key))
        return since if since is not None and since[0] >= known[0] else known

    def hear(self, resource: str, units: Iterable[str]) -> None:
        """The message speaks of these units of a resource."""
        new = list(dict.fromkeys(units))
        if self.late:
            new = [unit for unit in new if self._is_unsaid(resource, unit)]
        if new:
            self.said[resource] = new

    def hear_list(self, key: str) -> None:
        """The message sends a list whole."""
        if self._is_unsaid(_LIST, key):
            self.lists.append(key)

    def _is_unsaid(self, resource: str, unit: str) -> bool:
        """Whether the facts there are do not say it already, of this message or of one with the say over it."""
        since = self.times.get((resource, unit)) if self.late else None
        mine = (self.arrival.effective, self.arrival.mark)
        return since is None or (since != mine and self.arrival.comes_after(*since))

    def notes(self, source: str) -> Sequence[Note]:
        """The facts that keep it; refused (409) where somebody else heard something meanwhile.

        What was said stands in the first alone. A message that was taken in before and says no more leaves none.
        """
        if self.late and not self.said and not self.lists:
            return ()
        said: JsonObject = {"said": self.said, "lists": self.lists} if self.lists else {"said": self.said}
        notes = []
        for anchor, fact in self.before.items():
            notes.append(Note(HEARD, f"{source}/{anchor}", {**self._links(fact), **said}, advance=True))
            said = {}
        return notes

    def _links(self, fact: Fact | None) -> JsonObject:
        mine = [self.arrival.effective, self.arrival.mark]
        if fact is None:
            return {"position": 1, "last": mine, "of": mine, "before": 0}
        last = mine if self.arrival.comes_after(*fact.value["last"]) else fact.value["last"]
        return {"position": fact.value["position"] + 1, "last": last, "of": mine, "before": fact.position}


_LIST = "list"


class Hearing:
    """What one source was heard to say."""

    def __init__(self, store: Store, source: str):
        self._store, self._source = store, source

    def name(self, anchor: str) -> tuple[str, str]:
        """The name of the fact about a patient or visit (``Type/id``)."""
        return HEARD, f"{self._source}/{anchor}"

    async def before(
        self, arrival: Arrival, anchors: Iterable[str], facts: Mapping[tuple[str, str], Fact]
    ) -> Heard:
        """What was heard before a message about ``anchors``; ``facts`` has the last facts of those that have any."""
        heard = Heard(arrival, {anchor: facts.get(self.name(anchor)) for anchor in anchors})
        last = [fact for fact in heard.before.values() if fact is not None]
        heard.late = arrival.replayed or any(not arrival.comes_after(*fact.value["last"]) for fact in last)
        for fact in last if heard.late else ():
            async for of, value in self._since(fact, arrival.effective):
                _keep_later(heard.times, of, value)
        return heard

    async def _since(self, fact: Fact, effective: str) -> AsyncIterator[tuple[Time, JsonObject]]:
        """The facts of the messages, last first, among which are all that hold since ``effective`` or later."""
        key, position, last = fact.key, fact.position, fact.value["last"][0]
        while position and last >= effective:
            (commit,) = await self._store.read_log(position - 1, 1)
            noted = [one for one in commit.events if one["e"] == "noted" and one["kind"] == HEARD]
            for one in noted:
                if "said" in one["value"]:
                    yield tuple(one["value"]["of"]), one["value"]
            value = next(one["value"] for one in noted if one["key"] == key)
            position, last = value["before"], value["last"][0]


def _keep_later(times: dict[tuple[str, str], Time], of: Time, value: JsonObject) -> None:
    """Take over when the units and lists of a fact were spoken of, where that is later than what is known.

    Of two messages of one time that which came first is met last, and has no say.
    """
    names = [(resource, unit) for resource, units in value["said"].items() for unit in units]
    names += [(_LIST, key) for key in value.get("lists", ())]
    for name in names:
        if name not in times or times[name][0] < of[0]:
            times[name] = of
