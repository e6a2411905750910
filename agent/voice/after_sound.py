"""What is left of a call with a voice, besides its words: the recording, and how the voice sounded."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from agent.after_call import second_document
from agent.call import Call, CallRecord
from agent.call_back import call_back
from agent.emotion.timeline import timeline
from agent.requests import CONFIRMED, INFERRED
from agent.sound_record import recording_media
from agent.speech.ports import FileTranscriber
from agent.voice.archive import Archive
from agent.voice.second_hearing import heard_again, spoken
from agent.voice.voice_line import VoiceLine

log = logging.getLogger("credence.voice")


@dataclass
class AfterCall:
    """Keeps what one call leaves. ``url`` says where the sound of a call will be found, ``close`` ends its speech.

    ``again`` makes what hears a recorded call again; None: nobody does.
    """

    call: Call
    recorded: bool
    archive: Archive | None
    url: Callable[[str], str]
    close: Callable[[], Awaitable[None]]
    again: Callable[[], FileTranscriber] | None = None

    def __post_init__(self) -> None:
        self.call.keeper.heard_again = self.recorded and self.again is not None

    async def done(self, record: CallRecord, line: VoiceLine) -> None:
        """The call is over and its record written."""
        await self.close()
        if not record.communication:
            return
        if self.recorded and self.archive is not None and line.recording.seconds > 0:
            await self._keep(self.archive, record, line)
        await self._feelings(record)
        if self.recorded and self.again is not None:
            await self._hear_again(self.again(), record, line)

    async def _keep(self, archive: Archive, record: CallRecord, line: VoiceLine) -> None:
        id = record.communication.partition("/")[2]
        try:
            kept = await asyncio.to_thread(archive.keep, id, line.recording)
        except OSError as error:
            log.error("a recording could not be kept: %s", type(error).__name__)
            return
        media = recording_media(
            record.communication, record.patient, line.began, kept.seconds, kept.size, kept.sha1, self.url(id)
        )
        await self.call.keeper.add(media)

    async def _feelings(self, record: CallRecord) -> None:
        speaker = self.call.tools.speaker.reference()
        felt = self.call.session.emotions
        observed = timeline(felt, record.communication, record.patient, record.transcript, speaker)
        if observed is not None:
            await self.call.keeper.add(observed, INFERRED, "derived")

    async def _hear_again(self, transcriber: FileTranscriber, record: CallRecord, line: VoiceLine) -> None:
        try:
            readings = await heard_again(transcriber, spoken(record, line), line)
        finally:
            await transcriber.close()
        at = self.call.clock.now()
        document = second_document(
            readings, transcriber.name, record.communication, record.patient, record.transcript, at
        )
        await self.call.keeper.add(document, CONFIRMED, "derived")

    async def unanswered(self, record: CallRecord, reason: str) -> None:
        """Nobody took the transfer, and the caller was promised a call back: a Task for the staff."""
        log.warning("nobody took a transfer; the caller waits for a call back")
        writer, now = self.call.tools.speaker.reference(), self.call.clock.now()
        task = call_back(record.communication, record.patient, record.caller, reason, writer, now)
        if not await self.call.keeper.add(task):
            log.error("the promise of a call back could not be written down")
        await self.call.keeper.nobody_came(record)
