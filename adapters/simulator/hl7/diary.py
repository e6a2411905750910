"""The EHR's appointments: booked, moved, ended. Whoever takes part in one is taken for its time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import datetime, timedelta

from adapters.simulator.hl7.books import Books, Row
from adapters.simulator.hl7.options import Options
from adapters.simulator.hl7.reading import LONGEST_MINUTES, Booking, Refused, in_utc

BOOKED = "Booked"
ENDS = {"S15": "Cancelled", "S16": "Dc", "S17": "Deleted", "S26": "Noshow"}
"""What an event makes of an appointment (HL7 table 0278)."""
MINUTES = 30
"""How long an appointment lasts where nobody says."""
_STANDING = ("booked", "pending", "started", "overbook")


@dataclass(frozen=True, slots=True)
class Visit:
    """One appointment, as the columns of its table have it."""

    filler: str
    placer: str
    placer_written: str
    mrn: str
    start: str
    ends: str
    status: str
    fields: str
    resources: str

    @property
    def stands(self) -> bool:
        return self.status.lower() in _STANDING


class Diary:
    """What is booked. Nothing is told to others here."""

    def __init__(self, options: Options, books: Books):
        self._options, self._books = options, books

    def book(self, told: Booking, mrn: str) -> tuple[str, bool, bool]:
        """The filler number, whether it is new, and whether anything is.

        A placer's number that is known here means the appointment that has it, unless the EHR forgets. Raises
        :class:`Refused`, with a code of its own in ERR-5: SLOT_TAKEN or NO_SLOT.
        """
        row = None if self._options.forgets or not told.placer else self._placed(told.placer)
        if row is not None:
            filler, news = self._change(_visit(row), told, mrn)
            return filler, False, news
        if not told.start:
            raise Refused("101", "SCH-11", "it is not said when")
        filler = f"A{self._books.next_number('filler'):06d}"
        blank = Visit(filler, told.placer, told.placer_written, mrn, "", "", BOOKED, "{}", "{}")
        self._write(None, self._with(blank, told))
        return filler, True, True

    def change(self, told: Booking, mrn: str) -> tuple[str, bool]:
        """The filler number, and whether what was told is any news. One that had ended is booked again."""
        return self._change(_visit(self.meant(told, mrn)), told, mrn)

    def _change(self, before: Visit, told: Booking, mrn: str) -> tuple[str, bool]:
        _check_patient(before, mrn)
        after = self._with(replace(before, status=BOOKED), told)
        self._write(before, after)
        return before.filler, after != before

    def end(self, told: Booking, mrn: str, event: str) -> tuple[str, bool]:
        """The filler number, and whether it had not ended so before. Its time is free again."""
        before = _visit(self.meant(told, mrn))
        after = replace(before, status=ENDS[event], fields=_over(before.fields, told.fields))
        self._write(before, after)
        return before.filler, after.status != before.status

    def meant(self, told: Booking, mrn: str) -> Row:
        """The appointment of the filler number, else of the placer number. Raises :class:`Refused`."""
        row = self.row(told.filler) if told.filler else None
        if row is None and told.placer:
            row = self._placed(told.placer)
        if row is None:
            place = "SCH-2" if told.filler else "SCH-1"
            raise Refused("204", place, "there is no such appointment", "NO_APPOINTMENT")
        _check_patient(_visit(row), mrn)
        return row

    def row(self, filler: str) -> Row | None:
        return self._books.row("SELECT * FROM appointments WHERE filler = ?", filler)

    def _placed(self, placer: str) -> Row | None:
        """The last that was booked under a placer number."""
        return self._books.row(
            "SELECT * FROM appointments WHERE placer = ? ORDER BY filler DESC LIMIT 1", placer
        )

    def _with(self, visit: Visit, told: Booking) -> Visit:
        """The appointment with what is told of it."""
        resources = _over(visit.resources, told.resources)
        start = told.start or visit.start
        return replace(
            visit,
            placer=visit.placer or told.placer,
            placer_written=visit.placer_written or told.placer_written,
            start=start,
            ends=told.ends or self._ends(visit, start, resources),
            status=told.status or visit.status,
            fields=_over(visit.fields, told.fields),
            resources=resources,
        )

    def _ends(self, visit: Visit, start: str, resources: str) -> str:
        """When it ends where only its start is told: it lasts as long as before, or as the slot does."""
        if visit.start:
            return in_utc(moment(start) + (moment(visit.ends) - moment(visit.start)))
        slots = (self._slot(who, start) for who in self._whom(resources))
        slot = next((one for one in slots if one is not None), None)
        return str(slot["ends"]) if slot else in_utc(moment(start) + timedelta(minutes=MINUTES))

    def _write(self, before: Visit | None, after: Visit) -> None:
        whom = self._whom(after.resources)
        if after.stands and (before is None or _taken(before) != _taken(after)):
            self._check(after, whom)
        self._books.do(
            "INSERT OR REPLACE INTO appointments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", *astuple(after)
        )
        self._books.do("DELETE FROM takes WHERE filler = ?", after.filler)
        for who in whom if after.stands else ():
            self._books.do(
                "INSERT INTO takes VALUES (?, ?, ?, ?)", who, after.start, after.ends, after.filler
            )

    def _whom(self, resources: str) -> Sequence[str]:
        """Who is taken: the people; the places where there are none. A person is known by number, or by name."""
        named: Mapping[str, Sequence[str]] = json.loads(resources)
        people = [found for text in named.get("AIP", ()) if (found := self._person(text))]
        places = [f"AIL:{text}" for text in named.get("AIL", ()) if text]
        return list(dict.fromkeys(people or places))

    def _person(self, text: str) -> str:
        number, family, given = (*text.split("^"), "", "")[:3]
        if not number and family:
            row = self._books.row(
                "SELECT npi FROM practitioners WHERE family = ? AND given = ?", family, given
            )
            number = row["npi"] if row else f"{family}^{given}"
        return f"AIP:{number}" if number else ""

    def _check(self, visit: Visit, whom: Sequence[str]) -> None:
        lasting = moment(visit.ends) - moment(visit.start)
        if not timedelta() < lasting <= timedelta(minutes=LONGEST_MINUTES):
            raise Refused("102", "SCH-11", "the end is not within a day after the start")
        for who in whom:
            if self._has_slots(who) and self._slot(who, visit.start) is None:
                raise Refused("207", "SCH-11", "there is no slot then", "NO_SLOT")
            # An EHR that forgets sees in the same patient no obstacle: it books twice.
            other = visit.mrn if self._options.forgets else ""
            earliest = in_utc(moment(visit.start) - timedelta(minutes=LONGEST_MINUTES))
            row = self._books.row(
                "SELECT 1 FROM takes JOIN appointments USING (filler) WHERE who = ? AND takes.start < ?"
                " AND takes.start >= ? AND takes.ends > ? AND filler <> ? AND mrn <> ? LIMIT 1",
                who,
                visit.ends,
                earliest,
                visit.start,
                visit.filler,
                other,
            )
            if row is not None:
                raise Refused("207", "SCH-11", "the time is taken", "SLOT_TAKEN")

    def _has_slots(self, who: str) -> bool:
        npi = who.removeprefix("AIP:")
        return self._books.row("SELECT 1 FROM slots WHERE practitioner = ? LIMIT 1", npi) is not None

    def _slot(self, who: str, start: str) -> Row | None:
        npi = who.removeprefix("AIP:")
        return self._books.row("SELECT * FROM slots WHERE practitioner = ? AND start = ?", npi, start)


def _check_patient(visit: Visit, mrn: str) -> None:
    if visit.mrn != mrn:
        raise Refused("204", "PID-3", "the appointment is another patient's", "OTHER_PATIENT")


def _visit(row: Row) -> Visit:
    return Visit(*row)


def _taken(visit: Visit) -> tuple[bool, str, str, str]:
    return visit.stands, visit.start, visit.ends, visit.resources


def _over(known: str, told: Mapping[str, object]) -> str:
    """A kept object with what is told over it."""
    return json.dumps({**json.loads(known), **told}, sort_keys=True)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
