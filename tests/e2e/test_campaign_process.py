"""A campaign through all processes: the server, the telephone's, and Twilio's with the patient at the other end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from twilio.request_validator import RequestValidator

from tests.e2e.test_calls_out import ACCOUNT, twilio
from tests.server_process import free_port
from tests.voice_process import CALLER, TWILIO, VoiceSite, voice_site

pytest.importorskip("espeakng_loader")
pytestmark = pytest.mark.xdist_group("voice")
OURS = "+15555550100"
TELEPHONY = """
account_sid = "{account}"
number = "+15555550100"
api_url = "{api}"
call_hours = "00:00-24:00"
"""
ALWAYS = {"begin": "00:00", "end": "00:00"}


class Site:
    """All processes, and what can be done there."""

    def __init__(self, voice: VoiceSite, api: str):
        self.voice, self.api = voice, api

    def put(self, resource: dict[str, Any]) -> None:
        url = f"{self.voice.server.base}/{resource['resourceType']}/{resource['id']}"
        headers = self.voice.server.headers_of("admin")
        httpx.put(url, json=resource, headers=headers, timeout=30, trust_env=False).raise_for_status()

    def visit(self, id: str) -> None:
        start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
        self.put(
            {
                "resourceType": "Appointment",
                "id": id,
                "status": "booked",
                "start": start.isoformat(),
                "end": (start + timedelta(minutes=30)).isoformat(),
                "participant": [{"actor": {"reference": "Patient/maria"}, "status": "needs-action"}],
            }
        )

    def campaign(self, id: str, **document: Any) -> None:
        base = {
            "goal": "Visits are confirmed",
            "purpose": "confirm",
            "audience": {"searches": [f"Appointment?_id=visit-{id}"]},
            "triggers": [{"kind": "once"}],
            "quiet": ALWAYS,
            "limits": {"per_day": 10, "per_week": 30, "per_month": 60, "spacing_minutes": 0},
        }
        self.visit(f"visit-{id}")
        sent = {"id": id, "title": id, "status": "active", "document": {**base, **document}}
        self.ask("POST", "", sent).raise_for_status()
        self.ask("POST", f"/{id}/start").raise_for_status()

    def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        url = f"{self.voice.server.root}/platform/campaigns{path}"
        headers = self.voice.server.headers_of("admin")
        return httpx.request(method, url, json=body, headers=headers, timeout=30, trust_env=False)

    def requests(self, path: str) -> list[dict[str, Any]]:
        asked = httpx.get(f"{self.api}/admin/requests", timeout=10).json()
        return [one for one in asked if one["path"].endswith(path)]

    def text(self, words: str, id: str) -> str:
        """The patient writes to us: Twilio's webhook, signed."""
        url = f"http://127.0.0.1:{self.voice.port}/telephony/sms"
        form = {"MessageSid": id, "From": CALLER, "To": OURS, "Body": words, "AccountSid": ACCOUNT}
        headers = {"X-Twilio-Signature": RequestValidator(TWILIO).compute_signature(url, form)}
        answer = httpx.post(url, data=form, headers=headers, timeout=30, trust_env=False)
        answer.raise_for_status()
        return answer.text

    def state(self, id: str) -> tuple[str, str]:
        [one] = self.ask("GET", f"/{id}/members").json()["items"] or [{"outcome": "", "why": ""}]
        return one["outcome"], one["why"]


def until(found: Callable[[], Any], what: str, within: float = 60.0) -> Any:
    end = time.monotonic() + within
    while not (one := found()):
        assert time.monotonic() < end, what
        time.sleep(0.2)
    return one


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder, records = tmp_path_factory.mktemp("campaign"), Path(tmp_path_factory.mktemp("records"))
    port = free_port()
    with (
        twilio(port, records) as api,
        voice_site(folder, TELEPHONY.format(account=ACCOUNT, api=api), port) as voice,
    ):
        made = Site(voice, api)
        made.put(
            {
                "resourceType": "Consent",
                "id": "outreach",
                "status": "active",
                "scope": {"coding": [{"code": "patient-privacy"}]},
                "category": [
                    {
                        "coding": [
                            {
                                "system": "https://credence.health/fhir/CodeSystem/consent-category",
                                "code": "outreach",
                            }
                        ]
                    }
                ],
                "patient": {"reference": "Patient/maria"},
                "dateTime": "2026-01-01",
                "policyRule": {"coding": [{"code": "OPTIN"}]},
                "provision": {"type": "permit"},
            }
        )
        yield made


