"""What the demo shows of a call with sound: the conversation, the figures, the emotion line, the recording."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

KEPT = Path("var/demo-call.wav")
"""Where the recording stays, under the current folder."""
_BARS = "▁▂▃▄▅▆▇█"
_SHOWN = frozenset(("identified", "escalate", "transfer", "ringing", "filler", "barge_in"))

Line = Callable[[str, str, str], None]
"""Prints one line: its mark, its text, its style."""


class Conversation:
    """Takes the events of the live feed."""

    def __init__(self, line: Line, on_identified: Callable[[], None]):
        self._line, self._on_identified = line, on_identified
        self.felt: list[tuple[float, str]] = []
        """Valence (-1 to 1) and label of each turn."""
        self.record = ""
        """The id of the call's Communication."""

    def told(self, event: dict[str, Any]) -> None:
        """Show one event."""
        kind, text = str(event.get("kind", "")), str(event.get("text", ""))
        if kind == "identified":
            self._on_identified()
        if kind == "agent":
            self._line("agent", text, "cyan")
        elif kind == "caller":
            self._line("caller", f'heard: "{text}"', "white")
        elif kind == "result":
            self._line("  world", f"{text} in {float(event.get('seconds', 0)) * 1000:.0f} ms", "dim")
        elif kind == "emotion":
            self.felt.append((float(event.get("valence", 0)), text))
            self._line("  voice", _mood(event), "dim" if event.get("tier") == "functional" else "yellow")
        elif kind == "record":
            self.record = text.partition(":")[0].removeprefix("Communication/")
        elif kind in _SHOWN:
            self._line(f"  {kind.replace('_', '-')}", text, "dim")


def _mood(event: dict[str, Any]) -> str:
    arousal, valence = float(event.get("arousal", 0)), round(float(event.get("valence", 0)), 2) + 0.0
    return f"{event.get('text')}: arousal {arousal:.2f}, valence {valence:+.2f}; {event.get('tier')}"


def spark(values: Sequence[float]) -> str:
    """A line of bars for values from -1 to 1."""
    steps = len(_BARS) - 1
    return "".join(_BARS[round((min(max(value, -1.0), 1.0) + 1) / 2 * steps)] for value in values)


def keep_recording(figures: dict[str, Any]) -> Path | None:
    """Copy the stereo recording out of the folder that goes; where it is now."""
    made = Path(figures["recording"])
    if not figures["recording"] or not made.exists():
        return None
    KEPT.parent.mkdir(exist_ok=True)
    shutil.copyfile(made, KEPT)
    return KEPT.resolve()


def show_figures(
    line: Line, figures: dict[str, Any], felt: Sequence[tuple[float, str]], kept: Path | None
) -> None:
    """What was measured from the recording, and how the caller's voice went."""
    replies = sorted(figures["replies"])
    stops = ", ".join(f"{one * 1000:.0f} ms" for one in figures["barge_ins"]) or "none"
    greeting = figures["greeting"]
    line(
        "sound",
        f"greeting after {_ms(greeting)} of the answered call; it rang {_ms(figures['ring'])}",
        "green",
    )
    line(
        "sound",
        f"replies p50 {_ms(_share(replies, 0.5))}, p95 {_ms(_share(replies, 0.95))}, with the wait for the end "
        f"of the turn; barge-in stops the agent after {stops}",
        "green",
    )
    labels = " → ".join(label for i, (_, label) in enumerate(felt) if not i or felt[i - 1][1] != label)
    line("emotion", f"valence {spark([valence for valence, _ in felt])}  {labels}", "yellow")
    if kept is not None:
        line("sound", f"recording, caller left and agent right: {kept}", "")


def _share(values: Sequence[float], share: float) -> float | None:
    return values[min(round(len(values) * share), len(values) - 1)] if values else None


def _ms(seconds: float | None) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds is not None else "–"
