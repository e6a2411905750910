"""The telephone's process dies in the middle of a conversation by text messages: its record does not stay open."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from twilio.request_validator import RequestValidator

from tests.voice_process import CALLER, TWILIO, VoiceSite, voice_site

pytest.importorskip("espeakng_loader")
pytestmark = pytest.mark.xdist_group("voice")
OURS = "+15555550100"


def write(site: VoiceSite, words: str, id: str) -> str:
    """The patient writes to us: Twilio's webhook, signed."""
    url = f"http://127.0.0.1:{site.port}/telephony/sms"
    form = {"MessageSid": id, "From": CALLER, "To": OURS, "Body": words}
    headers = {"X-Twilio-Signature": RequestValidator(TWILIO).compute_signature(url, form)}
    answer = httpx.post(url, data=form, headers=headers, timeout=30, trust_env=False)
    answer.raise_for_status()
    return answer.text


def until(found: Callable[[], Any], what: str, within: float = 60.0) -> Any:
    end = time.monotonic() + within
    while not (one := found()):
        assert time.monotonic() < end, what
        time.sleep(0.2)
    return one


def test_a_conversation_that_was_cut_off_is_closed_once_and_left_to_people(tmp_path: Path) -> None:
    with voice_site(tmp_path) as site:
        assert "full name" in write(site, "I need to move my appointment", "SM1")
        [one] = until(lambda: site.find("Communication", status="in-progress"), "it is not on record")
        site.kill()
        site.start()
        assert "full name" in write(site, "hello? I need to move my appointment", "SM2")
        until(lambda: site.find("Communication", status="stopped"), "it stays open")
        [closed] = site.find("Communication", status="stopped")
        assert closed["id"] == one["id"]
        assert closed["statusReason"]["coding"][0]["code"] == "interrupted"
        [own] = site.find("Communication", status="in-progress")
        assert own["id"] != one["id"], "what goes on is left alone"
        [task] = site.find("Task", code="outreach-follow-up")
        assert task["focus"] == {"reference": f"Communication/{one['id']}"}
        site.kill()
        site.start()
        until(lambda: len(site.find("Communication", status="stopped")) == 2, "the second stays open")
        url = f"{site.server.base}/Communication/{one['id']}/_history"
        history = httpx.get(url, headers=site.server.headers_of("admin"), timeout=30, trust_env=False)
        assert history.json()["total"] == 2, "it is closed once"
        assert len(site.find("Task", code="outreach-follow-up")) == 2
