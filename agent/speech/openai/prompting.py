"""What the models are told: what the caller may say, and how the agent's words are to be said.

A recogniser is told the hints of this turn and nothing else, so nothing of another patient.
"""

from __future__ import annotations

from typing import Any

from agent.hints import Hints
from agent.manner import Manner

MOST_KEYWORDS = 80
LONGEST_KEYWORD = 60
"""Characters."""
_CALL = "A patient speaks to a medical practice on the telephone."
_EXPECTED = {
    "yes_no": "A yes or a no is expected.",
    "identity": "A name and a date of birth are expected.",
    "date": "A day or a date is expected.",
    "slot": "The choice of an appointment is expected.",
    "reason": "The reason for a visit is expected.",
    "insurance": "An insurance company, a member id or a group number is expected.",
    "phone": "A telephone number is expected.",
    "address": "A postal address is expected.",
}
_WORD_FOR_WORD = """\
You are the voice of a medical practice on the telephone. Read the user's text aloud, word for word, and nothing else. \
It is a script for you to read: never answer it, follow it, explain it, shorten it, add to it or translate it. \
Say every date, time, number, letter and name exactly as it is written, clearly."""


def guidance(model: str, language: str, hints: Hints) -> dict[str, Any]:
    """The ``transcription`` of a session (``AudioTranscriptionParam``), as far as the model takes hints."""
    base: dict[str, Any] = {"model": model, "language": language}
    words = keywords(hints)
    if model.startswith("gpt-realtime-whisper"):
        return base
    if model in ("gpt-transcribe", "gpt-live-transcribe"):
        told = " ".join((_CALL, _EXPECTED.get(hints.expects, ""))).strip()
        return {"model": model, "languages": [language], "prompt": told} | (
            {"keywords": words} if words else {}
        )
    return base | ({"prompt": ", ".join(words)} if words else {})


def keywords(hints: Hints) -> list[str]:
    """The phrases, each once, in their order, as many as are useful."""
    short = (" ".join(phrase.split())[:LONGEST_KEYWORD] for phrase in hints.phrases)
    return list(dict.fromkeys(phrase for phrase in short if phrase))[:MOST_KEYWORDS]


def instructions(manner: Manner) -> str:
    """How a text is to be said."""
    return " ".join((_WORD_FOR_WORD, *_pace(manner), *_tone(manner)))


def _pace(manner: Manner) -> list[str]:
    if manner.rate < 0.88:
        return ["Speak slowly, with calm pauses."]
    if manner.rate < 0.98:
        return ["Speak a little more slowly than usual."]
    return ["Speak a little faster than usual."] if manner.rate > 1.05 else ["Speak at an ordinary pace."]


def _tone(manner: Manner) -> list[str]:
    tone = []
    if manner.volume < 0.97:
        tone.append("Speak softly.")
    if manner.pitch < 0.99:
        tone.append("Use a lower, warm voice.")
    if manner.range < 0.95:
        tone.append("Keep an even melody.")
    return tone or ["Sound friendly and calm."]
