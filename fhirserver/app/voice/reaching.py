"""Reaching out first, in the process that answers the telephone: campaigns, and messages that are ordered."""

from __future__ import annotations

import asyncio

from agent.campaigns.beside import Beside, ChatChannel, FormChannel
from agent.campaigns.by_call import CallChannel
from agent.campaigns.channels import Channel
from agent.campaigns.engine import Engine, Practice
from agent.campaigns.ledger import Ledger
from agent.campaigns.operators import Rota
from agent.insisting import Insisting
from agent.left_open import LeftOpen
from agent.live.board import LiveBoard
from agent.open_texts import OpenTexts
from agent.opt_out import OptOuts
from agent.telephony.telephone import TEXT_STATUS, Telephone
from agent.text_out import TextDesk, TextSender
from agent.tools.client import FhirClient
from fhirserver.app.settings import Settings
from fhirserver.kernel.instants import SystemClock


class ReachingOut:
    """``settings.telephony`` must be there. ``texts`` and ``engine`` are there once it is connected."""

    def __init__(self, settings: Settings, client: FhirClient, board: LiveBoard, insisting: Insisting):
        if settings.telephony is None:
            raise ValueError("[telephony] is needed")
        self._settings, self._client, self._clock = settings, client, SystemClock()
        self._board = board
        self._telephony = settings.telephony
        self._ledger = Ledger(client, self._clock)
        self.opt_outs = OptOuts(self._ledger, insisting)
        base = (settings.voice.fhir_url or settings.fhir_base).removesuffix("/fhir")
        own = None if settings.voice.fhir_url else settings.own_context()
        self._beside = Beside(base, settings.voice.token(), tls=own)
        self.texts: TextDesk | None = None
        self.engine: Engine | None = None
        self._running: list[asyncio.Task[None]] = []
        self._left_open = LeftOpen(self._ledger, board.records)
        self._open_texts: OpenTexts | None = None

    def connect(self, telephone: Telephone) -> None:
        """Send and call by this telephone."""
        chosen, telephony = self._settings, self._telephony
        sender = TextSender(self._ledger, telephone.api, f"{telephony.base}{TEXT_STATUS}")
        telephone.delivery = sender
        self._open_texts = OpenTexts(self._ledger, sender)
        self.texts = TextDesk(
            self._client, sender, chosen.voice.zone, telephony.call_any_number, chosen.campaigns.text_consent
        )
        if chosen.campaigns.enabled:
            spare = min(chosen.campaigns.spare_lines, telephony.most_calls - 1)
            calls = CallChannel(telephone.calls, telephone.outbound, telephone.api, spare)
            channels: dict[str, Channel] = {"call": calls, "sms": sender}
            channels |= {"chat": ChatChannel(self._beside, sender), "form": FormChannel(self._beside, sender)}
            hours = (chosen.voice.zone, *telephony.call_hours)
            practice = Practice(chosen.voice.practice, chosen.voice.zone, hours)
            rota = Rota(self._beside, self._board.calls, self._request)
            self.engine = Engine(self._client, practice, channels, self._clock, operators=rota)

    def _request(self, call: str) -> str:
        errand = self._board.errand_of(call)
        return errand.request if errand is not None else ""

    def begin(self) -> None:
        """Carry out campaigns from now on, close what processes before this one have left, and ask after messages that
        they left open."""
        loops = {"left-open": self._left_open.run}
        if self.engine is not None:
            loops["campaigns"] = self.engine.run
        if self._open_texts is not None:
            loops["open-texts"] = self._open_texts.run
        self._running = [asyncio.create_task(run(), name=name) for name, run in loops.items()]

    async def close(self) -> None:
        """Nothing new begins; calls that go on are the telephone's to end."""
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=5)
        await self._beside.close()
