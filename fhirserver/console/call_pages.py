"""The pages of calls that are over: the list, and one call with its sound, its words and what came of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from fhirserver.console import call_outcome as outcome
from fhirserver.console.call_list import PAGE, listed, rows
from fhirserver.console.call_view import MOOD, Curve, Mood, Picture, Said, began, curve, picture, said
from fhirserver.console.desk import HEADERS, Desk, words_of
from fhirserver.console.patient import title
from fhirserver.console.sessions import Session
from fhirserver.interactions.people import person
from fhirserver.interactions.recordings import Listening, may_hear, media_of
from fhirserver.kernel.ids import is_id
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.storage import Key
from fhirserver.store.transcripts import readings_of, transcript_of
from fhirserver.world.vocabulary import CALLER_VOICE

_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d(?:\.\d+)?Z")
_SOUND_HEADERS = {name: value for name, value in HEADERS.items() if name != "Content-Security-Policy"}


@dataclass(frozen=True, slots=True)
class Sound:
    """What there is to see and hear: ``seconds`` is the length of the recording, 0 without one."""

    recorded: bool
    turns: Sequence[Said]
    picture: Picture | None
    curve: Curve | None
    moods: Sequence[Mood]


class CallPages:
    """Handlers of the pages about calls that are over."""

    def __init__(self, desk: Desk, listening: Listening):
        self._desk, self._listening = desk, listening

    async def calls(self, request: Request, session: Session) -> Response:
        """The latest calls, or those before a time."""
        before, wrong = request.query_params.get("before", ""), ""
        try:
            found = await rows(self._desk, session, before)
        except Refusal as refusal:
            found, wrong = [], words_of(refusal)
        earlier = found[-1].call.sent if len(found) == PAGE else ""
        return self._desk.page(
            request, "past_calls.html", session, 400 if wrong else 200,
            rows=found, before=before, earlier=earlier, wrong=wrong,
        )  # fmt: skip

    async def call(self, request: Request, session: Session) -> Response:
        """One call."""
        call = await self._call(session, request.path_params["id"])
        if call is None:
            return self._desk.page(request, "nothing.html", session, 404)
        reference = f"Communication/{call['id']}"
        mood = await self._desk.search(
            session, "Observation", ("focus", reference), ("code", f"{CALLER_VOICE}|")
        )
        tasks = await self._desk.search(session, "Task", ("focus", reference))
        events = await self._desk.acts("Communication", call["id"])
        escalations = [found for one in tasks if (found := outcome.escalation(one))]
        own = {f"{one['resourceType']}/{one['id']}" for one in mood + (tasks if escalations else [])}
        return self._desk.page(
            request, "past_call.html", session,
            call=await listed(self._desk, call),
            sound=await self._sound(session, call["id"], mood),
            summary=await self._summary(session, call),
            quality=await self._quality(session, reference),
            escalations=escalations,
            again={one.turn: one for one in await readings_of(self._desk.context.store, reference) or ()},
            deeds=[outcome.deed(one) for one in events],
            stated=await self._stated(session, reference, own),
            mood_height=MOOD,
        )  # fmt: skip

    async def sound(self, request: Request, session: Session) -> Response:
        """The recording, for the player on the page."""
        path = await may_hear(self._listening, session.principal, request.path_params["id"])
        if path is None:
            return self._desk.page(request, "nothing.html", session, 404)
        return FileResponse(path, media_type="audio/wav", headers=_SOUND_HEADERS)

    async def _call(self, session: Session, id: str) -> JsonObject | None:
        if not is_id(id):
            return None
        try:
            call: JsonObject = loads((await self._desk.read(session, "Communication", id)).body)
        except Refusal:
            return None
        return call

    async def _sound(self, session: Session, id: str, moods: Sequence[JsonObject]) -> Sound:
        media = await media_of(self._desk.context, self._desk.registry, session.principal, id)
        kept = self._desk.context.recordings if media else None
        heard = await transcript_of(self._desk.context.store, f"Communication/{id}")
        felt = [mood for one in moods for mood in outcome.moods(one)]
        zero = began(media, heard.turns if heard else ())
        if zero is None:
            return Sound(False, (), None, None, felt)
        turns = said(heard.turns if heard else (), zero)
        loudness = kept.loudness(id) if kept else None
        drawn = picture(loudness, turns) if loudness else None
        lasted = drawn.seconds if drawn else _length(turns, felt, zero)
        recorded = kept is not None and kept.file(id) is not None
        return Sound(recorded, turns, drawn, curve(felt, zero, lasted), felt)

    async def _summary(self, session: Session, call: JsonObject) -> Sequence[outcome.Section]:
        """The sections of the Composition; for a call without one, the summary's words as one section."""
        reference = f"Communication/{call['id']}"
        if "received" in call:
            for one in await self._desk.search(session, "Composition", ("date", str(call["received"]))):
                details = (
                    d.get("reference") for event in one.get("event", ()) for d in event.get("detail", ())
                )
                if reference in details:
                    return outcome.sections(one)
        words = outcome.note(await self._desk.search(session, "DocumentReference", ("related", reference)))
        return [outcome.Section("", words.splitlines())] if words else []

    async def _quality(self, session: Session, reference: str) -> outcome.Quality | None:
        reports = await self._desk.search(session, "MeasureReport", ("evaluated-resource", reference))
        return next((found for one in reports if (found := outcome.quality(one))), None)

    async def _stated(self, session: Session, reference: str, own: set[str]) -> list[outcome.Stated]:
        """What was stated on the call about anything but the call."""
        said_so = await self._desk.search(session, "Provenance", ("entity", reference), ("_sort", "recorded"))
        found = [one for one in outcome.stated(said_so, reference) if one.reference not in own]
        for one in found:
            one.about = await self._about(session, one.reference)
        return found

    async def _about(self, session: Session, reference: str) -> str:
        type, _, id = reference.partition("/")
        try:
            resource: JsonObject = loads((await self._desk.read(session, type, id)).body)
        except Refusal:
            return ""
        if type == "Patient":
            return person(resource).title
        return _INSTANT.sub(r"\1 \2 UTC", title(Key(type, id), resource))


def _length(turns: Sequence[Said], moods: Sequence[Mood], zero: datetime) -> float:
    """How long a call without a recording lasted at least, in seconds."""
    last = [turn.seconds for turn in turns[-1:]] + [(mood.at - zero).total_seconds() for mood in moods[-1:]]
    return max(last, default=0.0)
