"""The context graph of the dialogue policy: which states there are, what each may do and which may follow.

It is what the dialogue does by itself. An agent's document may leave states out, put annotations and states of its own
between them and limit how long something is asked for (:mod:`agent.definition.graph`); it cannot take a way round
identity or round what is read back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from fhirserver.world.configured import agent as document


@dataclass(frozen=True, slots=True)
class State:
    """A state; ``kind`` is ``action`` (a tool runs), ``decision`` (the caller chooses), ``data_collection``, or
    ``annotation`` (something is said or noted in passing).

    ``max_turns``: utterances of the caller's after which a person takes over, ``form_after`` after which a form is
    offered instead; 0 for neither. ``says`` and ``guides`` are of annotations. ``own``: a state of a document's own, as
    it is stated there.
    """

    name: str
    kind: str
    after: tuple[str, ...]
    needs_identity: bool = True
    max_turns: int = 0
    form_after: int = 0
    says: str = ""
    guides: str = ""
    own: document.State | None = None


Graph: TypeAlias = Mapping[str, State]


def _state(name: str, kind: str, after: str, needs_identity: bool = True) -> State:
    return State(name, kind, tuple(after.split()), needs_identity)


_SERVES = (
    "choose_appointment no_appointment wish searching reason will_you_come read_back insurance phone address "
    "how_are_you"
)
"""Where a piece of business begins: with its first question, or further on where the caller has said more already."""

GRAPH: dict[str, State] = {
    s.name: s
    for s in (
        _state("ringing", "action", "open", False),
        _state("open", "decision", "identity handover closing", False),
        _state("identity", "data_collection", "loading served handover closing", False),
        _state("loading", "action", "served handover"),
        _state("served", "decision", f"{_SERVES} handover closing"),
        _state(
            "choose_appointment", "decision", "wish searching reason will_you_come read_back served handover"
        ),
        _state("no_appointment", "decision", "wish searching served handover"),
        _state("wish", "data_collection", "searching served handover"),
        _state("searching", "action", "offer read_back wish served handover"),
        _state("offer", "decision", "searching read_back wish served handover"),
        _state("will_you_come", "decision", "writing not_coming wish reason served handover"),
        _state("not_coming", "decision", "wish reason served handover"),
        _state("reason", "data_collection", "read_back wish served handover"),
        _state("how_are_you", "decision", "served handover"),
        _state("insurance", "data_collection", "read_back served handover"),
        _state("phone", "data_collection", "read_back served handover"),
        _state("address", "data_collection", "read_back served handover"),
        _state(
            "read_back",
            "decision",
            "writing offer searching wish reason insurance phone address served handover",
        ),
        _state("writing", "action", "searching served handover"),
        _state("handover", "action", "closing", False),
        _state("closing", "action", "", False),
    )
}

BEGINNING, END = "ringing", "closing"
KEPT = frozenset(["ringing", "open", "identity", "loading", "served", "how_are_you", "handover", "closing"])
"""Without these there is no conversation: who calls, whether it is they, a person, the end; and how they are, which a
campaign may ask whatever is offered to those who call."""
NEEDS: dict[str, frozenset[str]] = {
    "reschedule": frozenset(
        ["choose_appointment", "no_appointment", "wish", "searching", "offer", "read_back", "writing"]
    ),
    "book": frozenset(["wish", "searching", "offer", "read_back", "writing"]),
    "cancel": frozenset(["choose_appointment", "reason", "read_back", "writing"]),
    "confirm": frozenset(["choose_appointment", "will_you_come", "not_coming", "writing"]),
    "insurance": frozenset(["insurance", "read_back", "writing"]),
    "phone": frozenset(["phone", "read_back", "writing"]),
    "address": frozenset(["address", "read_back", "writing"]),
}
"""The states that each piece of business goes through."""
PATHS: dict[str, tuple[str, ...]] = {
    "reschedule": ("wish", "searching", "offer", "read_back", "writing"),
    "book": ("wish", "searching", "offer", "read_back", "writing"),
    "cancel": ("reason", "read_back", "writing"),
    "confirm": ("will_you_come", "writing"),
    "insurance": ("insurance", "read_back", "writing"),
    "phone": ("phone", "read_back", "writing"),
    "address": ("address", "read_back", "writing"),
}
"""What each piece of business passes through, also with a caller who says everything at once."""
REROUTES = frozenset({"served", "insurance", "phone", "address", "handover", "closing"})
"""Where a document may send a conversation that was going elsewhere."""
ASKS_FACTS = frozenset({"insurance", "phone", "address"})
"""States that ask for what a form can ask for as well."""
