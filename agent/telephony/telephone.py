"""The telephone as a whole: its routes, and its end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.routing import BaseRoute, Route, WebSocketRoute

from agent.telephony import twiml
from agent.telephony.calls import Calls
from agent.telephony.incoming import MakeCall
from agent.telephony.media_socket import MediaSocket
from agent.telephony.outbound import Outbound
from agent.telephony.rest import TwilioRest
from agent.telephony.settings import TelephonySettings
from agent.telephony.signatures import Signatures
from agent.telephony.text_webhook import Delivery, Preferences, TextWebhook
from agent.telephony.texting import Converse, Texting
from agent.telephony.twiml import AFTER, MEDIA, ROOT, TRANSFERRED
from agent.telephony.webhooks import Answer, VoiceWebhooks, signed

TEXT_STATUS = f"{ROOT}/text-status"


class Telephone:
    """Everything that Twilio reaches, and what goes out to it. ``make`` prepares calls; ``converse`` holds
    conversations by text, without it text messages are not answered."""

    def __init__(
        self,
        settings: TelephonySettings,
        make: MakeCall,
        converse: Converse | None = None,
        preferences: Preferences | None = None,
        look: Callable[[], Awaitable[object]] | None = None,
    ):
        self.settings = settings
        self.preferences = preferences
        self.delivery: Delivery | None = None
        """Who is told of messages that were sent; set by whoever sends some."""
        self.calls = Calls(settings, make)
        self.api = TwilioRest(settings)
        self.outbound = Outbound(settings, self.calls, self.api)
        self.texting = Texting(settings, converse, self.api) if converse is not None else None
        self._signatures = Signatures(settings)
        twiml.said(settings, "")  # the SDK is imported now, and not while the first caller waits
        self._voice = VoiceWebhooks(settings, self.calls, look)

    def routes(self) -> list[BaseRoute]:
        """To be served as they are: the paths are part of what Twilio signs."""
        voice = self._voice
        asked: dict[str, Answer] = {
            f"{ROOT}/voice": voice.voice,
            f"{ROOT}/answered": voice.answered,
            AFTER: voice.after,
            TRANSFERRED: voice.transferred,
            f"{ROOT}/status": voice.status,
            f"{ROOT}/machine": voice.machine,
            f"{ROOT}/recording": voice.recording,
        }
        if self.texting is not None:
            texts = TextWebhook(self.texting, self.preferences, self.delivery)
            asked |= {f"{ROOT}/sms": texts.sms, TEXT_STATUS: texts.status}
        account = self.settings.account_sid
        webhooks = [
            Route(path, signed(self._signatures, account, answer), methods=["POST"])
            for path, answer in asked.items()
        ]
        socket = MediaSocket(self.calls, self._signatures)
        return [*webhooks, WebSocketRoute(MEDIA, socket.serve)]

    async def close(self, patience: float = 10.0) -> None:
        """The process ends: so do all calls and conversations, with their records."""
        if self.texting is not None:
            await self.texting.close(patience)
        await self.calls.close(patience)
        await self.api.close()
