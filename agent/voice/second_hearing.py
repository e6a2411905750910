"""Hearing a call again when it is over: each of the caller's turns, by a recogniser that has time.

The second reading is told nothing of what was expected (no hints): it is to be independent of the first. What differs
counts only where it matters: a number, a date, a time, a name, an id, or yes and no.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from agent.audio.frames import RATE
from agent.call_record import CallRecord
from agent.hints import Hints
from agent.signals import Utterance
from agent.speech.ports import FileTranscriber, SpeechFailed
from agent.speech.verbatim import differing
from agent.voice.voice_line import VoiceLine
from fhirserver.world.judge.transcript import Reading

log = logging.getLogger("credence.voice")

MARGIN = 0.3
"""Seconds of sound before and after a turn that are heard with it."""
PATIENCE = 60.0
"""Seconds for a whole call; what has not been heard again by then is left as it is."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A turn of the caller and where it is in the sound, in seconds."""

    number: int
    text: str
    start: float
    end: float


def spoken(record: CallRecord, line: VoiceLine) -> list[Spoken]:
    """The caller's turns that were heard: those of keys and of text have no sound."""
    heard = {one.started: one for one in record.signals if isinstance(one, Utterance) and one.started}
    found = []
    for turn in record.turns:
        said = heard.get(turn.at)
        if turn.speaker == "caller" and said is not None and said.text == turn.text:
            start, end = ((at - line.began).total_seconds() for at in (turn.at, said.at))
            found.append(Spoken(turn.number, turn.text, max(start - MARGIN, 0.0), end + MARGIN))
    return found


async def heard_again(
    transcriber: FileTranscriber, turns: Sequence[Spoken], line: VoiceLine
) -> list[Reading]:
    """The turns in which the second reading differs in what matters. Never raises for a recogniser that fails."""
    caller, found = line.recording.caller.pcm(), list[Reading]()
    try:
        async with asyncio.timeout(PATIENCE):
            for turn in turns:
                sound = caller[round(turn.start * RATE) : round(turn.end * RATE)]
                again = (await transcriber.transcribe(sound, Hints())).text
                kinds = differing(turn.text, again) if again else ()
                if kinds:
                    found.append(Reading(turn.number, turn.text, again, kinds))
    except (SpeechFailed, TimeoutError) as error:
        log.warning("a call could not be heard again: %s", type(error).__name__)
        return []
    return found
