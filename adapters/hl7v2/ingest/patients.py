"""Who a message is about: the identifiers of its PID and MRG segments, and the lanes that follow from them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from adapters.hl7v2.intake.ingest import Lane
from adapters.hl7v2.message import NULL, Message, Repetition, Segment
from fhirserver.kernel.frozen import frozen

# https://terminology.hl7.org/CodeSystem-v2-0203.html
_RECORD = frozenset({"MR", "MRT"})
_OF_A_STAY = frozenset(
    ("AN", "ANON", "ANC", "AM", "VN", "VS", "GN", "GI", "SN", "SNO", "FILL", "PLAC", "BA", "CK")
)
_OF_OTHERS = frozenset(
    (
        "SS",
        "SB",
        "NI",
        "NIIP",
        "DL",
        "PPN",
        "MC",
        "MA",
        "MB",
        "NH",
        "HC",
        "BC",
        "DN",
        "PN",
        "TAX",
        "WC",
        "XX",
        "AND",
    )
)
_ACCOUNT = 18
_PLACEHOLDER = re.compile(r"(.)\1{4,}|0+|unknown|none|n/?a", re.IGNORECASE)


@frozen
class Named:
    """One identifier of a patient: the crosswalk keeps its record under ``key``. The lowest ``rank`` is the surest."""

    key: str
    value: str
    rank: int


class Naming:
    """How one site names its patients."""

    def __init__(self, authorities: Mapping[str, str] | None = None):
        """``authorities``: namespace or universal id → the system by which the site's identifiers are known."""
        self._authorities = authorities or {}

    def named(self, cx: Repetition, facility: str, authority: int = 4) -> Named | None:
        """One CX, or EI, as an identifier; None for what names nobody. Without an authority it is the facility's own.

        ``authority`` is the component that holds it.
        """
        value = (cx.value() or "").strip()
        if not value or value == NULL or _PLACEHOLDER.fullmatch(value):
            return None
        kind = (cx.value(5) or "").upper() if authority == 4 else ""
        rank = 0 if kind in _RECORD else 3 if kind in _OF_A_STAY else 2 if kind in _OF_OTHERS else 1
        return Named(f"{self.authority(cx, authority) or facility}|{value}", value, rank)

    def authority(self, holder: Repetition, component: int) -> str:
        """The assigning authority in a component: the site's system for it, else its own id, else its name."""
        namespace = holder.value(component) or ""
        universal = holder.value(component, 2) or ""
        if not self._authorities:
            return universal or namespace
        known = self._authorities.get(namespace) or self._authorities.get(universal)
        return known or universal or namespace

    def of_patient(self, pid: Segment, facility: str) -> list[Named]:
        """Who a PID names, the surest identifier first: PID-3, else PID-2, PID-4, else the account, PID-18."""
        return self._first(pid, (3, 2, 4, _ACCOUNT), facility)

    def of_former(self, mrg: Segment, facility: str) -> list[Named]:
        """Who an MRG names: MRG-1, else MRG-4."""
        return self._first(mrg, (1, 4), facility)

    def _first(self, segment: Segment, fields: Iterable[int], facility: str) -> list[Named]:
        weak: list[Named] = []
        for field in fields:
            found = [one for cx in segment.repetitions(field) if (one := self.named(cx, facility))]
            if field == _ACCOUNT:
                found = [Named(f"account:{one.key}", one.value, 3) for one in found]
            found.sort(key=lambda one: one.rank)
            if sure := [one for one in found if one.rank < 2]:
                return sure
            weak += found
        return sorted(weak, key=lambda one: one.rank)[:1]

    def lane(self, message: Message) -> Lane:
        """One lane for each patient; one with several patients, such as a merge, is a barrier for them all."""
        keys = dict.fromkeys(self._lanes(message))
        if not keys:
            return Lane(_without_patient(message))
        first, *others = keys
        return Lane(first, tuple(others))

    def _lanes(self, message: Message) -> Iterator[str]:
        facility = facility_of(message)
        for segment in message.segments:
            if segment.name in ("PID", "MRG"):
                found = self.of_patient if segment.name == "PID" else self.of_former
                for one in found(segment, facility)[:1]:
                    yield f"patient:{_digest(one.key)}"


def facility_of(message: Message) -> str:
    """Whose numbers are meant where an identifier names no authority: the sending facility, else the application."""
    application, facility = message.sender
    return facility or application


def _without_patient(message: Message) -> str:
    """The lane of a message about no patient: its appointment's or order's, else its own."""
    for name, fields in (("SCH", (2, 1)), ("ORC", (3, 2)), ("MFI", (1,))):
        segment = message.first(name)
        for field in fields if segment else ():
            if segment and (value := segment.value(field)):
                return f"{name}:{_digest('/'.join((*message.sender, value)))}"
    return f"message:{_digest('/'.join((*message.sender, message.control_id)))}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def owners(message: Message, naming: Naming) -> Sequence[tuple[Segment, list[Named]]]:
    """Every PID of the message with who it names."""
    facility = facility_of(message)
    return [(pid, naming.of_patient(pid, facility)) for pid in message.all("PID")]
