"""What the second judge is still to be asked, kept as facts of the log: a restart neither forgets nor repeats."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.storage import Fact
from fhirserver.store.commands import Note
from fhirserver.store.store import Store
from subscriptions.conversations import Said, said_of

OPINION = "opinion"
WANTED, ASKING, GIVEN = "wanted", "asking", "given"


@dataclass(frozen=True, slots=True)
class Opinion:
    """The question about one conversation. ``since``: when it came up; ``until``: how long who asks has it to
    themselves."""

    reference: str
    said: tuple[Said, ...] = ()
    since: str = ""
    state: str = GIVEN
    until: str = ""
    revision: int = 0

    def wanted(self, said: Iterable[Said], at: str) -> Opinion:
        """With more to ask about."""
        before = () if self.state == GIVEN else self.said
        since = at if self.state == GIVEN else self.since
        return replace(self, said=tuple(dict.fromkeys((*before, *said))), since=since, state=WANTED, until="")

    def note(self, state: str, until: str = "") -> Note:
        """The fact, in its next state; refused where somebody else moved it meanwhile."""
        value: JsonObject = {
            "state": state,
            "since": self.since,
            "until": until,
            "position": self.revision + 1,
        }
        if state != GIVEN:
            value["said"] = [one.as_json() for one in self.said]
        return Note(OPINION, self.reference, value, advance=True)


async def opinion(store: Store, reference: str) -> Opinion:
    """What is to be asked about a conversation."""
    fact = await store.fact(OPINION, reference)
    return _read(fact) if fact else Opinion(reference)


async def open_opinions(store: Store) -> Sequence[str]:
    """The conversations about which the second judge has not answered."""
    return [fact.key for fact in await store.facts(OPINION) if fact.value["state"] != GIVEN]


def _read(fact: Fact) -> Opinion:
    said = tuple(said_of(one, fact.key) for one in fact.value.get("said", ()))
    value = fact.value
    return Opinion(fact.key, said, value["since"], value["state"], value["until"], value["position"])
