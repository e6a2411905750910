"""Where a document's own states are walked: what was going to be said waits until they are through.

They are come to when the dialogue goes from one built state to another, and lead on to that other, or elsewhere. A
write that the caller has said yes to never waits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from agent.effects import Effect, Escalate, Filler, RunTool, Say
from agent.hearing import Heard
from agent.llm.requests import AskModel
from agent.memory import Done, Pending, Setting
from agent.policy import errands
from agent.policy.desk import Desk
from agent.policy.ending import take_leave
from agent.policy.own_answers import as_fhir, read_answer, spoken
from agent.policy.own_decisions import chosen
from agent.policy.own_ways import OwnWays
from agent.policy.reception import Reception
from agent.policy.slots import TakeSlot, basis
from agent.requests import CONFIRMED, MENTIONED, ClaimAnswer
from agent.results import Result, Written
from fhirserver.world.configured.agent import ONWARD, State


@dataclass
class Walk:
    """``ahead``: where further ways begin, each with the built state behind it; ``held``: what is said and done when
    all are through, and ``pending`` its tools; ``state``: where the caller is asked something now."""

    ahead: list[tuple[str, str]]
    held: list[Effect] = field(default_factory=list)
    pending: dict[int, Pending] = field(default_factory=dict)
    spare: int = 0
    onward: str = ""
    state: str = ""
    value: str = ""
    """An answer that is read back and not confirmed yet."""
    turns: list[int] = field(default_factory=list)


class Walking(Reception):
    """A reception that goes a document's own ways before it goes on."""

    def __init__(self, setting: Setting, now: datetime):
        super().__init__(setting, now)
        self.ways = OwnWays(setting.graph)
        self.walk: Walk | None = None

    @property
    def beneath(self) -> str:
        """The built state that the conversation is in, or would be in."""
        if self.memory.ended:
            return "closing"
        if self.current is not None:
            return self.current.state
        return "identity" if self._identifying else self.stage

    @property
    def state(self) -> str:
        """The state of the context graph."""
        walking = self.walk is not None and self.walk.state and not self.memory.ended
        return self.walk.state if self.walk is not None and walking else self.beneath

    @property
    def asked(self) -> State | None:
        """The question of the document's own that is open."""
        return self.memory.setting.graph[self.walk.state].own if self.walk and self.walk.state else None

    @property
    def reads_own_back(self) -> bool:
        """Whether the last thing said was an answer to such a question, read back."""
        return self.walk is not None and bool(self.walk.value)

    # beginning

    def go_own_ways(self, before: str) -> None:
        """After a signal that led on from ``before``: what is to be said waits where a way of its own lies between."""
        if self.memory.ended:
            self.walk = None
            return
        if self.walk is not None:
            return
        kind = self.current.kind if self.current is not None else ""
        self.begin_ways(self.ways.between(before, self.beneath, kind))

    def begin_ways(self, ahead: list[tuple[str, str]], said: bool = False) -> bool:
        """Walk these; whether there is any. ``said``: what stands on the desk is said before them."""
        if not ahead:
            return False
        self.walk = Walk(ahead, spare=self.desk.spare)
        self._hold(len(self.desk.effects) if said else _last_words(self.desk.effects))
        self._next_way(self.walk)
        return True

    def _hold(self, since: int = 0) -> None:
        """Keep back what stands on the desk from a place on, but for writes and for questions to a model."""
        walk = self.walk
        if walk is None:
            return
        kept, rest = self.desk.effects[:since], self.desk.effects[since:]
        for effect in rest:
            if not isinstance(effect, RunTool):
                walk.held.append(effect)
            elif hasattr(effect.request, "basis") or isinstance(effect.request, AskModel):
                kept.append(effect)
            else:
                walk.held.append(effect)
                walk.pending[effect.id] = self.desk.pending.pop(effect.id)
        self.desk.effects = kept

    def hold_answers(self) -> None:
        """What a tool answered is told when the question of the document's own is through."""
        if self.memory.ended:
            self.walk = None
        elif self.walk is not None:
            self.walk.spare = self.desk.spare
            self._hold()

    # going

    def _next_way(self, walk: Walk) -> None:
        while walk.ahead:
            name, walk.onward = walk.ahead.pop(0)
            if name not in self.ways.seen:
                self._enter(name)
                return
        self._through(walk)

    def _enter(self, name: str) -> None:
        """Come to a state of the document's own."""
        walk, state = self.walk, self.memory.setting.graph[name]
        if walk is None or state.own is None:
            return
        if state.needs_identity and self.memory.patient is None:
            self._next_way(walk)
            return
        self.ways.seen.add(name)
        self.memory.walked.append(name)
        walk.state, walk.value, walk.turns = "", "", []
        if state.kind == "data_collection":
            walk.state = name
            self.ask_own()
        elif state.kind == "decision":
            self._go(chosen(state.own, self.memory))
        else:
            self._act(state.own)

    def _act(self, stated: State) -> None:
        if stated.says:
            self.desk.tell(stated.says)
        if stated.does == "handover":
            self._go("handover")
        elif stated.does == "end":
            self._go("closing")
        else:
            if stated.does == "call_back":
                self._promise_a_call(stated)
            self._leave(stated)

    def _promise_a_call(self, stated: State) -> None:
        if not stated.says:
            self.desk.say("call_you")
        self.memory.follow_up.append(f"Call back: promised at '{stated.name}'.")
        self.desk.effects.append(Escalate("a call back was promised"))

    def _leave(self, stated: State) -> None:
        """Go on behind a state that has one way out: to one of the document's own, or to where it was going."""
        walk, after = self.walk, self.memory.setting.graph[stated.name].after
        if walk is not None:
            self._go(walk.onward if walk.onward in after else after[0])

    def _go(self, target: str) -> None:
        walk = self.walk
        if walk is None:
            return
        if target in (ONWARD, walk.onward):
            self._next_way(walk)
        elif self.memory.setting.graph[target].own:
            self._enter(target)
        else:
            self.walk = None
            self._elsewhere(target, walk)

    def _through(self, walk: Walk) -> None:
        """All is asked: say and do what was going to be said and done."""
        self.walk = None
        if walk.held:
            self.desk.effects += walk.held
            self.desk.pending |= walk.pending
            self.desk.spare = walk.spare
        else:
            self.go_on()

    def go_on(self) -> None:
        """Nothing was held back: the open question is put."""
        self._ask_open_question()

    def _elsewhere(self, target: str, walk: Walk) -> None:
        """The document sends the conversation another way; what was going to be said is not."""
        if target == "handover":
            line = "person" if not self._said_something() else ""
            self.desk.hand_over(line, f"the agent's document: {self.memory.walked[-1]}")
            return
        if target == "closing":
            take_leave(self.desk)
            return
        if self.memory.patient is None:  # no document without errors leads here
            self.identity.ask(self.desk)
            return
        aside, self.current = self.current, None
        if target == "served":
            self.desk.say("anything_else")
            return
        if aside is not None and not aside.finished:
            if isinstance(aside, TakeSlot) and aside.state == "searching":
                aside.state, aside.searches = "wish", 0
            self.waiting.insert(0, (aside.kind, errands.wished(), aside))
        self.waiting = [one for one in self.waiting if one[0] != target or one[2] is not None]
        self._start(target, errands.wished())

    def _said_something(self) -> bool:
        return any(isinstance(effect, Say) for effect in self.desk.effects)

    # asking

    def ask_own(self) -> None:
        """Put the question, or read the answer back that is not confirmed yet."""
        stated, walk = self.asked, self.walk
        if stated is None or walk is None:
            return
        if walk.value:
            self.desk.say("read_answer", answer=spoken(stated, walk.value, self.memory.today))
        else:
            self.desk.tell(stated.asks)

    def _ask_open_question(self) -> None:
        if self.asked is not None:
            self.ask_own()
        else:
            super()._ask_open_question()

    def walk_on(self, heard: Heard) -> None:
        """Take an utterance while a question of the document's own is open."""
        if self.question == "person" and self._offered_person(heard):
            return
        if not self.takes_answer(heard):
            self._not_understood(self.ask_own)

    def takes_answer(self, heard: Heard) -> bool:
        """Take what answers the question, or takes leave; False where it is neither."""
        stated, walk = self.asked, self.walk
        if stated is None or walk is None:
            return False
        if heard.repeat or (walk.value and heard.yes and (self.unheard or not heard.sure)):
            self.ask_own()
            return True
        if walk.value and heard.yes:
            self.answered(stated, walk.value, [*walk.turns, heard.turn])
            return True
        if walk.value and heard.no and read_answer(stated, heard, self.memory.today) in (None, ""):
            walk.value = ""
            self.desk.say("say_again")
            return True
        if heard.goodbye and not heard.yes:
            self.walk = None
            self._gone_mid_business()
            return True
        if self._first_waiting(heard):  # what else is wanted has its turn later
            return False
        return self.takes_value(stated, read_answer(stated, heard, self.memory.today), heard.turn)

    def takes_value(self, stated: State, value: str | None, turn: int, plain: bool = True) -> bool:
        """Keep an answer, or read it back where it is claimed; False where there is none. A yes or no is read back only
        where it was not said in ``plain`` words."""
        walk = self.walk
        if value is None or walk is None:
            return False
        self.memory.misunderstood = 0
        walk.turns.append(turn)
        if value and stated.claims and not (plain and stated.expects == "yes_no"):
            walk.value = value
            self.ask_own()
        else:
            self.answered(stated, value, walk.turns)
        return True

    def answered(self, stated: State, value: str, turns: list[int]) -> None:
        """The answer is known: keep it, and go on."""
        self.memory.misunderstood = 0
        self.memory.answers[stated.name] = value
        if value and stated.claims:
            claim(self.desk, stated, value, turns, CONFIRMED)
        self._leave(stated)

    def _gone(self) -> None:
        """What was said and not confirmed is worth keeping, lower on the ladder."""
        walk, stated = self.walk, self.asked
        if walk is not None and stated is not None and walk.value:
            self.memory.answers[stated.name] = walk.value
            claim(self.desk, stated, walk.value, walk.turns, MENTIONED)
        self.walk = None
        super()._gone()


