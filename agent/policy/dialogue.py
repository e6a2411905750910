"""The first brain: rules over normalised text, one piece of business at a time, the caller may lead."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from agent.effects import Effect, RunTool, Say
from agent.hearing import Heard, hear, see
from agent.hints import Hints
from agent.memory import Setting
from agent.policy import errands
from agent.policy.desk import Business, Desk
from agent.policy.ending import take_leave
from agent.policy.expecting import hints_for
from agent.policy.first import first_of_all
from agent.policy.keys import as_words
from agent.policy.passing import FORM, PERSON, Passing
from agent.policy.slots import TakeSlot
from agent.policy.spanish_replies import SpanishReplies
from agent.policy.walking import Walking
from agent.records import PatientRecord
from agent.requests import FindErrands, FindPatients, LoadContext, ReadPatient, ReadPractice
from agent.results import ContextLoaded, ErrandsFound, PatientsFound, SlotsFound
from agent.signals import (
    Answered,
    AnsweredBy,
    BargeIn,
    Emotion,
    HangUp,
    Keys,
    Operator,
    Ringing,
    Signal,
    Silence,
    ToolResult,
    Utterance,
)

_READ_BACK = frozenset(("read_back", "will_you_come"))
"""States in which a yes is written down."""
_GUESSED = 0.25
"""Confidence below which words are no more than a guess: they are asked again."""


class Dialogue(Walking):
    """The dialogue policy as a :class:`~agent.brain.Brain`: what each signal is, and who deals with it."""

    def __init__(self, setting: Setting, now: datetime):
        super().__init__(setting, now)
        self.passing = Passing(setting.graph)
        self.spanish = SpanishReplies()

    def opening(self) -> str:
        """The greeting."""
        return self.desk.wording.first("greeting")

    def hints(self) -> Hints:
        """What the caller may well say next, by the state and by what is known of the caller."""
        state = "read_back" if self.question or self.memory.doubted else self._answered_like
        offered = self.current.offered if isinstance(self.current, TakeSlot) else ()
        asked = getattr(self.current, "asked", "")
        return hints_for(state, self.memory, asked, [slot.start for slot in offered])

    @property
    def _answered_like(self) -> str:
        """The state, or the built one whose answers sound like those to the question of the document's own."""
        if self.asked is None or self.walk is None:
            return self.state
        if self.asked.expects == "yes_no" or self.walk.value:
            return "read_back"
        return {"date": "identity", "number": "phone", "phone": "phone"}.get(self.asked.expects or "", "")

    def respond(self, signal: Signal, turn: int) -> Sequence[Effect]:
        """What to do about one signal. After the end only writing goes on: nothing more is said."""
        self.memory.now = signal.at
        over, before, beneath = bool(self.memory.ended), self.state, self.beneath
        self._take(signal, turn)
        if isinstance(signal, Utterance):
            self._asked_enough(before)
        if not isinstance(signal, Answered | AnsweredBy):
            self.go_own_ways(beneath)
        elif self.memory.patient is not None:  # nothing goes before the greeting
            self.go_own_ways("served")
        self.pass_by(before)
        effects = self.desk.flush()
        return [e for e in effects if isinstance(e, RunTool)] if over else effects

    def _take(self, signal: Signal, turn: int) -> None:
        if isinstance(signal, Utterance) and signal.picture:
            self._see(see(turn, signal.text, signal.picture, signal.confidence))
        elif isinstance(signal, Utterance):
            self._speak(hear(turn, signal.text, signal.confidence))
        elif isinstance(signal, Keys):
            self._pressed(signal, turn)
        elif isinstance(signal, ToolResult):
            pending = self.desk.pending.get(signal.id)
            self._answered(signal)
            if pending is None or not isinstance(pending.request, ReadPractice):
                self.hold_answers()
        elif isinstance(signal, BargeIn):
            self.unheard = self.unheard or len(signal.lost.split()) > self.desk.spare
        elif isinstance(signal, Emotion):
            self._felt(signal)
        else:
            self._happened(signal)

    def _happened(self, signal: Signal) -> None:
        if isinstance(signal, Ringing):
            self._ring(signal)
        elif isinstance(signal, Answered):
            self._greet()
        elif isinstance(signal, AnsweredBy):
            errands.answered_by(self.desk, signal)
        elif isinstance(signal, Silence):
            self._silence()
        elif isinstance(signal, Operator):
            self.unheard = True
            if signal.action == "hand_back":
                self.desk.say("back")
        elif isinstance(signal, HangUp):
            self._gone()

    def _greet(self) -> None:
        """The first words; to whom it is known that they are themselves, what it is about at once."""
        errand = self.memory.setting.errand
        self.stage = "open"
        if self.memory.patient is not None:
            self.stage = "served"
            self.desk.say("greeting_known" if errand else "greeting")
            if errand:
                self._run_errand()
                self._resume()
        else:
            self.identity.asked = self.identity.asked or ("both" if errand else "")
            if not (self.memory.outreach and self.memory.medium == "written"):
                self.desk.say("greeting")
            if self.identity.held is not None:
                self.identity.ask(self.desk)

    def _speak(self, heard: Heard) -> None:
        """Take an utterance; what was cut off before it is of no account after it."""
        self.silences = 0
        self._listen(heard)
        self.unheard = False

    def _see(self, shown: Heard) -> None:
        """A picture, of which nothing is said while a question of the document's own is open."""
        self._look(shown)
        if self.walk is not None:
            self.hold_answers()
            self.desk.say("picture_kept")
            self.ask_own()

    def _pressed(self, signal: Keys, turn: int) -> None:
        asked = "guardian" if self.identity.asked == "guardian" else self.question or self._answered_like
        words = as_words(signal.digits, asked)
        if words:
            self._speak(hear(turn, words))
        elif signal.digits.strip("#*"):
            self._not_understood(self._ask_open_question)

    # what the graph adds

    def pass_by(self, before: str) -> None:
        """Say what is to be said in passing, before all else that is said now."""
        says = [one.says for one in self.passing.between(before, self.state) if one.says]
        if says and not self.memory.ended:
            told = [Say(self.desk.wording.filled(text), 0) for text in says]
            self.desk.effects = [*told, *self.desk.effects]

    def _asked_enough(self, before: str) -> None:
        """Whoever is asked the same over and over is offered a form, or gets a person."""
        stuck = "" if self.memory.ended else self.passing.stuck(before, self.state)
        if not stuck or (stuck == FORM and self.current is None):
            return
        self.desk.effects = [e for e in self.desk.effects if isinstance(e, RunTool)]
        if stuck == PERSON or self.current is None:
            line = "identity_person" if self._identifying else "person"
            self.desk.hand_over(line, "the conversation did not get on")
            return
        self.memory.forms.append(self.current.kind)
        self.memory.follow_up.append(f"A form is to be sent: {self.current.kind}.")
        self.desk.say("form_instead")
        self.current.finished = True
        self._after_business()

    # before the first word

    def _ring(self, signal: Ringing) -> None:
        self.memory.caller, self.memory.medium = signal.caller, signal.medium
        if self.memory.setting.patient:
            self.desk.run(ReadPatient(self.memory.setting.patient), self)
        elif signal.caller:
            self.desk.run(FindPatients(signal.caller), self)

    def result(self, desk: Desk, result: object) -> None:
        """The caller's phone number was looked up: load what is known of the few it can be."""
        if isinstance(result, PatientsFound):
            self.memory.candidates = result.patients
            for patient in result.patients[:4]:
                desk.run(LoadContext(patient.reference), self)
            if result.patients and self.memory.setting.errand is None and self.memory.caller:
                known = tuple(patient.reference for patient in result.patients[:20])
                desk.run(FindErrands(self.memory.caller, known), self)
            if self.memory.setting.patient and self.memory.patient is None:
                self._proved(result.patients)
                return
        elif isinstance(result, ErrandsFound):
            self.memory.outreach = result.errands
        if self.identity.held is not None:
            self.identity.resume(desk)
            self._identified()

    def _proved(self, found: tuple[PatientRecord, ...]) -> None:
        """The channel has proved who this is, and the record is there (or is not: then it is asked as of anybody)."""
        if not found or found[0].reference != self.memory.setting.patient:
            return
        self.identity.proved(self.desk, found[0])
        if self.memory.patient is not None and self.stage == "open":
            self.stage = "served"
            if self.memory.setting.errand is not None:
                self._run_errand()

    # what tools answer

    def _answered(self, signal: ToolResult) -> None:
        pending = self.desk.pending.pop(signal.id, None)
        if pending is None:
            return
        if isinstance(signal.result, ContextLoaded):
            self.memory.contexts[signal.result.context.patient] = signal.result.context
            if self.memory.patient and signal.result.context.patient == self.memory.patient.reference:
                self._resume()
            return
        if isinstance(pending.request, LoadContext):
            self._context_failed(pending.request)
            return
        owner = pending.owner
        if isinstance(pending.request, ReadPractice):
            self.practice_read(signal.result)
        elif owner is self:
            self.result(self.desk, signal.result)
        elif owner is self.identity:
            self.identity.result(self.desk, signal.result)
            self._identified()
        else:
            self._finish(owner, signal)

    def _context_failed(self, request: LoadContext) -> None:
        patient = self.memory.patient
        if patient and patient.reference == request.patient:
            self.desk.hand_over("trouble", "the record could not be loaded")

    def _finish(self, owner: object, signal: ToolResult) -> None:
        business = owner
        result = getattr(business, "result", None)
        if result is not None and (business is self.current or not isinstance(signal.result, SlotsFound)):
            result(self.desk, signal.result)
        if business is self.current:
            self._after_business()

    # what is heard

    def _listen(self, heard: Heard) -> None:
        understood = self.spanish.hear(self.desk, heard, self.current, self._identifying)
        if understood is not None:
            self._listen_in_english(understood)

    def _listen_in_english(self, heard: Heard) -> None:
        doubted = self.memory.doubted
        if first_of_all(self.desk, heard):
            if doubted and not self.memory.ended:
                self._ask_open_question()
            return
        if heard.confidence < _GUESSED:
            self._not_understood(self._ask_open_question)
            return
        self._acknowledge(heard)
        if self.tells_about_us(heard):
            return
        self._note_wishes(heard)
        if self._not_ours(heard):
            return
        if self.asked is not None and not self.memory.ended:
            self.walk_on(heard)
            return
        if not self.memory.ended and self._identity_first(heard):
            return
        if not self.memory.ended:
            self._serve(heard)

    def _serve(self, heard: Heard) -> None:
        if self.question == "person" and self._offered_person(heard):
            return
        current = self.current
        if current is None:
            self._between(heard)
        elif current.state == "writing":
            self.desk.say("still_working")
        elif current.state == "searching":
            self._while_searching(current, heard)
        elif heard.yes and current.state in _READ_BACK and (self.unheard or not heard.sure):
            current.ask(self.desk)
        else:
            self._at_hand(current, heard)

    def _at_hand(self, current: Business, heard: Heard) -> None:
        """The business at hand hears it, unless it is something else that is said."""
        if heard.never_mind and not heard.yes:
            self._drop(heard)
        elif self._digresses(heard):
            self._digress(heard)
        elif heard.repeat:
            current.ask(self.desk)
        elif current.hear(self.desk, heard):
            self.memory.misunderstood = 0
            self._after_business()
        elif self._first_waiting(heard):
            self._digress(heard)
        elif heard.beyond:
            self._beyond(heard)
        elif heard.goodbye and not heard.yes:
            self._gone_mid_business()
        elif not heard.frustrated:
            self._not_understood(lambda: current.ask(self.desk))
        else:
            current.ask(self.desk)

    def _while_searching(self, current: Business, heard: Heard) -> None:
        """The caller speaks while the calendar is looked at: another day, dropped, or told that it goes on."""
        if heard.never_mind:
            self._drop(heard)
        elif self._digresses(heard):
            self._digress(heard)
        elif not current.hear(self.desk, heard) and not heard.frustrated:
            self.desk.say("still_working")

    def _between(self, heard: Heard) -> None:
        """Nothing is at hand: the next wish, or the end."""
        if self.memory.patient and self.memory.patient.reference not in self.memory.contexts:
            take_leave(self.desk) if heard.goodbye else self.desk.say("still_working")
        elif self.waiting:
            self._start(*self.waiting.pop(0))
        elif heard.goodbye or heard.never_mind or (heard.no and not heard.beyond):
            take_leave(self.desk)
        elif heard.beyond:
            self._beyond(heard)
        elif heard.repeat or heard.yes:
            self._ask_open_question()
        else:
            self._not_understood(lambda: self.desk.say("how_help"))
