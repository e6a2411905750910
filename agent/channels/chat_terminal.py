"""A conversation over ``/chat`` in a terminal: typed, from a script, or as lines of JSON for programs."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console

from agent.cards.pictures import BadPicture, picture
from agent.channels.chat_client import ChatClient, ChatRefused
from agent.channels.script import Script
from fhirserver.kernel.json import JsonObject, dumps

HELP = (
    "/attach FILE sends a picture or a PDF · /rate 1…5 [words] · /finish ends · Ctrl+D leaves, to go on later"
)
_SILENT = 3.0
"""Seconds a script that has nothing to say waits for more before it leaves."""


class Display:
    """Events as they come: words of the agent as they are said, or every event as a line of JSON."""

    def __init__(self, console: Console, as_json: bool = False, own_words: bool = False):
        self._console, self._json, self._own = console, as_json, own_words
        self._open = 0
        """The turn whose pieces are being shown; 0 for none."""
        self._streamed: set[int] = set()

    def show(self, event: JsonObject) -> None:
        kind = event["kind"]
        if self._json:
            self._console.file.write(dumps(event).decode() + "\n")
            self._console.file.flush()
        elif kind == "token":
            self._token(int(event.get("turn", 0)), str(event.get("text", "")))
        elif kind == "message":
            self._message(event)
        elif kind == "attachment":
            self._note("the attachment was taken")
        elif kind == "state" and event.get("state") == "waiting":
            self._note("a person will be with you")
        elif kind == "ended":
            self._note("the conversation is over")

    def note(self, text: str) -> None:
        """Something that is no event, for people only."""
        if not self._json:
            self._note(text)

    def _token(self, turn: int, text: str) -> None:
        if turn != self._open:
            self._break()
            self._console.print("[bold cyan]Agent[/]   ", end="")
            self._open = turn
            self._streamed.add(turn)
        self._console.print(text, end="", highlight=False, markup=False, soft_wrap=True)

    def _message(self, event: JsonObject) -> None:
        by, text = event.get("from"), str(event.get("text", ""))
        if by == "agent" and event.get("turn") in self._streamed:
            self._break()  # its pieces have been shown
        elif by == "user":
            if self._own:
                self._line("[bold]You[/]     ", text)
        else:
            self._line("[bold magenta]Person[/]  " if by == "operator" else "[bold cyan]Agent[/]   ", text)

    def _line(self, who: str, text: str) -> None:
        self._break()
        self._console.print(who, end="")
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def _note(self, text: str) -> None:
        self._break()
        self._console.print(text, style="dim", markup=False, highlight=False, soft_wrap=True)

    def _break(self) -> None:
        if self._open:
            self._console.print()
            self._open = 0


class Lines:
    """Lines of a stream, read in a thread of its own that keeps nobody from leaving."""

    def __init__(self, stream: TextIO):
        self._queue: asyncio.Queue[str | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def read() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is gone: so is whoever listened
                for line in stream:
                    loop.call_soon_threadsafe(self._queue.put_nowait, line.rstrip("\r\n"))
                loop.call_soon_threadsafe(self._queue.put_nowait, None)

        threading.Thread(target=read, daemon=True).start()

    async def next(self) -> str | None:
        """The next line; None at the end."""
        return await self._queue.get()


@dataclass
class ChatTerminal:
    """Holds a conversation until either side ends it or the user leaves."""

    client: ChatClient
    display: Display

    def __post_init__(self) -> None:
        self._said: list[str] = []
        self._sent = 0
        self._free = asyncio.Event()
        """Set when it is the user's turn."""
        self.ended = asyncio.Event()

    async def typed(self, stream: TextIO | None = None) -> None:
        """Write what is typed; the end of it leaves the conversation as it is."""
        async with self._following():
            lines = Lines(stream or sys.stdin)
            while (line := await self._either(lines.next())) is not None:
                if line.strip():
                    await self._enter(line.strip())
            if (
                self._sent and not (stream or sys.stdin).isatty()
            ):  # a pipe has ended, not its reader's patience
                await self._turn()

    async def scripted(self, script: Script, pace: float = 0.0) -> None:
        """Write what the script says to what is said; finish at its end."""
        async with self._following():
            while not self.ended.is_set():
                await self._turn()
                said, self._said = " ".join(self._said), []
                text = script.next(said)
                if text == "[silence]":
                    if not await self._more():
                        break
                elif text is None or text == "[hangup]":
                    break
                elif text.startswith("[wait"):
                    await asyncio.sleep(float(text.strip("[]").removeprefix("wait").strip() or 1))
                else:
                    await asyncio.sleep(pace)
                    await self._enter(text)
            if not self.ended.is_set():
                await self.client.finish()
                await self.ended.wait()

    @contextlib.asynccontextmanager
    async def _following(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._follow())
        try:
            yield
        finally:
            if self.ended.is_set():
                await task
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _follow(self) -> None:
        try:
            async for event in self.client.events():
                self.display.show(event)
                if event["kind"] == "message" and event.get("from") != "user":
                    self._said.append(str(event.get("text", "")))
                    if not self._sent:  # the greeting answers nothing
                        self._free.set()
                if event["kind"] == "answered" and int(event.get("message", 0)) >= self._sent:
                    self._free.set()
        finally:
            self.ended.set()
            self._free.set()

    async def _enter(self, line: str) -> None:
        """Carry out a command, or send a message. What is refused is told, and the conversation goes on."""
        command, _, rest = line.partition(" ")
        try:
            if command == "/attach":
                await self._attach(rest.strip())
            elif command == "/rate" and rest[:1] in "12345" and rest:
                await self.client.rate(int(rest[0]), rest[1:].strip())
            elif command == "/finish":
                await self.client.finish()
                await self.ended.wait()
            elif command == "/help":
                self.display.note(HELP)
            else:
                await self._send(line)
        except ChatRefused as refused:
            self.display.note(str(refused))

    async def _send(self, text: str) -> None:
        self._free.clear()
        self._sent = self.client.last + 1
        await self.client.send(text)

    async def _attach(self, name: str) -> None:
        try:
            content = await asyncio.to_thread(lambda: Path(name).expanduser().read_bytes())
            kind = picture(content).content_type
        except (OSError, BadPicture) as error:
            self.display.note(
                error.strerror or "it cannot be read" if isinstance(error, OSError) else str(error)
            )
            return
        self._free.clear()
        self._sent = self.client.last + 1
        await self.client.attach(content, kind, Path(name).name)

    async def _turn(self) -> None:
        await self._free.wait()

    async def _more(self) -> bool:
        """Whether something more is said within a while."""
        self._free.clear()
        try:
            async with asyncio.timeout(_SILENT):
                await self._free.wait()
        except TimeoutError:
            return False
        return not self.ended.is_set()

    async def _either(self, line: Coroutine[Any, Any, str | None]) -> str | None:
        """The line, or None when the conversation is over first."""
        reading, over = asyncio.ensure_future(line), asyncio.create_task(self.ended.wait())
        await asyncio.wait({reading, over}, return_when=asyncio.FIRST_COMPLETED)
        over.cancel()
        if not reading.done():
            reading.cancel()
            return None
        return reading.result()
