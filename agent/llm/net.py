"""The dialogue policy while a model leads: it keeps identity, danger, confirmation and writing, and can go on alone.

The policy and the model's brain share one memory and one desk. What the model finds and proposes is held as the
policy's own business, so that the policy can take the call over between any two words.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from agent.effects import RunTool
from agent.hearing import Heard
from agent.memory import Setting
from agent.policy.desk import Business
from agent.policy.dialogue import Dialogue
from agent.policy.ending import take_leave
from agent.policy.first import first_of_all
from agent.policy.graph import PATHS
from agent.policy.wishes import REASONS

CONFIRMING = frozenset(("read_back", "will_you_come"))
"""States in which the caller's yes is what a write waits for."""
_LEADS_TO = {
    "search_slots": ("searching", "book"),
    "book": ("read_back", "book"),
    "cancel": ("read_back", "cancel"),
    "confirm": ("will_you_come", "confirm"),
    "add_coverage": ("read_back", "insurance"),
    "change_phone": ("read_back", "phone"),
    "change_address": ("read_back", "address"),
}
"""By tool of the model's: the built state that it leads to, and the business it is for."""


class SafetyNet(Dialogue):
    """``leads``: the policy goes on by itself; else it leaves the conversation to the model.

    ``wanted``: the model should go on, for the caller is identified, or a piece of business is done and another
    waits. ``suspended``: read back and not answered with a yes; it must be read back anew before a yes counts.
    ``proposed``: what a model understood, as the policy's business.
    """

    def __init__(self, setting: Setting, now: datetime):
        super().__init__(setting, now)
        self.leads = self.wanted = False
        self.suspended: Business | None = None
        self.proposed: list[Business] = []

    @property
    def confirming(self) -> bool:
        """Whether the last thing said was a read-back."""
        return self.current is not None and self.current.state in CONFIRMING

    @property
    def writing(self) -> bool:
        return self.current is not None and self.current.state == "writing"

    # what goes before the model

    def comes_first(self, heard: Heard) -> bool:
        """Danger, a person, a wrong number; and what is kept of every utterance. True when that was all."""
        if first_of_all(self.desk, heard):
            return True
        self._acknowledge(heard)
        if self.tells_about_us(heard):
            return True
        self._note_wishes(heard)
        return bool(self.memory.ended) or self._not_ours(heard)

    def identifies(self, heard: Heard) -> bool:
        """Take what an utterance says of identity, or of a wish that needs it; False leaves it to the model."""
        told = self.identity.listen(self.memory, heard)
        if self._identifying:
            if self.identity.hear(self.desk, heard) or told:
                self._identified()
                return True
            return self._plainly_ends(heard)
        if self.waiting:
            self.identify(heard)
            return True
        if self.question or told or heard.third_party or heard.greeting or heard.beyond or self._ends(heard):
            return self._nothing_wanted(heard, told)
        return False

    def identify(self, heard: Heard) -> None:
        """Ask who is calling, or compare what was told of it already."""
        if not self.identity.hear(self.desk, heard):
            self.identity.ask(self.desk)
        self._identified()

    def _plainly_ends(self, heard: Heard) -> bool:
        return self._while_identifying(heard) if self._ends(heard) or heard.repeat else False

    def _ends(self, heard: Heard) -> bool:
        return heard.goodbye or heard.never_mind

    def settles(self, heard: Heard) -> bool:
        """Take an answer that needs no model: to a read-back, to the offer of a person, to "anything else?"."""
        if self.question == "person" and self._offered_person(heard):
            return True
        if self.writing:
            return True
        if self.confirming:
            return self._answers(heard)
        if self.current is None and self.suspended is None and not self.waiting:
            return self._closes(heard)
        return False

    def _answers(self, heard: Heard) -> bool:
        """A yes or a no to what was read back, or a correction of it that is read back again."""
        current = self.current
        if current is None or (heard.never_mind and not heard.yes) or self._digresses(heard):
            return False
        if heard.repeat or (heard.yes and not heard.sure):
            current.ask(self.desk)
            return True
        taken = current.hear(self.desk, heard)
        if taken:
            self.memory.misunderstood = 0
            self._after_business()
        return taken

    def _closes(self, heard: Heard) -> bool:
        if heard.beyond and not heard.wishes:
            self._beyond(heard)
            return True
        if not heard.wishes and (self._ends(heard) or (heard.no and bool(self.memory.done))):
            take_leave(self.desk)
            return True
        return False

    # a document's own states

    def answers_own(self, heard: Heard) -> bool:
        """Take an answer to a question of the document's own; False leaves what was said to the model."""
        if self.leads:
            self.walk_on(heard)
            return True
        offered = self.question == "person" and self._offered_person(heard)
        taken = offered or self.takes_answer(heard)
        self.unheard = False
        return taken

    def passes_own(self, tool: str) -> bool:
        """Whether a tool of the model's would pass states of the document's own: they are walked, and the model is
        asked again behind them."""
        target, kind = _LEADS_TO.get(tool, ("", ""))
        return bool(target) and self.begin_ways(self.ways.between(self.beneath, target, kind), said=True)

    def walks_first(self) -> bool:
        """Whether the model, who would be asked now, has to wait for states of the document's own."""
        if self.walk is None and self.waiting:
            kind = self.waiting[0][0]
            ahead = self.ways.between(self.beneath, PATHS.get(kind, ("",))[0], kind)
            self.wanted = not ahead
            self.begin_ways(ahead, said=True)
        return self.walk is not None or bool(self.memory.ended) or not self.wanted

    def ask_again(self) -> None:
        """A search of the model's that was interrupted is the model's to take up."""
        if not self.leads and self.current is not None and self.current.state == "searching":
            self.wanted = True
        else:
            super().ask_again()

    def go_on(self) -> None:
        """Behind them the model goes on."""
        if self.leads or self.memory.patient is None:
            super().go_on()
        else:
            self.wanted = True

    # what the model brings about

    def hold(self, business: Business, kind: str) -> None:
        """``business`` is at hand now; the wish that led to it is served by it."""
        self.current, self.suspended = business, None
        if not self.by_model(business):
            self.proposed.append(business)
        self.waiting = [(k, said, begun) for k, said, begun in self.waiting if k not in (kind, business.kind)]

    def suspend(self) -> None:
        """Something else is said after a read-back: a yes to that is no yes to the read-back."""
        if self.confirming:
            self.suspended, self.current = self.current, None

    def served(self, turn: int, kind: str) -> None:
        """A wish that was met by telling alone."""
        self.waiting = [(k, said, b) for k, said, b in self.waiting if k != kind or said.turn > turn]

    def read_again(self) -> bool:
        """Read the open proposal back once more. False where there is none."""
        if self.suspended is not None:
            self.current, self.suspended = self.suspended, None
        if not self.confirming or self.current is None:
            return False
        self.current.ask(self.desk)
        return True

    # where the policy would go on by itself

    def _resume(self) -> None:
        if self.leads:
            super()._resume()
            return
        patient = self.memory.patient
        if self.stage != "served" or self.current is not None or self.memory.ended or patient is None:
            return
        if patient.reference not in self.memory.contexts:
            return
        if self.waiting:
            self.wanted = True
        elif not self.memory.done:
            self.desk.say("how_help")

    def _ask_open_question(self) -> None:
        if not self.leads and self.current is None and self.memory.patient is not None and self.waiting:
            self.wanted = True
            return
        super()._ask_open_question()

    def _after_business(self) -> None:
        if self.leads or self.current is None or not self.current.finished or self.memory.ended:
            super()._after_business()
            return
        self.current = None
        if self.waiting:
            self.wanted = True
        else:
            self.desk.say("anything_else")

    def _gone(self) -> None:
        """What a model understood and nobody confirmed is not written, not even as mentioned."""
        for business in (self.current, self.suspended):
            if business is not None and self.by_model(business) and not business.finished:
                self.memory.follow_up.append(
                    f"The caller hung up before the {business.kind} was confirmed; call back."
                )
        if self.current is not None and self.by_model(self.current):
            self.current = None
        self.suspended = None
        self.waiting = [w for w in self.waiting if w[2] is None or not self.by_model(w[2])]
        super()._gone()

    def _silence(self) -> None:
        """A yes to "are you still there?" is no yes to a read-back, so that is read back again."""
        super()._silence()
        if self.confirming and self.current is not None and self.silences == 1 and not self.desk.pending:
            self.current.ask(self.desk)

    def _gone_mid_business(self) -> None:
        if self.current is not None and self.by_model(self.current):
            self.memory.follow_up.append(f"The {self.current.kind} was not confirmed; call back.")
            self.current = None
        super()._gone_mid_business()

    def by_model(self, business: Business) -> bool:
        """Whether a model, rather than the policy, understood what the caller wants of this."""
        return any(one is business for one in self.proposed)

    # taking over

    def take_over(self, heard: Heard | None, since: Sequence[Heard]) -> None:
        """Answer ``heard`` (None: go on) in the model's place; ``since`` are the utterances the model dealt with."""
        self.leads, self.wanted = True, False
        if self.memory.ended:
            return
        if self.asked is not None:
            self.ask_own() if heard is None else self.walk_on(heard)
        elif self.memory.patient is None:
            self._take_over_reception(heard)
        elif self.suspended is not None:
            self._take_over_proposal(heard)
        elif self.current is None and self.waiting and (heard is None or self.waiting[0][1] is not heard):
            self._catch_up([h for h in since if h.turn > self.waiting[0][1].turn])
        elif heard is not None:
            self._serve(heard)
        else:
            self._ask_open_question()

    def _take_over_reception(self, heard: Heard | None) -> None:
        if self._identifying:
            if heard is None:
                self.identity.ask(self.desk)
            else:
                self._while_identifying(heard)
        elif heard is None or not self._nothing_wanted(heard, False):
            self.desk.say("how_help")

    def _take_over_proposal(self, heard: Heard | None) -> None:
        """A proposal that was read back is asked again, for what was said since may have meant anything."""
        if heard is not None and (heard.no or heard.never_mind):
            self.suspended = None
            self._drop(heard)
        else:
            self.read_again()

    def _catch_up(self, later: Sequence[Heard]) -> None:
        """Begin the wish that waits, and hear again what was said of it since; only the last words are said aloud."""
        kind, said, begun = self.waiting.pop(0)
        self._start(kind, said, begun)
        for heard in later:
            current = self.current
            if current is None or current.state in CONFIRMING or current.state in ("searching", "writing"):
                break
            before = list(self.desk.effects)
            self.desk.effects = []
            if current.hear(self.desk, heard):
                self.desk.effects = [e for e in before if isinstance(e, RunTool)] + self.desk.effects
            else:
                self.desk.effects = before

    def want(self, kind: str, heard: Heard) -> None:
        """A wish the policy's rules did not hear."""
        if kind in self.memory.setting.offers and all(k != kind for k, _, _ in self.waiting):
            self.waiting.append((kind, heard, None))
            self.memory.reasons.append(REASONS[kind])

    def close(self) -> None:
        """Sum up and hang up, keeping what was not confirmed for a person to follow up."""
        self._gone_mid_business()

    def beyond(self) -> None:
        """Say that this is the staff's to answer, and offer a person."""
        self.question = "person"
        self.desk.say("beyond")
