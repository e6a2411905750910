"""Booking and rescheduling: a wish, free slots, an offer, a choice, a read-back, one transaction."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

from agent.hearing import Heard
from agent.memory import Done, Memory
from agent.policy.choosing import (
    pick,
    pick_appointment,
    split_move,
    spoken_appointment,
    spoken_slot,
    spoken_slots,
)
from agent.policy.desk import Desk
from agent.records import AppointmentRecord, SlotRecord
from agent.requests import CONFIRMED, Basis, Book, SearchSlots
from agent.results import Failed, Result, SlotsFound, Taken, Written
from agent.scheduling import Offer, Wish, admissible, offer, window, wish
from fhirserver.world.spoken.answers import Answer
from fhirserver.world.spoken.names import mentions

_OTHERS = re.compile(
    r"\b(?:something else|anything else|other|none of|neither|another|different|later|earlier|sooner|"
    r"don't work|"
    r"doesn't work|can't do|won't work|not good)\b"
)
_ANY_OF_THEM = re.compile(
    r"\b(?:either|any of (?:them|those)|whichever|you (?:choose|pick)|doesn't matter|don't care)\b"
)
_OTHER_DOCTOR = re.compile(
    r"\b(?:any|another|different|other) (?:doctor|provider|practitioner|one else)\b|\banyone\b"
)


class TakeSlot:
    """Books a slot; with ``moves`` it gives up an appointment in the same transaction."""

    def __init__(self, moves: bool):
        self.kind = "reschedule" if moves else "book"
        self.moves = moves
        self.state = "wish"
        self.finished = False
        self.old: AppointmentRecord | None = None
        self.those: list[AppointmentRecord] = []
        self.wish = Wish()
        self.practitioner = ""
        self.slots: list[SlotRecord] = []
        self.offered: tuple[SlotRecord, ...] = ()
        self.refused: list[datetime] = []
        self.choice: SlotRecord | None = None
        self.turns: list[int] = []
        self.empty = 0
        self.which = 0
        self.rounds = 0
        self.searches = 0
        """Searches under way; only what the last one found counts."""

    def begin(self, desk: Desk, heard: Heard) -> None:
        """Find the appointment and the wish in what was already said."""
        memory = desk.memory
        self.turns.append(heard.turn)
        if not self.moves:
            self.wish = wish(heard.text, memory.today)
            self._prefer(desk, heard)
            self._go(desk)
            return
        self.those = memory.upcoming
        pointed, self.wish = split_move(memory, heard, self.those)
        named = [a for a in self.those if a.practitioner_name and mentions(heard.text, a.practitioner_name)]
        self._found(desk, pointed or named)

    def _found(self, desk: Desk, pointed: list[AppointmentRecord]) -> None:
        those = pointed or self.those
        if not those:
            self.moves, self.kind, self.state = False, "book", "no_appointment"
            desk.say("no_appointment")
        elif len(those) == 1:
            self.old = those[0]
            self.practitioner = self.old.practitioner
            self._go(desk)
        else:
            self.those, self.state = those[:4], "choose_appointment"
            self.ask(desk)

    def _prefer(self, desk: Desk, heard: Heard) -> None:
        seen = desk.memory.context.practitioners
        named = [ref for ref, name in seen if mentions(heard.text, name)]
        self.practitioner = named[0] if named else (seen[0][0] if seen else "")
        if _OTHER_DOCTOR.search(heard.plain):
            self.practitioner = ""

    def _go(self, desk: Desk) -> None:
        if self.wish.says_something:
            self._search(desk)
        else:
            self.state = "wish"
            self.ask(desk)

    def _search(self, desk: Desk) -> None:
        self.state = "searching"
        first, last = window(self.wish, desk.memory.local_now, desk.memory.setting.rules)
        if not self.searches:
            desk.fill("searching")
        self._run(desk, self.search(desk.memory, first, last))

    def search(self, memory: Memory, first: datetime, last: datetime) -> SearchSlots:
        """What to look for: with whom, for whom, and what for where a visit is moved."""
        patient = memory.patient.reference if memory.patient else ""
        moved = self.old.id if self.old else ""
        return SearchSlots(first, last, self.practitioner, patient, moved)

    def _run(self, desk: Desk, search: SearchSlots) -> None:
        self.searches += 1
        desk.run(search, self)

    def ask(self, desk: Desk) -> None:
        """Put the open question again."""
        memory = desk.memory
        if self.state == "no_appointment":
            desk.say("no_appointment")
        elif self.state == "choose_appointment":
            listed = [spoken_appointment(memory, a) for a in self.those]
            desk.say("which_appointment", list=" and ".join([", ".join(listed[:-1]), listed[-1]]))
        elif self.state == "wish":
            if self.old:
                desk.say("ask_when_move", old=spoken_appointment(memory, self.old))
            else:
                desk.say("ask_when")
        elif self.state == "offer":
            desk.say("which_slot", list=spoken_slots(memory, self.offered))
        elif self.state == "read_back" and self.choice:
            self._read_back(desk, self.choice)
        elif self.state == "searching":  # put aside meanwhile: what was found then is not known any more
            self.searches = 0
            self._search(desk)

    def hear(self, desk: Desk, heard: Heard) -> bool:
        """Take an utterance in whatever state this is."""
        hearer = {
            "no_appointment": self._hear_no_appointment,
            "choose_appointment": self._hear_appointment,
            "wish": self._hear_wish,
            "searching": self._hear_meanwhile,
            "offer": self._hear_choice,
            "read_back": self._hear_confirmation,
        }.get(self.state)
        if hearer is None:
            return True
        taken = hearer(desk, heard)
        if taken:
            self.turns.append(heard.turn)
        return taken

    def _hear_no_appointment(self, desk: Desk, heard: Heard) -> bool:
        if heard.no:
            self.finished = True
            return True
        if heard.yes or wish(heard.text, desk.memory.today).says_something:
            self.wish = self.wish.refined(wish(heard.text, desk.memory.today))
            self._prefer(desk, heard)
            self._go(desk)
            return True
        return False

    def _hear_appointment(self, desk: Desk, heard: Heard) -> bool:
        hits = pick_appointment(desk.memory, heard, self.those)
        if len(hits) != 1:
            return False
        self._found(desk, hits)
        return True

    def _hear_wish(self, desk: Desk, heard: Heard) -> bool:
        wanted = wish(heard.text, desk.memory.today)
        if _OTHER_DOCTOR.search(heard.plain):
            self.practitioner = ""
        if heard.answer is Answer.UNSURE and not wanted.says_something:
            wanted = Wish(anything=True)
        if not wanted.says_something:
            return False
        self.wish = self.wish.refined(wanted)
        self._search(desk)
        return True

    def _hear_meanwhile(self, desk: Desk, heard: Heard) -> bool:
        """Another day or time while the calendar is looked at."""
        wanted = wish(heard.text, desk.memory.today)
        if not (wanted.days or wanted.times):
            return False
        self.wish = self.wish.refined(wanted)
        self._search(desk)
        return True

    def _hear_choice(self, desk: Desk, heard: Heard) -> bool:
        wanted = wish(heard.text, desk.memory.today)
        widens = any(not d.is_one_day for d in wanted.days) and not wanted.times
        hits = [] if widens else pick(desk.memory, heard, [s.start for s in self.offered])
        refuses = heard.no or (_OTHERS.search(heard.plain) is not None and not hits)
        if hits and not (heard.no and len(hits) == len(self.offered)):
            self._choose(desk, self.offered[hits[0]]) if len(hits) == 1 else self._narrow(desk, hits)
            return True
        if _OTHER_DOCTOR.search(heard.plain):
            self.practitioner = ""
        if wanted.days or wanted.times:
            self.wish = self.wish.refined(wanted)
            self._search(desk)
            return True
        if _ANY_OF_THEM.search(heard.plain) or (heard.yes and len(self.offered) == 1 and not refuses):
            self._choose(desk, self.offered[0])
            return True
        if heard.yes and not refuses and self.which < 2:
            self.which += 1
            self.ask(desk)
            return True
        return self._refuse(desk) if refuses else False

    def _narrow(self, desk: Desk, hits: list[int]) -> None:
        self.offered = tuple(self.offered[i] for i in hits)
        desk.say("which_slot", list=spoken_slots(desk.memory, self.offered))

    def _refuse(self, desk: Desk) -> bool:
        """None of these: offer further slots that fit, or ask for another day."""
        self.refused += [s.start for s in self.offered]
        left = [s for s in self.slots if s.start not in self.refused]
        further = offer(left, self.wish, self.practitioner)
        if further.slots and further.fits == "all":
            self._put(desk, further)
        else:
            self.state = "wish"
            desk.say("other_when")
        return True

    def _choose(self, desk: Desk, slot: SlotRecord) -> None:
        self.choice, self.state = slot, "read_back"
        self._read_back(desk, slot)

    def _read_back(self, desk: Desk, slot: SlotRecord) -> None:
        new = spoken_slot(desk.memory, slot)
        if self.old:
            desk.say("confirm_move", old=spoken_appointment(desk.memory, self.old), new=new)
        else:
            desk.say("confirm_book", new=new)

    def _hear_confirmation(self, desk: Desk, heard: Heard) -> bool:
        others = [s for s in self.offered if s is not self.choice]
        hits = pick(desk.memory, heard, [s.start for s in self.offered])
        picked = self.offered[hits[0]] if len(hits) == 1 else None
        if picked is not None and picked is not self.choice:
            self._choose(desk, picked)
            return True
        if heard.yes:
            self._book(desk, heard)
            return True
        if heard.no and len(others) == 1 and "other" in heard.plain:
            self._choose(desk, others[0])
            return True
        wanted = wish(heard.text, desk.memory.today)
        if (wanted.days or wanted.times) and picked is None:
            self.wish = self.wish.refined(wanted)
            self._search(desk)
            return True
        if heard.no:
            self.state = "wish"
            desk.say("other_when")
            return True
        return False

    def _book(self, desk: Desk, heard: Heard) -> None:
        if self.choice is None or desk.memory.patient is None:
            return
        self.state = "writing"
        self.turns.append(heard.turn)
        basis = _basis(desk, self.turns)
        desk.fill("writing")
        old = self.old.id if self.old else ""
        desk.run(Book(desk.memory.patient.reference, self.choice.id, basis, old), self)

    def result(self, desk: Desk, result: Result) -> None:
        """Slots found, or the outcome of the booking."""
        if isinstance(result, SlotsFound) and self.state != "searching":
            return
        if self.state == "searching":
            self.searches -= 1
            if self.searches > 0 and not isinstance(result, Failed):
                return
        if isinstance(result, SlotsFound):
            self._offer(desk, result)
        elif isinstance(result, Written):
            self._booked(desk, result)
        elif isinstance(result, Taken):
            desk.say("taken")
            if self.choice:
                self.refused.append(self.choice.start)
            self._search(desk)
        elif isinstance(result, Failed):
            self.finished = True
            desk.hand_over("trouble", "the calendar could not be reached")

    def _offer(self, desk: Desk, found: SlotsFound) -> None:
        taken = [a.start for a in desk.memory.upcoming] + self.refused
        self.slots = admissible(found.slots, desk.memory.now, taken, desk.memory.setting.rules)
        best = offer(self.slots, self.wish, self.practitioner)
        if best.slots:
            self.empty = 0
            self._put(desk, best)
            return
        self._nothing(desk)

    def _nothing(self, desk: Desk) -> None:
        """Nothing in the window: once with any practitioner and day, then ask for another day."""
        self.empty += 1
        if self.empty == 1 and (self.wish.days or self.practitioner):
            now = desk.memory.local_now
            first, last = window(Wish(), now, desk.memory.setting.rules)
            wider = self.search(desk.memory, first, last)
            self._run(desk, wider if self.wish.days else replace(wider, practitioner=""))
            return
        self.state, self.wish = "wish", Wish()
        if self.empty > 3:
            self.finished = True
            desk.hand_over("trouble", "no slot could be found")
            return
        desk.say("no_slots")

    def _put(self, desk: Desk, best: Offer) -> None:
        self.rounds += 1
        if self.rounds > desk.memory.setting.escalation.offers:
            self.finished = True
            desk.hand_over("loop_person", "no time that suits was found")
            return
        self.offered, self.state = best.slots, "offer"
        if len(best.slots) == 1 and best.fits == "all" and any(t.exact for t in self.wish.times):
            self._choose(desk, best.slots[0])
            return
        listed = spoken_slots(desk.memory, best.slots)
        plain = "offer_one" if len(best.slots) == 1 else "offer"
        desk.say({"all": plain, "day": "offer_day"}.get(best.fits, "offer_nearest"), list=listed)

    def _booked(self, desk: Desk, written: Written) -> None:
        self.finished = True
        if self.choice is None:
            return
        new = spoken_slot(desk.memory, self.choice)
        desk.say("moved" if self.old else "booked", new=new)
        text = f"I moved your appointment to {new}" if self.old else f"I booked {new}"
        desk.done(Done(self.kind, text, written.reference, turns=tuple(dict.fromkeys(self.turns))))
        if self.old:
            _forget(desk, self.old)

    def abandon(self, desk: Desk) -> None:
        """Nothing is booked without a yes."""
        if self.state in ("offer", "read_back", "wish", "searching"):
            desk.memory.follow_up.append(f"The caller hung up before the {self.kind} was agreed; call back.")


def _forget(desk: Desk, old: AppointmentRecord) -> None:
    memory = desk.memory
    if memory.patient:
        context = memory.context
        kept = tuple(a for a in context.appointments if a.id != old.id)
        memory.contexts[memory.patient.reference] = type(context)(
            context.patient, kept, context.coverages, context.encounters, context.practitioners
        )


def _basis(desk: Desk, turns: list[int], confidence: str = CONFIRMED) -> Basis:
    """The turns of the caller and the agent's turns just before them."""
    own = sorted({t for t in turns if t})
    around = sorted({*own, *(t - 1 for t in own if t > 1)})
    method = {CONFIRMED: "confirmed", "0.3": "mentioned"}.get(confidence, "inferred")
    pictures = [desk.memory.pictures[turn] for turn in own if turn in desk.memory.pictures]
    if pictures and confidence == CONFIRMED:
        method = "picture"
    memory, picture = desk.memory, pictures[-1] if pictures else ""
    return Basis(confidence, method, tuple(around), memory.third_party, picture, memory.setting.proxy)


basis = _basis
forget = _forget
