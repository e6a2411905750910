"""Operators on a call with sound: they hear both sides, the caller hears the one who holds the call, and nobody waits
for an operator who is slow, floods the line or is gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import numpy as np
from carrier import Carrier, voice
from practice import ADA, practice
from test_voice_line import Loud, Prompter
from test_voice_speaking import Buzz

from agent.audio.frames import RATE, Pcm, to_bytes
from agent.call import Call, CallRecord
from agent.live.board import LiveBoard
from agent.live.bridge import MOST_WAITING, OperatorSocket, SoundBridge
from agent.live.ear import RecordingEar
from agent.memory import Setting
from agent.signals import Operator
from agent.tools.client import FhirClient
from agent.voice.person_voice import MOST_AHEAD
from agent.voice.voice_line import VoiceLine
from fhirserver.ports.live_calls import SoundState
from tests.virtual_time import run_virtually

CHUNK = RATE // 10


def whistle(seconds: float) -> Pcm:
    """A tone that neither the agent's voice nor the caller's has."""
    return (6000 * np.sin(2 * np.pi * 3000 * np.arange(round(seconds * RATE)) / RATE)).astype(np.int16)


def whistled(pcm: Pcm) -> float:
    """Seconds of the tone in a sound."""
    frames = pcm[: len(pcm) // 160 * 160].reshape(-1, 160).astype(float)
    spectra = np.abs(np.fft.rfft(frames, axis=1))
    total = np.sum(spectra**2, axis=1) + 1.0
    return float(np.sum((spectra[:, 60] ** 2 > 0.5 * total) & (spectra[:, 60] > 1e5))) * 0.02


class Desk:
    """A call with sound on a board, in virtual time; ``ears`` hears the caller, ``others`` the operator."""

    def __init__(self, ears: Prompter, others: Prompter, patience: float = 10.0, silence: float = 15.0):
        self.line = VoiceLine(Buzz(), ears, vad=Loud(), person_ears=lambda: others)
        self.board, self.carrier = LiveBoard(), Carrier()
        client = FhirClient("http://test/fhir", "t", practice().transport)
        self.call = Call(client, self.line, ADA, Setting(), ring_seconds=0.2)
        ear = RecordingEar(self.line.recording, self.line.heard_until)
        self.bridge = SoundBridge(ear, self.line.person, patience, silence)
        self.attended = self.board.register(self.call, "c1", self.bridge, ear)
        self.running = asyncio.create_task(self.board.run(self.attended))
        self.attached = asyncio.create_task(self.line.attach(self.carrier))

    async def until(self, true: Callable[[], object], seconds: float = 30.0) -> None:
        async with asyncio.timeout(seconds):
            while not true():
                await asyncio.sleep(0.05)

    async def greeted(self) -> None:
        await self.until(lambda: not self.line._mouth.speaking and self.carrier.loud())

    async def connect(self, operator: str = "ana") -> OperatorSocket:
        socket = await self.board.sound("c1", operator)
        assert isinstance(socket, OperatorSocket)
        return socket

    async def taken_over(self, operator: str = "ana") -> OperatorSocket:
        await self.greeted()
        socket = await self.connect(operator)
        await self.board.act("c1", "take_over", operator)
        await self.until(lambda: self.line.person.held)
        return socket

    def kinds(self, kind: str) -> list[str]:
        return [event.text for event in self.attended.timeline.events if event.kind == kind]

    async def end(self) -> CallRecord:
        await self.carrier.hang_up()
        record = await self.running
        await self.attached
        return record


def played(
    play: Callable[[Desk], Awaitable[None]],
    caller: tuple[str, ...] = (),
    operator: tuple[str, ...] = (),
    **times: float,
) -> tuple[Desk, CallRecord]:
    async def run() -> tuple[Desk, CallRecord]:
        desk = Desk(Prompter(*caller), Prompter(*operator), **times)
        await play(desk)
        return desk, await desk.end()

    return run_virtually(run())


async def speak(socket: OperatorSocket, pcm: Pcm) -> None:
    """As a microphone brings it: a tenth of a second at a time."""
    for start in range(0, len(pcm), CHUNK):
        await socket.send(to_bytes(pcm[start : start + CHUNK]))
        await asyncio.sleep(0.1)


async def hears(socket: OperatorSocket, seconds: float) -> tuple[list[str], Pcm, Pcm]:
    """States, and the two sides, of so much sound."""
    states, sound = [], b""
    while len(sound) < seconds * RATE * 4:
        told = await socket.receive()
        await socket.alive()
        if told is None:
            break
        if isinstance(told, SoundState):
            states.append(told.state)
        else:
            sound += told
    both = np.frombuffer(sound, dtype="<i2").reshape(-1, 2)
    return states, both[:, 0], both[:, 1]


def test_an_operator_who_listens_hears_both_sides_and_it_is_noted() -> None:
    async def play(desk: Desk) -> None:
        socket = await desk.connect()
        states, caller, agent = await hears(socket, 2.0)
        assert states == ["listening"]
        assert not np.any(np.abs(caller) > 500) and np.any(np.abs(agent) > 500)
        desk.carrier.speak(voice(1.0))
        _, caller, _ = await hears(socket, 1.5)
        assert np.any(np.abs(caller) > 500)
        assert desk.board.calls()[0].listeners == ("ana",)
        await socket.close(left=True)
        assert desk.board.calls()[0].listeners == ()

    desk, _ = played(play)
    assert desk.kinds("operator") == ["listen"]


def test_the_caller_hears_who_holds_the_call_and_nothing_of_the_agent() -> None:
    async def play(desk: Desk) -> None:
        socket = await desk.taken_over()
        before = len(desk.carrier.played)
        await speak(socket, whistle(1.0))
        desk.carrier.speak(voice(1.0))  # a turn of the caller, which the agent would answer, or fill
        await asyncio.sleep(4)
        await speak(socket, whistle(1.0))
        await asyncio.sleep(4)
        heard = np.concatenate(desk.carrier.played[before:])
        assert 1.9 <= whistled(heard) <= 2.05
        assert np.count_nonzero(np.abs(heard) > 500) / RATE < 2.1, "something else was heard"
        assert whistled(desk.line.recording.agent.pcm()) == whistled(heard)
        assert socket.unheard == 0

    desk, record = played(play, ("I want my money back",), ("This is Ana", "One moment"))
    assert [(t.speaker, t.text) for t in record.turns][1:] == [
        ("operator", "This is Ana"),
        ("caller", "I want my money back"),
        ("operator", "One moment"),
    ]
    person = [event for event in desk.attended.timeline.events if event.kind == "person"]
    assert [(event.text, event.data["by"]) for event in person] == [
        ("This is Ana", "ana"),
        ("One moment", "ana"),
    ]
    assert desk.kinds("operator") == ["listen", "take_over", "speak"]
    assert [who.speaker for who in desk.line.sounds()][-3:] == ["operator", "caller", "operator"]


def test_typed_words_are_still_said_and_come_after_what_is_being_spoken() -> None:
    async def play(desk: Desk) -> None:
        socket = await desk.taken_over()
        before = desk.line.now()
        speaking = asyncio.create_task(speak(socket, whistle(0.5)))
        await asyncio.sleep(0.35)
        await desk.board.act("c1", "say", "ana", "One two three four.")
        desk.carrier.speak(voice(1.5))  # over it: nobody is cut off
        await speaking
        await asyncio.sleep(5)
        heard = [end - begin for begin, end in desk.carrier.loud() if begin > before]
        assert 0.3 <= whistled(desk.carrier.heard()) <= 0.5
        assert sum(heard) > 0.4 + 0.09 * len("One two three four."), heard

    _, record = played(play, ("and me too",), ("Ana here",))
    assert ("operator", "One two three four.") in [(t.speaker, t.text) for t in record.turns]


def test_who_does_not_hold_the_call_is_not_heard() -> None:
    async def play(desk: Desk) -> None:
        await desk.taken_over("ana")
        socket = await desk.connect("ben")
        await speak(socket, whistle(0.5))
        assert socket.unheard == 5

    desk, _ = played(play)
    assert whistled(desk.carrier.heard()) == 0


def test_a_flood_of_sound_is_dropped_and_what_is_too_long_too() -> None:
    async def play(desk: Desk) -> None:
        socket = await desk.taken_over()
        for _ in range(100):
            await socket.send(to_bytes(whistle(0.1)))
        await socket.send(to_bytes(whistle(3.0)))
        assert desk.line.person.dropped >= 93 and socket.unheard >= 94
        await asyncio.sleep(2)
        assert 0 < whistled(desk.carrier.heard()) <= MOST_AHEAD + 0.15

    played(play)


def test_an_operator_who_takes_nothing_costs_the_call_nothing() -> None:
    async def play(desk: Desk) -> None:
        slow = await desk.connect()
        await slow.alive()
        await desk.greeted()
        for _ in range(10):
            await slow.alive()
            await asyncio.sleep(2)
        assert len(slow._chunks) <= MOST_WAITING
        assert slow.untaken > 150
        assert len(desk.carrier.loud()) > 0

    _, record = played(play)
    assert record.outcome == "hang-up"


def test_the_agent_goes_on_when_the_holders_connection_dies_and_does_not_come_back() -> None:
    async def play(desk: Desk) -> None:
        socket = await desk.taken_over()
        await socket.close()
        await asyncio.sleep(9)
        assert desk.board.calls()[0].holder == "ana"
        await asyncio.sleep(2)
        assert desk.board.calls()[0].holder == ""
        assert desk.board.calls()[0].stage == "handback"
        await asyncio.sleep(5)

    desk, record = played(play)
    assert desk.kinds("operator") == ["listen", "take_over", "lost", "hand_back"]
    assert "I'm back with you" in record.turns[-1].text


def test_a_holder_who_comes_back_in_time_or_takes_leave_keeps_the_call() -> None:
    async def play(desk: Desk) -> None:
        first = await desk.taken_over()
        await first.close()
        await asyncio.sleep(8)
        second = await desk.connect()
        await asyncio.sleep(5)
        assert desk.board.calls()[0].holder == "ana"
        await second.close(left=True)
        await asyncio.sleep(30)
        assert desk.board.calls()[0].holder == "ana"

    played(play, silence=60.0)


def test_a_socket_that_says_nothing_any_more_is_dead() -> None:
    async def play(desk: Desk) -> None:
        socket = await desk.taken_over()
        await asyncio.sleep(26)
        assert desk.board.calls()[0].holder == ""
        assert await socket.receive() is None, "the call is not over: it may come back"
        states, _, _ = await hears(await desk.connect(), 0.2)
        assert states == ["listening"]

    played(play)


def test_what_was_said_while_a_person_held_the_call_goes_to_whoever_goes_on() -> None:
    async def play(desk: Desk) -> None:
        socket = await desk.taken_over()
        desk.carrier.speak(voice(1.0))
        await asyncio.sleep(2)
        await speak(socket, whistle(0.5))
        await asyncio.sleep(2)
        await desk.board.act("c1", "say", "ana", "You can come at nine.")
        await asyncio.sleep(4)
        seen = []
        respond = desk.call.mind.respond
        desk.call.mind.respond = lambda signal, turn: (seen.append(signal), respond(signal, turn))[1]  # type: ignore[method-assign]
        await desk.board.act("c1", "hand_back", "ana")
        await desk.until(lambda: seen)
        (back,) = [signal for signal in seen if isinstance(signal, Operator)]
        assert [(turn.speaker, turn.text) for turn in back.held] == [
            ("caller", "can I come tomorrow"),
            ("operator", "let me see"),
            ("operator", "You can come at nine."),
        ]
        assert not desk.line.person.held
        before = len(desk.carrier.played)
        await socket.send(to_bytes(whistle(0.1)))
        await asyncio.sleep(4)
        after = np.concatenate(desk.carrier.played[before:])
        assert whistled(after) == 0 and np.any(np.abs(after) > 500), "the agent speaks again"

    played(play, ("can I come tomorrow",), ("let me see",))


class Broken:
    """A recording that fails to be heard."""

    async def listen(self) -> AsyncIterator[bytes]:
        raise OSError("no recording")
        yield b""


def test_an_ear_that_fails_ends_the_listening_alone() -> None:
    async def play(desk: Desk) -> None:
        await desk.greeted()
        desk.bridge.ear = Broken()
        socket = await desk.connect()
        assert await socket.receive() == SoundState("listening")
        assert await socket.receive() == SoundState("over")
        assert await socket.receive() is None
        await socket.close()
        assert desk.board.calls()[0].ended == ""

    played(play)
