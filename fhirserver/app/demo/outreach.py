"""The demo's second act: a reminder campaign to five patients, by message, by telephone and by a form.

Everything is as in production but the telephones: they are those of a simulated town, whose people write and speak in
words (:mod:`agent.simulator.town`). What is checked at the end is read from the carrier's own log and from the world.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from fhirserver.app.demo.checks import Check
from fhirserver.app.demo.processes import free_port, running
from fhirserver.app.demo.world import Waited
from fhirserver.kernel.instants import instant

if TYPE_CHECKING:
    from fhirserver.app.demo.setup import Stage

Json = dict[str, Any]
_TOKEN = "the-carrier-of-the-demo"  # noqa: S105  (of a simulated carrier on this machine)
_NUMBER = "+15555550100"
_ACCOUNT = "AC" + "0" * 32
_CANONICAL = "https://credence.health/fhir"
_SETTINGS = """
[telephony]
account_sid = "{account}"
auth_token_file = "{token}"
number = "{number}"
public_url = "http://127.0.0.1:{port}"
api_url = "{api}"
call_hours = "00:00-24:00"

[voice]
port = {port}
fhir_url = "{fhir}"
token_file = "{agent}"
practice = "Lakeside Clinic"
emotion = false

[speech]
providers = ["written"]
"""
LONGEST = 110.0
"""Seconds after which the act has gone wrong."""


@dataclass(frozen=True, slots=True)
class Invited:
    """One of the five. ``form``: in the campaign that sends forms."""

    id: str
    given: str
    number: str
    what: str
    text: str = "silent"
    call: str = "no-answer"
    wish: str = "yes"
    consents: bool = True
    form: bool = False

    @property
    def person(self) -> Json:
        """As the town knows them."""
        return {
            "number": self.number,
            "name": f"{self.given} Okafor",
            "born": "March 3rd 1982",
            "text": self.text,
            "call": self.call,
            "wish": self.wish,
            "answers_after": 1.0,
        }


FIVE = (
    Invited("demo-ana", "Ana", "+14125550171", "confirms by message", text="yes"),
    Invited(
        "demo-ben", "Ben", "+14125550172", "moves the visit by telephone", call="person", wish="reschedule"
    ),
    Invited("demo-cleo", "Cleo", "+14125550173", "never answers"),
    Invited("demo-dan", "Dan", "+14125550174", "has given no consent", consents=False),
    Invited("demo-eve", "Eve", "+14125550175", "is sent a form", form=True),
)


def _visit(one: Invited, start: datetime) -> Json:
    return {
        "resourceType": "Appointment",
        "id": f"visit-{one.id}",
        "status": "booked",
        "start": instant(start),
        "end": instant(start + timedelta(minutes=30)),
        "participant": [{"actor": {"reference": f"Patient/{one.id}"}, "status": "needs-action"}],
    }


def _resources(now: datetime) -> Iterator[Json]:
    start = now.replace(hour=15, minute=0, second=0, microsecond=0) + timedelta(days=3)
    yield {"resourceType": "Schedule", "id": "demo-outreach", "actor": [{"display": "Dr. Reed"}]}
    for n in range(40):
        at = start + timedelta(days=2 + n // 8, minutes=30 * (n % 8))
        yield {
            "resourceType": "Slot", "id": f"demo-slot-{n}", "schedule": {"reference": "Schedule/demo-outreach"},
            "status": "free", "start": instant(at), "end": instant(at + timedelta(minutes=30)),
        }  # fmt: skip
    for one in FIVE:
        yield {
            "resourceType": "Patient", "id": one.id, "active": True, "birthDate": "1982-03-03",
            "name": [{"use": "official", "family": "Okafor", "given": [one.given]}],
            "telecom": [{"system": "phone", "value": one.number, "use": "mobile"}],
        }  # fmt: skip
        yield _visit(one, start)
        if one.consents:
            yield {
                "resourceType": "Consent", "id": f"consent-{one.id}", "status": "active", "scope": {"text": "outreach"},
                "category": [{"coding": [{"system": f"{_CANONICAL}/CodeSystem/consent-category", "code": "outreach"}]}],
                "patient": {"reference": f"Patient/{one.id}"}, "dateTime": "2026-01-01",
                "policyRule": {"text": "opt in"}, "provision": {"type": "permit"},
            }  # fmt: skip


def _campaign(id: str, title: str, who: list[Invited], channels: list[Json], purpose: str) -> Json:
    """A campaign that begins at once; the demo does not wait for nine in the morning."""
    ids = ",".join(f"visit-{one.id}" for one in who)
    document = {
        "goal": title,
        "purpose": purpose,
        "audience": {"searches": [f"Appointment?_id={ids}"]},
        "channels": channels,
        "triggers": [{"kind": "once"}],
        "script": {
            "en": {
                "sms": "{practice}: you have an appointment on {date} at {time}. Reply YES to confirm, or STOP.",
                "form": "{practice}: please fill in this form before your visit: {link}",
            }
        },
        "attempts": 2,
        "limits": {"spacing_minutes": 0},
        "quiet": {"begin": "00:00", "end": "00:00"},
        "needed": "unconfirmed" if purpose == "confirm" else "upcoming",
    }
    return {"id": id, "title": title, "status": "active", "document": document}


_REMINDER = [{"channel": "sms", "then_minutes": 1}, {"channel": "call", "then_minutes": 1}]
_FORM = [{"channel": "form", "then_minutes": 1440}]


class Outreach:
    """The act over a running server."""

    def __init__(self, stage: Stage, told: Any):
        self._stage, self._told = stage, told
        headers = {"Authorization": f"Bearer {stage.tokens['admin']}"}
        self._http = httpx.Client(base_url=stage.server, headers=headers, timeout=30, trust_env=False)
        self._log = stage.folder / "contacts.jsonl"
        self._shown = 0

    def play(self) -> list[Check]:
        """From the audience to the checks. Raises :class:`Waited`."""
        for resource in _resources(datetime.now(UTC)):
            self._put(resource)
        port, api = free_port(), free_port()
        with self._town(api, port), running(self._voice(port, api), self._stage.folder / "outreach.log",
                                            f"http://127.0.0.1:{port}/readyz"):  # fmt: skip
            reminded = [one for one in FIVE if not one.form]
            self._begin(_campaign("demo-reminder", "Visits are confirmed", reminded, _REMINDER, "confirm"))
            self._begin(_campaign("demo-form", "Details are complete", [FIVE[4]], _FORM, "missing"))
            self._follow()
        return self._checks()

    def _put(self, resource: Json) -> None:
        path = f"/fhir/{resource['resourceType']}/{resource['id']}"
        headers = {"Authorization": f"Bearer {self._stage.tokens['ehr']}"}
        self._http.put(path, json=resource, headers=headers).raise_for_status()

    def _begin(self, campaign: Json) -> None:
        self._http.post("/platform/campaigns", json=campaign).raise_for_status()
        self._http.post(f"/platform/campaigns/{campaign['id']}/start").raise_for_status()
        self._told("campaign", f"{campaign['title']}: begun", "bold")

    @contextlib.contextmanager
    def _town(self, port: int, voice: int) -> Iterator[None]:
        people = self._stage.folder / "people.json"
        people.write_text(json.dumps([one.person for one in FIVE]))
        command = [
            sys.executable, "-m", "agent.simulator.town", "--port", str(port), "--auth-token", _TOKEN,
            "--webhook", f"http://127.0.0.1:{voice}/telephony/voice", "--log", str(self._log),
            "--people", str(people), "--number", _NUMBER, "--account", _ACCOUNT,
        ]  # fmt: skip
        process = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603 - our own
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield
        finally:
            process.terminate()
            process.communicate(timeout=20)

    def _voice(self, port: int, api: int) -> list[str]:
        """The telephone's process of this act, with settings of its own."""
        folder, stage = self._stage.folder, self._stage
        text = stage.config.read_text().partition("\n[telephony]")[0]
        text += _SETTINGS.format(
            account=_ACCOUNT, number=_NUMBER, port=port, api=f"http://127.0.0.1:{api}", fhir=f"{stage.server}/fhir",
            token=_private(folder / "carrier-token", _TOKEN),
            agent=_private(folder / "outreach-token", stage.tokens["voice-agent"]),
        )  # fmt: skip
        return ["voice", "--config", str(_private(folder / "outreach.toml", text))]

    # what happens

    def _follow(self) -> None:
        """Tell what the carrier sees, until nobody of the reminder is open and the form is on its way."""
        until = time.monotonic() + LONGEST
        while not self._over():
            self._tell()
            if time.monotonic() > until:
                raise Waited(f"after {LONGEST:.0f} s still not: the campaign is over")
            time.sleep(0.5)
        self._tell()

    def _over(self) -> bool:
        open = [m for m in self._members() if m["status"] == "active"]
        forms = [e for e in self._entries() if e["number"] == FIVE[4].number and e["what"] == "texted"]
        return bool(self._members()) and bool(forms) and all(_patient(m) == FIVE[4].id for m in open)

    def _members(self) -> list[Json]:
        return self._search("CommunicationRequest", {"_count": "100"})

    def _search(self, type: str, params: dict[str, str]) -> list[Json]:
        bundle = self._http.get(f"/fhir/{type}", params=params).raise_for_status().json()
        return [entry["resource"] for entry in bundle.get("entry", ())]

    def _entries(self) -> list[Json]:
        if not self._log.exists():
            return []
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    def _tell(self) -> None:
        names = {one.number: one.given for one in FIVE}
        words = {"texted": "is written to", "called": "is called", "answered": "answers", "wrote": "writes"}
        entries = self._entries()
        for entry in entries[self._shown :]:
            if entry["what"] in words:
                said = f": {entry['body']}" if entry.get("body") else ""
                self._told(names.get(entry["number"], "?"), f"{words[entry['what']]}{said}", "")
        self._shown = len(entries)

    # what had to hold

    def _checks(self) -> list[Check]:
        ana, ben, cleo, dan, eve = FIVE
        seen = {one.id: [e["what"] for e in self._entries() if e["number"] == one.number] for one in FIVE}
        outcomes = {
            _patient(m): m["statusReason"]["text"] for m in self._members() if m["status"] != "active"
        }
        contacts = {id: sum(w in ("texted", "called") for w in whats) for id, whats in seen.items()}
        return [
            Check(
                "Ana confirmed her visit by a message",
                self._status(ana) == ["accepted"],
                outcomes.get(ana.id, ""),
            ),
            Check("Ben moved his visit by telephone", self._moved(ben), outcomes.get(ben.id, "")),
            Check(
                "Cleo was tried twice and left to people", contacts[cleo.id] == 2, outcomes.get(cleo.id, "")
            ),
            Check("Nobody contacted Dan, who gave no consent", not seen[dan.id], outcomes.get(dan.id, "")),
            Check("Eve was sent the link to a form", self._form(eve), f"{contacts[eve.id]} message"),
        ]

    def _status(self, one: Invited) -> list[str]:
        visit = self._http.get(f"/fhir/Appointment/visit-{one.id}").json()
        return [str(p["status"]) for p in visit["participant"]]

    def _moved(self, one: Invited) -> bool:
        visits = self._search("Appointment", {"patient": f"Patient/{one.id}"})
        return sorted(visit["status"] for visit in visits) == ["booked", "cancelled"]

    def _form(self, one: Invited) -> bool:
        sent = [e for e in self._entries() if e["number"] == one.number and e["what"] == "texted"]
        return len(sent) == 1 and "http" in sent[0].get("body", "")


def _patient(member: Json) -> str:
    return str(member["subject"]["reference"]).removeprefix("Patient/")


def _private(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path
