"""The context graph of the dialogue policy: which states there are and what each may do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class State:
    """A state; ``kind`` is ``action`` (a tool runs), ``decision`` (the caller chooses) or "
    "``data_collection``."""

    name: str
    kind: str
    after: tuple[str, ...]
    needs_identity: bool = True


def _state(name: str, kind: str, after: str, needs_identity: bool = True) -> State:
    return State(name, kind, tuple(after.split()), needs_identity)


GRAPH: dict[str, State] = {
    s.name: s
    for s in (
        _state("ringing", "action", "open", False),
        _state("open", "decision", "identity handover closing", False),
        _state(
            "identity",
            "data_collection",
            "open choose_appointment wish insurance phone address handover",
            False,
        ),
        _state("loading", "action", "open choose_appointment wish", True),
        _state("choose_appointment", "decision", "wish reason will_you_come read_back open"),
        _state("wish", "data_collection", "searching open handover"),
        _state("searching", "action", "offer wish handover"),
        _state("offer", "decision", "searching read_back wish open"),
        _state("no_appointment", "decision", "wish searching open"),
        _state("not_coming", "decision", "wish reason open"),
        _state("served", "decision", "choose_appointment wish insurance phone address how_are_you closing"),
        _state("reason", "data_collection", "read_back open"),
        _state("will_you_come", "decision", "writing wish reason open"),
        _state("how_are_you", "decision", "open handover"),
        _state("insurance", "data_collection", "read_back open"),
        _state("phone", "data_collection", "read_back open"),
        _state("address", "data_collection", "read_back open"),
        _state("read_back", "decision", "writing offer insurance phone address open"),
        _state("writing", "action", "open searching handover"),
        _state("handover", "action", "closing", False),
        _state("closing", "action", "", False),
    )
}
