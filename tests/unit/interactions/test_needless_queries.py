"""A query where it means nothing is refused: passed over, it would be a condition that nobody keeps."""

from __future__ import annotations

import pytest

from tests.facade import Facade, entry, expressions, patient


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "Patient?identifier=a"),
        ("PUT", "Patient/p?identifier=a"),
        ("PATCH", "Patient/p?identifier=a"),
        ("DELETE", "Patient/p?identifier=a"),
    ],
)
async def test_it_is_refused_unless_handling_is_lenient(server: Facade, method: str, path: str) -> None:
    await server.ehr.put(patient("p"))
    body = None if method == "DELETE" else patient("p") if method == "PUT" else patient()
    answer = await server.ehr(method, path, body)
    assert (answer.status_code, expressions(answer)) == (400, ["http.identifier"])
    lenient = await server.ehr(method, path, body, prefer="handling=lenient")
    assert lenient.status_code in ((200, 201, 204) if method != "PATCH" else (400,))


async def test_format_and_pretty_are_no_such_query(server: Facade) -> None:
    answer = await server.ehr("POST", "Patient?_format=json&_pretty=true", patient())
    assert answer.status_code == 201


async def test_in_a_batch_the_entry_is_named(server: Facade) -> None:
    answer = await server.ehr.batch(entry("POST", "Patient?identifier=a", patient()))
    response = answer.json()["entry"][0]["response"]
    assert response["status"][:3] == "400"
    assert response["outcome"]["issue"][0]["expression"] == ["Bundle.entry[0].request.url"]
