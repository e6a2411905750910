"""What one conversion carries along: the message, where it stands in it, what has been made, what went wrong."""

from __future__ import annotations

from dataclasses import dataclass, field

from adapters.hl7v2.convert.drafts import Draft
from adapters.hl7v2.convert.memo import Memo
from adapters.hl7v2.convert.nodes import Node, first_node, nodes
from adapters.hl7v2.convert.site import Site
from adapters.hl7v2.maps.conditions import Subject
from adapters.hl7v2.message import Message, Segment
from fhirserver.kernel.frozen import frozen


@frozen
class Issue:
    """What could not be taken over. ``what`` holds nothing of the value."""

    place: str
    what: str
    source: str = ""


@frozen
class Trace:
    """``element`` of a resource came from ``place`` by the row ``source``."""

    draft: Draft
    element: str
    place: str
    source: str


@dataclass
class Context:
    """``segment`` and ``place`` move on as the message is read; ``nearest`` are the segments read last, by name;
    ``held`` is the resource of which one element, ``held_path``, is being filled; ``used`` the fields that
    maps ask for, by segment; ``memo`` what data types were made into, None where the conversion is explained."""

    message: Message
    site: Site
    segment: Segment
    issues: list[Issue] = field(default_factory=list)
    traces: list[Trace] | None = None
    nearest: dict[str, Segment] = field(default_factory=dict)
    labels: dict[str, Draft] = field(default_factory=dict)
    place: str = ""
    held: Draft | None = None
    held_path: str = ""
    used: dict[int, frozenset[int]] = field(default_factory=dict)
    memo: Memo | None = None

    def within(self, draft: Draft, name: str) -> str:
        """The path of an element: within that which is being filled, or at the top of its resource."""
        if draft is not self.held:
            return name
        return f"{self.held_path}.{name}" if name and self.held_path else name or self.held_path

    def issue(self, what: str, source: str) -> None:
        self.issues.append(Issue(self.place, what, source))

    def field(self, subject: Subject) -> Segment | None:
        """The segment that a condition or assignment names: this one; the last of that name before it; of an ORC, the
        one that follows before the next ORC."""
        if subject.name == self.segment.name:
            return self.segment
        if self.segment.name == "ORC":
            for one in self.message.segments[self.segment.index :]:
                if one.name in ("ORC", subject.name):
                    return one if one.name == subject.name else None
        return self.nearest.get(subject.name)

    def find(self, subject: Subject) -> Node | None:
        """The first repetition of ``PID-11.9``; None where it is absent or stated to be nothing."""
        segment = self.field(subject)
        if segment is None or not subject.numbers:
            return None
        found = first_node(segment, subject.numbers[0])
        return found.at(subject.numbers[1:]) if found is not None else None

    def count(self, subject: Subject) -> int:
        segment = self.field(subject)
        return len(nodes(segment, subject.numbers[0])) if segment is not None and subject.numbers else 0
