"""Calls out through all processes: the server, the telephone's, and Twilio's with those who are called."""

from __future__ import annotations

import base64
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from agent.audio.wav import read_channels
from tests.server_process import command, free_port
from tests.voice_process import CALLER, TWILIO, VoiceSite, voice_site

pytest.importorskip("espeakng_loader")
pytestmark = pytest.mark.xdist_group("voice")
ACCOUNT = "AC" + "1" * 32
MESSAGE = "This is the clinic. Please call us back at your convenience. Thank you."
TELEPHONY = """
account_sid = "{account}"
number = "+15555550100"
api_url = "{api}"
voicemail = "{message}"
call_hours = "00:00-24:00"
"""
PERSON = [
    "[wait 1]",
    "(who i'm speaking with|full name|date of birth) => [again] Maria Alvarez, March third nineteen eighty two",
    "will you be there => [again] yes",
    "anything else => no thank you, goodbye",
    ". => goodbye",
]


@dataclass
class Site:
    """All processes."""

    voice: VoiceSite
    api: str
    records: Path

    def callee(self, **told: Any) -> None:
        """Who answers the patient's number from now on."""
        httpx.post(f"{self.api}/admin/callees", json={CALLER: told}, timeout=10).raise_for_status()

    def order(self, id: str, principal: str = "admin", **other: str) -> httpx.Response:
        """An order through the server's own process, as an operator gives it."""
        base = self.voice.server.base.removesuffix("/fhir")
        order = {"id": id, "to": CALLER, "patient": "Patient/maria", "reason": "confirm", **other}
        headers = {"Authorization": f"Bearer {self.voice.server.tokens[principal]}"}
        return httpx.post(f"{base}/live/calls", json=order, headers=headers, timeout=60, trust_env=False)

    def placed(self) -> list[dict[str, Any]]:
        """What Twilio was asked for."""
        asked: list[dict[str, Any]] = httpx.get(f"{self.api}/admin/requests", timeout=10).json()
        return asked

    def record(self, id: str, within: float = 30.0) -> dict[str, Any]:
        """The Communication of an order, once it is final."""
        until = time.monotonic() + within
        while True:
            found = self.voice.find("Communication", identifier=id)
            if found and found[0]["status"] in ("completed", "not-done"):
                return found[0]
            assert time.monotonic() < until, found
            time.sleep(0.3)

    def answered(self, within: float = 120.0) -> dict[str, Any]:
        """What became of the newest call, at Twilio."""
        until = time.monotonic() + within
        before = self._answered
        while len(calls := httpx.get(f"{self.api}/admin/answered", timeout=10).json()) <= before:
            assert time.monotonic() < until, "the call did not end"
            time.sleep(0.3)
        self._answered = len(calls)
        last: dict[str, Any] = calls[-1]
        return last

    _answered = 0

    def transcript(self, communication: str) -> str:
        """What was said on a call, by both."""
        documents = self.voice.find("DocumentReference", related=f"Communication/{communication}")
        texts = [
            base64.b64decode(content["attachment"]["data"]).decode()
            for document in documents
            for content in document["content"]
            if content["attachment"]["contentType"].startswith("text/plain")
        ]
        return next((text for text in texts if "agent:" in text), "")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder, records = tmp_path_factory.mktemp("out"), tmp_path_factory.mktemp("records")
    port = free_port()
    with twilio(port, records) as api:
        telephony = TELEPHONY.format(account=ACCOUNT, api=api, message=MESSAGE)
        with voice_site(folder, telephony, port) as running:
            yield Site(running, api, records)


@contextlib.contextmanager
def twilio(port: int, records: Path) -> Iterator[str]:
    """Twilio's REST API with those who are called, as a process."""
    webhook = f"http://127.0.0.1:{port}/telephony/voice"
    arguments = ["--auth-token", TWILIO, "--webhook", webhook, "--record", str(records)]
    process = subprocess.Popen(
        [sys.executable, "-m", "agent.simulator.rest_api", *arguments], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.communicate(timeout=20)


def test_who_may_not_order_is_refused_and_nothing_rings(site: Site) -> None:
    before = len(site.placed())
    for principal in ("ehr", "voice-agent"):
        assert site.order("refused", principal).status_code == 403
    direct = httpx.post(
        f"http://127.0.0.1:{site.voice.port}/live/calls", json={}, timeout=10, trust_env=False
    )
    assert direct.status_code == 401
    assert len(site.placed()) == before and not site.voice.find("Communication", identifier="refused")


@pytest.mark.parametrize(
    ("wrong", "status", "words"),
    [
        ({"to": "412-555-0142"}, 400, "E.164"),
        ({"to": "+14125550199"}, 422, "not on the patient's record"),
        ({"patient": "Patient/nobody"}, 422, "no such patient"),
        ({"reason": "chat"}, 400, "'reason' is one of"),
        ({"id": "a b"}, 400, "'id' is"),
    ],
)
def test_what_may_not_be_called_is_refused(
    site: Site, wrong: dict[str, str], status: int, words: str
) -> None:
    before = len(site.placed())
    answer = site.order(**{"id": "wrong", **wrong})
    assert (answer.status_code, len(site.placed())) == (status, before), answer.text
    assert words in answer.text and CALLER not in answer.text


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("busy", "recipient-unavailable"),
        ("no-answer", "recipient-unavailable"),
        ("failed", "system-error"),
    ],
)
def test_nobody_reached_is_on_record(site: Site, answer: str, code: str) -> None:
    site.callee(answer=answer, rings=0.3)
    assert site.order(f"try-{answer}").status_code == 201
    made = site.record(f"try-{answer}")
    site.answered()
    assert made["status"] == "not-done" and "received" not in made
    assert made["statusReason"]["text"] == answer
    assert made["statusReason"]["coding"][0]["code"] == code
    assert made["recipient"] == [{"reference": "Patient/maria", "display": CALLER}]
    assert not site.transcript(made["id"])


