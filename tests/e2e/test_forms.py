"""A form from what is missing to the claims that its answers make, on a running server."""

from __future__ import annotations

import io
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image, ImageDraw, ImageFont

from tests.form_world import ADA, Person, Practice, words
from tests.server_process import ServerProcess

ANSWERS = {
    "phone": "(412) 555-0142",
    "phone-use": "mobile",
    "address-line": "12 Elm Street, Apt 4",
    "address-city": "Pittsburgh",
    "address-state": "pa",
    "address-zip": "15213",
    "coverage-has": "yes",
    "coverage-payer": "Aetna",
    "coverage-member": "W123456789",
    "emergency-name": "Chidi Okafor",
    "emergency-phone": "412-555-0177",
}


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Practice]:
    with ServerProcess(Path(tmp_path_factory.mktemp("forms"))) as process:
        yield Practice(process)


def _patient(practice: Practice, id: str, **members: object) -> str:
    practice.put({**ADA, "id": id, **members})
    return id


def test_from_what_is_missing_to_claims(practice: Practice) -> None:
    _patient(practice, "ada")
    scanned = practice.ask("POST", "/scan", {"patient": "Patient/ada"}).json()
    assert [one["subject"] for one in scanned["ask"]] == [
        "phone",
        "email",
        "address",
        "emergency-contact",
        "coverage",
    ]
    form = practice.form()
    assert form["status"] == "ready" and form["url"].startswith(f"{practice.server.root}/forms/")
    asked = practice.get(f"Questionnaire/{form['id']}")
    assert [group["linkId"] for group in asked["item"]] == ["you", "people", "insurance"]

    person = Person(form["url"])
    page = person.get()
    assert page.status_code == 200 and "date of birth" in page.text and "Okafor" not in page.text
    assert page.headers["cache-control"] == "no-store" and page.headers["referrer-policy"] == "no-referrer"
    assert person.identify().status_code == 200
    saved = person.save(**{name.replace("-", "__"): value for name, value in ANSWERS.items()})
    assert saved.status_code == 200 and saved.json() == {"errors": {}}, saved.text
    response = practice.get(f"QuestionnaireResponse/{form['id']}")
    assert response["status"] == "in-progress"
    assert practice.ask("GET", f"/{form['id']}").json()["status"] == "in-progress"

    sent = person.post("/send")
    assert sent.status_code == 200 and "Thank you" in sent.text, sent.text
    again = person.post("/send")
    assert again.status_code == 200 and "Thank you" in again.text, "sent twice is sent once"
    used = Person(form["url"]).get()
    assert used.status_code == 410 and "has been sent" in used.text
    told = practice.ask("GET", f"/{form['id']}").json()
    assert (
        told["status"] == "completed"
        and told["response"]["reference"] == f"QuestionnaireResponse/{form['id']}"
    )

    response = practice.get(f"QuestionnaireResponse/{form['id']}")
    assert response["status"] == "completed"
    (coverage,) = practice.found("Coverage?patient=ada")
    assert coverage["subscriberId"] == "W123456789"
    lineage = practice.get("Patient/ada/$lineage", "admin")
    assert "+14125550142" in str(lineage) and "patient-form" in str(lineage)


def test_the_judge_compares_and_operators_see_the_answer(practice: Practice) -> None:
    _patient(practice, "bea")
    form = practice.form("bea")
    person = Person(form["url"])
    person.identify()
    person.save(phone="412-555-0143")
    assert person.post("/send").status_code == 200
    task = _review(practice, "Patient/bea")
    assert "412-555-0143" in str(task["contained"]), task
    assert "below-gate" in str(task["reasonCode"])


