"""The first brain: rules over normalised text, one piece of business at a time, the caller may lead."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from agent.effects import Effect, Escalate
from agent.hearing import Heard, hear
from agent.memory import Memory, Setting
from agent.policy.contact import Address, Phone
from agent.policy.desk import Business, Desk
from agent.policy.identity import Identity
from agent.policy.insurance import Insurance
from agent.policy.slots import TakeSlot
from agent.policy.visits import CancelVisit, ConfirmVisit
from agent.records import PatientRecord
from agent.requests import INFERRED, Basis, ChangePhone, FindPatients, LoadContext
from agent.results import ContextLoaded, PatientsFound
from agent.signals import Answered, Emotion, HangUp, Operator, Ringing, Signal, Silence, ToolResult, Utterance
from fhirserver.world.spoken.identifiers import is_nanp, phone_key

_BUSINESS: dict[str, Callable[[], Business]] = {
    "reschedule": lambda: TakeSlot(moves=True),
    "book": lambda: TakeSlot(moves=False),
    "cancel": CancelVisit,
    "confirm": ConfirmVisit,
    "insurance": Insurance,
    "phone": Phone,
    "address": Address,
}
_REASONS = {
    "reschedule": "wanted to move an appointment",
    "book": "wanted to book an appointment",
    "cancel": "wanted to cancel an appointment",
    "confirm": "asked about an appointment",
    "insurance": "had new insurance",
    "phone": "had a new phone number",
    "address": "had a new address",
}
_PATIENCE = 3
"""Misunderstandings in a row, and outbursts, after which a person is offered."""


class Dialogue:
    """The dialogue policy as a :class:`~agent.brain.Brain`."""

    def __init__(self, setting: Setting, now: datetime):
        self.memory = Memory(setting, now)
        self.desk = Desk(self.memory)
        self.identity = Identity()
        self.current: Business | None = None
        self.waiting: list[tuple[str, Heard, Business | None]] = []
        self.stage = "ringing"
        self.question = ""
        self.silences = 0
        self.inferred = False

    @property
    def state(self) -> str:
        """The state of the context graph."""
        if self.memory.ended:
            return "closing"
        if self.current is not None:
            return self.current.state
        return "identity" if self._identifying else self.stage

    @property
    def _identifying(self) -> bool:
        return self.memory.patient is None and bool(self.identity.asked)

    def respond(self, signal: Signal, turn: int) -> Sequence[Effect]:
        """What to do about one signal."""
        self.memory.now = signal.at
        if isinstance(signal, Ringing):
            self._ring(signal)
        elif isinstance(signal, Answered):
            self.stage = "open"
            self.desk.say("greeting")
        elif isinstance(signal, Utterance):
            self.silences = 0
            self._listen(hear(turn, signal.text))
        elif isinstance(signal, ToolResult):
            self._answered(signal)
        elif isinstance(signal, Silence):
            self._silence()
        elif isinstance(signal, Emotion):
            self._felt(signal)
        elif isinstance(signal, Operator):
            self.desk.say("back")
        elif isinstance(signal, HangUp):
            self._gone()
        return self.desk.flush()

    # before the first word

    def _ring(self, signal: Ringing) -> None:
        self.memory.caller = signal.caller
        if signal.caller:
            self.desk.run(FindPatients(signal.caller), self)

    def result(self, desk: Desk, result: object) -> None:
        """The caller's phone number was looked up: load what is known of the few it can be."""
        if isinstance(result, PatientsFound):
            self.memory.candidates = result.patients
            for patient in result.patients[:4]:
                desk.run(LoadContext(patient.reference), self)

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
        if owner is self:
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
        if result is not None:
            result(self.desk, signal.result)
        if business is self.current:
            self._after_business()

    # what is heard

    def _listen(self, heard: Heard) -> None:
        if self._urgent(heard):
            return
        self._acknowledge(heard)
        self._note_wishes(heard)
        if not self.memory.ended and self._identity_first(heard):
            return
        if not self.memory.ended:
            self._serve(heard)

    def _urgent(self, heard: Heard) -> bool:
        """What goes before everything: danger, a person, a wrong number."""
        desk, memory = self.desk, self.memory
        if heard.self_harm:
            desk.hand_over("self_harm", "self-harm words", hard=True)
        elif heard.emergency:
            desk.hand_over("emergency", "emergency words", hard=True)
        elif heard.person and not (heard.no and "don't" in heard.plain):
            desk.hand_over("person", "the caller asked for a person")
        elif heard.wrong_number and memory.patient is None:
            desk.say("wrong_number")
            desk.end("wrong number")
        elif memory.patient is not None and heard.wishes and heard.third_party and not memory.third_party:
            desk.hand_over("third_party_person", "asked about another patient")
        elif heard.new_patient and memory.patient is None:
            desk.hand_over("new_patient", "new patient")
        else:
            return False
        return True

    def _acknowledge(self, heard: Heard) -> None:
        if not heard.frustrated:
            return
        self.memory.frustration += 1
        self.desk.say("sorry_trouble")
        if self.memory.frustration == _PATIENCE:
            self.desk.effects.append(Escalate("frustrated caller"))
            self.memory.follow_up.append("The caller was frustrated; a call back may help.")

    def _note_wishes(self, heard: Heard) -> None:
        memory = self.memory
        if heard.third_party and memory.patient is None and not heard.for_self:
            memory.third_party = heard.third_party
        if self.question:
            return
        busy = {self.current.kind if self.current else "", *(kind for kind, _, _ in self.waiting)}
        for kind in heard.wishes:
            if kind not in busy and not self._belongs_to_current(kind, heard):
                self.waiting.append((kind, heard, None))
                memory.reasons.append(_REASONS[kind])

    def _belongs_to_current(self, kind: str, heard: Heard) -> bool:
        """Words of the business at hand that sound like another wish."""
        current = self.current
        if current is None:
            return False
        if current.kind in ("reschedule", "book") and kind in ("book", "reschedule", "confirm"):
            return True
        if current.kind in ("phone", "address", "insurance") and kind in ("phone", "address", "insurance"):
            return kind == "insurance" or not ({"also", "and"} & set(heard.plain.split()))
        return isinstance(current, CancelVisit) and current.state == "reason" and kind != "reschedule"

    def _identity_first(self, heard: Heard) -> bool:
        """Until the caller is identified nothing else is served; whether the utterance is dealt with."""
        if self.memory.patient is not None:
            return False
        told = self.identity.listen(self.memory, heard)
        if self._identifying and (self.identity.hear(self.desk, heard) or told):
            self._identified()
            return True
        if self._identifying:
            return self._while_identifying(heard)
        if not self.waiting:
            return self._nothing_wanted(heard, told)
        if not self.identity.hear(self.desk, heard):
            self.identity.ask(self.desk)
        self._identified()
        return True

    def _while_identifying(self, heard: Heard) -> bool:
        if heard.goodbye or heard.never_mind:
            self._close()
        elif heard.repeat:
            self.identity.ask(self.desk)
        else:
            self._not_understood(lambda: self.identity.ask(self.desk))
        return True

    def _nothing_wanted(self, heard: Heard, told: bool) -> bool:
        """An utterance without a wish before anybody is identified."""
        if self.question == "person":
            return self._offered_person(heard)
        if heard.goodbye or heard.never_mind:
            self._close()
        elif heard.beyond:
            self._beyond()
        elif told or heard.third_party or heard.greeting:
            self.desk.say("how_help")
        else:
            self._not_understood(lambda: self.desk.say("how_help"))
        return True

    def _identified(self) -> None:
        """Identity has just been established: greet by name and go on with what was wanted."""
        patient = self.memory.patient
        if patient is None or self.memory.ended or self.stage == "served":
            return
        self.stage = "served"
        if self.memory.third_party:
            self.desk.say("identified_third")
        else:
            self.desk.say("identified", name=_first_name(patient, self.identity.name))
        self._resume()

    def _resume(self) -> None:
        """Start the next wish once the record is there."""
        if self.stage != "served" or self.current is not None or self.memory.ended:
            return
        patient = self.memory.patient
        if patient is None or patient.reference not in self.memory.contexts:
            return
        if self.waiting:
            self._start(*self.waiting.pop(0))
        elif not self.memory.done:
            self.desk.say("how_help")

    def _start(self, kind: str, heard: Heard, begun: Business | None = None) -> None:
        """Begin a piece of business, or go on with one that was put aside."""
        self.current = begun or _BUSINESS[kind]()
        self.memory.misunderstood = 0
        if begun is not None:
            begun.ask(self.desk)
            return
        self.current.begin(self.desk, heard)
        self._after_business()

    def _serve(self, heard: Heard) -> None:
        if self.question == "person" and self._offered_person(heard):
            return
        current = self.current
        if current is None:
            self._between(heard)
        elif heard.never_mind and not heard.yes:
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
            self._beyond()
        elif heard.goodbye and not heard.yes:
            self._gone_mid_business()
        elif not heard.frustrated:
            self._not_understood(lambda: current.ask(self.desk))
        else:
            current.ask(self.desk)

    def _first_waiting(self, heard: Heard) -> bool:
        return any(said is heard for _, said, _ in self.waiting)

    def _digresses(self, heard: Heard) -> bool:
        """A new wish that replaces the one at hand: cancel instead of move, move instead of cancel."""
        current = self.current
        new = {kind for kind, said, _ in self.waiting if said is heard}
        if isinstance(current, ConfirmVisit) and new & {"cancel", "reschedule"}:
            return True
        rivals = {"reschedule": "cancel", "cancel": "reschedule", "book": "cancel"}
        return current is not None and rivals.get(current.kind, "") in new

    def _digress(self, heard: Heard) -> None:
        """Serve the new wish now; a rival is dropped, any other goes on afterwards."""
        current = self.current
        index = next(i for i, (_, said, _) in enumerate(self.waiting) if said is heard)
        kind, said, _ = self.waiting.pop(index)
        if current is not None and not current.finished and not self._replaced_by(kind):
            self.waiting.insert(0, (current.kind, heard, current))
        self._start(kind, said)

    def _replaced_by(self, kind: str) -> bool:
        return (
            kind in ("cancel", "reschedule", "book", "confirm")
            and self.current is not None
            and (self.current.kind in ("cancel", "reschedule", "book", "confirm"))
        )

    def _between(self, heard: Heard) -> None:
        """Nothing is at hand: the next wish, or the end."""
        if self.memory.patient and self.memory.patient.reference not in self.memory.contexts:
            return
        if self.waiting:
            self._start(*self.waiting.pop(0))
        elif heard.goodbye or heard.never_mind or (heard.no and not heard.beyond):
            self._close()
        elif heard.beyond:
            self._beyond()
        elif heard.repeat or heard.yes:
            self.desk.say("how_help")
        else:
            self._not_understood(lambda: self.desk.say("how_help"))

    def _drop(self, heard: Heard) -> None:
        self.current = None
        self.desk.say("dropped")
        if self.waiting:
            self._start(*self.waiting.pop(0))
        else:
            self.desk.say("anything_else")

    def _after_business(self) -> None:
        if self.current is None or not self.current.finished or self.memory.ended:
            return
        self.current = None
        if self.waiting:
            self._start(*self.waiting.pop(0))
        else:
            self.desk.say("anything_else")

    # misunderstandings, people, silence, the end

    def _not_understood(self, again: Callable[[], None]) -> None:
        self.memory.misunderstood += 1
        if self.memory.misunderstood > _PATIENCE:
            self.desk.hand_over("person", "the conversation did not get on")
            return
        self.desk.say("not_understood")
        if self.memory.misunderstood == _PATIENCE:
            self.question = "person"
            self.desk.say("offer_person")
            return
        if self.memory.misunderstood == 2 and self.current is None and not self._identifying:
            self.desk.say("menu")
        again()

    def _beyond(self) -> None:
        self.question = "person"
        self.desk.say("beyond")

    def _offered_person(self, heard: Heard) -> bool:
        self.question = ""
        if heard.yes:
            self.desk.hand_over("person", "the caller accepted a person")
            return True
        if heard.no:
            self.memory.misunderstood = 0
            self._ask_open_question()
            return True
        return False

    def _ask_open_question(self) -> None:
        if self.current is not None:
            self.current.ask(self.desk)
        elif self._identifying:
            self.identity.ask(self.desk)
        else:
            self.desk.say("anything_else" if self.memory.done else "how_help")

    def _felt(self, signal: Emotion) -> None:
        if signal.tier in ("full empathy", "hold space"):
            self.desk.fill("sorry_trouble", kind="empathy")

    def _silence(self) -> None:
        self.silences += 1
        if self.memory.ended or self.desk.pending:
            return
        if self.silences >= _PATIENCE:
            self.desk.say("silent_end")
            self._gone()
            self.desk.end("silence")
            return
        self.desk.say("still_there")
        if self.silences == 2:
            self._ask_open_question()

    def _close(self) -> None:
        done = self.memory.done
        if done:
            said = ", and ".join(d.text for d in done)
            self.desk.say("recap", done=said)
            if any(d.checked_later for d in done):
                self.desk.say("recap_check")
        self.desk.say("goodbye")
        self._infer_phone()
        self.desk.end("finished")

    def _gone_mid_business(self) -> None:
        if self.current is not None:
            self.current.abandon(self.desk)
        self.current = None
        self._close()

    def _gone(self) -> None:
        """The line is gone: keep what was mentioned."""
        if self.current is not None and not self.current.finished:
            self.current.abandon(self.desk)
        self.current = None
        for _, _, begun in self.waiting:
            if begun is not None:
                begun.abandon(self.desk)
        self.waiting = []
        self._infer_phone()
        self.memory.ended = self.memory.ended or "hang-up"

    def _infer_phone(self) -> None:
        """An identified patient who calls from a number that no record knows can be reached there, it "
        "seems."""
        memory = self.memory
        patient = memory.patient
        if self.inferred or patient is None or not memory.setting.infer_phone or not is_nanp(memory.caller):
            return
        if memory.third_party or phone_key(memory.caller) in {phone_key(p) for p in patient.phones}:
            return
        if any(d.kind == "phone" for d in memory.done):
            return
        self.inferred = True
        basis = Basis(INFERRED, "inferred", ())
        self.desk.run(ChangePhone(patient.reference, memory.caller, "mobile", basis, adds=True), None)


def _first_name(patient: PatientRecord, said: str) -> str:
    """The first name as the caller said it; nothing is told that was not said."""
    return said.split()[0] if said else ""
