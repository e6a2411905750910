"""A server without forms: said so at the platform and by the campaigns, and never taken for "nothing is missing"."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.form_world import ADA, Practice
from tests.server_process import ServerProcess

TYPE = "https://credence.health/problems/forms-off"
PHONE = {"telecom": [{"system": "phone", "value": "+14125550142", "use": "mobile"}]}


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Practice]:
    folder = Path(tmp_path_factory.mktemp("off"))
    with ServerProcess(folder, settings="[forms]\nenabled = false\n") as server:
        made = Practice(server)
        made.put({**ADA, **PHONE})
        start = datetime.now(UTC) + timedelta(days=5)
        made.put(
            {
                "resourceType": "Appointment",
                "id": "visit",
                "status": "booked",
                "start": start.isoformat(),
                "end": (start + timedelta(minutes=30)).isoformat(),
                "participant": [{"actor": {"reference": "Patient/ada"}, "status": "needs-action"}],
            }
        )
        yield made


def _ask(practice: Practice, method: str, path: str, body: Any = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {practice.server.tokens['admin']}"}
    url = f"{practice.server.root}/platform/campaigns{path}"
    return httpx.request(method, url, json=body, headers=headers, timeout=30)


def _campaign(practice: Practice, id: str, *channels: str) -> None:
    document = {
        "goal": "What is missing is on record",
        "purpose": "missing",
        "consent": "not-denied",
        "audience": {"searches": ["Appointment?_id=visit"]},
        "channels": [{"channel": one} for one in channels],
        "triggers": [{"kind": "cron", "expression": "0 11 * * 1-5", "zone": "America/New_York"}],
        "quiet": {"begin": "00:00", "end": "00:00"},
    }
    kept = _ask(practice, "POST", "", {"id": id, "title": id, "status": "active", "document": document})
    assert kept.status_code == 201, kept.text


def test_the_platform_says_that_there_are_no_forms(practice: Practice) -> None:
    for method, path, body in (
        ("POST", "", {"patient": "Patient/ada"}),
        ("POST", "/scan", {"patient": "Patient/ada"}),
        ("GET", "", None),
    ):
        answer = practice.ask(method, path, body)
        assert (answer.status_code, answer.json()["type"]) == (409, TYPE)


def test_a_campaign_by_forms_alone_is_not_started(practice: Practice) -> None:
    _campaign(practice, "alone", "form")
    told = _ask(practice, "POST", "/alone/rehearse", {}).json()
    assert told["off"] == {"form": "forms are off"}
    assert [one["why"] for one in told["people"]] == ["form: forms are off"]
    refused = _ask(practice, "POST", "/alone/start")
    assert (refused.status_code, refused.json()["type"]) == (409, TYPE)
    assert "forms are off" in refused.json()["title"]
    assert _ask(practice, "GET", "/alone").json()["standing"]["status"] == "none"


def test_a_campaign_with_another_way_goes_by_that(practice: Practice) -> None:
    _campaign(practice, "both", "form", "call")
    told = _ask(practice, "POST", "/both/rehearse", {}).json()
    assert told["off"] == {"form": "forms are off"} and told["counts"] == {"call": 1}
    assert _ask(practice, "POST", "/both/start").status_code == 201