def _review(practice: Practice, about: str) -> dict[str, object]:
    """The review item about a resource, once it is there."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        found = practice.found(
            f"Task?focus={about}&code=https://credence.health/fhir/CodeSystem/task-code|review"
        )
        if found:
            return found[0]
        time.sleep(0.1)
    raise AssertionError(f"nothing is to be reviewed about {about}")


def test_links_that_open_nothing(practice: Practice) -> None:
    _patient(practice, "cam")
    form = practice.form("cam")
    for wrong in (
        form["url"][:-1] + ("0" if form["url"][-1] != "0" else "1"),
        form["url"] + "x",
        form["url"][:-40],
    ):
        page = Person(wrong).get()
        assert page.status_code == 404 and "does not work" in page.text
    unprinted = practice.ask("POST", f"/{form['id']}/revoke", {"reason": "sent\x02by mistake"})
    assert unprinted.status_code == 422 and unprinted.json()["errors"][0]["pointer"] == "/reason"
    assert (
        practice.ask("POST", f"/{form['id']}/revoke", {"reason": "sent by mistake"}).json()["status"]
        == "revoked"
    )
    page = Person(form["url"]).get()
    assert page.status_code == 410 and "not needed any more" in words(page)
    assert practice.ask("POST", f"/{form['id']}/link").status_code == 409


def test_eight_wrong_birth_dates_lock_a_form(practice: Practice) -> None:
    _patient(practice, "dee")
    form = practice.form("dee")
    for _ in range(8):
        page = Person(form["url"]).identify("1983")
        assert page.status_code == 403 and "not the date of birth" in page.text
    page = Person(form["url"]).identify()
    assert page.status_code == 410 and "locked" in page.text
    assert practice.ask("GET", f"/{form['id']}").json()["status"] == "locked"
    assert Person(form["url"]).save(phone="412-555-0142").status_code == 410


def test_nothing_is_saved_before_somebody_has_shown_who_they_are(practice: Practice) -> None:
    _patient(practice, "eva")
    form = practice.form("eva")
    assert Person(form["url"]).save(phone="412-555-0142").status_code == 401
    assert Person(form["url"]).post("/send").status_code == 200
    assert practice.ask("GET", f"/{form['id']}").json()["status"] == "sent"


def test_a_form_loses_what_became_known(practice: Practice) -> None:
    _patient(practice, "fay")
    form = practice.form("fay", subjects=["phone", "email"])
    _patient(practice, "fay", telecom=[{"system": "phone", "value": "+14125550199"}])
    person = Person(form["url"])
    page = person.identify()
    assert "e-mail" in page.text and 'name="phone"' not in page.text
    assert practice.ask("GET", f"/{form['id']}").json()["subjects"] == ["email"]
    _patient(
        practice,
        "fay",
        telecom=[{"system": "phone", "value": "+14125550199"}, {"system": "email", "value": "a@b.org"}],
    )
    assert person.get().status_code == 410
    assert practice.ask("GET", f"/{form['id']}").json()["status"] == "nothing-missing"


def test_the_same_order_makes_one_form(practice: Practice) -> None:
    _patient(practice, "gil")
    body = {"patient": "Patient/gil"}
    first = practice.ask("POST", "", body, **{"Idempotency-Key": "one"})
    again = practice.ask("POST", "", body, **{"Idempotency-Key": "one"})
    assert (first.status_code, again.status_code) == (201, 200) and first.json()["id"] == again.json()["id"]
    other = practice.ask("POST", "", body)
    assert other.status_code == 409, "all was asked lately"


def test_what_is_wrong_is_said_where_it_stands_without_a_script(practice: Practice) -> None:
    _patient(practice, "hal")
    form = practice.form("hal", subjects=["phone", "coverage"])
    person = Person(form["url"])
    person.identify()
    page = person.post("?step=you", {"phone": "12"})
    assert page.status_code == 422 and "ten digits" in page.text and 'value="12"' in page.text
    page = person.post("?step=you", {"phone": "412-555-0142"})
    assert page.status_code == 200 and "health insurance now" in page.text
    page = person.post("?step=insurance", {"coverage-has": "yes"})
    assert page.status_code == 200 and "Check and send" in page.text
    page = person.post("/send")
    assert (
        page.status_code == 422
        and "Please answer this question" in page.text
        and "Insurance company" in page.text
    )


def test_a_card_is_kept_and_its_kind_is_looked_at(practice: Practice) -> None:
    _patient(practice, "ina")
    form = practice.form("ina", subjects=["coverage"])
    person = Person(form["url"])
    person.identify()
    person.save(coverage__has="yes")
    wrong = person.photo("coverage-card", b"GIF89a not this")
    assert wrong.status_code == 422 and "JPEG" in wrong.json()["errors"]["coverage-card"]
    png = card_of("AETNA", "Member ID W123456789", "Group 77-4410")
    taken = person.photo("coverage-card", png)
    assert taken.status_code == 200
    if shutil.which("tesseract"):
        assert taken.json()["read"]["coverage-member"] == "W123456789", "read for the patient to look at"
    assert "coverage-member" not in str(practice.get(f"QuestionnaireResponse/{form['id']}")), (
        "and stated by nobody"
    )
    (kept,) = practice.found("DocumentReference?subject=Patient/ina")
    assert kept["content"][0]["attachment"]["contentType"] == "image/png"
    response = practice.get(f"QuestionnaireResponse/{form['id']}")
    assert f"DocumentReference/{kept['id']}" in str(response)


def card_of(*lines: str) -> bytes:
    """A picture of a card that says this, as a PNG."""
    picture = Image.new("RGB", (1000, 600), "white")
    draw = ImageDraw.Draw(picture)
    for number, line in enumerate(lines):
        draw.text((60, 60 + 110 * number), line, "black", ImageFont.load_default(48))
    kept = io.BytesIO()
    picture.save(kept, "PNG")
    return kept.getvalue()


def test_forms_have_rights(practice: Practice) -> None:
    assert practice.ask("GET", "", who="ehr").status_code == 200
    assert practice.ask("GET", "", who="privacy-officer").status_code == 403
    body = {"require": [{"subject": "phone"}]}
    assert practice.ask("PUT", "/requirement-sets/ours", body, who="ehr").status_code == 403
    assert practice.ask("PUT", "/requirement-sets/ours", body).status_code == 200
    assert "ours" in [one["id"] for one in practice.ask("GET", "/requirement-sets").json()["items"]]
    assert (
        practice.ask("PUT", "/requirement-sets/ours", {"require": [{"subject": "shoe"}]}).status_code == 422
    )


def test_another_site_cannot_send_for_somebody(practice: Practice) -> None:
    _patient(practice, "jon")
    form = practice.form("jon", subjects=["phone"])
    person = Person(form["url"])
    person.identify()
    answer = person.post("?step=you", {"phone": "412-555-0142"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 404


def test_what_is_made_is_valid_by_the_servers_own_rules_and_shown_on_the_patients_page(
    practice: Practice,
) -> None:
    _patient(practice, "kit")
    form = practice.form("kit", requirements="before-appointment")
    other = practice.form("kit", subjects=["email"])
    page = _page(practice, "/patient/kit")
    assert "Open forms" in page and "email" in page and "allergies" in page
    person = Person(form["url"])
    person.identify()
    answers = {**ANSWERS, "language": "es", "pharmacy": "CVS, Forbes Avenue", "allergies-any": "yes"}
    answers |= {"allergies-list": "Penicillin\nPeanuts", "medications-any": "no", "consent-texts": "yes"}
    answers |= {"consent-calls": "no"}
    assert person.save(**{name.replace("-", "__"): one for name, one in answers.items()}).json() == {
        "errors": {}
    }
    assert person.post("/send").status_code == 200
    made = ["Coverage", "Consent", "AllergyIntolerance", "MedicationStatement"]
    found = [one for type in made for one in practice.found(f"{type}?patient=kit")]
    assert len(found) == 1 + 2 + 2 + 1
    for reference in (
        f"Questionnaire/{form['id']}",
        f"QuestionnaireResponse/{form['id']}",
        f"Task/{form['id']}",
    ):
        found.append(practice.get(reference))
    for resource in found:
        outcome = practice.get(f"{resource['resourceType']}/{resource['id']}/$validate")
        errors = [one for one in outcome["issue"] if one["severity"] in ("error", "fatal")]
        assert not errors, (resource, errors)
    page = _page(practice, "/patient/kit")
    assert "email" in page and practice.ask("GET", f"/{other['id']}").json()["status"] == "sent"


def _page(practice: Practice, path: str) -> str:
    """A page of the console as the administrator sees it."""
    with httpx.Client(base_url=f"{practice.server.root}/console", follow_redirects=True) as http:
        http.post("/sign-in", data={"token": practice.server.tokens["admin"]})
        return http.get(path).text


def test_without_a_telephone_the_link_is_not_sent_but_handed_on(practice: Practice) -> None:
    _patient(practice, "hal", telecom=[{"system": "phone", "value": "+14125550188"}])
    form = practice.form("hal")
    refused = practice.ask("POST", f"/{form['id']}/send")
    assert refused.status_code == 409 and "Hand the link on" in refused.json()["title"]


def test_an_idempotency_key_is_of_one_form(practice: Practice) -> None:
    """The form of another patient is no answer to it."""
    practice.put({**ADA, "id": "key-one"})
    practice.put({**ADA, "id": "key-two"})
    headers = {"Idempotency-Key": "monday"}
    first = practice.ask("POST", "", {"patient": "Patient/key-one"}, **headers)
    again = practice.ask("POST", "", {"patient": "Patient/key-one"}, **headers)
    assert (first.status_code, again.status_code) == (201, 200)
    other = practice.ask("POST", "", {"patient": "Patient/key-two"}, **headers)
    assert other.status_code == 409, other.text
    assert "key-one" not in other.text


def test_what_no_browser_sends_is_refused_and_breaks_nothing(practice: Practice) -> None:
    practice.put({**ADA, "id": "odd"})
    person = Person(practice.form("odd")["url"])
    both = person.ask("POST", "/identify", data={"birth-date": "x", "birth-date.m": "3"})
    assert both.status_code == 422
    known = {"birth-date.m": "3", "birth-date.d": "3", "birth-date.y": "1982"}
    assert person.ask("POST", "/identify", data=known).status_code == 200


def test_a_page_behind_no_form_is_refused(practice: Practice) -> None:
    refused = practice.ask("GET", "?cursor=nobody")
    assert refused.status_code == 400 and "cursor" in refused.text, refused.text
