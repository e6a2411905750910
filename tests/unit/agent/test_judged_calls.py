"""What an honest call wrote is verified by the judge from its own transcript; what was altered is not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from practice import ADA, EVE, Played, play

from fhirserver.ports.judge import Claim, Evidence, Finding
from fhirserver.world.judge.deterministic import DeterministicJudge
from fhirserver.world.judge.transcript import evidence

IDENTIFY = "Eve Bradtke, March third nineteen eighty two"
CALLS = {
    "reschedule": f"move my appointment to december first\n{IDENTIFY}\nthe ten\nyes\nno",
    "reschedule changed": f"move my appointment to december first\n{IDENTIFY}\nten\nactually two thirty\nyes\nno",
    "book": f"book an appointment for friday morning\n{IDENTIFY}\nthe first one\nyes\nno",
    "cancel": f"cancel my appointment\n{IDENTIFY}\nI feel better now\nyes\nno",
    "confirm": f"when is my appointment\n{IDENTIFY}\nyes\nno",
    "insurance": f"I have new insurance\n{IDENTIFY}\nAetna\nA B C one two three four\n9 0 2 1\nyes\nno",
    "insurance fixed": f"new insurance\n{IDENTIFY}\nHumana\nH 5 5 4 4 3\nno\nno\nmember id\nH 5 5 4 4 4\nyes\nno",
    "phone": f"new phone number\n{IDENTIFY}\n412 555\n0199\nyes\nno",
    "address": f"I moved\n{IDENTIFY}\n400 Main Street, Springfield, Massachusetts, oh one one oh three\nyes\nno",
}


def transcript(played: Played) -> Evidence:
    (found,) = [
        d
        for d in played.server.of("DocumentReference")
        if d["category"][0]["coding"][0]["code"] == "transcript"
    ]
    return evidence(found)


def claims(played: Played) -> list[Claim]:
    """Every element of every resource the call wrote, with the turns its provenance names."""
    out = []
    for method, path, body, headers in played.server.writes():
        if path in ("Communication", "DocumentReference") or path.startswith("Communication/"):
            continue
        said = json.loads(headers["x-provenance"])
        turns = said["entity"][0].get("extension", [{"valueString": ""}])[0]["valueString"]
        numbers = tuple(int(t) for t in turns.split(",") if t)
        for type, stated in _stated(method, path, body):
            out += [Claim(type, u, v, "confirmed", numbers, stated) for u, v in stated.items() if u != "id"]
    return out


def _stated(method: str, path: str, body: Any) -> list[tuple[str, dict[str, Any]]]:
    if method == "PATCH":
        return [("Patient", {op["path"].split("/")[1]: _item(op["value"])}) for op in body]
    resources = [e["resource"] for e in body["entry"]] if path == "" else [body]
    return [(r["resourceType"], {k: v for k, v in r.items() if k != "resourceType"}) for r in resources]


def _item(value: Any) -> Any:
    return value[0] if isinstance(value, list) else value


@pytest.mark.parametrize("name", CALLS)
async def test_an_honest_call_is_verified(name: str) -> None:
    played = await play(CALLS[name], EVE)
    assert played.record.done, [t.text for t in played.record.turns]
    said, judge = transcript(played), DeterministicJudge()
    for claim in claims(played):
        verdict = judge.assess(claim, said)
        assert verdict.finding is Finding.VERIFIED, (claim.type, claim.unit, claim.value, verdict.reasoning)
        assert set(claim.turns) <= {t.number for t in said.turns}


async def test_altered_claims_are_not_verified() -> None:
    played = await play(CALLS["insurance"], EVE)
    said, judge = transcript(played), DeterministicJudge()
    altered = {"subscriberId": "ABC1243", "payor": [{"display": "Cigna"}], "class": [{"value": "9012"}]}
    for unit, value in altered.items():
        assert judge.assess(Claim("Coverage", unit, value), said).finding is not Finding.VERIFIED


async def test_the_unconfirmed_is_not_called_confirmed() -> None:
    script = f"new insurance with Aetna, member ID A B C one two three four\n{IDENTIFY}\n[hangup]"
    played = await play(script, EVE)
    (said,) = played.provenance("Coverage")
    assert said["extension"][1]["valueCode"] == "mentioned"  # type: ignore[index]


async def test_the_summary_has_its_sections_and_the_communication_is_complete() -> None:
    played = await play("cancel my appointment\nAda Quinn, 12/12/1955\nthe first\nwork\nyes\nno", ADA)
    for title in ("Reason for call", "What was done", "Facts captured", "Follow-up"):
        assert title in played.record.summary_text
    (communication,) = played.server.of("Communication")
    assert communication["status"] == "completed"
    assert communication["subject"] == {"reference": "Patient/ada"}
    documents = {f"DocumentReference/{d['id']}" for d in played.server.of("DocumentReference")}
    assert {p["contentReference"]["reference"] for p in communication["payload"]} == documents
    for document in played.server.of("DocumentReference"):
        assert document["context"]["related"] == [{"reference": played.record.communication}]
