"""What a sink was sent about a resource, kept as a fact of the log before anything is sent.

It tells an echo from the EHR's own word, keeps a change that the EHR answers otherwise from being sent for
ever, and one that the EHR refused from being tried again with every later change. Values are kept as digests; a create
is kept whole until its outcome is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from adapters.runner.crosswalk import Link
from fhirserver.kernel.instants import instant, parse_instant
from fhirserver.kernel.json import Json, JsonObject
from fhirserver.ports.storage import Key
from fhirserver.store.commands import Note
from fhirserver.store.sent import SENT, digest
from fhirserver.store.store import Store
from fhirserver.world.entity import Entity
from fhirserver.world.survivorship import Win, claims_on, contend
from fhirserver.world.units import Units, same

_LESS = Decimal("0.01")
_SUREST = 1 - _LESS
"""How sure an echo may be."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One resource and one sink.

    ``tried``: unit → digest → confidence, of all that may have reached the sink since it last answered.
    ``told``: unit → digests of what it was sent and of what it answered instead.
    ``refused``: unit → mark of the claim it refused, in the Task ``refused_by``.
    ``holder`` is the process that sends; ``at`` the instant of the last attempt that may have reached the sink since.
    ``created`` is the content of a create of which it is not known whether it arrived.
    """

    tried: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict)
    told: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    refused_by: str = ""
    holder: str = ""
    at: str = ""
    created: JsonObject | None = None

    def note(self, source: str, key: Key) -> Note:
        value: JsonObject = {
            "tried": {unit: dict(values) for unit, values in self.tried.items()},
            "told": {unit: list(pair) for unit, pair in self.told.items()},
            "refused": dict(self.refused),
            "refusedBy": self.refused_by,
            "holder": self.holder,
            "at": self.at,
            "created": self.created,
        }
        return Note(SENT, f"{source}/{key}", {name: held for name, held in value.items() if held})

    def trying(self, units: Mapping[str, Win], holder: str) -> Sent:
        """Before an attempt that sends the units."""
        tried = {unit: dict(values) for unit, values in self.tried.items()}
        for unit, win in units.items():
            tried.setdefault(unit, {})[digest(win.claim.value)] = win.confidence
        return replace(self, tried=tried, holder=holder)

    def begun(self, at: datetime) -> Sent:
        """Right before something is sent."""
        return replace(self, at=instant(at))

    def age(self, now: datetime) -> float | None:
        """How many seconds ago an attempt of unknown outcome was begun; None: there is none."""
        return max(0.0, (now - parse_instant(self.at)).total_seconds()) if self.at else None

    def has_tried(self, units: Mapping[str, Win]) -> bool:
        """Whether these very values are on their way."""
        return all(digest(win.claim.value) in self.tried.get(unit, {}) for unit, win in units.items())

    def has_come_back(self, says: Units) -> bool:
        """Whether the sink says something of what was on its way."""
        return any(
            unit in says and (isinstance(says[unit], list) or digest(says[unit]) in values)
            for unit, values in self.tried.items()
        )

    def answered(self, units: Mapping[str, Win], answer: Units, replayed: bool) -> Sent:
        """After the sink's answer to an attempt that sent the units.

        A replayed answer may be to an older attempt: there only what it says is known to have arrived.
        """
        told = dict(self.told)
        for unit, win in units.items():
            value = answer.get(unit)
            if not replayed or same(value, win.claim.value):
                told[unit] = (digest(win.claim.value), digest(value))
        refused = {unit: mark for unit, mark in self.refused.items() if unit not in units}
        return Sent(told=told, refused=refused, refused_by=self.refused_by if refused else "")

    def is_settled(self, unit: str, wanted: Json, says: Json) -> bool:
        """Whether the sink was told just this, and still says what it answered then."""
        return self.told.get(unit) == (digest(wanted), digest(says))

    def refusing(self, entity: Entity, units: Mapping[str, Win], task: str) -> Sent:
        """After the sink refused the units for good. An attempt before that may have reached it all the same."""
        marks = {unit: mark(entity, unit, win) for unit, win in units.items()}
        refused = {**self.refused, **marks}
        return Sent(self.tried, self.told, refused, task, created=self.created)

    def echoes(self, before: Units, stated: Units, answer: bool) -> dict[str, Decimal]:
        """The units in which the EHR only says back what it was sent, with the confidence they had then.

        Such an echo is no new evidence, and less sure than any source of its own: it comes later than the word that it
        repeats, and must not outlast that when its speaker takes it back. In an ``answer`` to our write every changed
        unit that was sent is one, also in the EHR's own spelling; elsewhere only the same value is, or an item with the
        same business key.
        """
        found: dict[str, Decimal] = {}
        for unit, values in self.tried.items():
            value = stated.get(unit)
            if value is None or (unit in before and same(before[unit], value)):
                continue
            if (same_value := values.get(digest(value))) is not None:
                found[unit] = min(same_value, _SUREST)
            elif answer or isinstance(value, list):
                found[unit] = min(max(values.values()), _SUREST)
        return found


def mark(entity: Entity, unit: str, win: Win) -> str:
    """What changes when the unit has another value or somebody decided about it again."""
    decided = max((made.position for made in entity.ledger.decisions if made.unit == unit), default=0)
    return f"{digest(win.claim.value)}@{decided}"


def sent_key(link: Link | None, key: Key) -> Key:
    """Under what is kept what was sent: a record's own resource, also once that was merged into ``key``."""
    return Key(key.type, link.world) if link else key


async def read_sent(store: Store, source: str, key: Key) -> Sent:
    """What the sink was sent about a resource so far."""
    fact = await store.fact(SENT, f"{source}/{key}")
    if fact is None:
        return Sent()
    value = fact.value
    tried = {
        unit: {made: Decimal(sure) for made, sure in values.items()}
        for unit, values in value.get("tried", {}).items()
    }
    told = {unit: (pair[0], pair[1]) for unit, pair in value.get("told", {}).items()}
    return Sent(
        tried,
        told,
        value.get("refused", {}),
        value.get("refusedBy", ""),
        value.get("holder", ""),
        value.get("at", ""),
        value.get("created"),
    )


def no_news(entity: Entity, stated: Units, echoes: Mapping[str, Decimal], sent: Sent) -> dict[str, Decimal]:
    """The confidences of echoes, none of which beats what was said since the value was sent.

    When it was sent it was the world's; where the world says something else by now, somebody has changed it meanwhile,
    and the EHR's late answer to the older word must not undo that, sure as it is and later as it comes.
    """
    kept = dict(echoes)
    for unit in echoes.keys() & stated.keys():
        were = sent.tried.get(unit, {}).keys() | set(sent.told.get(unit, ()))
        win = contend(claims_on(entity.ledger, unit)) if were else None
        if win is None or win.confidence < kept[unit] or digest(win.claim.value) == digest(stated[unit]):
            continue
        # What was sent may come back in the EHR's own spelling; that is the answer to the newest word.
        if digest(win.claim.value) not in were or digest(stated[unit]) in were:
            kept[unit] = max(kept[unit] - _LESS, Decimal(0))
    return kept
