"""What the EHR does, for a message or for a clerk, and that it tells of it: in one transaction."""

from __future__ import annotations

from dataclasses import dataclass

from adapters.hl7v2.message import NULL, Message, Segment
from adapters.hl7v2.message import parse as parse_message
from adapters.simulator.hl7.books import Books
from adapters.simulator.hl7.composing import Composer
from adapters.simulator.hl7.diary import ENDS, Diary
from adapters.simulator.hl7.options import Options
from adapters.simulator.hl7.people import People
from adapters.simulator.hl7.reading import Booking, Person, Refused, booking, numbers, person
from fhirserver.kernel.instants import Clock, SystemClock, instant

PATIENT_EVENTS = ("A28", "A31", "A04", "A08")
CHANGES = ("S13", "S14")
_NO_VISIT = ("", "N", NULL)


@dataclass(frozen=True, slots=True)
class Author:
    """Who does something: ``clerk``, or the sender of the message with that control id."""

    who: str = "clerk"
    control_id: str = ""


CLERK = Author()


class Hospital:
    """All that it knows and does. Every method is one transaction and raises :class:`Refused` without effect."""

    def __init__(self, options: Options, books: Books, clock: Clock | None = None):
        self.options, self.books = options, books
        self.people, self.diary = People(options, books), Diary(options, books)
        self._clock = clock or SystemClock()
        self._composer = Composer(options, books, self._clock)

    def take(self, message: Message) -> None:
        """Do what a message says; what it said before, under the same control id, is not done again."""
        sender, id = "/".join(message.sender), message.control_id
        if not id:
            raise Refused("101", "MSH-10", "a message needs a control id", code="AR")
        with self.books.transaction():
            if not self.options.forgets:
                if self.books.row("SELECT 1 FROM answered WHERE sender = ? AND control_id = ?", sender, id):
                    return
                self.books.do("INSERT INTO answered VALUES (?, ?)", sender, id)
            self._do(message, Author(sender, id))

    def patient(
        self, event: str, told: Person, author: Author = CLERK, kind: str = "", mrn: str | None = None
    ) -> str:
        """Take a patient in, or change one; the answer is the MRN. ``kind``: a visit of that class begins."""
        with self.books.transaction():
            forgotten = event == "A28" and self.options.forgets
            mrn = mrn or self.people.find(told.numbers, only_ours=forgotten)
            news = mrn is None or self.people.change(mrn, told)
            found = mrn or self.people.register(told)
            begins = event == "A04" and kind not in _NO_VISIT
            visit = self.people.visit(found, kind, instant(self._clock.now())) if begins else ""
            self._note(author, event, found, news or bool(visit))
            if news or visit:
                # Whoever is new is new to all who listen, by whatever word it came.
                told_as = event if mrn or event in ("A28", "A04") else "A28"
                self._tell(told_as, [found], self._composer.patient(told_as, found, visit))
            return found

    def merge(self, survivor: str, gone: str, author: Author = CLERK) -> None:
        """Two patients, by MRN, are one from now on."""
        with self.books.transaction():
            news = self.people.merge(survivor, gone)
            self._note(author, "A40", survivor, news)
            if news:
                self._tell("A40", [survivor, gone], self._composer.merge(survivor, gone))

    def appointment(self, event: str, told: Booking, mrn: str, author: Author = CLERK) -> str:
        """Book (S12), change (S13, S14) or end (S15, S16, S17, S26) one; the answer is its filler number."""
        with self.books.transaction():
            told_as = event
            if event in ENDS:
                filler, news = self.diary.end(told, mrn, event)
            elif event in CHANGES:
                filler, news = self.diary.change(told, mrn)
            else:
                filler, new, news = self.diary.book(told, mrn)
                told_as = event if new else "S13"
            self._note(author, event, mrn, news, filler, told.placer)
            if news:
                self._tell(told_as, [mrn], self._composer.appointment(told_as, filler))
            return filler

    def _do(self, message: Message, author: Author) -> None:
        event = message.event
        if message.type == "ADT" and event in PATIENT_EVENTS:
            self.patient(event, person(message), author, message.value("PV1", 2) or "")
        elif message.type == "ADT" and event == "A40":
            self._merges(message, author)
        elif message.type == "SIU" and (event in ENDS or event in CHANGES or event == "S12"):
            told = booking(message, self.options.zone.key)
            self.appointment(event, told, self._whose(event, message), author)
        elif message.type in ("ADT", "SIU"):
            raise Refused("201", "MSH-9", "this event is not taken here", code="AR")
        else:
            raise Refused("200", "MSH-9", "this type of message is not taken here", code="AR")

    def _whose(self, event: str, message: Message) -> str:
        """The MRN of the patient of a booking; who is not known, and books, is taken in."""
        told = person(message)
        mrn = self.people.find(told.numbers)
        if mrn is None and event == "S12":
            mrn = self.people.register(told)
            self._tell("A28", [mrn], self._composer.patient("A28", mrn))
        return mrn or self.people.known(told.numbers)

    def _merges(self, message: Message, author: Author) -> None:
        """Every pair of PID and MRG."""
        pid: Segment | None = None
        pairs = 0
        for segment in message.segments:
            if segment.name == "PID":
                pid = segment
            elif segment.name == "MRG" and pid is not None:
                pairs += 1
                survivor = self.people.known(numbers(pid, 3))
                self.merge(survivor, self.people.known(numbers(segment, 1), "MRG-1"), author)
        if not pairs:
            raise Refused("100", "MRG", "a PID and an MRG segment are needed")

    def _note(
        self, author: Author, event: str, mrn: str, news: bool, filler: str = "", placer: str = ""
    ) -> None:
        self.books.do(
            "INSERT INTO writes (time, who, event, control_id, mrn, filler, placer, changed)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            instant(self._clock.now()),
            author.who,
            event,
            author.control_id,
            mrn,
            filler,
            placer,
            int(news),
        )

    def _tell(self, event: str, mrns: list[str], composed: tuple[str, str]) -> None:
        """Put a message into the feed."""
        control_id, text = composed
        parse_message(text)
        self.books.do(
            "INSERT INTO feed (control_id, event, patients, content) VALUES (?, ?, ?, ?)",
            control_id,
            event,
            " ".join(mrns),
            text,
        )
