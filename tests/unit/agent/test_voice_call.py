"""Whole calls with sound, over a carrier in memory and a FHIR stand-in: from ringing to what is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from carrier import Carrier, voice
from fhir_stand_in import StandIn
from practice import EVE, practice
from test_voice_line import Loud, Prompter
from test_voice_speaking import Buzz

from agent.audio.wav import read_channels
from agent.call import Call
from agent.sound_record import RECORDING
from agent.tools.client import FhirClient
from agent.voice.after_sound import AfterCall
from agent.voice.archive import Archive
from agent.voice.voice_call import VoiceCall
from agent.voice.voice_line import VoiceLine
from fhirserver.kernel.instants import instant
from tests.virtual_time import run_virtually


class Site:
    """A practice with a telephone; ``texts`` are what the caller's turns will be heard as."""

    def __init__(self, folder: Path, *texts: str, notice: str = ""):
        self.server: StandIn = practice()
        self.client = FhirClient("http://test/fhir", "t", self.server.transport)
        self.line = VoiceLine(Buzz(), Prompter(*texts), vad=Loud())
        self.call = Call(self.client, self.line, EVE, ring_seconds=1.0, notice=notice)
        self.closed = False
        after = AfterCall(
            self.call, True, Archive(folder), lambda id: f"http://test/recordings/{id}.wav", self._close
        )
        self.voice_call = VoiceCall(self.call, self.line, after)
        self.running = asyncio.create_task(self.voice_call.run())

    async def _close(self) -> None:
        self.closed = True

    async def pick_up(self, after: float = 0.0) -> Carrier:
        await self.voice_call.ready()
        await asyncio.sleep(after)
        carrier = Carrier()
        self.voice_call.attach(carrier)
        return carrier

    async def agent_is_done(self, carrier: Carrier) -> None:
        """Wait until the agent has been heard and is silent again."""
        await asyncio.sleep(0.5)
        while self.line._mouth.speaking:
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.3)


def called(folder: Path, play: Callable[[Site], Awaitable[None]], *texts: str, notice: str = "") -> Site:
    async def run() -> Site:
        site = Site(folder, *texts, notice=notice)
        await play(site)
        async with asyncio.timeout(60):
            await site.running
        await site.client.close()
        return site

    return run_virtually(run())


def test_a_call_leaves_its_sound_where_its_media_says(tmp_path: Path) -> None:
    async def play(site: Site) -> None:
        carrier = await site.pick_up()
        await site.agent_is_done(carrier)
        carrier.speak(voice(1.5))
        await asyncio.sleep(2.5)
        await site.agent_is_done(carrier)
        await carrier.hang_up()

    site = called(tmp_path, play, "I want to cancel my appointment", notice="This call is recorded.")
    (media,) = site.server.of("Media")
    (call,) = site.server.of("Communication")
    assert media["identifier"] == [{"system": RECORDING, "value": call["id"]}]
    assert media["content"]["url"] == f"http://test/recordings/{call['id']}.wav"
    caller, agent = read_channels(tmp_path / f"{call['id']}.wav")
    assert caller.any() and agent.any()
    assert site.closed
    turns = site.call.session.transcript.turns
    assert turns[0].text == "This call is recorded."
    assert [t.speaker for t in turns][:3] == ["agent", "agent", "caller"]
    assert turns[1].at < turns[2].at, "turns are placed where they were heard"
    (quality,) = site.server.of("MeasureReport")
    assert quality["status"] == "complete"


def test_the_transcript_keeps_of_the_last_words_what_was_heard_and_when(tmp_path: Path) -> None:
    async def play(site: Site) -> None:
        carrier = await site.pick_up()
        await asyncio.sleep(3.0)
        await carrier.hang_up()

    site = called(tmp_path, play)
    (greeting,) = site.call.session.transcript.turns
    assert greeting.text.startswith("Thank you for calling") and greeting.text.endswith("—"), greeting.text
    assert "help" not in greeting.text


def test_the_last_turn_is_placed_where_it_was_heard(tmp_path: Path) -> None:
    async def play(site: Site) -> None:
        carrier = await site.pick_up()
        await site.agent_is_done(carrier)
        carrier.speak(voice(1.5))

    site = called(tmp_path, play, "let me talk to a real person please")
    last = site.call.session.transcript.turns[-1]
    begun = [begin for begin, _ in site.line.moments.agent][-1]
    assert abs((last.at - site.line.began).total_seconds() - begun) < 0.1
    assert not last.text.endswith("—")


def test_a_fact_is_found_in_the_recording_however_long_it_rang(tmp_path: Path) -> None:
    async def play(site: Site) -> None:
        carrier = await site.pick_up(after=7.0)
        for _ in range(5):
            await site.agent_is_done(carrier)
            carrier.speak(voice(1.5))
            await asyncio.sleep(2.5)

    name, address = "Eve Bradtke, March third 1982", "400 Main Street, Springfield, Massachusetts, 01103"
    site = called(tmp_path, play, "I moved", name, address, "yes", "no")
    (summed,) = site.server.of("Composition")
    (entry,) = summed["section"][2]["entry"]
    told = {one["url"].rpartition("/")[2]: one for one in entry["extension"]}
    first = int(told["transcript-turns"]["valueString"].split(",")[0])
    turn = site.call.session.transcript.turns[first - 1]
    assert turn.text == "I moved"
    spoken, _ = site.line.moments.caller[0]
    assert abs(float(told["audio-offset"]["valueDecimal"]) - spoken) < 0.05, (
        "counted from where the sound began"
    )
    (media,) = site.server.of("Media")
    assert media["createdPeriod"]["start"] == instant(site.line.began)


def test_a_transfer_that_nobody_takes_becomes_a_task(tmp_path: Path) -> None:
    async def play(site: Site) -> None:
        carrier = await site.pick_up()
        await site.agent_is_done(carrier)
        carrier.speak(voice(1.5))
        await site.running
        assert site.voice_call.onward() == "the caller asked for a person"
        await site.voice_call.unanswered("the caller asked for a person")

    site = called(tmp_path, play, "let me talk to a real person please")
    tasks = [t for t in site.server.of("Task") if t["code"]["coding"][0]["code"] == "call-back"]
    assert len(tasks) == 1 and tasks[0]["input"][0]["valueString"] == EVE
    assert tasks[0]["focus"]["reference"].startswith("Communication/")
    (measured,) = site.server.of("MeasureReport")
    values = {g["code"]["coding"][0]["code"]: g["measureScore"]["value"] for g in measured["group"]}
    assert values["missed-escalations"] == 1 and values["score"] <= 70


def test_a_caller_who_gives_up_while_it_rings_leaves_a_record_and_no_sound(tmp_path: Path) -> None:
    async def play(site: Site) -> None:
        await site.voice_call.ready()
        site.voice_call.abandon("no stream came")

    site = called(tmp_path, play)
    assert site.server.of("Communication")[0]["status"] == "completed"
    assert not list(tmp_path.iterdir()) and not site.server.of("Media")
    assert site.voice_call.onward() is None
