"""A call under way as its page shows it: the talk in lines, the emotion as a line, the tools that ran."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fhirserver.kernel.instants import instant
from fhirserver.ports.live_calls import LiveCall, LiveEvent

_WHO = {"agent": "Agent", "caller": "Caller", "partial": "Caller", "filler": "Agent", "person": "Operator"}
_DONE = {
    "listen": "listens",
    "speak": "speaks to the caller",
    "lost": "is not connected any more",
    "guide": "told the agent to say something",
    "take_over": "took the call over",
    "hand_back": "handed the call back",
    "finish": "ended the call",
    "wrap_up": "wrapped the call up",
}
WIDTH, HEIGHT = 320, 84
_MOST_POINTS = 60


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the talk; ``kind`` is its style: agent, caller, partial, filler, person or note."""

    kind: str
    who: str
    text: str
    at: str
    turn: int = 0


def talk(events: Iterable[LiveEvent]) -> list[Line]:
    """What was said, and between it what happened."""
    return [line for event in events if (line := _line(event)) is not None]


def _line(event: LiveEvent) -> Line | None:
    at, by = instant(event.at)[11:19], str(event.data.get("by", ""))
    if event.kind in _WHO:
        who = by if event.kind == "person" and by else _WHO[event.kind]
        return Line(event.kind, who, event.text, at, event.turn)
    words = _note(event, by)
    return Line("note", "", words, at) if words else None


def _note(event: LiveEvent, by: str) -> str:
    if event.kind == "operator":
        said = event.data.get("words", "")
        told = _DONE.get(event.text, "")
        return f"{by} {told}{f': “{said}”' if said else ''}" if told else ""
    if event.kind == "escalation":
        return f"A person is wanted: {event.data['reason']}" if event.text == "requested" else ""
    notes = {
        "ringing": "It rings",
        "identified": "The caller is identified",
        "speakers": "Another person speaks now" if event.text == "changed" else "A second person is heard",
        "transfer": f"Handed to a person: {event.text}",
        "end": f"The agent ended the call: {event.text}",
        "keys": f"Keys: {event.text}",
    }
    return notes.get(event.kind, "")


@dataclass(frozen=True, slots=True)
class Felt:
    """How the voice sounded, as points of an SVG and in words; ``path`` is empty before the first."""

    path: str = ""
    x: float = 0.0
    y: float = 0.0
    label: str = ""
    tier: str = ""
    words: str = "Nothing heard yet."


def felt(events: Iterable[LiveEvent]) -> Felt:
    """Valence over the last minutes, above the middle where it is good."""
    heard = [event for event in events if event.kind == "emotion" and "valence" in event.data][-_MOST_POINTS:]
    if not heard:
        return Felt()
    first = heard[0].at
    span = max(1.0, (heard[-1].at - first).total_seconds())
    points = [
        (6 + (WIDTH - 12) * (one.at - first).total_seconds() / span, _height(float(one.data["valence"])))
        for one in heard
    ]
    path = " ".join(f"{'L' if i else 'M'}{x:.1f} {y:.1f}" for i, (x, y) in enumerate(points))
    last, (x, y) = heard[-1], points[-1]
    words = f"{len(heard)} moments, valence now {float(last.data['valence']):+.1f}, was {_range(heard)}."
    return Felt(path, x, y, last.text, str(last.data.get("tier", "")), words)


def _height(valence: float) -> float:
    return HEIGHT / 2 - max(-1.0, min(1.0, valence)) * (HEIGHT / 2 - 6)


def _range(heard: Sequence[LiveEvent]) -> str:
    values = [float(one.data["valence"]) for one in heard]
    return f"{min(values):+.1f} to {max(values):+.1f}"


@dataclass(frozen=True, slots=True)
class Ran:
    """A tool that ran, in the order of the answers."""

    name: str
    result: str
    seconds: str


def ran(events: Iterable[LiveEvent]) -> list[Ran]:
    """The tools, the latest first; those without an answer are still at work."""
    begun: list[str] = []
    out: list[Ran] = []
    for event in events:
        if event.kind == "tool":
            begun.append(event.text)
        elif event.kind == "result" and begun:
            out.append(Ran(_plain(begun.pop(0)), _plain(event.text), f"{event.data.get('seconds', 0):.2f} s"))
    out += [Ran(_plain(name), "at work", "") for name in begun]
    return out[::-1]


def _plain(name: str) -> str:
    """``FindByBirthDate`` as ``find by birth date``."""
    return "".join(f" {c.lower()}" if c.isupper() else c for c in name).strip()


def lasted(seconds: float) -> str:
    """A time as minutes and seconds."""
    whole = max(0, int(seconds))
    return f"{whole // 60}:{whole % 60:02d}"


def pressing(calls: Sequence[LiveCall]) -> int:
    """How many calls wait for a person."""
    return sum(call.stage == "requested" for call in calls)
