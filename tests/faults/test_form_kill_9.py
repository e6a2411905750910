"""A form that is sent in while the server is killed: all that follows happens once, or not yet."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.form_world import ADA, Person, Practice
from tests.server_process import ServerProcess

pytestmark = pytest.mark.xdist_group("kill")
KILLS = (0.0, 0.004, 0.008, 0.012, 0.02, 0.03)
"""Seconds between the request and the kill: before it, in the middle of it, after it."""
ANSWERS = {
    "phone": "412-555-0142",
    "email": "ada@example.org",
    "coverage-has": "yes",
    "coverage-payer": "Aetna",
    "coverage-member": "W123456789",
    "emergency-name": "Chidi Okafor",
    "emergency-phone": "412-555-0177",
}


def _send(person: Person) -> None:
    try:
        person.post("/send")
    except httpx.HTTPError:
        return


@pytest.mark.parametrize(
    "kills", [KILLS[::2], pytest.param(KILLS, marks=pytest.mark.slow)], ids=["half", "all"]
)
def test_sent_in_once_whatever_dies(tmp_path: Path, kills: tuple[float, ...]) -> None:
    """`make test` has every other of the moments, for each needs two workers to start; the slow one has all."""
    with ServerProcess(tmp_path, workers=2) as server:
        practice = Practice(server)
        for number, wait in enumerate(kills):
            id = f"p{number}"
            practice.put({**ADA, "id": id})
            form = practice.form(id)
            person = Person(form["url"])
            person.identify()
            person.save(**{name.replace("-", "__"): answer for name, answer in ANSWERS.items()})
            sending = threading.Thread(target=_send, args=(person,))
            sending.start()
            time.sleep(wait)
            server.kill()
            sending.join(60)
            server.start()
            before = practice.get(f"Task/{form['id']}")["status"]
            claims = practice.found(f"Coverage?patient={id}")
            response = practice.get(f"QuestionnaireResponse/{form['id']}")
            done = before == "completed"
            assert (len(claims) == 1) is done and (response["status"] == "completed") is done, (
                "all of it, or nothing"
            )
            again = person.post("/send")
            assert again.status_code == 200 and "Thank you" in again.text, again.text
            _check_once(practice, id, form["id"])


def _check_once(practice: Practice, patient: str, form: str) -> None:
    assert practice.get(f"Task/{form}")["status"] == "completed"
    (coverage,) = practice.found(f"Coverage?patient={patient}")
    history = practice.found(f"Coverage/{coverage['id']}/_history")
    assert len({one["subscriberId"] for one in history}) == 1
    responses = practice.found(f"QuestionnaireResponse/{form}/_history")
    assert [one["status"] for one in responses].count("completed") == 1
    assert len(practice.found(f"Consent?patient={patient}")) == 0
