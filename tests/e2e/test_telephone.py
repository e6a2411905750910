"""Calls with sound over real sockets: the simulated phone as a process, the telephone in this one."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from twilio.request_validator import RequestValidator
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agent.audio import wav
from agent.simulator.twiml import Dial, Stream, parse
from tests.server_process import command
from tests.tone_agent import TOKEN, Served, serving, tone

PERSON = "+15555550199"


async def call(served: Served, folder: Path, script: str, *options: str) -> list[dict[str, Any]]:
    """Calls made by ``credence simulate-phone``; ``a.wav`` is a tone of a second."""
    wav.write_mono(folder / "a.wav", tone(1.0, 300))
    (folder / "script.txt").write_text(script)
    process = await asyncio.create_subprocess_exec(
        *command(), "simulate-phone", "--webhook", f"{served.base}/telephony/voice", "--auth-token", TOKEN,
        "--script", str(folder / "script.txt"), "--record", str(folder / "calls"), "--json", *options,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await asyncio.wait_for(process.communicate(), 90)
    made: list[dict[str, Any]] = json.loads(out)
    return made


async def test_a_call_with_sound_in_both_directions_ends_with_a_person(tmp_path: Path) -> None:
    async with serving(transfer_number=PERSON) as served:
        [made] = await call(served, tmp_path, "[play a.wav]\n[play a.wav]\n[keys 1#]\n")
        [taken] = served.calls.values()
    assert (made["trouble"], made["verbs"], made["dialled"]) == ("", ["Stream", "Dial", "Hangup"], PERSON)
    assert taken.events == [
        "attached", "played: greeting", "answered", "played: answer", "answered", "played: answer",
        "key: 1", "key: #", "gone: closed",
    ]  # fmt: skip
    assert taken.record == "written"
    left, right = wav.read_channels(Path(made["recording"]))
    assert len(left) == len(right)
    assert len(made["replies"]) == 2
    assert min(made["replies"]) > 0.29  # the wait for the end of the turn, which the recording shows


async def test_speaking_over_the_agent_stops_what_is_played(tmp_path: Path) -> None:
    async with serving(greeting=10.0) as served:
        [made] = await call(served, tmp_path, "[interrupt 0.5] [play a.wav]\n[hangup]\n")
        [taken] = served.calls.values()
    assert len(made["barge_ins"]) == 1
    assert made["seconds"] < 9
    assert taken.events[:2] == ["attached", "played: greeting"]  # cleared, so its mark came back early
    assert made["ended_by"] == "caller"


async def test_a_caller_who_hangs_up_leaves_a_record(tmp_path: Path) -> None:
    async with serving(greeting=10.0) as served:
        [made] = await call(served, tmp_path, "[play a.wav]", "--hang-up-after", "0.5")
        [taken] = served.calls.values()
        assert taken.record == "written"
    assert (made["ended_by"], made["verbs"]) == ("caller", ["Stream"])


async def test_several_calls_at_once_over_a_bad_line(tmp_path: Path) -> None:
    faults = ("--jitter", "50", "--loss", "2", "--duplicates", "5", "--calls", "4")
    async with serving() as served:
        made = await call(served, tmp_path, "[play a.wav]\n[play a.wav]\n[hangup]\n", *faults)
        taken = list(served.calls.values())
    assert [m["trouble"] for m in made] == [""] * 4
    assert all(t.record == "written" and t.events.count("answered") == 2 for t in taken)


async def test_a_wrong_auth_token_is_told_as_what_it_is(tmp_path: Path) -> None:
    async with serving(auth_token="another") as served:
        [made] = await call(served, tmp_path, "[play a.wav]")
        assert not served.calls
    assert made["trouble"] == "BadTwiml: the webhook answers 403"


@pytest.mark.parametrize("signature", ["", "x" * 28, "over the webhook"])
async def test_a_websocket_without_twilios_signature_is_refused(signature: str) -> None:
    async with serving() as served:
        url = f"{served.base.replace('http', 'ws')}/telephony/media"
        if signature.startswith("over"):
            signature = RequestValidator(TOKEN).compute_signature(url.replace("ws", "http"), {})
        with pytest.raises(InvalidStatus) as refused:
            await connect(url, additional_headers={"X-Twilio-Signature": signature})
        assert refused.value.response.status_code == 403


async def test_a_websocket_that_says_nothing_is_closed() -> None:
    async with serving(start_within=0.1) as served:
        url = f"{served.base.replace('http', 'ws')}/telephony/media"
        signature = RequestValidator(TOKEN).compute_signature(url, {})
        async with connect(url, additional_headers={"X-Twilio-Signature": signature}) as socket:
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(socket.recv(), 5)
            assert socket.close_code == 1008


async def test_a_stream_on_which_nothing_comes_any_more_is_given_up() -> None:
    async with serving(stalled_after=0.1, transfer_number=PERSON) as served, httpx.AsyncClient() as client:
        form = {"CallSid": "CA1", "From": "+15555550123", "To": "+15555550100"}
        address = f"{served.base}/telephony/voice"
        answer = await client.post(address, data=form, headers=signed(address, form))
        [stream] = parse(answer.text)
        assert isinstance(stream, Stream)
        start = {"streamSid": "MZ1", "callSid": "CA1", "customParameters": dict(stream.parameters)}
        async with connect(stream.url, additional_headers=signed(stream.url, {})) as socket:
            await socket.send(json.dumps({"event": "start", "start": start}))
            await asyncio.wait_for(socket.wait_closed(), 5)
        answer = await client.post(stream.action, data=form, headers=signed(stream.action, form))
        [dialled] = parse(answer.text)
        assert isinstance(dialled, Dial) and dialled.number == PERSON
        assert served.calls["CA1"].events[-1] == "gone: stalled"


def signed(address: str, form: dict[str, str]) -> dict[str, str]:
    return {"X-Twilio-Signature": str(RequestValidator(TOKEN).compute_signature(address, form))}
