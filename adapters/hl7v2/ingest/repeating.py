"""What a feed said of a resource last, so that saying it again costs next to nothing.

Most of what an ADT message says was said by the one before it. A statement that is the very same as the last one about
a resource, which nobody has touched since, says nothing new (docs/world-model.md): it need not be checked, decided or
even written out. What is kept is only ever a reason to leave out a statement that would change nothing; where it was
forgotten, or the resource has another commit in it, the statement is made as ever.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from adapters.hl7v2.ingest.identity import Subject
from adapters.hl7v2.message import Segment
from fhirserver.ports.storage import Row
from fhirserver.world.entity import seen_of

REPEATED_SECONDS = 60.0
"""How long a place or person named in passing need not be stated again as it was stated before."""
_REMEMBERED = 200_000


@dataclass(slots=True)
class _Said:
    """``seen`` is the last commit that the resource had in it, ``at`` when that was by the process's clock.

    ``units`` are those of which it spoke, ``looks`` how the resource was stored when it was looked at last.
    """

    mark: bytes
    seen: int
    at: float
    units: tuple[str, ...]
    looks: int = 0


class Repeating:
    """The last statement about each resource, of one feed in one process."""

    def __init__(self) -> None:
        self._said: OrderedDict[str, _Said] = OrderedDict()

    def is_again(self, reference: str, mark: bytes, row: Row | None) -> bool:
        """Whether just this was said last of a resource that is as it was left then. ``row`` is how it is stored."""
        before = self._said.get(reference)
        if before is None or before.mark != mark or row is None or row.version.deleted:
            return False
        looks = hash((row.version.position, row.ledger))
        if before.looks != looks and 0 < before.seen == seen_of(row):
            before.looks = looks
        return before.looks == looks

    def is_recent(self, reference: str, mark: bytes) -> bool:
        """Whether just this was said a moment ago, whatever has become of the resource."""
        before = self._said.get(reference)
        return before is not None and before.mark == mark and time.monotonic() - before.at < REPEATED_SECONDS

    def units(self, reference: str) -> tuple[str, ...]:
        """The units of which the last statement about a resource spoke."""
        return self._said[reference].units

    def keep(self, reference: str, mark: bytes, seen: int, units: tuple[str, ...] = ()) -> None:
        """What was said and is durable. ``seen``: the last commit that the resource has in it by now."""
        self._said[reference] = _Said(mark, seen, time.monotonic(), units)
        self._said.move_to_end(reference)
        if len(self._said) > _REMEMBERED:
            self._said.popitem(last=False)

    def forget(self, reference: str) -> None:
        """What is said of it now is not all that a message says."""
        self._said.pop(reference, None)


def mark_of(subject: Subject, world: Mapping[str, str], pid: Segment | None) -> bytes:
    """What tells this statement from any other about the same resource: all that it is made from."""
    words = [world.get(local, "") for local in subject.refers]
    if subject.absent or subject.supplied:
        words += ["\x1e", *sorted(subject.absent), "\x1e", *sorted(subject.supplied)]
    if subject.type == "Patient" and pid:
        words.append(f"\x1e{bool(pid.field(13))} {bool(pid.field(14))}")
    text = subject.text + "\x1f".join(words).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=16).digest()
