"""The town's telephones: calls in writing through every process, at a hundred times the pace of the day."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent.simulator.town.people import Townsman
from fhirserver.kernel.wall import VARIABLE
from tests.server_process import credence, free_port
from tests.town_process import TownProcess, drill_clock
from tests.voice_process import CALLER, VoiceSite, voice_site

pytestmark = pytest.mark.xdist_group("voice")
BEGIN = datetime.now(UTC).replace(hour=15, minute=0, second=0, microsecond=0)
MORE = """
call_hours = "00:00-24:00"
call_any_number = true
{api}
[speech]
providers = ["written"]
"""
MARIA = {"name": "Maria Alvarez", "born": "March 3rd 1982"}
PEOPLE = [
    Townsman(CALLER, call="person", **MARIA),
    Townsman("+14125550150", call="machine"),
    Townsman("+14125550151", call="busy"),
    Townsman("+14125550152", call="hang-up"),
    Townsman("+14125550153", call="wrong"),
    Townsman("+14125550154", call="no-answer"),
    Townsman("+14125550155", call="person", name="Somebody Else", born="May 5th 1955"),
    Townsman("+14125550156", call="later", answers_after=600, **MARIA),
]


@dataclass
class Site:
    voice: VoiceSite
    town: TownProcess

    def order(self, id: str, to: str) -> None:
        base = self.voice.server.base.removesuffix("/fhir")
        order = {"id": id, "to": to, "patient": "Patient/maria", "reason": "confirm"}
        headers = {"Authorization": f"Bearer {self.voice.server.tokens['admin']}"}
        answer = httpx.post(f"{base}/live/calls", json=order, headers=headers, timeout=60, trust_env=False)
        assert answer.status_code == 201, answer.text

    def ended(self, number: str, times: int = 1) -> dict[str, Any]:
        """How the last contact with a number ended."""

        def is_over(entries: list[dict[str, Any]]) -> bool:
            return sum(e["number"] == number and e["what"] == "ended" for e in entries) >= times

        return [e for e in self.town.wait_for(is_over) if e["number"] == number][-1]

    def record(self, id: str) -> dict[str, Any]:
        """The Communication of an order, once it is final."""
        until = time.monotonic() + 30
        while True:
            found = self.voice.find("Communication", identifier=id)
            if found and found[0]["status"] in ("completed", "not-done"):
                return found[0]
            assert time.monotonic() < until, found
            time.sleep(0.1)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = Path(tmp_path_factory.mktemp("town"))
    clock, port = {VARIABLE: drill_clock(BEGIN, 100)}, free_port()
    town = TownProcess(folder, f"http://127.0.0.1:{port}/telephony/voice", clock)
    with voice_site(folder, MORE.format(api=town.telephony), port, clock) as voice:
        town.start(PEOPLE)
        try:
            yield Site(voice, town)
        finally:
            town.stop()


def test_a_person_confirms(site: Site) -> None:
    site.order("yes", CALLER)
    assert site.ended(CALLER)["how"] == "person"
    assert site.record("yes")["status"] == "completed"
    (visit,) = site.voice.find("Appointment", _id="visit")
    assert visit["participant"][0]["status"] == "accepted"
    texts = [
        base64.b64decode(one["content"][0]["attachment"]["data"]).decode()
        for one in site.voice.find("DocumentReference")
    ]
    assert any("Yes, I will be there" in text for text in texts)


@pytest.mark.parametrize(
    ("number", "how", "status"),
    [
        ("+14125550150", "machine", "not-done"),
        ("+14125550151", "busy", "not-done"),
        ("+14125550152", "hang-up", "completed"),
        ("+14125550153", "wrong", "completed"),
        ("+14125550154", "no-answer", "not-done"),
        ("+14125550155", "person", "completed"),
        ("+14125559999", "failed", "not-done"),
    ],
)
def test_others_do_what_the_town_says_of_them(site: Site, number: str, how: str, status: str) -> None:
    site.order(f"to-{number[1:]}", number)
    assert site.ended(number)["how"] == how
    assert site.record(f"to-{number[1:]}")["status"] in (status, "completed")


def test_somebody_calls_back(site: Site) -> None:
    site.order("later", "+14125550156")
    site.ended("+14125550156", times=2)
    whats = [e["what"] for e in site.town.entries() if e["number"] == "+14125550156"]
    assert whats == ["called", "ended", "rang", "answered", "ended"]


def test_all_is_written_in_the_time_of_the_drill(site: Site) -> None:
    first = site.town.entries()[0]
    assert first["at"][:10] == BEGIN.date().isoformat()
    for one in site.voice.find("Communication"):
        assert one["sent"][:10] >= BEGIN.date().isoformat()
        assert one["meta"]["lastUpdated"] >= BEGIN.isoformat()


def test_words_for_sound_are_refused_where_people_could_be_reached(site: Site) -> None:
    config = site.voice.server.config
    text = config.read_text().replace(f'api_url = "{site.town.url}"', "")
    (config.parent / "real.toml").write_text(text)
    refused = credence("voice", "--config", str(config.parent / "real.toml"))
    assert refused.returncode == 2 and "'written' is for drills" in refused.stdout
