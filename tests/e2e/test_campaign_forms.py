"""A campaign that asks by forms, through all processes: the carrier takes the message, the patient fills it in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.simulator.town.people import Townsman
from tests.form_site import NOON, FormSite, form_site, link_in, until
from tests.form_world import Person

pytest.importorskip("espeakng_loader")
pytestmark = [pytest.mark.xdist_group("voice"), pytest.mark.slow]
ADA, BEN, CAL, DOT = "+14125550160", "+14125550161", "+14125550162", "+14125550163"
ALWAYS = {"begin": "00:00", "end": "00:00"}
Json = dict[str, Any]


def _document(visit: str, **more: Any) -> Json:
    return {
        "goal": "What is missing is on record",
        "purpose": "missing",
        "audience": {"searches": [f"Appointment?_id={visit}"]},
        "channels": [{"channel": "form", "then_minutes": 1440}, {"channel": "call"}],
        "triggers": [{"kind": "once"}],
        "quiet": ALWAYS,
        "limits": {"per_day": 10, "per_week": 30, "per_month": 60, "spacing_minutes": 0},
        **more,
    }


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FormSite]:
    people = [Townsman(number, "Ada Okafor", "March 3rd 1982") for number in (ADA, BEN, CAL, DOT)]
    with form_site(Path(tmp_path_factory.mktemp("forms")), people, pace=20) as made:
        for id, number in (("ada", ADA), ("ben", BEN), ("cal", CAL), ("dot", DOT)):
            made.patient(id, number)
            made.visit(f"visit-{id}", id, NOON + timedelta(days=5))
        yield made


def _fill_in(link: str) -> None:
    person = Person(link)
    assert person.identify().status_code == 200
    saved = person.save(
        email="ada@example.org",
        coverage__has="yes",
        coverage__payer="Aetna",
        coverage__member="W123456789",
        emergency__name="Chidi Okafor",
        emergency__phone="412-555-0177",
    )
    assert saved.status_code == 200, saved.text
    done = person.post("/send")
    assert "Thank you" in done.text, done.text


def test_the_link_in_the_message_leads_to_claims_and_to_a_campaign_that_is_done(site: FormSite) -> None:
    site.campaign("asks", _document("visit-ada")).raise_for_status()
    [sent] = until(lambda: site.texts(ADA), lambda: (site.member("asks"), site.voice_log()))
    assert "STOP" in sent["body"] and "Okafor" not in sent["body"]
    until(lambda: "answer" in site.member("asks")[1], lambda: site.member("asks"))
    _fill_in(link_in(sent["body"]))
    [coverage] = site.practice.found("Coverage?patient=ada")
    assert coverage["subscriberId"] == "W123456789"
    said_first = site.practice.get(f"Coverage/{coverage['id']}/_history/1")
    marks = [e for e in said_first["meta"]["extension"] if e["url"].endswith("/confidence")]
    assert [e["valueDecimal"] for e in marks] == [0.5], "the judge compares it later"
    [said] = [
        one
        for one in site.practice.found(f"Provenance?target=Coverage/{coverage['id']}")
        if one.get("entity")
    ]
    evidence = [one["what"]["reference"] for one in said["entity"] if "reference" in one.get("what", {})]
    assert any(one.startswith("QuestionnaireResponse/") for one in evidence)
    until(lambda: site.member("asks")[0] == "done", lambda: site.member("asks"), within=15)
    assert site.member("asks")[1] == "the form was filled in"
    progress = site.platform("GET", "/campaigns/asks/progress").json()
    assert progress["states"] == {"done": 1}
    assert progress["channels"] == {"form": {"completed": 1, "not-done": 0, "in-progress": 0}}
    assert len(site.texts(ADA)) == 1


def test_killed_between_claim_and_sending_it_goes_out_once_with_the_same_form(site: FormSite) -> None:
    site.hold("before")
    site.campaign("killed", _document("visit-ben")).raise_for_status()
    until(lambda: site.town.standing()["held"] == 1, lambda: (site.member("killed"), site.voice_log()))
    site.kill_voice()
    assert site.texts(BEN) == []
    site.start_voice()
    [sent] = until(lambda: site.texts(BEN), lambda: (site.member("killed"), site.attempts("ben")), 150)
    tried = [("form", "not-placed"), ("form", "sent")]
    until(lambda: site.attempts("ben") == tried, lambda: site.attempts("ben"))
    forms = site.practice.ask("GET", "?patient=Patient/ben").json()["items"]
    assert [one["status"] for one in forms] == ["sent"], "the second attempt brings the form of the first"
    _fill_in(link_in(sent["body"]))
    until(lambda: site.member("killed")[0] == "done", lambda: site.member("killed"))
    assert len(site.texts(BEN)) == 1


def test_killed_after_the_carrier_took_it_nothing_goes_out_again(site: FormSite) -> None:
    site.hold("after")
    held = site.town.standing()["held"]
    site.campaign("taken", _document("visit-cal")).raise_for_status()
    until(lambda: site.town.standing()["held"] > held, lambda: site.member("taken"))
    site.kill_voice()
    site.start_voice()
    until(lambda: ("form", "sent") in site.attempts("cal"), lambda: site.attempts("cal"), 150)
    [sent] = site.texts(CAL)
    _fill_in(link_in(sent["body"]))
    until(lambda: site.member("taken")[0] == "done", lambda: site.member("taken"))
    assert len(site.texts(CAL)) == 1 and site.attempts("cal") == [("form", "sent")]


def test_what_was_asked_lately_goes_on_to_the_next_channel(site: FormSite) -> None:
    site.practice.form("dot")
    site.campaign("lately", _document("visit-dot")).raise_for_status()
    until(
        lambda: site.member("lately")[0] == "unreached",
        lambda: (site.attempts("dot"), site.member("lately")),
    )
    assert [channel for channel, _ in site.attempts("dot")] == ["form", "call"]
    assert site.attempts("dot")[0] == ("form", "skipped")
    assert "form: what is missing was asked for lately" in site.member("lately")[1]
    assert site.texts(DOT) == []
