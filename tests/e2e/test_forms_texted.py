"""Forms by text message outside of campaigns, through all processes to the carrier: sent, held, at most once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.simulator.town.people import Townsman
from fhirserver.kernel.instants import parse_instant
from tests.form_site import FormSite, form_site, link_in, until
from tests.form_world import Person

pytest.importorskip("espeakng_loader")
pytestmark = [pytest.mark.xdist_group("voice"), pytest.mark.slow]
BEGIN = datetime(2026, 12, 1, 11, 20, tzinfo=UTC)
"""Twenty past six in New York, on a Tuesday: nothing may go out for a hundred minutes, which is as long as all takes to
start on a busy machine."""
OPENS = datetime(2026, 12, 1, 13, 0, tzinfo=UTC)
SETTINGS = "\n[forms]\nahead_days = 3\nafter_calls = true\n"
NUMBERS = {
    name: f"+1412555017{n}"
    for n, name in enumerate(("visit", "called", "denied", "stopped", "held", "taken"))
}
Json = dict[str, Any]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FormSite]:
    people = [Townsman(number, "Ada Okafor", "March 3rd 1982") for number in NUMBERS.values()]
    folder = Path(tmp_path_factory.mktemp("texted"))
    with form_site(folder, people, SETTINGS, pace=60, begin=BEGIN) as made:
        for id, number in NUMBERS.items():
            made.patient(id, number, "deny" if id == "denied" else "permit")
        made.practice.put(_stop(NUMBERS["stopped"]))
        made.visit("soon", "visit", BEGIN + timedelta(days=2))
        for id in ("called", "denied", "stopped"):
            _call(made, id)
        made.server.stop()
        made.server.start()
        yield made


def _stop(number: str) -> Json:
    """The Flag of somebody who wrote STOP."""
    return {
        "resourceType": "Flag",
        "id": "stop",
        "status": "active",
        "identifier": [
            {"system": "https://credence.health/fhir/sid/barred-number", "value": f"sms:{number}"}
        ],
        "code": {"text": "STOP"},
        "subject": {"reference": "Patient/stopped"},
    }


def _call(site: FormSite, patient: str) -> None:
    """A call of the patient that is over."""
    site.practice.put(
        {
            "resourceType": "Communication",
            "id": f"call-{patient}",
            "status": "completed",
            "subject": {"reference": f"Patient/{patient}"},
            "payload": [{"contentReference": {"reference": "DocumentReference/transcript"}}],
        }
    )


def _form(site: FormSite, patient: str) -> Json:
    found = site.practice.ask("GET", f"?patient=Patient/{patient}").json()["items"]
    return dict(found[0]) if found else {}


def _sent(site: FormSite, patient: str, within: float = 240.0) -> Json:
    [sent] = until(
        lambda: site.texts(NUMBERS[patient]), lambda: (_form(site, patient), site.attempts(patient)), within
    )
    return dict(sent)


@pytest.mark.parametrize("patient", ["visit", "called"])
def test_what_is_made_at_night_goes_out_in_the_morning_and_can_be_filled_in(
    site: FormSite, patient: str
) -> None:
    sent = _sent(site, patient)
    assert parse_instant(sent["at"]) >= OPENS, "the patient's day begins at eight"
    assert "Okafor" not in sent["body"]
    until(lambda: _form(site, patient)["status"] == "sent", lambda: _form(site, patient))
    assert parse_instant(_form(site, patient)["made"]) < OPENS
    person = Person(link_in(sent["body"]))
    assert person.identify().status_code == 200
    assert person.save(email="ada@example.org").status_code == 200


def test_who_wants_none_gets_none_and_the_form_waits_for_the_practice(site: FormSite) -> None:
    _sent(site, "called")
    for patient in ("denied", "stopped"):
        assert _form(site, patient)["status"] == "ready" and site.texts(NUMBERS[patient]) == []


def test_killed_before_the_carrier_took_it_it_goes_out_once(site: FormSite) -> None:
    _sent(site, "called")
    held = site.town.standing()["held"]
    site.hold("before")
    _call(site, "held")
    until(lambda: site.town.standing()["held"] > held, lambda: _form(site, "held"))
    site.kill_voice()
    assert site.texts(NUMBERS["held"]) == [] and _form(site, "held")["status"] == "ready"
    site.start_voice()
    sent = _sent(site, "held")
    until(lambda: _form(site, "held")["status"] == "sent", lambda: _form(site, "held"))
    assert Person(link_in(sent["body"])).get().status_code == 200
    assert site.attempts("held")[:2] == [("form", "not-placed"), ("form", "sent")]
    assert len(site.texts(NUMBERS["held"])) == 1


def test_killed_after_the_carrier_took_it_nothing_goes_out_again(site: FormSite) -> None:
    _sent(site, "called")
    held = site.town.standing()["held"]
    site.hold("after")
    _call(site, "taken")
    until(lambda: site.town.standing()["held"] > held, lambda: _form(site, "taken"))
    site.kill_voice()
    site.kill_server()
    site.server.start()
    site.start_voice()
    until(
        lambda: _form(site, "taken")["status"] == "sent",
        lambda: (_form(site, "taken"), site.attempts("taken")),
        150,
    )
    assert len(site.texts(NUMBERS["taken"])) == 1
    assert ("form", "sent") in site.attempts("taken")
