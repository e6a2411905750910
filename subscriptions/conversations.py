"""What was claimed in each conversation, kept as facts of the log until its transcript has been judged.

So a conversation that ended is judged without searching the log for it, also after a restart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.storage import Fact, Key
from fhirserver.store.commands import Note
from fhirserver.store.store import Store

CONVERSATION = "conversation"
OPEN, OVERDUE, JUDGED = "open", "overdue", "judged"


@dataclass(frozen=True, slots=True)
class Said:
    """One assertion of the log that may need verification; ``turns`` are those that it names as evidence."""

    key: Key
    source: str
    position: int
    conversation: str = ""
    turns: tuple[int, ...] = ()

    def as_json(self) -> JsonObject:
        return {
            "type": self.key.type,
            "id": self.key.id,
            "source": self.source,
            "position": self.position,
            "turns": list(self.turns),
        }


@dataclass(frozen=True, slots=True)
class Conversation:
    """One conversation (``Communication/id``). ``since`` is when something was last claimed in it."""

    reference: str
    said: tuple[Said, ...] = ()
    since: str = ""
    state: str = OPEN
    revision: int = 0

    def heard(self, said: Sequence[Said], at: str) -> Conversation:
        """With more claims; what was judged is over, and begins anew."""
        if not said:
            return self
        before = () if self.state == JUDGED else self.said
        return replace(self, said=(*before, *said), since=at, state=OPEN)

    def note(self, state: str) -> Note:
        """The fact, in its next state; refused where somebody else moved it meanwhile."""
        value: JsonObject = {"state": state, "since": self.since, "position": self.revision + 1}
        if state != JUDGED:
            value["said"] = [one.as_json() for one in self.said]
        return Note(CONVERSATION, self.reference, value, advance=True)


async def conversation(store: Store, reference: str) -> Conversation:
    """What is known of a conversation."""
    fact = await store.fact(CONVERSATION, reference)
    return _read(fact) if fact else Conversation(reference)


async def waiting(store: Store) -> Iterable[Conversation]:
    """The conversations whose transcript has not come."""
    return [_read(fact) for fact in await store.facts(CONVERSATION) if fact.value["state"] == OPEN]


def said_of(value: JsonObject, conversation: str) -> Said:
    """An assertion as it was kept."""
    key = Key(value["type"], value["id"])
    return Said(key, value["source"], value["position"], conversation, tuple(value["turns"]))


def _read(fact: Fact) -> Conversation:
    said = tuple(said_of(one, fact.key) for one in fact.value.get("said", ()))
    return Conversation(fact.key, said, fact.value["since"], fact.value["state"], fact.value["position"])
