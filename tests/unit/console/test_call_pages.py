"""The pages of calls that are over, and the sound behind them, over the real server and a call that the agent held."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.call import CallRecord
from agent.speech.openai.files import OpenAiFileTranscriber
from agent.speech.openai.settings import OpenAiSpeech
from tests.facade import issues
from tests.live_call import LiveSite, live_site
from tests.openai_server import OpenAiServer
from tests.past_call import past_call
from tests.unit.console.test_pages import sign_in

MODES = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"


@dataclass
class World:
    site: LiveSite
    record: CallRecord
    folder: Path

    @property
    def id(self) -> str:
        return self.record.communication.partition("/")[2]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with live_site(tmp_path) as site:
        yield World(site, await past_call(site, tmp_path), tmp_path)


async def sound(world: World, name: str, id: str = "", **headers: str):  # type: ignore[no-untyped-def]
    client = getattr(world.site.server, name)
    return await client.get(f"http://facade.test/recordings/{id or world.id}.wav", **headers)


async def test_the_sound_is_at_the_address_that_its_media_names(world: World) -> None:
    found = (await world.site.server.ana.get(f"Media?identifier=urn:credence:recording|{world.id}")).json()
    content = found["entry"][0]["resource"]["content"]
    assert content["url"] == f"{world.site.url}/recordings/{world.id}.wav"
    whole = await sound(world, "reader")
    assert (whole.status_code, whole.headers["content-type"]) == (200, "audio/wav")
    assert len(whole.content) == content["size"] and whole.content[:4] == b"RIFF"
    assert whole.headers["cache-control"] == "no-store"


async def test_a_part_of_the_sound_is_given(world: World) -> None:
    whole = (await sound(world, "ana")).content
    part = await sound(world, "ana", range="bytes=100-199")
    assert (part.status_code, part.content) == (206, whole[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole)}"
    assert (await sound(world, "ana", range=f"bytes={len(whole)}-")).status_code == 416


async def test_who_may_not_read_the_call_does_not_hear_it(world: World) -> None:
    stranger = await sound(world, "anonymous")
    assert stranger.status_code == 401 and "www-authenticate" in stranger.headers
    refused = await sound(world, "writer")
    assert refused.status_code == 403 and issues(refused)[0]["code"] == "forbidden"


async def test_without_its_media_or_its_call_there_is_no_sound(world: World) -> None:
    server = world.site.server
    assert (await sound(world, "ana", "nobody")).status_code == 404
    (media,) = await server.ana.ids(f"Media?identifier=urn:credence:recording|{world.id}")
    assert (await server.admin("DELETE", f"Media/{media}")).status_code == 204
    assert (await sound(world, "ana")).status_code == 404
    async with server.browser() as browser:
        await sign_in(browser)
        page = await browser.get(f"/console/calls/{world.id}")
        assert "There is no recording of this call" in page.text and "<audio" not in page.text
        assert (await browser.get(f"/console/calls/{world.id}/sound")).status_code == 404


async def test_a_path_leads_nowhere_else(world: World) -> None:
    (world.folder / "secret.wav").write_bytes(b"RIFF secret")
    for id in ("..%2Fsecret", "%2e%2e/secret", "../secret", "..", ".", "a%00b", "x" * 65, "..%5Csecret"):
        for path in (f"/recordings/{id}.wav", f"/console/calls/{id}/sound"):
            async with world.site.server.browser() as browser:
                await sign_in(browser)
                answer = await browser.get(path, headers={"authorization": "Bearer token-ana"})
                assert answer.status_code in (303, 400, 404, 405), path
                assert b"secret" not in answer.content


async def test_listening_is_audited_once_for_a_player_that_asks_in_pieces(world: World) -> None:
    server = world.site.server
    question = f"AuditEvent?entity=Communication/{world.id}&subtype=listen-recording"
    assert await server.officer.ids(question) == []
    for begin in (5, 0, 90):
        assert (await sound(world, "reader", range=f"bytes={begin}-")).status_code == 206
    (event,) = await server.officer.ids(question)
    told = (await server.officer.get(f"AuditEvent/{event}")).json()
    assert told["agent"][0]["who"]["display"] == "reader" and told["action"] == "R"
    async with server.browser() as browser:
        await sign_in(browser)
        heard = await browser.get(f"/console/calls/{world.id}/sound", headers={"range": "bytes=0-9"})
        assert (heard.status_code, len(heard.content)) == (206, 10)
        assert len(await server.officer.ids(question)) == 2
        page = await browser.get(f"/console/calls/{world.id}")
        assert re.search(r"<b>ana</b> played the recording", page.text)


async def test_who_is_refused_is_not_said_to_have_listened(world: World) -> None:
    assert (await sound(world, "writer")).status_code == 403
    assert await world.site.server.officer.ids("AuditEvent?subtype=listen-recording") == []


async def test_strangers_and_those_who_are_no_operators_see_no_page(world: World) -> None:
    async with world.site.server.browser() as browser:
        for path in ("", f"/{world.id}", f"/{world.id}/sound"):
            assert (await browser.get(f"/console/calls{path}")).status_code == 303
        await sign_in(browser, "reader")
        assert (await browser.get(f"/console/calls/{world.id}")).status_code == 303


async def test_the_page_tells_what_the_call_left(world: World) -> None:
    async with world.site.server.browser() as browser:
        await sign_in(browser)
        page = await browser.get(f"/console/calls/{world.id}")
        assert page.status_code == 200
        text = page.text
        assert 'href="/console/patient/eve"' in text and "Eve Bradtke" in text
        assert f'src="/console/calls/{world.id}/sound"' in text
        for turn in world.record.turns:
            assert f'id="turn-{turn.number}"' in text
        assert 'class="side caller"' in text and 'class="stroke"' in text and "angry" in text
        assert "Reason for call" in text and "Facts captured" in text
        assert re.search(r"<b>Appointment</b> cancelled, 2099-12-03 14:00 UTC", text)
        assert re.search(r'/console/provenance/[^"]+">stated [\d:]+</a>, turns <a href="#turn-\d', text)
        assert re.search(r"Quality <small>\d+ of 100</small>", text)
        assert "Silence that was the agent" in text
        assert "/console/provenance/" in text
        assert not re.search(r"<script(?! src=)|<style|style=|onclick=|hx-on", text), "the policy forbids it"
        assert "default-src 'self'" in page.headers["content-security-policy"]
        assert (await browser.get("/console/calls/none")).status_code == 404
        assert (await browser.get("/console/calls/..%2Fx")).status_code == 404


async def test_the_list_has_the_call_and_goes_back_in_time(world: World) -> None:
    async with world.site.server.browser() as browser:
        await sign_in(browser)
        page = await browser.get("/console/calls")
        row = re.search(rf"<tr>.*?/console/calls/{world.id}.*?</tr>", page.text, re.DOTALL)
        assert row and "Eve Bradtke" in row[0] and "♪ recording" in row[0] and "Inbound call" in row[0]
        assert "cancel" in row[0]
        none = await browser.get("/console/calls?before=2001-01-01T00:00:00Z")
        assert "No earlier call is on record" in none.text
        assert (await browser.get("/console/calls?before=whenever")).status_code == 400
        patient = await browser.get("/console/patient/eve")
        assert f'href="/console/calls/{world.id}"' in patient.text


async def test_a_call_by_text_has_a_page_without_sound(world: World) -> None:
    call = {
        "resourceType": "Communication",
        "id": "by-text",
        "status": "completed",
        "sent": "2026-11-28T09:47:00Z",
        "medium": [{"coding": [{"system": MODES, "code": "WRITTEN"}]}],
        "sender": {"display": "<b>+1412</b>"},
    }
    assert (await world.site.server.agent.put(call)).status_code == 201
    async with world.site.server.browser() as browser:
        await sign_in(browser)
        page = await browser.get("/console/calls/by-text")
        assert "No transcript is on record." in page.text and "There is no recording" in page.text
        assert "<b>+1412</b>" not in page.text and "&lt;b&gt;+1412" in page.text
        assert "by-text" in (await browser.get("/console/calls")).text


async def test_what_a_second_recogniser_heard_stands_beside_the_turn(tmp_path: Path) -> None:
    heard = [
        "Hi, I want to cancel my appointment.",
        "Eve Bradtke, March 3rd, 1983.",
        "",
        "Yes, that's right.",
    ]
    with OpenAiServer() as openai:
        openai.realtime(heard=heard)
        async with live_site(tmp_path) as site:
            record = await past_call(
                site, tmp_path, lambda: OpenAiFileTranscriber(OpenAiSpeech("k", url=openai.url))
            )
            id = record.communication.partition("/")[2]
            found = await site.server.ana.get(
                f"DocumentReference?related=Communication/{id}&category=second-reading"
            )
            (entry,) = found.json()["entry"]
            assert entry["resource"]["relatesTo"] == [
                {"code": "appends", "target": {"reference": record.transcript}}
            ]
            async with site.server.browser() as browser:
                await sign_in(browser)
                text = (await browser.get(f"/console/calls/{id}")).text
    turns = dict(re.findall(r'<li id="turn-(\d+)"(.*?)</li>', text, re.DOTALL))
    assert [number for number, turn in turns.items() if "≠ heard again" in turn] == ["4"]
    assert "Eve Bradtke, March 3rd, 1983." in turns["4"] and "another date" in turns["4"]
    assert "nineteen eighty two" in turns["4"], "the first reading stays"
