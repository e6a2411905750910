"""The context graph that an agent's document comes to, and what must hold of it.

What is offered decides which built states there are. A document puts annotations and states of its own between them,
and may send a conversation on by these to where the dialogue could go as well; it takes no built way away, and none of
its own leads past identity or comes between what is read back and what is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from agent.definition import own
from agent.policy.graph import ASKS_FACTS, BEGINNING, END, GRAPH, KEPT, NEEDS, REROUTES, State
from fhirserver.ports.agents import Fault
from fhirserver.world.configured import agent as document
from fhirserver.world.configured.parts import pointer

ANNOTATION = "annotation"


@dataclass
class Built:
    """The graph, and what is wrong with it."""

    states: dict[str, State]
    faults: list[Fault] = field(default_factory=list)
    changed: set[str] = field(default_factory=set)


def build(stated: document.Agent) -> Built:
    """The graph of a document; where that has faults, as far as it goes."""
    names = KEPT.union(*(NEEDS[kind] for kind in stated.offers))
    ordinary = {
        name: replace(state, after=tuple(n for n in state.after if n in names))
        for name, state in GRAPH.items()
        if name in names
    }
    built = Built(dict(ordinary))
    for place, said in enumerate(stated.graph.states):
        _take(built, said, pointer("graph", "states", place), stated.graph.states)
    for place, said in enumerate(stated.graph.states):
        if said.name in built.states and built.states[said.name].own is said:
            built.faults += own.way_faults(said, pointer("graph", "states", place), built.states)
    own.spread(built.states, ordinary)
    for place, said in enumerate(stated.graph.states):
        built.faults += _ways(said, pointer("graph", "states", place), built.states, ordinary)
    if not built.faults:
        built.faults += _whole(built.states, stated.graph.states)
    return built


def _take(built: Built, said: document.State, where: str, every: Sequence[document.State]) -> None:
    """Put what is said of a state into the graph."""
    if sum(one.name == said.name for one in every) > 1:
        built.faults.append(Fault(f"{where}/name", f"there are two states '{said.name}'"))
        return
    built.changed.add(said.name)
    known = built.states.get(said.name)
    if said.kind == ANNOTATION:
        built.faults += _annotation_faults(said, where)
        after = tuple(dict.fromkeys(said.after or ()))
        needs = bool(said.needs_identity)
        built.states[said.name] = State(
            said.name, ANNOTATION, after, needs, says=said.says, guides=said.guides
        )
    elif said.name not in GRAPH and said.kind in own.KINDS:
        built.faults += own.faults(said, where)
        built.states[said.name] = own.state_of(said)
    elif known is None:
        built.faults.append(Fault(f"{where}/name", _unknown(said.name, built.states)))
    else:
        built.faults += _state_faults(said, known, where)
        collects = known.kind == "data_collection"
        turns = said.max_turns if said.max_turns is not None else document.MAX_TURNS if collects else 0
        form = document.FORM_AFTER if said.name in ASKS_FACTS else 0
        built.states[said.name] = replace(
            known,
            after=known.after if said.after is None else tuple(dict.fromkeys(said.after)),
            needs_identity=known.needs_identity or bool(said.needs_identity),
            max_turns=turns,
            form_after=said.form_after if said.form_after is not None else form,
        )


def _unknown(name: str, states: Mapping[str, State]) -> str:
    if name in GRAPH:
        return f"'{name}' is not needed by anything that is offered"
    return (
        f"there is no state '{name}'; there are {', '.join(states)}, and those of your own, which have a kind"
    )


def _annotation_faults(said: document.State, where: str) -> Iterator[Fault]:
    if said.name in GRAPH:
        yield Fault(
            f"{where}/name", f"'{said.name}' is a state of the dialogue: give the annotation another name"
        )
    if not said.says and not said.guides:
        yield Fault(where, "an annotation has something in 'says' or in 'guides'")
    if not said.after:
        yield Fault(f"{where}/after", "an annotation needs at least one state that comes after it")
    for name in ("max_turns", "form_after"):
        if getattr(said, name) is not None:
            yield Fault(f"{where}/{name}", "an annotation is passed at once: nothing is asked in it")


def _state_faults(said: document.State, known: State, where: str) -> Iterator[Fault]:
    if said.kind is not None and said.kind != known.kind:
        yield Fault(f"{where}/kind", f"'{said.name}' is of the kind {known.kind}")
    if said.needs_identity is False and known.needs_identity:
        text = (
            f"'{said.name}' may disclose what a record holds, so it needs identity: that cannot be given up"
        )
        yield Fault(f"{where}/needs_identity", text)
    for name in ("says", "guides"):
        if getattr(said, name):
            yield Fault(f"{where}/{name}", f"only an annotation has '{name}'")
    for name in ("asks", "expects", "choices", "claims", "routes", "does"):
        if getattr(said, name):
            yield Fault(f"{where}/{name}", f"only a state of your own has '{name}'")
    if said.max_turns is not None and known.kind != "data_collection":
        yield Fault(f"{where}/max_turns", "only a state of the kind data_collection has 'max_turns'")
    if said.form_after is not None:
        if said.name not in ASKS_FACTS:
            yield Fault(f"{where}/form_after", f"a form can only ask for {', '.join(sorted(ASKS_FACTS))}")
        elif said.form_after >= (said.max_turns or document.MAX_TURNS):
            yield Fault(f"{where}/form_after", "'form_after' is below 'max_turns'")


def _ways(
    said: document.State, where: str, states: Mapping[str, State], ordinary: Mapping[str, State]
) -> Iterator[Fault]:
    """Where the states that follow are not those that the dialogue goes to."""
    for place, name in enumerate(said.after or ()):
        mine = name in states and bool(states[name].own)
        if name == document.ONWARD and said.name in states and states[said.name].own:
            continue
        if name not in states:
            yield Fault(f"{where}/after/{place}", _unknown(name, states))
        elif said.kind == ANNOTATION and states[name].kind == ANNOTATION:
            yield Fault(f"{where}/after/{place}", "an annotation is not followed by another one")
        elif mine and (said.kind == ANNOTATION or said.name in own.NO_ENTRY):
            yield Fault(f"{where}/after/{place}", f"nothing of your own comes right after '{said.name}'")
    if said.after is None or said.name not in ordinary:
        return
    yield from _ways_of_a_built_one(said.name, said.after, where, states, ordinary)


def _ways_of_a_built_one(
    name: str, after: Sequence[str], where: str, states: Mapping[str, State], ordinary: Mapping[str, State]
) -> Iterator[Fault]:
    goes = set(ordinary[name].after)
    reached = {target for one in after for target in _through(one, states)}
    for target in ordinary[name].after:
        if target not in reached:
            yield Fault(
                f"{where}/after", f"the dialogue goes from '{name}' to '{target}': that cannot be left out"
            )
    for place, one in enumerate(after):
        mine = one in states and bool(states[one].own)
        may = goes | REROUTES if mine and ordinary[name].needs_identity else goes
        targets = [target for target in _through(one, states) if target in states]
        for target in targets:
            if target not in may:
                yield Fault(
                    f"{where}/after/{place}", f"the dialogue knows no way from '{name}' to '{target}'"
                )
        if (
            mine
            and may.issuperset(targets)
            and name not in own.NO_ENTRY
            and not goes.intersection(targets) - {"handover", "closing"}
        ):
            text = f"'{one}' leads to nothing that comes after '{name}', so it is never come to: 'onward' is"
            yield Fault(f"{where}/after/{place}", f"{text} wherever the conversation was going")


def _through(name: str, states: Mapping[str, State]) -> Sequence[str]:
    """The built states that are come to by a way that begins with this one."""
    if name not in states or not (states[name].own or states[name].kind == ANNOTATION):
        return (name,)
    seen, ahead, found = {name}, list(states[name].after), dict[str, None]()
    while ahead:
        one = ahead.pop(0)
        if one in states and (states[one].own or states[one].kind == ANNOTATION):
            ahead += [] if one in seen else states[one].after
            seen.add(one)
        else:
            found[one] = None
    return tuple(found)


def _whole(states: Mapping[str, State], said: Sequence[document.State]) -> Iterator[Fault]:
    """What must hold of the graph as a whole: nothing out of reach, an end to everything, identity first."""
    places = {one.name: pointer("graph", "states", place) for place, one in enumerate(said)}
    reached = reachable(states, BEGINNING)
    for name in states:
        if name not in reached:
            yield Fault(places.get(name, "/graph"), f"nothing leads to '{name}'")
    backwards = {name: [n for n, state in states.items() if name in state.after] for name in states}
    ending = _closure(backwards, END)
    for name in states:
        if name in reached and name not in ending:
            yield Fault(places.get(name, "/graph"), f"'{name}' leads to no end")
    unasked = reachable({n: s for n, s in states.items() if n != "identity"}, BEGINNING)
    for name in sorted(unasked):
        if states[name].needs_identity:
            yield Fault(places.get(name, "/graph"), f"'{name}' needs identity and can be reached without it")


def reachable(states: Mapping[str, State], start: str) -> set[str]:
    """All states that can be come to from one, it included."""
    return _closure({name: state.after for name, state in states.items()}, start)


def _closure(after: Mapping[str, Iterable[str]], start: str) -> set[str]:
    seen, ahead = set[str](), [start]
    while ahead:
        name = ahead.pop()
        if name not in seen and name in after:
            seen.add(name)
            ahead += after[name]
    return seen
