"""The brain that asks a language model. It is pure, as every brain is; the model is asked as a tool is.

The model proposes, deterministic code disposes: danger, identity, read-backs, the caller's yes and every write are
the policy's (:class:`~agent.llm.net.SafetyNet`), what is said passes the guard, and where the model fails the policy
goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from agent.effects import Effect, Filler, Say
from agent.hearing import Heard, hear
from agent.hints import Hints
from agent.llm.asking import Asking, Limits
from agent.llm.calls import Outcome, answer_call, evidence, search_output
from agent.llm.guard import MEDICAL, Known, objection, tidied
from agent.llm.net import SafetyNet
from agent.llm.prompt import caller_words, facts, history, instructions, person_words
from agent.llm.references import References
from agent.llm.requests import AskModel, ModelAnswer, ToolOutput, Words
from agent.llm.tools import allowed, own_tools
from agent.memory import Memory, Setting
from agent.policy.choosing import spoken_appointment
from agent.policy.slots import TakeSlot
from agent.results import Failed, Result, SlotsFound
from agent.scheduling import admissible, offer, wish
from agent.signals import BargeIn, Drafted, HangUp, Operator, Signal, ToolResult, Utterance
from fhirserver.world.spoken.names import bare_name
from fhirserver.world.spoken.words import words

OFFERED = 5
"""Open times a model is given."""


@dataclass
class _Search:
    """A search the model asked for: its call, and the business it is for."""

    call: str
    asking: Asking
    business: TakeSlot


@dataclass
class LlmBrain:
    """A :class:`~agent.brain.Brain` with a language model. ``limits``: what the model may take before it is left."""

    setting: Setting
    now: datetime
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        self.net = SafetyNet(self.setting, self.now)
        self.known = References()
        self.asking: Asking | None = None
        self.turns: list[Words] = []
        self.heard: list[Heard] = []
        self.told: list[str] = []
        """What persons of the practice have said on this call."""
        self.dealt: list[Heard] = []
        self.failures = 0
        self._read_back = ""
        self.tokens = 0
        self.reasons: list[str] = []

    @property
    def memory(self) -> Memory:
        return self.net.memory

    @property
    def state(self) -> str:
        """The state of the context graph."""
        return self.net.state

    @property
    def given_up(self) -> bool:
        """Whether the policy has the rest of the call."""
        return self.failures >= self.limits.failures or self.tokens >= self.limits.call_tokens

    def opening(self) -> str:
        """The greeting."""
        return self.net.opening()

    def hints(self) -> Hints:
        """What the caller may well say next."""
        return self.net.hints()

    def respond(self, signal: Signal, turn: int) -> Sequence[Effect]:
        """What to do about one signal."""
        self.memory.now = signal.at
        before, beneath = self.state, self.net.beneath
        if isinstance(signal, Utterance):
            self._hear(hear(turn, signal.text, signal.confidence))
        elif isinstance(signal, Drafted):
            self._drafted(signal)
        elif isinstance(signal, ToolResult):
            self._answered(signal)
        elif isinstance(signal, BargeIn):
            self._cut(signal.heard)
        else:
            if isinstance(signal, HangUp):
                self._forget_asking()
            elif isinstance(signal, Operator):
                self._person_acted(signal)
            self.net.desk.effects = list(self.net.respond(signal, turn))
        self.net.go_own_ways(beneath)
        self.net.pass_by(before)
        return self._done()

    def _done(self) -> list[Effect]:
        """The effects of this signal; where the policy leaves the word to the model, the model is asked."""
        net = self.net
        if net.wanted and self.asking is None and not net.walks_first():
            net.wanted = False
            self._ask(Asking(None))
        effects = net.desk.flush()
        said = " ".join(e.text for e in effects if isinstance(e, Say))
        if said and (net.confirming or net.reads_own_back):
            self._read_back = _last_said(effects)
        if said:
            self._note_said(said, any(isinstance(e, Say) and e.more for e in effects))
        return effects

    def _note_said(self, text: str, more: bool) -> None:
        if more and self.turns and self.turns[-1].speaker == "agent":
            text = f"{self.turns.pop().text} {text}"
        self.turns.append(Words("agent", text))

    def _person_acted(self, signal: Operator) -> None:
        """The model knows from now on what a person had the agent say, or said to the caller."""
        self.net.suspend()
        if signal.action in ("guide", "spoke"):
            self._staff_said(signal.text)
            return
        self._forget_asking()
        for turn in signal.held:
            if turn.speaker == "operator":
                self._staff_said(turn.text)
            elif turn.speaker == "caller":
                self.turns.append(caller_words(turn.number, turn.text))

    def _staff_said(self, text: str) -> None:
        self.told.append(text)
        self.turns.append(person_words(text))

    # what is heard

    def _hear(self, heard: Heard) -> None:
        net = self.net
        self._forget_asking()
        net.silences, net.wanted = 0, False
        self.turns.append(caller_words(heard.turn, heard.text))
        self.heard.append(heard)
        if net.comes_first(heard):
            return
        net.leads = self.given_up
        if net.asked is not None:
            if not net.answers_own(heard):
                self._ask(Asking(heard))
        elif net.memory.patient is None:
            if not net.identifies(heard):
                self._ask(Asking(heard))
        elif net.memory.patient.reference not in net.memory.contexts:
            net.wanted = False  # it is asked for once the record is there
        elif not net.settles(heard):
            self.dealt.append(heard)
            self._ask(Asking(heard))

    def _forget_asking(self) -> None:
        """The caller speaks: what the model was still going to say is of no use."""
        if self.asking is not None:
            self.net.desk.pending.pop(self.asking.id, None)
            self.asking = None

    def _cut(self, heard: str) -> None:
        """The caller heard only a part of what was said last."""
        for index in range(len(self.turns) - 1, -1, -1):
            if self.turns[index].speaker == "caller":
                break
            if not heard or self.turns[index].text.startswith(heard.rstrip("— ")):
                self.turns[index:] = [Words("agent", f"{heard.strip()}—")]
                break
        if self._read_back_was_heard(heard):
            return
        if self.net.confirming:
            self.net.suspend()
        elif self.net.reads_own_back:
            self.net.unheard = True

    def _read_back_was_heard(self, heard: str) -> bool:
        """Whether what was read back had been said by the time the caller spoke, be the question after it cut off."""
        return self.read_back_core in " ".join(words(heard))

    @property
    def read_back_core(self) -> str:
        """The read-back without the question at its end, as plain words."""
        said, _, _ = self._read_back.rstrip().rpartition(". ")
        return " ".join(words(said or self._read_back))

    # asking

    def _ask(self, asking: Asking) -> None:
        """Ask the model, or let the policy answer where nothing is left to ask with."""
        net = self.net
        if self.given_up:
            net.take_over(asking.heard, self.dealt)
            return
        if asking.rounds == 0:
            net.suspend()
            net.leads = False
            net.desk.fill("loading", kind="acknowledge")
        asking.rounds += 1
        if asking.rounds > self.limits.rounds or asking.tokens > self.limits.turn_tokens:
            self._fail("budget of the turn", asking)
            return
        self.asking = asking
        self._refer()
        request = self._request(asking)
        asking.request = request
        net.desk.run(request, self)
        asking.id = max(net.desk.pending)

    def _refer(self) -> None:
        """Give references to what the model may know of now."""
        net = self.net
        current = net.current if isinstance(net.current, TakeSlot) else net.suspended
        offered = current.offered if isinstance(current, TakeSlot) else ()
        self.known.offer(offered)
        if net.memory.patient is None:
            self.known.tell((), ())
            return
        visits = net.memory.upcoming
        seen = [(a.practitioner, a.practitioner_name) for a in visits]
        self.known.tell(visits, dict.fromkeys((*net.memory.context.practitioners, *seen)))

    def _request(self, asking: Asking) -> AskModel:
        net, identified = self.net, self.net.memory.patient is not None
        state = "read_back" if net.suspended is not None else net.state
        wishes = [f"{kind} (turn {said.turn})" for kind, said, _ in net.waiting]
        setting = net.memory.setting
        own = net.asked
        tools = (
            own_tools(own)
            if own
            else allowed(state, identified, self.known, net.suspended is not None, setting)
        )
        asking.tools = {t.name: t for t in tools}
        told = facts(net.memory, self.known, wishes, identified)
        return AskModel(
            instructions(state, setting.practice, net.passing.guides, own),
            (told, *history(self.turns), *asking.exchanged),
            tuple(t.spec(self.known) for t in tools),
            self.limits.budget,
        )

    # what the model says

    def _drafted(self, signal: Drafted) -> None:
        asking = self.asking
        if asking is None or signal.id != asking.id or self.memory.ended:
            return
        sentence = tidied(signal.text)
        if not sentence or asking.sentences >= self.limits.sentences:
            return
        why = objection(sentence, self._known())
        if why:
            self._object(why, asking)
            return
        self.net.desk.effects.append(Say(sentence, 0, more=asking.said))
        asking.said, asking.sentences = True, asking.sentences + 1

    def _object(self, why: str, asking: Asking) -> None:
        heard = asking.heard
        if (
            why != MEDICAL
            or heard is None
            or heard.wishes
            or wish(heard.text, self.memory.today).says_something
        ):
            self._fail(why, asking)
            return
        self._count(why)
        self._forget_asking()
        self.net.beyond()

    def _known(self) -> Known:
        memory, net = self.memory, self.net
        practice = words(memory.setting.practice)
        spoken = (*(h.text for h in self.heard), *self.told)
        if memory.patient is None:
            return Known(spoken=spoken, identified=False, today=memory.today, names=frozenset(practice))
        visits = list(self.known.visits.values())
        names = [spoken_appointment(memory, v) + " " + v.description for v in visits]
        names += [s.practitioner_name + " " + s.location_name for s in self.known.slots.values()]
        names += [name for _, name in self.known.doctors.values()]
        names += [c.payer for c in memory.context.coverages]
        mine = {w for text in names for w in words(text)} | set(practice) | {"dr"}
        own = _name_words([memory.patient.names]) if not memory.third_party else set()
        starts = [*(v.start for v in visits), *(s.start for s in self.known.slots.values())]
        others = _name_words([p.names for p in memory.candidates if p.id != memory.patient.id])
        return Known(
            spoken=spoken,
            identified=True,
            today=memory.today,
            names=frozenset(mine | own),
            moments=tuple(memory.local(at) for at in starts),
            standing=tuple(memory.local(v.start) for v in visits),
            others=frozenset(others - _name_words([memory.patient.names])),
            done=frozenset(d.kind for d in net.memory.done),
        )

    # what the model and its tools answer

    def _answered(self, signal: ToolResult) -> None:
        pending = self.net.desk.pending.get(signal.id)
        owner = pending.owner if pending else None
        if isinstance(owner, _Search):
            del self.net.desk.pending[signal.id]
            self._found(owner, signal.result)
        elif owner is self:
            del self.net.desk.pending[signal.id]
            self._model_answered(signal.id, signal.result)
        elif pending is not None and not isinstance(signal.result, ModelAnswer):
            self.net.desk.effects = list(self.net.respond(signal, 0))

    def _model_answered(self, id: int, result: Result) -> None:
        asking = self.asking
        if asking is None or asking.id != id:
            return
        used = result.tokens if isinstance(result, ModelAnswer) else 0
        used = used or (asking.request.characters // 3 if asking.request else 0)
        self.tokens += used
        asking.tokens += used
        if not isinstance(result, ModelAnswer):
            self._fail(result.reason if isinstance(result, Failed) else "no answer", asking)
        elif result.calls:
            self._called(asking, result)
        elif asking.said:
            self._finished(asking)
        else:
            self._fail("an empty answer", asking)

    def _finished(self, asking: Asking) -> None:
        """All is said. While identity, or a question of the document's own, is open it is put again."""
        self.asking = None
        net = self.net
        if asking.heard is not None:
            net.served(asking.heard.turn, "confirm")
        identifying = net.memory.patient is None and net.identity.asked and not net.identity.searching
        if not identifying and net.asked is None:
            return
        net.memory.misunderstood += 1
        if net.memory.misunderstood > self.limits.digressions:
            net.desk.hand_over("person", "the conversation did not get on")
        elif net.asked is not None:
            net.ask_own()
        else:
            net.identity.ask(net.desk)

    def _called(self, asking: Asking, answer: ModelAnswer) -> None:
        for call in answer.calls[: self.limits.calls]:
            if self.net.passes_own(call.name):
                self.asking = None
                return
            outcome = answer_call(call, asking, self.net, self.known, self.heard)
            asking.exchanged += (call,)
            if outcome.business is not None and outcome.searches:
                self._search(call.id, asking, outcome.business)
                continue
            asking.exchanged += (ToolOutput(call.id, outcome.output),)
            if outcome.ends:
                self.asking = None
                return
            if outcome.invalid:
                asking.invalid += 1
        self._next_round(asking)

    def _next_round(self, asking: Asking) -> None:
        if asking.invalid > self.limits.invalid:
            self._fail("invalid calls", asking)
        elif not asking.searching:
            self._ask(asking)

    def _search(self, call: str, asking: Asking, business: TakeSlot) -> None:
        net = self.net
        asking.searching += 1
        business.turns = evidence(net.memory, self.heard)
        net.hold(business, business.kind)
        first, last = Outcome.window(business, net.memory)
        net.desk.effects = [e for e in net.desk.effects if not isinstance(e, Filler)]
        net.desk.fill("searching")
        net.desk.run(business.search(net.memory, first, last), _Search(call, asking, business))

    def _found(self, search: _Search, result: Result) -> None:
        """What the calendar answered. It is the policy's to deal with one that cannot be reached."""
        net, business, asking = self.net, search.business, search.asking
        asking.searching -= 1
        if not isinstance(result, SlotsFound):
            self._forget_asking()
            business.result(net.desk, result)
            return
        taken = [a.start for a in net.memory.upcoming] + business.refused
        business.slots = admissible(result.slots, net.memory.now, taken, net.memory.setting.rules)
        best = offer(business.slots, business.wish, business.practitioner, OFFERED)
        business.offered, business.state = best.slots, "offer" if best.slots else "wish"
        if asking is not self.asking:
            return
        self.known.offer(best.slots)
        asking.exchanged += (ToolOutput(search.call, search_output(net.memory, self.known, best.fits)),)
        self._next_round(asking)

    # failing

    def _fail(self, why: str, asking: Asking) -> None:
        """The policy answers this turn in the model's place, and the rest of the call after too many failures."""
        self._count(why)
        heard = asking.heard
        self._forget_asking()
        self.net.desk.effects = [e for e in self.net.desk.effects if not isinstance(e, Filler)]
        self.net.take_over(heard, self.dealt)

    def _count(self, why: str) -> None:
        self.failures += 1
        self.reasons.append(why)


def _last_said(effects: Sequence[Effect]) -> str:
    return next((e.text for e in reversed(effects) if isinstance(e, Say)), "")


def _name_words(names: Sequence[tuple[tuple[tuple[str, ...], str], ...]]) -> set[str]:
    """The words of given and family names."""
    parts = [part for person in names for given, family in person for part in (*given, family)]
    return {w for part in parts for w in words(bare_name(part)) if len(w) > 1}
