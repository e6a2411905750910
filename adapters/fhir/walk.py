"""What a walk over one type has seen, and where its mark may stand."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from adapters.fhir.cursor import Mark, whole_milliseconds
from adapters.fhir.exchange import updated_at
from fhirserver.kernel.json import canonical
from fhirserver.ports.ehr import Record

_SLACK = timedelta(seconds=1)
"""An EHR that cuts to whole seconds may show what is this much older than what was asked for."""


@dataclass(slots=True)
class Walk:
    """A walk. ``horizon``: what was changed after it may not be visible yet; None where the EHR tells no time.

    ``partial``: the EHR said that it left something out, so the mark stays where it was.
    """

    before: Mark
    horizon: datetime | None
    overlap: timedelta = timedelta(0)
    versions: dict[str, tuple[str, datetime | None]] = field(default_factory=dict)
    last: datetime | None = None
    ordered: bool = True
    older: bool = False
    partial: bool = False

    def take(self, found: Sequence[Record]) -> list[Record]:
        """The records of a page that were not handed out before."""
        fresh = []
        for each in found:
            at, version = updated_at(each), version_of(each)
            self.versions.pop(each.id, None)
            self.versions[each.id] = (version, at)
            self.ordered = self.ordered and at is not None and (self.last is None or at >= self.last)
            self.older = self.older or (at is not None and self._is_older(at))
            self.last = at if self.last is None or (at is not None and at > self.last) else self.last
            if not version or self.before.seen.get(each.id) != version:
                fresh.append(each)
        self._forget()
        return fresh

    def mark(self, complete: bool) -> Mark:
        """Where the type stands now; between pages only an ordered answer moves it."""
        if self.partial or (not complete and (not self.ordered or self.last is None)):
            return self.before
        if complete:
            until = self.horizon or (self.last - self.overlap if self.last else None)
            if until is None:
                return self.before
            return self._at(until)
        assert self.last is not None
        since = whole_milliseconds(min(self.last, self.horizon or self.last - self.overlap))
        return Mark.make(since, {**self.before.seen, **self._seen(since)})

    def _at(self, until: datetime) -> Mark:
        """The mark at ``until``; never before where it was, for then what was seen there would come again."""
        since = whole_milliseconds(until)
        if self.before.since is not None and since <= self.before.since:
            return Mark.make(self.before.since, {**self.before.seen, **self._seen(self.before.since)})
        return Mark.make(since, self._seen(since))

    def _is_older(self, at: datetime) -> bool:
        return self.before.since is not None and at < self.before.since - _SLACK

    def _forget(self) -> None:
        """In a first walk, which may be over millions, keep only what a mark could still name."""
        if self.before.since is not None or not self.ordered or self.last is None:
            return
        from_then = whole_milliseconds(min(self.last, self.horizon or self.last) - self.overlap)
        old = [id for id, (_, at) in self.versions.items() if at is not None and at < from_then]
        for id in old:
            del self.versions[id]

    def _seen(self, since: datetime) -> Mapping[str, str]:
        return {
            id: version
            for id, (version, at) in self.versions.items()
            if version and (at is None or at >= since)
        }


def version_of(record: Record) -> str:
    """What tells two versions apart: the version id, or the content for EHRs that have none.

    Not the time: written in whole seconds it is the same for two changes within one.
    """
    return record.version or hashlib.sha256(canonical(record.content)).hexdigest()[:16]
