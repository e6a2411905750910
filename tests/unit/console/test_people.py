"""What a text in the search box asks for."""

from __future__ import annotations

import pytest

from fhirserver.interactions.people import asked
from tests.facade import Facade


@pytest.mark.parametrize(
    ("text", "searches"),
    [
        ("", []),
        ("ada okafor", [[("name", "ada"), ("name", "okafor")]]),
        ("Okafor, Ada 7/2/1984", [[("birthdate", "1984-07-02"), ("name", "Okafor"), ("name", "Ada")]]),
        ("1984-07-02", [[("birthdate", "1984-07-02")]]),
        ("MRN-7", [[("name", "MRN-7")], [("identifier", "MRN-7")]]),
        ("a|b", [[("name", "a\\|b")], [("identifier", "a\\|b")]]),
        (
            "(617) 555-0134",
            [
                [("phone", "(617) 555-0134,+16175550134,6175550134")],
                [("identifier", "(617) 555-0134")],
            ],
        ),
    ],
)
def test_a_text_is_names_a_birth_date_a_phone_number_or_an_identifier(
    text: str, searches: list[list[tuple[str, str]]]
) -> None:
    assert asked(text) == searches


async def test_patients_are_found_by_each(server: Facade) -> None:
    for id, family, phone in (("a", "Okafor", "+16175550134"), ("b", "Okafor", "+16175550135")):
        await server.ehr.put(
            {
                "resourceType": "Patient",
                "id": id,
                "name": [{"family": family, "given": ["Ada"]}],
                "birthDate": "1984-07-02",
                "telecom": [{"system": "phone", "value": phone}],
                "identifier": [{"system": "urn:mrn", "value": f"MRN-{id}"}],
            }
        )
    async with server.browser() as browser:
        await browser.post("/console/sign-in", data={"token": "token-ana"})
        both = await browser.get("/console/patients", params={"q": "okafor 7/2/1984"})
        assert both.text.count('href="/console/patient/') == 2
        for text in ("617 555 0135", "MRN-b", "okafor +16175550135"):
            one = await browser.get("/console/patients", params={"q": text})
            assert one.headers["location"] == "/console/patient/b", text
        nobody = await browser.get("/console/patients", params={"q": "nobody"})
        assert "Nobody is found" in nobody.text
        wrong = await browser.get("/console/patients", params={"q": "13/45/1984"})
        assert 'role="alert"' in wrong.text
