"""States of a document's own: what must hold of each by itself, and where the conversation goes behind it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from agent.definition.lines import passing_faults
from agent.policy.graph import State
from agent.policy.own_decisions import fault_of
from fhirserver.ports.agents import Fault
from fhirserver.world.configured import agent as document

KINDS = ("data_collection", "decision", "action")
NO_ENTRY = frozenset(("ringing", "identity", "loading", "read_back", "will_you_come", "handover", "closing"))
"""Nothing of a document's own comes right after these: who calls is found out without a pause, and what is read back is
written as soon as the caller says yes to it."""
_ENDS: dict[str, tuple[str, ...]] = {"handover": ("handover",), "end": ("closing",)}
_OURS = "https://credence.health/"
_ONLY = {
    "asks": "data_collection",
    "expects": "data_collection",
    "choices": "data_collection",
    "claims": "data_collection",
    "max_turns": "data_collection",
    "routes": "decision",
    "does": "action",
}
_ARTICLE = {"action": "an action", "decision": "a decision", "data_collection": "a data collection"}
MAX_TURNS = 5
"""Utterances in a question of one's own after which a person takes over, where nothing is said of it."""


def state_of(said: document.State) -> State:
    """The state as the graph has it; where the conversation was going is still called ``onward``."""
    after = tuple(dict.fromkeys(said.after or _ENDS.get(said.does or "", ())))
    known = bool(said.needs_identity or said.claims or any(route.when for route in said.routes))
    turns = (said.max_turns or MAX_TURNS) if said.kind == "data_collection" else 0
    return State(said.name, str(said.kind), after, known, turns, own=said)


def faults(said: document.State, where: str) -> Iterator[Fault]:
    """What is wrong with one by itself."""
    for name, kind in _ONLY.items():
        if getattr(said, name) and said.kind != kind:
            yield Fault(f"{where}/{name}", f"only {_ARTICLE[kind]} has '{name}'")
    if said.form_after is not None:
        yield Fault(f"{where}/form_after", "a form can only ask for insurance, phone, address")
    if said.says and said.kind != "action":
        yield Fault(f"{where}/says", "only an annotation or an action has 'says'")
    if said.guides:
        yield Fault(f"{where}/guides", "only an annotation has 'guides'")
    if said.kind == "data_collection":
        yield from _question_faults(said, where)
    elif said.kind == "decision":
        if not said.routes:
            yield Fault(f"{where}/routes", "a decision has at least one route")
    else:
        yield from _action_faults(said, where)
    if not said.after and said.does not in _ENDS:
        yield Fault(f"{where}/after", "say what comes after: 'onward' is wherever the conversation was going")


def _question_faults(said: document.State, where: str) -> Iterator[Fault]:
    if not said.asks:
        yield Fault(f"{where}/asks", "the wording of its question is missing")
    else:
        yield from passing_faults(said.asks, f"{where}/asks")
    if said.expects is None:
        yield Fault(
            f"{where}/expects",
            "say what kind of answer is expected: text, yes_no, number, date, phone, choice",
        )
    if said.expects == "choice" and len(said.choices) < 2:
        yield Fault(f"{where}/choices", "a choice has at least two, each with the words that mean it")
    if said.choices and said.expects != "choice":
        yield Fault(f"{where}/choices", "only a choice has these")
    if said.claims.startswith(_OURS):
        yield Fault(
            f"{where}/claims", "it is the URL of an extension of the practice's, not one of Credence's own"
        )


def _action_faults(said: document.State, where: str) -> Iterator[Fault]:
    if said.does is None:
        yield Fault(f"{where}/does", "say what it does: say, call_back, handover, end")
    if said.says:
        yield from passing_faults(said.says, f"{where}/says")
    elif said.does == "say":
        yield Fault(f"{where}/says", "what is to be said is missing")
    if said.after and said.does in _ENDS:
        yield Fault(f"{where}/after", f"nothing comes after an action that does '{said.does}'")


