"""Lists that a message sends whole, one segment for each item: what is not in it any more is no more.

In a message about a patient's record (ADT), the AL1, DG1, IN1, NK1, GT1 and PR1 segments are a snapshot: all there are
by then. Elsewhere they are mere context and take nothing away. Segments with an action code (DG1-21, PR1-20, IAM-6)
say by themselves what becomes of each, so that there is nothing to compare.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from adapters.hl7v2.ingest.heard import Heard
from adapters.hl7v2.ingest.identity import Subject
from adapters.hl7v2.message import Message
from fhirserver.kernel.frozen import frozen
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.storage import Fact
from fhirserver.store.commands import Note

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


@frozen
class Set:
    """One list as the source sent it: whose, which resources (``Type/id``), since when it has just these and by which
    message."""

    key: str
    members: tuple[str, ...]
    at: str = ""
    by: str = ""
    position: int = 0

    @classmethod
    def of(cls, key: str, fact: Fact | None) -> Set:
        """As a fact keeps it; empty where there is none."""
        if fact is None:
            return cls(key, ())
        value = fact.value
        return cls(key, tuple(value["members"]), value["at"], value["by"], value["position"])

    def note(self) -> Note:
        """Refused (409) where somebody else kept it meanwhile."""
        value: JsonObject = {
            "members": list(self.members),
            "at": self.at,
            "by": self.by,
            "position": self.position,
        }
        return Note(SET, self.key, value, advance=True)


@frozen
class Compared:
    """What a message's lists do: ``gone`` are no more, ``late`` are of an older list and not of the one since."""

    gone: tuple[str, ...] = ()
    late: frozenset[str] = frozenset()
    notes: tuple[Note, ...] = ()


def lists(
    source: str, message: Message, subjects: Sequence[Subject], world: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """The lists that a message sends whole: the key of each, and which resources are in it."""
    return dict(_lists(source, message, subjects, world))


def compared(
    sent: Mapping[str, tuple[str, ...]], facts: Mapping[tuple[str, str], Fact], heard: Heard
) -> Compared:
    """A message's lists beside those that the source sent last, of which ``facts`` has what there are.

    A list that is as it was leaves no fact of its own: that it was sent is heard (:class:`Heard`).
    """
    arrival = heard.arrival
    gone: list[str] = []
    late: set[str] = set()
    notes: list[Note] = []
    for key, members in sent.items():
        before = Set.of(key, facts.get((SET, key)))
        last = heard.last_of_list(key, (before.at, before.by))
        heard.hear_list(key)
        if before.position and not arrival.comes_after(*last):
            late |= set(members) - set(before.members)
            continue
        gone += [member for member in before.members if member not in members]
        if members != before.members:
            notes.append(Set(key, members, arrival.effective, arrival.mark, before.position + 1).note())
    return Compared(tuple(gone), frozenset(late), tuple(notes))


def _lists(
    source: str, message: Message, subjects: Sequence[Subject], world: Mapping[str, str]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    if message.type != "ADT" or message.event not in _EVENTS:
        return
    sent = {segment.name for segment in message.segments}
    for segment, type in _TYPES.items():
        if segment not in sent:
            continue
        found = message.all(segment)
        whose = _first(subjects, world, "Encounter" if segment in _OF_A_VISIT else "Patient")
        if not whose or any(one.value(_ACTION.get(segment, 0)) for one in found):
            continue
        members = [world[one.locals[0]] for one in subjects if one.type == type and one.segment == segment]
        yield f"{source}/{whose}/{segment}", tuple(dict.fromkeys(members))


def _first(subjects: Collection[Subject], world: Mapping[str, str], type: str) -> str:
    found = (world[one.locals[0]] for one in subjects if one.type == type and not one.former)
    return next(found, "")
