"""A practice whose forms go out by text message: the server, the telephone's process, and the town's telephones."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from agent.simulator.town.people import Townsman
from tests.faults.campaign_storm.seed import CONSENT_CATEGORY
from tests.faults.campaign_storm.site import Site
from tests.form_world import ADA, Practice

Json = dict[str, Any]
NOON = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
"""In New York, on a Tuesday."""
_LINK = re.compile(r"https?://\S+/forms/\S+")
_OUTCOME = "https://credence.health/fhir/CodeSystem/outreach-outcome"


class FormSite(Site):
    """All processes. ``practice`` speaks to the server."""

    @property
    def practice(self) -> Practice:
        return Practice(self.server)

    def patient(self, id: str, number: str, consent: str = "permit", **more: Any) -> None:
        """Somebody with a mobile phone; ``consent`` is empty for none."""
        telecom = [{"system": "phone", "value": number, "use": "mobile"}]
        address = [{"state": "NY", "country": "US"}]
        self.practice.put({**ADA, "id": id, "telecom": telecom, "address": address, **more})
        if consent:
            self.consent(id, consent)

    def consent(self, patient: str, type: str) -> None:
        self.practice.put(
            {
                "resourceType": "Consent",
                "id": f"given-{patient}",
                "status": "active",
                "scope": {"text": "outreach"},
                "category": [{"coding": [{"system": CONSENT_CATEGORY, "code": "outreach"}]}],
                "patient": {"reference": f"Patient/{patient}"},
                "dateTime": "2026-01-01",
                "policyRule": {"text": "opt in"},
                "provision": {"type": type},
            }
        )

    def visit(self, id: str, patient: str, start: datetime) -> None:
        self.practice.put(
            {
                "resourceType": "Appointment",
                "id": id,
                "status": "booked",
                "start": start.isoformat(),
                "end": start.isoformat(),
                "participant": [{"actor": {"reference": f"Patient/{patient}"}, "status": "needs-action"}],
            }
        )

    def campaign(self, id: str, document: Json) -> httpx.Response:
        """Keep a campaign and start it; the answer to the start."""
        kept = {"id": id, "title": id, "status": "active", "document": document}
        self.platform("POST", "/campaigns", kept).raise_for_status()
        return self.platform("POST", f"/campaigns/{id}/start")

    def platform(self, method: str, path: str, body: Any = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.server.tokens['admin']}"}
        url = f"{self.server.root}/platform{path}"
        return httpx.request(method, url, json=body, headers=headers, timeout=30, trust_env=False)

    def member(self, campaign: str) -> tuple[str, str]:
        """State and reason of the one patient of a campaign."""
        found = self.platform("GET", f"/campaigns/{campaign}/members").json()["items"]
        return (found[0]["outcome"], found[0]["why"]) if found else ("", "")

    def attempts(self, patient: str) -> list[tuple[str, str]]:
        """Channel and outcome of each contact with a patient, the first coming first."""
        found = self.practice.found(f"Communication?patient={patient}&_sort=sent&_count=100")
        return [
            (_code(one.get("category", []), "contact-channel"), _code([one.get("statusReason", {})]))
            for one in found
        ]

    def texts(self, number: str) -> list[Json]:
        """The messages that the carrier took for a number."""
        return [e for e in self.town.entries() if e["what"] == "texted" and e["number"] == number]

    def hold(self, when: str) -> None:
        """Leave the next contact without an answer: ``before`` or ``after`` anything has come of it."""
        httpx.post(f"{self.town.url}/admin/hold", json={"when": when}, timeout=10, trust_env=False)


def _code(concepts: list[Json], system: str = "outreach-outcome") -> str:
    codings = (coding for concept in concepts for coding in concept.get("coding", ()))
    return next((str(c["code"]) for c in codings if str(c.get("system", "")).endswith(system)), "")


def link_in(body: str) -> str:
    """The link in a message."""
    found = _LINK.search(body)
    assert found is not None, body
    return found.group()


def until(holds: Callable[[], Any], told: Callable[[], Any] = lambda: "", within: float = 45.0) -> Any:
    """What holds at last; ``told`` says what there was instead."""
    end = time.monotonic() + within
    while not (found := holds()):
        assert time.monotonic() < end, told()
        time.sleep(0.2)
    return found


@contextmanager
def form_site(
    folder: Path,
    people: list[Townsman],
    more: str = "",
    pace: float = 1,
    begin: datetime = NOON,
    workers: int = 1,
) -> Iterator[FormSite]:
    """All is up within the block. ``more``: further tables of the configuration."""
    site = FormSite(folder, begin, pace, workers, 5, 1, more)
    asyncio.run(site.seed([]))
    try:
        site.open(people)
        yield site
    finally:
        site.close()
