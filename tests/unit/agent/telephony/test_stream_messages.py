"""Messages of media streams: what is read, and what is garbage."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from agent.audio import mulaw
from agent.telephony.stream_messages import (
    Connected,
    Garbage,
    Marked,
    Pressed,
    Sound,
    Started,
    Stopped,
    clear,
    mark,
    read,
    sound,
)

CODES = bytes([mulaw.SILENCE]) * 160


def media(**more: Any) -> str:
    payload = base64.b64encode(CODES).decode()
    content = {"track": "inbound", "chunk": "2", "timestamp": "20", "payload": payload, **more}
    return json.dumps({"event": "media", "sequenceNumber": "3", "media": content})


def test_what_twilio_sends_is_read() -> None:
    start = {
        "event": "start", "sequenceNumber": "1", "streamSid": "MZ1",
        "start": {
            "streamSid": "MZ1", "accountSid": "AC1", "callSid": "CA1", "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {"token": "t"},
        },
    }  # fmt: skip
    assert read('{"event":"connected","protocol":"Call","version":"1.0.0"}') == Connected()
    assert read(json.dumps(start)) == Started("MZ1", "CA1", {"token": "t"})
    assert read(media()) == Sound(2, 20, CODES)
    assert read('{"event":"dtmf","dtmf":{"track":"inbound_track","digit":"#"}}') == Pressed("#")
    assert read('{"event":"mark","mark":{"name":"m1"}}') == Marked("m1")
    assert read('{"event":"stop","stop":{"callSid":"CA1"}}') == Stopped()


@pytest.mark.parametrize(
    "text",
    [
        "", "nonsense", "[]", "3", "null", '"media"', "{}", "[" * 5_000, '{"event":"other"}', '{"event":["media"]}',
        '{"event":"start"}', '{"event":"start","start":{}}', '{"event":"start","start":[]}',
        '{"event":"start","start":{"streamSid":"M","callSid":"C","mediaFormat":{"encoding":"audio/l16"}}}',
        '{"event":"start","start":{"streamSid":"M","callSid":"C","customParameters":[1]}}',
        '{"event":"dtmf","dtmf":{"digit":"A"}}', '{"event":"dtmf","dtmf":{"digit":["1"]}}', '{"event":"dtmf"}',
        '{"event":"mark","mark":{}}', '{"event":"mark","mark":{"name":7}}', '{"event":"media"}',
        media(track="outbound"), media(payload="***"), media(payload=""), media(payload=7), media(payload="é"),
        media(payload=base64.b64encode(b"x" * 16_001).decode()), media(chunk="one"), media(chunk=0),
        media(timestamp=-1), media(timestamp=None), media(timestamp=2**70), media(chunk=float("inf")),
        media(chunk="9" * 5_000),
    ],
)  # fmt: skip
def test_everything_else_is_garbage_and_no_error(text: str) -> None:
    found = read(text)
    assert isinstance(found, Garbage)
    assert "x" * 20 not in found.why


def test_what_is_sent_has_twilios_form() -> None:
    assert json.loads(sound('M"1', CODES)) == {
        "event": "media", "streamSid": 'M"1', "media": {"payload": base64.b64encode(CODES).decode()},
    }  # fmt: skip
    assert json.loads(mark("M1", "a b")) == {"event": "mark", "streamSid": "M1", "mark": {"name": "a b"}}
    assert json.loads(clear("M1")) == {"event": "clear", "streamSid": "M1"}
