"""Bodies that JSON readers take in different ways are refused. https://hl7.org/fhir/R4/json.html"""

from __future__ import annotations

import pytest

from tests.facade import Facade, issues


@pytest.mark.parametrize(
    "body",
    [
        b'{"resourceType": "Patient", "id": "p", "gender": "male", "gender": "female"}',
        b'{"resourceType": "Patient", "id": "p", "name": [{"family": "a", "family": "a"}]}',
        b'{"resourceType": "Patient", "id": "p", "active": true,}',
        b'/* c */ {"resourceType": "Patient", "id": "p"}',
        b'{"resourceType": "Patient", "id": "p"} {}',
    ],
)
async def test_what_has_two_readings_is_400(server: Facade, body: bytes) -> None:
    answer = await server.ehr("PUT", "Patient/p", body)
    assert answer.status_code == 400
    assert issues(answer)[0]["code"] == "structure"
    assert (await server.ehr.get("Patient/p")).status_code == 404
