"""The campaigns that are shipped, each through all processes to people on the town's telephones."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent.campaigns.shipped import shipped
from agent.simulator.town.people import Townsman
from fhirserver.kernel.instants import instant
from fhirserver.kernel.wall import VARIABLE
from tests.faults.campaign_storm.seed import CONSENT_CATEGORY
from tests.server_process import free_port
from tests.town_process import TownProcess, drill_clock
from tests.voice_process import VoiceSite, voice_site

pytestmark = [pytest.mark.xdist_group("voice"), pytest.mark.slow]
BEGIN = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
"""Seven in New York, on a Tuesday: what begins at nine, ten and eleven follows, however long all takes to start."""
MORE = """
call_hours = "00:00-24:00"
text_idle_seconds = 3600
{api}
[speech]
providers = ["written"]
"""
PEOPLE = {
    "appointment-reminder": ("+14125550160", "es", "YES"),
    "post-visit-follow-up": ("+14125550161", "en", "GOOD"),
    "no-show-rebooking": ("+14125550162", "en", "BOOK"),
    "missing-data": ("+14125550163", "en", "OK"),
}
"""By template: whom it is for, the language they want, and what they answer."""
WORDS = {
    "appointment-reminder": "tiene una cita el jueves 3 de diciembre a las 10:00",
    "post-visit-follow-up": "how are you after your visit?",
    "no-show-rebooking": "we missed you at your appointment",
    "missing-data": "before your visit some details are missing in our records. Please give them here: http",
}
Json = dict[str, Any]


def _visit(of: str, id: str, days: int, status: str = "booked") -> Json:
    start = BEGIN.replace(hour=15, minute=0) + timedelta(days=days)
    return {
        "resourceType": "Appointment",
        "id": id,
        "status": status,
        "start": instant(start),
        "end": instant(start + timedelta(minutes=30)),
        "participant": [{"actor": {"reference": f"Patient/{of}"}, "status": "needs-action"}],
    }


def _world() -> Iterator[Json]:
    for id, (number, language, _) in PEOPLE.items():
        spoken = {"coding": [{"system": "urn:ietf:bcp:47", "code": language}]}
        yield {
            "resourceType": "Patient",
            "id": id,
            "active": True,
            "name": [{"family": "Brown", "given": ["Ana"]}],
            "birthDate": "1980-01-01",
            "telecom": [{"system": "phone", "value": number, "use": "mobile"}],
            "address": [{"state": "NY", "country": "US"}],
            "communication": [{"language": spoken, "preferred": True}],
        }
        yield {
            "resourceType": "Consent",
            "id": f"given-{id}",
            "status": "active",
            "scope": {"text": "outreach"},
            "category": [{"coding": [{"system": CONSENT_CATEGORY, "code": "outreach"}]}],
            "patient": {"reference": f"Patient/{id}"},
            "dateTime": "2026-01-01",
            "policyRule": {"text": "opt in"},
            "provision": {"type": "permit"},
        }
    yield _visit("appointment-reminder", "soon", 2)
    yield _visit("missing-data", "later", 7)
    yield _visit("no-show-rebooking", "missed", -1)
    yield {
        "resourceType": "Encounter",
        "id": "yesterday",
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": {"reference": "Patient/post-visit-follow-up"},
        "period": {"start": "2026-11-30T15:00:00Z", "end": "2026-11-30T15:30:00Z"},
    }


class Site:
    def __init__(self, voice: VoiceSite, town: TownProcess):
        self.voice, self.town = voice, town
        self.root = voice.server.base.removesuffix("/fhir")

    def put(self, resource: Json) -> None:
        url = f"{self.voice.server.base}/{resource['resourceType']}/{resource['id']}"
        headers = self.voice.server.headers
        httpx.put(url, json=resource, headers=headers, timeout=30, trust_env=False).raise_for_status()

    def platform(self, method: str, path: str, body: Json | None = None) -> Json:
        headers = {"Authorization": f"Bearer {self.voice.server.tokens['admin']}"}
        answer = httpx.request(
            method, f"{self.root}/platform{path}", json=body, headers=headers, timeout=30, trust_env=False
        )
        assert answer.is_success, answer.text
        return dict(answer.json())

    def until(self, holds: Callable[[], Any], within: float = 300.0) -> Any:
        end = time.monotonic() + within
        while not (found := holds()):
            assert time.monotonic() < end, [e for e in self.town.entries() if e["what"] != "delivered"]
            time.sleep(0.3)
        return found

    def member(self, patient: str) -> Json | None:
        found = self.voice.find("CommunicationRequest", patient=f"Patient/{patient}")
        return found[0] if found and found[0]["status"] == "completed" else None


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = Path(tmp_path_factory.mktemp("templates"))
    clock, port = {VARIABLE: drill_clock(BEGIN, 100)}, free_port()
    town = TownProcess(folder, f"http://127.0.0.1:{port}/telephony/voice", clock)
    with voice_site(folder, MORE.format(api=town.telephony), port, clock) as voice:
        made = Site(voice, town)
        people = [
            Townsman(number, "Ana Brown", "January 1st 1980", "yes", "no-answer", says=says, answers_after=60)
            for number, _, says in PEOPLE.values()
        ]
        town.start(people)
        for resource in _world():
            made.put(resource)
        for one in made.platform("GET", "/campaigns/templates")["items"]:
            kept = {"id": one["id"], "title": one["title"], "status": "active", "document": one["document"]}
            made.platform("POST", "/campaigns", kept)
            made.platform("POST", f"/campaigns/{one['id']}/start")
        time.sleep(2)
        made.put(_visit("no-show-rebooking", "missed", -1, "noshow"))
        try:
            yield made
        finally:
            town.stop()


@pytest.mark.parametrize("template", [one.id for one in shipped()])
def test_a_template_reaches_whom_it_is_for(site: Site, template: str) -> None:
    number, _, says = PEOPLE[template]

    def entries() -> list[Json]:
        return [e for e in site.town.entries() if e["number"] == number]

    (sent, *_) = site.until(lambda: [e for e in entries() if e["what"] == "texted"])
    assert WORDS[template] in sent["body"] and "STOP" in sent["body"]
    site.until(lambda: [e for e in entries() if e["what"] == "taken" and e["body"] == says])
    outcome = site.until(lambda: site.member(template) or next(iter(_open(site, template)), None))
    assert outcome["subject"]["reference"] == f"Patient/{template}"


def _open(site: Site, template: str) -> list[Json]:
    found = site.voice.find("CommunicationRequest", patient=f"Patient/{template}")
    return [one for one in found if one["status"] in ("active", "completed")]


def test_the_confirmed_visit_is_confirmed(site: Site) -> None:
    site.until(
        lambda: site.voice.find("Appointment", _id="soon")[0]["participant"][0]["status"] == "accepted"
    )
