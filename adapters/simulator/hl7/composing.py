"""The EHR's messages, version 2.5.1: what it knows of a patient or an appointment, as its segments.

https://www.hl7.eu/HL7v2x/v251/std251/ch03.html (ADT), https://www.hl7.eu/HL7v2x/v251/std251/ch10.html (SIU)
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from adapters.hl7v2.structures import structure_of
from adapters.hl7v2.writing import Component, Components, Field, Raw, Repetitions, write_header, write_segment
from adapters.simulator.hl7.books import Books, Row
from adapters.simulator.hl7.diary import moment
from adapters.simulator.hl7.options import Options
from adapters.simulator.hl7.reading import USUAL
from fhirserver.kernel.instants import Clock

PLACE = "CLINIC"
_MINUTES = Components(("min", "minutes", "UCUM"))
_PID_LEAST = 5
_WITHOUT_VISIT = "N"
_SERVICE = "VISIT^Visit^L"
_TIMED = {"AIS": 4, "AIG": 8, "AIL": 6, "AIP": 6}
"""The field of its start."""
_ACTIONS = {"S12": "A", "S15": "D", "S16": "D", "S17": "D"}


class Composer:
    """Writes messages; every one has a control id of its own."""

    def __init__(self, options: Options, books: Books, clock: Clock):
        self._options, self._books, self._clock = options, books, clock

    def patient(self, event: str, mrn: str, visit: str = "") -> tuple[str, str]:
        """The control id and the text of an ADT message with all that is known of a patient."""
        row = self._patient(mrn)
        lists = json.loads(row["lists"])
        segments = [
            self._evn(event),
            self._pid(row),
            *lists.get("NK1", ()),
            self._pv1(visit),
            *(text for kind in ("AL1", "GT1", "IN1") for text in lists.get(kind, ())),
        ]
        return self._message("ADT", event, segments)

    def merge(self, survivor: str, gone: str) -> tuple[str, str]:
        """An ADT^A40: the patient ``gone`` is ``survivor``."""
        number = Components((gone, None, None, self._options.facility, "MR"))
        mrg = write_segment("MRG", [number], USUAL)
        return self._message("ADT", "A40", [self._evn("A40"), self._pid(self._patient(survivor)), mrg])

    def appointment(self, event: str, filler: str) -> tuple[str, str]:
        """The control id and the text of a SIU message about an appointment."""
        row = self._books.row("SELECT * FROM appointments WHERE filler = ?", filler)
        assert row is not None
        action, resources = _ACTIONS.get(event, "U"), json.loads(row["resources"])
        resources.setdefault("AIS", [_SERVICE])
        segments = [
            self._sch(row),
            self._pid(self._patient(row["mrn"])),
            write_segment("RGS", ["1", action], USUAL),
            *(
                self._resource(name, number, action, text, row)
                for name in _TIMED
                for number, text in enumerate(resources.get(name, ()), 1)
            ),
        ]
        return self._message("SIU", event, segments)

    def _resource(self, name: str, number: int, action: str, text: str, row: Row) -> str:
        """AIS, AIG, AIL or AIP: what or whom, when, how long."""
        at = _TIMED[name]
        lasting: list[Field] = [str(_minutes(row)), _MINUTES]
        between = [None] * (at - 4)
        start = stamp(row["start"], self._options.zone)
        return write_segment(
            name, [str(number), action, Raw(text), *between, start, None, None, *lasting], USUAL
        )

    def _message(self, type: str, event: str, segments: Sequence[str]) -> tuple[str, str]:
        control_id = f"{self._books.mark}{self._books.next_number('control id'):08d}"
        options = self._options
        header: list[Field] = [
            options.application,
            options.facility,
            "CREDENCE",
            None,
            self._now(),
            None,
            Components((type, event, structure_of(type, event))),
            control_id,
            "P",
            "2.5.1",
            *[None] * 5,
            "UNICODE UTF-8",
        ]
        lines = [write_header("MSH", header, USUAL), *segments]
        return control_id, "".join(f"{line}\r" for line in lines)

    def _evn(self, event: str) -> str:
        return write_segment("EVN", [event, self._now()], USUAL)

    def _pid(self, patient: Row) -> str:
        known = {int(number): text for number, text in json.loads(patient["fields"]).items()}
        fields: list[Field] = [Raw(known.get(number, "")) for number in range(1, max(known, default=5) + 1)]
        fields[0], fields[2] = "1", self._numbers(patient["mrn"])
        return write_segment("PID", fields, USUAL, _PID_LEAST)

    def _numbers(self, mrn: str) -> Repetitions:
        """The EHR's own number first, then those that others gave."""
        rows = self._books.rows(
            "SELECT written FROM numbers WHERE mrn = ? ORDER BY number <> mrn, authority, number", mrn
        )
        # Each is one whole repetition as it came, so it is written as it is.
        return Repetitions(Raw(row["written"]) for row in rows)

    def _pv1(self, visit: str) -> str:
        row = self._books.row("SELECT * FROM visits WHERE number = ?", visit) if visit else None
        if row is None:
            return write_segment("PV1", ["1", _WITHOUT_VISIT], USUAL)
        place = Components((PLACE, None, None, self._options.facility))
        number = Components((row["number"], None, None, self._options.facility, "VN"))
        start = stamp(row["start"], self._options.zone)
        fields: list[Field] = ["1", row["class"], place, *[None] * 15, number, *[None] * 24, start]
        return write_segment("PV1", fields, USUAL)

    def _sch(self, row: Row) -> str:
        fields = json.loads(row["fields"])
        start, ends = stamp(row["start"], self._options.zone), stamp(row["ends"], self._options.zone)
        minutes = str(_minutes(row))
        timing: tuple[Component, ...] = (None, None, f"M{minutes}", start, ends)
        desk = Components((self._options.application,))
        reason = Components((row["status"].upper(), None, "L"))
        numbers: dict[int, Field] = {
            1: Raw(row["placer_written"]),
            2: Components((row["filler"], self._options.facility)),
            6: Raw(fields["SCH-6"]) if "SCH-6" in fields else reason,
            7: Raw(fields.get("SCH-7", "")),
            8: Raw(fields.get("SCH-8", "")),
            9: minutes,
            10: _MINUTES,
            11: Components(timing),
            16: desk,
            20: desk,
            25: Components((row["status"], None, "HL70278")),
        }
        return write_segment("SCH", [numbers.get(number) for number in range(1, 26)], USUAL)

    def _patient(self, mrn: str) -> Row:
        row = self._books.row("SELECT * FROM patients WHERE mrn = ?", mrn)
        assert row is not None
        return row

    def _now(self) -> str:
        now = self._clock.now().astimezone(self._options.zone)
        return f"{now:%Y%m%d%H%M%S}.{now.microsecond // 1000:03d}{now:%z}"


def _minutes(row: Row) -> int:
    return int((moment(row["ends"]) - moment(row["start"])).total_seconds()) // 60


def stamp(instant: str, zone: ZoneInfo) -> str:
    """An instant as HL7 writes it in a time zone: ``20261130093000-0500``."""
    return f"{moment(instant).astimezone(zone):%Y%m%d%H%M%S%z}"