def test_a_message_goes_out_and_the_yes_to_it_ends_the_outreach(site: Site) -> None:
    before = len(site.requests("Messages.json"))
    site.campaign("sms", channels=[{"channel": "sms"}])
    [sent] = until(lambda: site.requests("Messages.json")[before:], "no message went out")
    assert sent["To"] == CALLER and "you have an appointment on" in sent["Body"]
    assert "confirmed" in site.text("YES", "SM-yes")
    assert until(lambda: site.state("sms")[0] == "done" and site.state("sms"), str(site.state("sms")))
    visit = site.voice.find("Appointment", _id="visit-sms")[0]
    assert visit["participant"][0]["status"] == "accepted"
    told = site.ask("GET", "/sms/progress").json()
    assert (told["states"], told["channels"]) == (
        {"done": 1},
        {"sms": {"completed": 1, "not-done": 0, "in-progress": 0}},
    )


def test_a_call_that_nobody_answers_is_made_again_and_then_left_to_people(site: Site) -> None:
    httpx.post(f"{site.api}/admin/callees", json={CALLER: {"answer": "busy", "rings": 0.2}}, timeout=10)
    before = len(site.requests("Calls.json"))
    call = {"channel": "call", "attempts": 1, "then_minutes": 1}
    site.campaign("call", channels=[call], follow_up=True)
    until(lambda: site.requests("Calls.json")[before:], "no call went out")
    _, why = until(
        lambda: site.state("call")[0] == "unreached" and site.state("call"), str(site.state("call"))
    )
    assert why == "call: tried 1 of 1"
    [task] = until(
        lambda: site.voice.find("Task", code="outreach-follow-up"), "nobody was asked to follow up"
    )
    assert task["for"] == {"reference": "Patient/maria"}
    assert len(site.requests("Calls.json")) == before + 1


def test_a_call_waits_until_an_operator_is_there(site: Site) -> None:
    httpx.post(f"{site.api}/admin/callees", json={CALLER: {"answer": "busy", "rings": 0.2}}, timeout=10)
    before = len(site.requests("Calls.json"))
    channel = {"channel": "call", "attempts": 1, "then_minutes": 1}
    site.campaign("staffed", channels=[channel], pacing={"operators": True})

    def told() -> str:
        runs = site.ask("GET", "/staffed/progress").json()["runs"]
        return str(runs[0]["why"]) if runs else ""

    until(lambda: told() == "calls wait: no operator is present", "it does not say why it waits")
    assert len(site.requests("Calls.json")) == before
    url = f"{site.voice.server.root}/platform/operators/me/presence"
    headers = site.voice.server.headers_of("admin") | {"Content-Type": "application/json"}
    said = httpx.put(url, json={"state": "available"}, headers=headers, timeout=30, trust_env=False)
    assert said.status_code == 200, said.text
    until(lambda: site.requests("Calls.json")[before:], "no call went out")
    until(lambda: site.state("staffed")[0] == "unreached", str(site.state("staffed")))
    assert told() == ""


def test_a_message_that_does_not_arrive_is_followed_by_the_next_channel(site: Site) -> None:
    before = len(site.requests("Messages.json"))
    site.campaign("lost", channels=[{"channel": "sms", "then_minutes": 600}])
    [sent] = until(lambda: site.requests("Messages.json")[before:], "no message went out")
    url = sent["StatusCallback"]
    form = {"MessageSid": "SM1", "MessageStatus": "undelivered", "AccountSid": ACCOUNT, "To": CALLER}
    until(lambda: site.state("lost")[0] == "waiting" and "answer" in site.state("lost")[1], "not sent")
    headers = {"X-Twilio-Signature": RequestValidator(TWILIO).compute_signature(url, form)}
    assert httpx.post(url, data=form, headers=headers, timeout=30).status_code == 204
    until(lambda: site.state("lost")[0] == "unreached", str(site.state("lost")))


def test_stop_is_kept_and_the_next_campaign_leaves_the_patient_out(site: Site) -> None:
    assert "<Message>" not in site.text("STOP", "SM-stop")
    until(lambda: site.voice.find("Flag", patient="Patient/maria"), "the wish is not on record")
    before = len(site.requests("Messages.json"))
    site.campaign("after", channels=[{"channel": "sms"}])
    until(lambda: site.state("after")[0] == "opted-out", str(site.state("after")))
    assert len(site.requests("Messages.json")) == before