def test_the_same_id_calls_once(site: Site) -> None:
    site.callee(answer="busy", rings=0.3)
    before = len(site.placed())
    first = site.order("once")
    made = site.record("once")
    site.answered()
    again = site.order("once")
    assert (first.status_code, again.status_code, len(site.placed()) - before) == (201, 200, 1)
    told = again.json()
    assert told["repeated"] and told["call"] == first.json()["call"] != ""
    assert (told["status"], told["why"]) == ("not-done", "busy")
    assert told["communication"] == f"Communication/{made['id']}"
    assert site.order("once", patient="Patient/other").status_code == 409


def test_an_order_is_audited_with_who_gave_it(site: Site) -> None:
    site.callee(answer="busy", rings=0.3)
    site.order("audited")
    site.record("audited")
    site.answered()
    events = [e for e in site.voice.find("AuditEvent") if e["subtype"][0]["code"] == "call_out"]
    assert events and {e["agent"][0]["who"]["display"] for e in events} == {"admin"}
    assert events[-1]["entity"] == [{"what": {"reference": "Patient/maria"}}]


@pytest.mark.slow
def test_a_person_picks_up_and_confirms(site: Site) -> None:
    live = f"http://127.0.0.1:{site.voice.port}"
    site.callee(answer="person", script=PERSON, live=live, token=site.voice.server.tokens["admin"])
    assert site.order("person").status_code == 201
    call = site.answered(180)
    assert not call["trouble"], call
    assert call["told"][0] == "human" and call["told"][-1] == "completed", call["told"]
    made = site.record("person")
    transcript = site.transcript(made["id"])
    before, known, after = transcript.partition("I'm calling about an appointment")
    assert known, transcript
    for word in ("Alvarez", "Maria", "appointment"):
        assert word not in "".join(line for line in before.splitlines() if line.startswith("agent:"))
    assert "noted that you will be there" in after, transcript
    assert made["status"] == "completed" and made["subject"] == {"reference": "Patient/maria"}
    [visit] = site.voice.find("Appointment", patient="Patient/maria")
    assert visit["status"] == "booked"
    accepted = [p for p in visit["participant"] if p["actor"]["reference"] == "Patient/maria"]
    assert accepted[0]["status"] == "accepted"
    assert site.voice.find("Provenance", target=f"Appointment/{visit['id']}")


@pytest.mark.slow
def test_a_machine_is_left_the_message_after_its_tone(site: Site) -> None:
    site.callee(answer="machine")
    assert site.order("machine").status_code == 201
    call = site.answered(120)
    assert not call["trouble"], call
    assert call["told"] == ["machine_end_beep", "completed"]
    made = site.record("machine")
    assert made["statusReason"]["text"] == "end: voicemail: message left"
    said = [line for line in site.transcript(made["id"]).splitlines() if "agent:" in line]
    assert said and said[-1].endswith(MESSAGE), said
    for word in ("Maria", "Alvarez", "appointment", "March", "Doctor", "Patient", "visit"):
        assert not any(word in line for line in said), (word, said)
    _heard_after_the_tone(Path(call["recording"]))


def _heard_after_the_tone(recording: Path) -> None:
    """The agent is heard where the machine records, for as long as the message takes."""
    _, agent = read_channels(recording)
    moments = json.loads(recording.with_suffix(".json").read_text())
    tone = next(u for u in moments["utterances"] if u["words"].endswith("tone.wav"))
    loud = np.abs(agent[round(tone["end"] * 8_000) :]) > 500
    seconds = np.flatnonzero(loud) / 8_000
    assert len(seconds) and seconds[0] < 2.0, "nothing was heard soon after the tone"
    assert seconds[-1] - seconds[0] > 2.5, "the message was cut"


def test_the_command_orders_a_call(site: Site) -> None:
    site.callee(answer="busy", rings=0.3)
    base, token = site.voice.server.base.removesuffix("/fhir"), site.voice.server.tokens["admin"]
    arguments = [*command(), "call-out", "--server", base, "--token", token, "--id", "by-command",
                 "--to", CALLER, "--patient", "Patient/maria", "--reason", "call_back"]  # fmt: skip
    for words in ("calling (by-command)", "ordered before (by-command)"):
        ran = subprocess.run(arguments, capture_output=True, text=True, timeout=60)
        assert ran.returncode == 0 and ran.stdout.startswith(words), ran
        site.record("by-command")
    assert "is not-done: busy" in ran.stdout
    site.answered()
    wrong = subprocess.run(
        [*arguments[:-2], "--id", "x", "--to", "+1412"], capture_output=True, text=True, timeout=60
    )
    assert wrong.returncode == 2 and "refused (400)" in wrong.stderr


def test_no_log_tells_of_who_is_called(site: Site) -> None:
    for name in ("voice.log", "server.log"):
        text = (site.voice.folder / name).read_text(errors="replace")
        for word in (CALLER, "Alvarez", "Maria", TWILIO):
            assert word not in text, f"{name} names {word}"
