"""A call with sound through all processes: the server, the telephone's, and a caller as Twilio would bring one."""

from __future__ import annotations

import base64
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent.audio.wav import read_channels
from tests.server_process import command
from tests.voice_process import CALLER, TWILIO, VoiceSite, voice_site

pytest.importorskip("espeakng_loader")
pytestmark = pytest.mark.xdist_group("voice")
SCRIPT = """\
how can i help => I need to cancel my appointment
birth => My name is Maria Alvarez, born March third nineteen eighty two
(name|birth) => Maria Alvarez, March third nineteen eighty two
(cancel|shall i|right|reason|why) => no never mind thank you goodbye
. => goodbye
[hangup]
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VoiceSite]:
    with voice_site(tmp_path_factory.mktemp("voice")) as running:
        yield running


@pytest.fixture(scope="module")
def call(site: VoiceSite) -> tuple[dict[str, Any], list[str]]:
    """One call; while it went on, the calls that the server's own processes showed to an operator."""
    script = site.folder / "caller.txt"
    script.write_text(SCRIPT)
    arguments = [*command(), "simulate-phone", "--webhook", site.webhook, "--auth-token", TWILIO, "--from", CALLER,
                 "--script", str(script), "--live", f"http://127.0.0.1:{site.port}",
                 "--live-token", site.server.tokens["admin"], "--json"]  # fmt: skip
    told = site.folder / "calls.json"
    with told.open("w") as out:
        calling = subprocess.Popen(arguments, stdout=out)
    seen: list[str] = []
    url = site.server.base.removesuffix("/fhir") + "/live/calls"
    while calling.poll() is None:
        answer = httpx.get(url, headers=site.server.headers_of("admin"), timeout=10, trust_env=False)
        seen += [one["caller"] for one in answer.json()["calls"]]
        time.sleep(0.5)
    [result] = json.loads(told.read_text())
    return result, seen


def test_it_was_answered_and_spoken(call: tuple[dict[str, Any], list[str]]) -> None:
    result, _ = call
    assert not result["trouble"], result
    assert result["greeting"] is not None and len(result["replies"]) >= 2, result


def test_operators_saw_it_through_the_server(call: tuple[dict[str, Any], list[str]]) -> None:
    assert CALLER in call[1]


def test_it_is_on_record_with_its_sound(call: tuple[dict[str, Any], list[str]], site: VoiceSite) -> None:
    until = time.monotonic() + 20
    while not (media := site.find("Media")) and time.monotonic() < until:
        time.sleep(0.2)
    [made] = site.find("Communication")
    assert made["status"] == "completed" and made["sender"]["display"] == CALLER
    assert media[0]["partOf"] == [{"reference": f"Communication/{made['id']}"}]
    caller, agent = read_channels(site.folder / "recordings" / f"{made['id']}.wav")
    assert caller.any() and agent.any()
    documents = site.find("DocumentReference", related=f"Communication/{made['id']}")
    texts = [_plain(one) for one in documents]
    transcript = next(text for text in texts if "agent:" in text)
    assert "This call is recorded." in transcript and "caller:" in transcript
    assert "cancel" in transcript.lower(), transcript


def test_webhooks_without_a_signature_are_refused(site: VoiceSite) -> None:
    answer = httpx.post(site.webhook, data={"CallSid": "CA" + "0" * 32}, timeout=10, trust_env=False)
    assert answer.status_code == 403
    for path in ("/live/calls", "/telephony/media"):
        answer = httpx.get(f"http://127.0.0.1:{site.port}{path}", timeout=10, trust_env=False)
        assert answer.status_code in (401, 403, 404, 405, 426), (path, answer.status_code)


def _plain(document: dict[str, Any]) -> str:
    parts = [
        c["attachment"]
        for c in document["content"]
        if c["attachment"]["contentType"].startswith("text/plain")
    ]
    return base64.b64decode(parts[0]["data"]).decode() if parts else ""


def test_the_log_says_nothing_of_the_caller(call: tuple[dict[str, Any], list[str]], site: VoiceSite) -> None:
    for name in ("voice.log", "server.log"):
        text = (site.folder / name).read_text(errors="replace")
        for word in (CALLER, "Alvarez", "Maria", "appointment", Path(TWILIO).name):
            assert word not in text, f"{name} names {word}"


def test_its_figures_tell_of_the_call(call: tuple[dict[str, Any], list[str]], site: VoiceSite) -> None:
    url = f"http://127.0.0.1:{site.port}/metrics"
    assert httpx.get(url, timeout=10, trust_env=False).status_code == 401
    headers, until = site.server.headers_of("admin"), time.monotonic() + 20
    while (
        _figure(told := httpx.get(url, headers=headers, timeout=10).text, 'calls_total{result="ended"}') < 1
    ):
        assert time.monotonic() < until, told
        time.sleep(0.2)
    assert _figure(told, "calls_under_way") == 0
    assert _figure(told, "call_greeting_seconds_count") >= 1
    assert _figure(told, "call_reply_seconds_count") >= 2
    assert CALLER not in told and "Alvarez" not in told


def test_it_says_that_it_is_well(site: VoiceSite) -> None:
    for name, status in (("readyz", "ready"), ("healthz", "ok"), ("livez", "ok")):
        answer = httpx.get(f"http://127.0.0.1:{site.port}/{name}", timeout=10, trust_env=False)
        assert (answer.status_code, answer.json()) == (200, {"status": status})


def _figure(text: str, name: str) -> float:
    """A figure of Credence in the text of Prometheus; 0 where it is not there yet."""
    lines = [line for line in text.splitlines() if line.startswith(f"credence_{name} ")]
    return float(lines[0].split()[1]) if lines else 0.0
