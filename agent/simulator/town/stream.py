"""The carrier's end of a media stream whose sound is text (:mod:`agent.voice.written_sound`)."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from typing import Any

from agent.simulator.text_socket import TextSocket, opened
from agent.voice.written_sound import FRAME_BYTES, Reader, framed

_FRAME_MS = 20


class WrittenStream:
    """One stream, from its opening to its end; what the agent says comes from :meth:`hear`."""

    def __init__(self, call: str):
        self._call, self._sid = call, f"MZ{call[2:]}"
        self._heard: asyncio.Queue[str] = asyncio.Queue()
        self._reader = Reader()
        self._socket: TextSocket | None = None
        self._sequence = self._chunk = 0

    async def open(self, url: str, signature: str, parameters: dict[str, str]) -> None:
        """Raises Refused, OSError."""
        self._socket = await opened(url, {"X-Twilio-Signature": signature}, self._take)
        self._socket.over.add_done_callback(lambda _: self._heard.put_nowait(""))
        self._send({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        start = {
            "streamSid": self._sid,
            "callSid": self._call,
            "tracks": ["inbound"],
            "customParameters": parameters,
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        }
        self._tell("start", start)

    def say(self, text: str) -> None:
        """Speak: frames as Twilio sends them."""
        codes = framed(text)
        for start in range(0, len(codes), FRAME_BYTES):
            payload = base64.b64encode(codes[start : start + FRAME_BYTES]).decode()
            self._chunk += 1
            at = str((self._chunk - 1) * _FRAME_MS)
            self._tell(
                "media", {"track": "inbound", "chunk": str(self._chunk), "timestamp": at, "payload": payload}
            )

    async def hear(self, gathered: float = 0.05, patience: float = 20.0) -> str:
        """All that the agent says next, until it is quiet for a moment; empty at the end of the stream.

        Raises TimeoutError where nothing comes for ``patience`` seconds.
        """
        async with asyncio.timeout(patience):
            said = [await self._heard.get()]
        while said[-1]:
            try:
                async with asyncio.timeout(gathered):
                    said.append(await self._heard.get())
            except TimeoutError:
                break
        if said[-1] == "":
            self._heard.put_nowait("")
        return " ".join(said).strip()

    async def hang_up(self) -> None:
        self._tell("stop", {"callSid": self._call})
        await self.close()

    async def close(self) -> None:
        if self._socket is not None:
            await self._socket.close()

    def _take(self, message: bytes) -> None:
        told = json.loads(message)
        if told["event"] == "media":
            try:
                codes = base64.b64decode(told["media"]["payload"], validate=True)
            except binascii.Error as error:
                raise ValueError("a payload is no base64") from error
            for text in self._reader.take(codes):
                self._heard.put_nowait(text)
        elif told["event"] == "mark":
            self._tell("mark", told["mark"])

    def _tell(self, event: str, told: dict[str, Any]) -> None:
        self._sequence += 1
        self._send(
            {"event": event, "sequenceNumber": str(self._sequence), "streamSid": self._sid, event: told}
        )

    def _send(self, message: dict[str, Any]) -> None:
        if self._socket is not None:
            self._socket.send(json.dumps(message))
