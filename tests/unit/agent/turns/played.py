"""A call written as two lines, a sign for every 100 ms: ``=`` somebody speaks, ``#`` shielded, ``.`` nobody."""

from collections.abc import Mapping

from agent.turns.events import FloorEvent, TurnStarted
from agent.turns.floor import Floor
from agent.turns.rules import Rules

FRAME = 0.02
UNSHIELDED = Rules(greeting_shield=0)


def play(
    agent: str = "",
    caller: str = "",
    words: Mapping[float, str] | None = None,
    expects: str = "",
    rules: Rules = UNSHIELDED,
    floor: Floor | None = None,
    more: float = 0.0,
) -> list[FloorEvent]:
    """Every event of the call; a paused agent keeps silent, and after a barge-in it says nothing of its line."""
    floor = floor or Floor(rules)
    floor.expecting(expects)
    waiting = sorted((words or {}).items())
    events: list[FloorEvent] = []
    before = "."
    for n in range(round(max(len(agent), len(caller)) * 5 + more / FRAME)):
        at = round(n * FRAME, 2)
        sign = agent[n // 5] if n // 5 < len(agent) else "."
        if sign != before:
            before = sign
            change = floor.agent_quiet(at) if sign == "." else floor.agent_speaks(at, sign == "#")
            events += change
        while waiting and waiting[0][0] <= at:
            events += floor.words(at, waiting.pop(0)[1])
        events += floor.frame(at, n // 5 < len(caller) and caller[n // 5] == "=")
    return events


def shown(events: list[FloorEvent]) -> str:
    """``TurnStarted 0.1, TurnEnded 1.2 silence``: what happened and when, to the hundredth."""
    return ", ".join(_shown(e) for e in events)


def _shown(event: FloorEvent) -> str:
    extra = getattr(event, "reason", "") or getattr(event, "count", "")
    if isinstance(event, TurnStarted):
        extra = "continues" if event.continues else ""
    return f"{type(event).__name__} {event.at:.2f} {extra}".strip()
