"""To whom a link goes, and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from agent.forms.office import language_of, number_of
from agent.forms.wording import of_link


@pytest.mark.parametrize(
    ("telecom", "number"),
    [
        ([], ""),
        ([{"system": "email", "value": "a@b.org"}], ""),
        ([{"system": "phone", "value": "412-555-0142"}], "+14125550142"),
        ([{"system": "phone", "value": "12"}], ""),
        ([{"system": "phone", "value": "412-555-0142", "use": "old"}], ""),
        (
            [
                {"system": "phone", "value": "412-555-0142", "use": "home"},
                {"system": "phone", "value": "(412) 555-0177", "use": "mobile"},
            ],
            "+14125550177",
        ),
    ],
)
def test_messages_go_to_a_mobile_number_where_there_is_one(telecom: list[Any], number: str) -> None:
    assert number_of({"telecom": telecom}) == number


def _speaks(*codes: str, preferred: str = "") -> dict[str, Any]:
    return {
        "communication": [{"language": {"coding": [{"code": c}]}, "preferred": c == preferred} for c in codes]
    }


def test_a_patient_is_written_to_in_their_language() -> None:
    assert language_of({}) == "en"
    assert language_of(_speaks("es-MX")) == "es"
    assert language_of(_speaks("es", "en", preferred="en")) == "en"


def test_a_message_says_who_writes_and_nothing_of_why() -> None:
    link = "https://clinic.example/forms/" + "a" * 24 + ".1vk2y0." + "b" * 32
    english, spanish = of_link("en", "Lakeside Clinic", link, 168), of_link("es", "", link, 12)
    assert english.startswith("Lakeside Clinic") and "within 7 days" in english and english.endswith(link)
    assert spanish.startswith("Su equipo médico") and "un día" in spanish
    assert len(english) < 2 * 160
