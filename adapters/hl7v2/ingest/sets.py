"""Lists that a message sends whole, one segment for each item: what is not in it any more is no more.

In a message about a patient's record (ADT), the AL1, DG1, IN1, NK1, GT1 and PR1 segments are a snapshot: all there are
by then. Elsewhere they are mere context and take nothing away. Segments with an action code (DG1-21, PR1-20, IAM-6)
say by themselves what becomes of each, so that there is nothing to compare.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from adapters.hl7v2.ingest.heard import Arrival
from adapters.hl7v2.ingest.identity import Subject
from adapters.hl7v2.message import Message
from fhirserver.kernel.json import JsonObject
from fhirserver.store.commands import Note
from fhirserver.store.store import Store

SET = "hl7-set"
_TYPES = {
    "AL1": "AllergyIntolerance",
    "DG1": "Condition",
    "IN1": "Coverage",
    "NK1": "RelatedPerson",
    "GT1": "RelatedPerson",
    "PR1": "Procedure",
}
_OF_A_VISIT = frozenset({"DG1", "PR1"})
_ACTION = {"DG1": 21, "PR1": 20}
_EVENTS = frozenset(("A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08", "A13", "A28", "A31"))


@dataclass(frozen=True, slots=True)
class Set:
    """One list as the source sent it last: whose, which resources (``Type/id``), since when and by which message."""

    key: str
    members: tuple[str, ...]
    at: str = ""
    by: str = ""
    position: int = 0

    def note(self) -> Note:
        """Refused (409) where somebody else kept it meanwhile."""
        value: JsonObject = {
            "members": list(self.members),
            "at": self.at,
            "by": self.by,
            "position": self.position,
        }
        return Note(SET, self.key, value, advance=True)


@dataclass(frozen=True, slots=True)
class Compared:
    """What a message's lists do: ``gone`` are no more, ``late`` are of an older list and not of the one since."""

    gone: tuple[str, ...] = ()
    late: frozenset[str] = frozenset()
    notes: tuple[Note, ...] = ()


class Sets:
    """The lists of one source."""

    def __init__(self, store: Store, source: str):
        self._store, self._source = store, source

    async def compared(
        self, message: Message, subjects: Sequence[Subject], world: Mapping[str, str], arrival: Arrival
    ) -> Compared:
        """The message's lists beside those that the source sent last."""
        gone: list[str] = []
        late: set[str] = set()
        notes: list[Note] = []
        for key, members in self._lists(message, subjects, world):
            before = await self._read(key)
            if before.position and not arrival.comes_after(before.at, before.by):
                late |= set(members) - set(before.members)
                continue
            gone += [member for member in before.members if member not in members]
            if members != before.members or arrival.effective > before.at:
                notes.append(Set(key, members, arrival.effective, arrival.mark, before.position + 1).note())
        return Compared(tuple(gone), frozenset(late), tuple(notes))

    async def _read(self, key: str) -> Set:
        fact = await self._store.fact(SET, key)
        if fact is None:
            return Set(key, ())
        return Set(
            key, tuple(fact.value["members"]), fact.value["at"], fact.value["by"], fact.value["position"]
        )

    def _lists(
        self, message: Message, subjects: Sequence[Subject], world: Mapping[str, str]
    ) -> Iterator[tuple[str, tuple[str, ...]]]:
        if message.type != "ADT" or message.event not in _EVENTS:
            return
        patient, visit = (_first(subjects, world, type) for type in ("Patient", "Encounter"))
        for segment, type in _TYPES.items():
            found = message.all(segment)
            whose = visit if segment in _OF_A_VISIT else patient
            if not found or not whose or any(one.value(_ACTION.get(segment, 0)) for one in found):
                continue
            members = [
                world[one.locals[0]] for one in subjects if one.type == type and one.segment == segment
            ]
            yield f"{self._source}/{whose}/{segment}", tuple(dict.fromkeys(members))


def _first(subjects: Collection[Subject], world: Mapping[str, str], type: str) -> str:
    found = (world[one.locals[0]] for one in subjects if one.type == type and not one.former)
    return next(found, "")
