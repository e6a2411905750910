"""Whether the trail is whole: every seal, every link, every entry, and an entry for every commit of the log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from fhirserver.access.audit.accounting import event_of_commit
from fhirserver.access.audit.chain import Chain, commits_of, events_of, spans
from fhirserver.access.audit.event import KEPT, START, Event
from fhirserver.ports.audit import Sealed
from fhirserver.ports.storage import Storage

_AT_ONCE = 50
_COMMITS = 500
Progress = Callable[[int], None]


@dataclass(slots=True)
class Verified:
    """What was found. ``flaws`` name the batches in order; ``missing`` are positions of commits (from and to) that
    have no entry though the trail says that they have; ``waiting`` is how many commits were made since then."""

    batches: int = 0
    entries: int = 0
    flaws: list[str] = field(default_factory=list)
    missing: list[list[int]] = field(default_factory=list)
    waiting: int = 0
    last: Sealed | None = None

    @property
    def is_whole(self) -> bool:
        return not self.flaws and not self.missing


async def verify(storage: Storage, chain: Chain, progress: Progress = lambda _: None) -> Verified:
    """Walk the whole trail, then the log. ``progress`` is told how many batches and commits have been read."""
    chain.learn(await _first_of_each_key(storage, chain))
    walk = _Walk(chain)
    number = 0
    while batches := await storage.trail.read(number, _AT_ONCE):
        for batch in batches:
            walk.see(batch)
        number = batches[-1].number
        progress(walk.found.batches)
    walk.check_beginning()
    await _check_log(storage, walk, progress)
    return walk.found


async def _first_of_each_key(storage: Storage, chain: Chain) -> list[Sealed]:
    """The batches with which another key begins, the latest first; none where there was only ever the one of now."""
    first = await storage.trail.read(0, 1)
    if not first or first[0].key == chain.name:
        return []
    found, number = list(first), first[0].number
    while batches := await storage.trail.read(number, _AT_ONCE):
        for batch in batches:
            if batch.key != found[-1].key:
                found.append(batch)
        number = batches[-1].number
    return found[::-1]


class _Walk:
    """The batches one after the other."""

    def __init__(self, chain: Chain):
        self._chain = chain
        self._first: Sealed | None = None
        self._kept: list[dict[str, str]] = []
        self.began: int | None = None
        self.commits: set[int] = set()
        self.found = Verified()

    def see(self, batch: Sealed) -> None:
        flaw = self._chain.flaw(self.found.last, batch)
        if not flaw:
            flaw = self._read(batch)
        if flaw:
            self.found.flaws.append(f"batch {batch.number}: {flaw}")
        self.found.batches += 1
        self.found.entries += batch.entries
        self.found.last = batch
        self._first = self._first or batch

    def _read(self, batch: Sealed) -> str:
        try:
            events = events_of(batch)
        except ValueError:
            return "its entries cannot be read"
        if len(events) != batch.entries:
            return f"it has {len(events)} entries and not {batch.entries}"
        with suppress(ValueError):  # sealed as it is: it was never otherwise
            self.commits |= commits_of(batch)
        for event in events:
            self._see_event(event)
        return ""

    def _see_event(self, event: Event) -> None:
        if event.what == KEPT:
            self._kept.append(event.details)
        elif event.what == START and self.began is None:
            self.began = int(event.details.get("accounted", 0))

    def check_beginning(self) -> None:
        """A trail that does not begin with the first batch must say itself what was taken away."""
        first = self._first
        if first is None or first.number == 1:
            return
        said = {"until": str(first.number - 1), "seal": first.previous.hex()}
        if said not in self._kept:
            self.found.flaws.insert(
                0, f"batch {first.number}: what was before it is gone, and nothing says why"
            )
        self.began = first.accounted


async def _check_log(storage: Storage, walk: _Walk, progress: Progress) -> None:
    """Every commit that the trail accounts for has an entry, and the log has every commit that entries speak of."""
    last = walk.found.last
    if last is None:
        return
    position, missing = walk.began or 0, list[int]()
    while commits := await storage.read_log(position, _COMMITS):
        for commit in commits:
            if commit.position > last.accounted:
                walk.found.waiting += commit.position not in walk.commits
            elif commit.position not in walk.commits and event_of_commit(commit) is not None:
                missing.append(commit.position)
        position = commits[-1].position
        progress(walk.found.batches + position)
    walk.found.missing = spans(missing)
    beyond = spans(one for one in walk.commits if one > position)
    if beyond:
        walk.found.flaws.append(
            f"the log ends at {position}, and entries speak of commits up to {beyond[-1][1]}"
        )


def first_place(found: Verified) -> Sequence[str]:
    """What is wrong, the first of it first; empty where nothing is."""
    lines = [*found.flaws]
    for low, high in found.missing:
        commits = f"commit {low}" if low == high else f"commits {low} to {high}"
        lines.append(f"{commits} of the log: no entry speaks of it")
    return lines