def way_faults(said: document.State, where: str, states: Mapping[str, State]) -> Iterator[Fault]:
    """What is wrong with where it goes, and by what."""
    own = [name for name in said.after or () if name in states and states[name].own]
    if said.kind != "decision" and own and len(said.after or ()) > 1:
        yield Fault(
            f"{where}/after",
            "only a decision has several ways out: here comes one state of your own, or built ones",
        )
    if _circles(said.name, states):
        yield Fault(f"{where}/after", f"states of your own go in a circle: '{said.name}' comes after itself")
    if said.kind != "decision":
        return
    ways = set(said.after or ())
    if said.otherwise not in ways:
        yield Fault(f"{where}/otherwise", f"'{said.otherwise}' stands in 'after' as well")
    for place, route in enumerate(said.routes):
        at = f"{where}/routes/{place}"
        if route.to not in ways:
            yield Fault(f"{at}/to", f"'{route.to}' stands in 'after' as well")
        yield from _condition_faults(route, at, states)


def _condition_faults(route: document.Route, at: str, states: Mapping[str, State]) -> Iterator[Fault]:
    if bool(route.answer) == bool(route.when):
        yield Fault(at, "a route has either 'answer' with 'is', or 'when'")
        return
    if route.when:
        wrong = fault_of(route.when)
        if wrong:
            yield Fault(f"{at}/when", f"this is no FHIRPath of Patient: {wrong}")
        return
    asked = states[route.answer].own if route.answer in states else None
    if asked is None or asked.kind != "data_collection":
        yield Fault(f"{at}/answer", f"there is no question '{route.answer}' of your own")
    elif asked.expects == "yes_no" and route.equals not in ("yes", "no"):
        yield Fault(f"{at}/is", "the answer is yes or no")
    elif asked.expects == "choice" and route.equals not in asked.choices:
        yield Fault(f"{at}/is", f"the choices are {', '.join(asked.choices)}")


def _circles(name: str, states: Mapping[str, State]) -> bool:
    seen, ahead = set[str](), list(states[name].after)
    while ahead:
        one = ahead.pop()
        if one == name:
            return True
        if one not in seen and one in states and states[one].own:
            seen.add(one)
            ahead += states[one].after
    return False


def spread(states: dict[str, State], ordinary: Mapping[str, State]) -> None:
    """Put in the place of ``onward`` where the dialogue goes from the built states that lead there."""
    leading: dict[str, set[str]] = {}
    for name, state in states.items():
        if name in ordinary and name not in NO_ENTRY:
            for one in _own_behind(state.after, states):
                leading.setdefault(one, set()).update(ordinary[name].after)
    for name, state in list(states.items()):
        if state.own and document.ONWARD in state.after:
            onward = [target for target in ordinary if target in leading.get(name, ())]
            kept = [one for one in state.after if one != document.ONWARD]
            after = tuple(dict.fromkeys([*kept, *onward]))
            states[name] = State(
                name, state.kind, after, state.needs_identity, state.max_turns, own=state.own
            )


def _own_behind(after: Sequence[str], states: Mapping[str, State]) -> set[str]:
    """The states of one's own that are come to from here without a built one between."""
    found, ahead = set[str](), list(after)
    while ahead:
        one = ahead.pop()
        if one in states and states[one].own and one not in found:
            found.add(one)
            ahead += states[one].after
    return found


def told_of(said: document.State | None) -> str:
    """What a state of one's own asks, decides or does, for those who look at the graph."""
    if said is None:
        return ""
    if said.kind == "decision":
        ways = [f"{_condition(route)}: {route.to}" for route in said.routes]
        return "; ".join([*ways, f"else: {said.otherwise}"])
    if said.kind == "data_collection":
        return f"{said.asks} Claimed as {said.claims}" if said.claims else said.asks
    return " ".join(filter(None, [said.says, (said.does or "").replace("_", " ")]))


def _condition(route: document.Route) -> str:
    return f"{route.answer} is {route.equals}" if route.answer else route.when
