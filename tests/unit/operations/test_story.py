"""``$story``: one value from its first mention to the EHR."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fhirserver.kernel.json import JsonObject, dumps, loads
from fhirserver.model.validation import validate
from fhirserver.ports.judge import Turn
from fhirserver.store.transcripts import KIND, TRANSCRIPT
from fhirserver.world.judge.transcript import attachments
from fhirserver.world.story import KINDS
from fhirserver.world.vocabulary import CONFIDENCE, TRANSCRIPT_TURNS
from tests.facade import Facade, expressions, patient

CALL = "Communication/call"
LINES = (
    ("agent", "What is your birth date?"),
    ("caller", "June first, nineteen ninety-nine"),
    ("agent", "June 1, 1999. Is that right?"),
    ("caller", "yes that's right"),
)


async def call(server: Facade, claimed: JsonObject, turns: str = "2,3,4") -> None:
    """The agent's claim in a call, then the call's transcript."""
    provenance = {
        "resourceType": "Provenance",
        "extension": [{"url": CONFIDENCE, "valueDecimal": 0.5}],
        "entity": [
            {
                "role": "source",
                "what": {"reference": CALL},
                "extension": [{"url": TRANSCRIPT_TURNS, "valueString": turns}],
            }
        ],
    }
    await server.agent.put({"resourceType": "Communication", "id": "call", "status": "in-progress"})
    answer = await server.agent.put(claimed, x_provenance=dumps(provenance).decode())
    assert answer.status_code in (200, 201), answer.text
    start = datetime(2026, 11, 22, 14, 47, tzinfo=UTC)
    said = [Turn(n, who, text, start + timedelta(seconds=n)) for n, (who, text) in enumerate(LINES, 1)]
    document = {
        "resourceType": "DocumentReference",
        "id": "transcript",
        "status": "current",
        "category": [{"coding": [{"system": KIND, "code": TRANSCRIPT}]}],
        "content": attachments(said, CALL, "America/New_York", start),
        "context": {"related": [{"reference": CALL}]},
    }
    assert (await server.agent.put(document)).status_code == 201


async def item(server: Facade, focus: str) -> str:
    async with asyncio.timeout(10):
        while True:
            found = await server.ana.ids(f"Task?code=review&focus={focus}")
            if found:
                return found[0]
            await asyncio.sleep(0.02)


async def story(server: Facade, path: str) -> list[dict[str, Any]]:
    answer = await server.reader.get(path)
    assert answer.status_code == 200, answer.text
    body = loads(answer.content)
    assert [issue for issue in validate(body) if issue.severity == "error"] == []
    (told,) = [one for one in body["parameter"] if one["name"] == "story"]
    return [
        {part["name"]: next(v for n, v in part.items() if n != "name") for part in step["part"]}
        for step in told["part"]
        if step["name"] == "step"
    ]


async def test_from_the_first_mention_to_the_approval(server: Facade) -> None:
    await server.ehr.put(patient("p", birthDate="1999-01-06"))
    await call(server, patient("p", birthDate="1999-06-01"))
    task = await item(server, "Patient/p")
    for name in ("claim", "release", "claim", "approve"):
        answer = await server.ana("POST", f"Task/{task}/${name}", {"resourceType": "Parameters"})
        assert answer.status_code == 200, answer.text
    steps = await story(server, "Patient/p/$story?unit=birthDate")
    kinds = [step["kind"] for step in steps]
    assert set(kinds) <= set(KINDS)
    expected = ["claimed", "held", "mentioned", "mentioned", "mentioned", "claimed", "verified", "review"]
    assert kinds[:8] == expected
    assert kinds[8:] == ["review", "review", "review", "approved", "superseded", "held", "review"]
    texts = {step["kind"]: step["text"] for step in steps}
    assert "1999-06-01" in texts["held"] and "0.95" in texts["held"]
    mention = steps[2]
    assert "June first, nineteen ninety-nine" in mention["text"] and mention["about"]["reference"] == CALL
    assert mention["at"] == "2026-11-22T14:47:02.000Z"
    reviews = [step["text"] for step in steps if step["kind"] == "review"]
    assert "takes" in reviews[1] and "gives back" in reviews[2] and "completed (approved)" in reviews[-1]
    assert [step["who"] for step in steps if step["kind"] == "approved"] == ["ana"]
    assert [step["position"] for step in steps] == sorted(step["position"] for step in steps)
    for step in steps:
        assert (await server.reader.get(step["provenance"]["reference"])).status_code == 200
    approved = next(step["position"] for step in steps if step["kind"] == "approved")
    before = await story(server, f"Patient/p/$story?path=Patient.birthDate&_asOf={approved - 1}")
    assert before == [step for step in steps if step["position"] < approved]


async def test_corrections_and_rejections(server: Facade) -> None:
    await server.ehr.put(patient("p", birthDate="1999-01-06"))
    await call(server, patient("p", birthDate="1999-07-01"))
    task = await item(server, "Patient/p")
    value = [{"name": "value", "valueString": '{"birthDate":"1999-06-01"}'}]
    body = {"resourceType": "Parameters", "parameter": value}
    assert (await server.ana("POST", f"Task/{task}/$correct", body)).status_code == 200
    await server.ehr.put(patient("p", birthDate="1999-06-02"))
    steps = await story(server, "Patient/p/$story?path=birthDate")
    texts = [(step["kind"], step["text"]) for step in steps]
    assert any(kind == "doubted" for kind, _ in texts)
    assert any(kind == "corrected" and "1999-06-01" in text for kind, text in texts)
    assert [kind for kind, _ in texts][-3:] == ["claimed", "replaced", "held"]
    assert sum(kind == "superseded" for kind, _ in texts) == 2


@pytest.mark.parametrize(
    ("asked", "status", "place"),
    [
        ("Patient/p/$story", 400, "http.unit"),
        ("Patient/p/$story?unit=gander", 404, "http.unit"),
        ("Patient/p/$story?path=Patient.gander", 404, "http.path"),
        ("Patient/never/$story?path=gender", 404, "http.path"),
        ("Patient/p/$story?unit=gender&_asOf=soon", 400, "http._asOf"),
        ("Patient/p/$story?unit=gender&effective=2026", 400, "http.effective"),
    ],
)
async def test_refusals(server: Facade, asked: str, status: int, place: str) -> None:
    await server.ehr.put(patient("p", gender="male"))
    answer = await server.reader.get(asked)
    assert (answer.status_code, expressions(answer)) == (status, [place])
