"""Short references in place of ids (``slot:0``, ``visit:1``, ``doctor:0``): a model sees and can use no others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from agent.records import AppointmentRecord, SlotRecord


@dataclass
class References:
    """The references of one call. A reference stays what it was; only those given last may be used."""

    slots: dict[str, SlotRecord] = field(default_factory=dict)
    visits: dict[str, AppointmentRecord] = field(default_factory=dict)
    doctors: dict[str, tuple[str, str]] = field(default_factory=dict)
    """(reference, name) of practitioners."""
    _given: dict[tuple[str, str], str] = field(default_factory=dict)

    def offer(self, slots: Iterable[SlotRecord]) -> None:
        """Give references to slots, in place of those given before."""
        self.slots = {self._name("slot", s.id): s for s in slots}

    def tell(self, visits: Iterable[AppointmentRecord], doctors: Iterable[tuple[str, str]]) -> None:
        """Give references to the caller's appointments and practitioners, in place of those given before."""
        self.visits = {self._name("visit", v.id): v for v in visits}
        self.doctors = {self._name("doctor", ref): (ref, name) for ref, name in doctors if ref and name}

    def _name(self, kind: str, id: str) -> str:
        number = sum(1 for k, _ in self._given if k == kind)
        return self._given.setdefault((kind, id), f"{kind}:{number}")
