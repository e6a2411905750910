"""The process that answers the telephone, as one ASGI application."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette

from agent.call_out import CallDesk, Hours
from agent.emotion.analyst import prosody_analyst
from agent.emotion.speakers import speaker_analyst
from agent.insisting import Insisting
from agent.live.board import LiveBoard
from agent.telephony.telephone import Telephone
from agent.tools.client import FhirClient
from fhirserver.access.desk_passes import DeskPasses, DeskPrincipals
from fhirserver.app.observing.voice import WatchingVoice
from fhirserver.app.server_key import server_key
from fhirserver.app.settings import Settings
from fhirserver.app.voice.audit import ToldAudit
from fhirserver.app.voice.reaching import ReachingOut
from fhirserver.app.voice.room import Room
from fhirserver.app.voice.speech import Speech
from fhirserver.rest.front import Front, Receive, Scope, Send
from fhirserver.rest.live_calls import LiveRoutes
from fhirserver.rest.live_texts import TextRoutes
from fhirserver.rest.visits import Visits


class VoiceApplication:
    """ASGI, with a way to end what operators follow."""

    def __init__(self, web: Starlette, visits: Visits, ending: asyncio.Event):
        self.web, self.visits, self._ending = web, visits, ending
        self._front = Front(web, visits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._front(scope, receive, send)

    def end_streams(self) -> None:
        self._ending.set()


def make_voice_application(settings: Settings) -> VoiceApplication:
    """Telephone, live calls and health. ``settings.telephony`` must be there; raises WrongSetting for the token."""
    if settings.telephony is None:
        raise ValueError("[telephony] is needed")
    ending, board, insisting = asyncio.Event(), LiveBoard(settings.safety), Insisting()
    own = None if settings.voice.fhir_url else settings.own_context()
    client = FhirClient(settings.voice.fhir_url or settings.fhir_base, settings.voice.token(), tls=own)
    speech, audit = Speech(settings), ToldAudit(client)
    room = Room(settings, client, board, speech, insisting=insisting)
    reaching = ReachingOut(settings, client, board, insisting)
    telephone = Telephone(settings.telephony, room.make, room.converse, reaching.opt_outs, room.look)
    reaching.connect(telephone)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await speech.start()
        watching.started = True
        language = settings.llm.language_model() if settings.llm.enabled else None
        room.model = language
        if settings.voice.emotion:
            room.analyst = prosody_analyst()
        if settings.voice.speaker_model is not None:
            room.voices = speaker_analyst(settings.voice.speaker_model)
        telling = asyncio.create_task(audit.run(), name="audit")
        keeping = asyncio.create_task(room.definitions.keep(), name="definitions")
        reaching.begin()
        try:
            async with watching.running():
                yield
        finally:
            watching.started = False
            ending.set()
            telling.cancel()
            keeping.cancel()
            await reaching.close()
            await telephone.close()
            await insisting.close()
            await speech.close()
            for analyst in (room.analyst, room.voices):
                if analyst is not None:
                    await analyst.close()
            if language is not None:
                await language.aclose()
            await audit.flush()
            await client.close()

    principals = DeskPrincipals(settings.authenticator(), DeskPasses(server_key(settings)))
    hours = Hours(settings.voice.zone, *settings.telephony.call_hours)
    desk = CallDesk(client, telephone.outbound, hours, settings.telephony.call_any_number)
    live = LiveRoutes(board, principals, ending, desk, audit).router()
    texts = TextRoutes(principals, reaching.texts, audit).router()
    watching = WatchingVoice(settings, client, telephone.calls, principals)
    routes = [*telephone.routes(), *live.routes, *texts.routes, *watching.routes()]
    web = Starlette(routes=routes, lifespan=lifespan)
    return VoiceApplication(web, Visits(settings.rates, settings.trusted_proxies), ending)