def _last_words(effects: list[Effect]) -> int:
    """From where on what was going to be said belongs to the next state: the last sentence, or a tool before it."""
    words = [i for i, effect in enumerate(effects) if isinstance(effect, Say)]
    tools = [
        i for i, effect in enumerate(effects)
        if isinstance(effect, Filler) or (isinstance(effect, RunTool) and not hasattr(effect.request, "basis"))
    ]  # fmt: skip
    return min([*words[-1:], *tools[:1]], default=0)


def claim(desk: Desk, stated: State, value: str, turns: list[int], confidence: str) -> None:
    """State an answer as an extension of the patient."""
    memory = desk.memory
    if memory.patient is None:
        return
    ((name, told),) = as_fhir(stated, value).items()
    assert isinstance(told, str | int | bool)
    why = basis(desk, turns, confidence)
    desk.run(
        ClaimAnswer(memory.patient.reference, stated.claims, name, told, why), _Claim(stated, value, turns)
    )


@dataclass
class _Claim:
    """What became of it."""

    stated: State
    value: str
    turns: list[int]

    def result(self, desk: Desk, result: Result) -> None:
        what = self.stated.name.replace("-", " ").replace("_", " ")
        if isinstance(result, Written):
            text = f"I noted your {what}: {spoken(self.stated, self.value, desk.memory.today)}"
            desk.done(Done("answer", text, result.reference, checked_later=True, turns=tuple(self.turns)))
        else:
            desk.memory.follow_up.append(
                f"The answer on '{what}' could not be recorded; ask the caller again."
            )
