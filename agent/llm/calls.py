"""What becomes of a tool call of the model's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from agent.effects import Escalate
from agent.hearing import Heard, hear
from agent.llm.asking import Asking
from agent.llm.net import SafetyNet
from agent.llm.proposals import proposal, searched
from agent.llm.quoting import as_json, quoted
from agent.llm.references import References
from agent.llm.requests import ToolCall
from agent.llm.tools import InvalidCall, Tool, read_arguments
from agent.memory import Memory
from agent.policy.choosing import spoken_slot
from agent.policy.own_answers import read_answer
from agent.policy.slots import TakeSlot
from agent.scheduling import window
from fhirserver.world.spoken.words import words

_PROPOSING = frozenset(("book", "cancel", "confirm", "add_coverage", "change_phone", "change_address"))
_KINDS = {"add_coverage": "insurance", "change_phone": "phone", "change_address": "address"}
_NOTED = as_json({"noted": True})


@dataclass(frozen=True, slots=True)
class Outcome:
    """``output`` goes back to the model; ``ends``: the turn is over for it; ``business``: what to search for."""

    output: str = _NOTED
    ends: bool = False
    invalid: bool = False
    business: TakeSlot | None = None

    @property
    def searches(self) -> bool:
        return self.business is not None

    @staticmethod
    def window(business: TakeSlot, memory: Memory) -> tuple[datetime, datetime]:
        """The span to search."""
        return window(business.wish, memory.local_now, memory.setting.rules)


def answer_call(
    call: ToolCall, asking: Asking, net: SafetyNet, known: References, heard: Sequence[Heard]
) -> Outcome:
    """Check the call and do what it asks for: propose, hand over, or say what to search for."""
    tool = asking.tools.get(call.name)
    try:
        if tool is None:
            names = ", ".join(asking.tools) or "none"
            raise InvalidCall(f"there is no such tool now; there are: {names}")
        given = read_arguments(tool, call.arguments, known)
        return _do(tool, given, asking, net, known, heard)
    except InvalidCall as invalid:
        return Outcome(as_json({"error": str(invalid)}), invalid=True)


def _do(
    tool: Tool,
    given: dict[str, str],
    asking: Asking,
    net: SafetyNet,
    known: References,
    heard: Sequence[Heard],
) -> Outcome:
    if tool.name in _PROPOSING:
        return _propose(tool.name, given, net, known, heard)
    if tool.name == "search_slots":
        if asking.searching:
            raise InvalidCall("one search at a time")
        return Outcome(business=searched(net.memory, known, given))
    if tool.name == "note_wish":
        return _note_wish(given["wish"], net, heard)
    if tool.name == "note_answer":
        return _note_answer(given["answer"], net, heard)
    if tool.name == "read_back":
        net.read_again()
        return Outcome(ends=True)
    if tool.name == "transfer":
        net.desk.hand_over("person", given["reason"])
        return Outcome(ends=True)
    if tool.name == "escalate":
        return _escalate(given["reason"], net)
    return _end(asking, net)


def _propose(
    name: str, given: dict[str, str], net: SafetyNet, known: References, heard: Sequence[Heard]
) -> Outcome:
    said = frozenset(w for h in heard for w in words(h.text))
    found = net.current or net.suspended
    business = proposal(name, found, net.memory, known, given, said)
    business.turns = evidence(net.memory, heard)
    net.hold(business, _KINDS.get(name, name))
    business.ask(net.desk)
    return Outcome(ends=True)


def _note_wish(wish: str, net: SafetyNet, heard: Sequence[Heard]) -> Outcome:
    net.want(wish, heard[-1])
    net.identify(heard[-1])
    return Outcome(ends=True)


def _note_answer(answer: str, net: SafetyNet, heard: Sequence[Heard]) -> Outcome:
    """An answer that the rules did not read; what is not chosen from a list is in words that the caller said."""
    stated, last = net.asked, heard[-1]
    if stated is None:
        raise InvalidCall("no question is open")
    said = {w for one in heard for w in words(one.text)}
    if stated.expects not in ("yes_no", "choice") and set(words(answer)) - said:
        raise InvalidCall("the answer is in words the caller said; quote them")
    value = read_answer(stated, hear(last.turn, answer), net.memory.today)
    if not value:
        raise InvalidCall(f"that is no {stated.expects}; answer the caller, the question is put again")
    net.takes_value(stated, value, last.turn, plain=False)
    return Outcome(ends=True)


def _escalate(reason: str, net: SafetyNet) -> Outcome:
    if reason not in net.memory.follow_up:
        net.memory.follow_up.append(reason)
        net.desk.effects.append(Escalate(reason))
    return Outcome()


def _end(asking: Asking, net: SafetyNet) -> Outcome:
    """Hang up only on a caller who has said so."""
    heard = asking.heard
    if heard is None or not (heard.goodbye or heard.never_mind or heard.no):
        raise InvalidCall("the caller has not said goodbye; ask whether there is anything else")
    net.close()
    return Outcome(ends=True)


def search_output(memory: Memory, known: References, fits: str) -> str:
    """The open times found, as JSON for the model."""
    times = [{"ref": ref, "when": quoted(spoken_slot(memory, s))} for ref, s in known.slots.items()]
    how = {
        "all": "as wished",
        "day": "on the days wished, at other times",
        "none": "the nearest to the wish",
    }[fits]
    return as_json({"open_times": times, "these_are": how if times else "none: ask for another day"})


def evidence(memory: Memory, heard: Sequence[Heard]) -> list[int]:
    """The caller's turns since the last piece of business was done: what the next one rests on."""
    last = max((t for done in memory.done for t in done.turns), default=0)
    return [h.turn for h in heard if h.turn > last]
