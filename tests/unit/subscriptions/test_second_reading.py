"""A second reading of a call comes after its transcript: the judge takes it into account, and nothing is lost."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.after_call import second_document
from fhirserver.app.verification_settings import VerificationSettings
from fhirserver.ports.judge import Claim, Evidence, Finding, Turn
from fhirserver.store.transcripts import readings_of, transcript_of
from fhirserver.world.judge.deterministic import DeterministicJudge
from fhirserver.world.judge.transcript import Reading, attachments
from tests import console_world
from tests.console_world import ADA, LINES, STARTED, TALK, item_about, pending, the_call
from tests.facade import Facade, facade

TURNS = tuple(
    Turn(n, who, text, STARTED + timedelta(seconds=7 * n)) for n, (who, text) in enumerate(LINES, 1)
)
MEMBER = 10
OTHERWISE = Reading(
    MEMBER, LINES[MEMBER - 1][1], "W as in whiskey, one two double three four nine", ("letters",)
)


def claim(value: str = "W123345") -> Claim:
    resource: Any = {"resourceType": "Coverage", "subscriberId": value}
    return Claim("Coverage", "subscriberId", value, "confirmed", (8, 10, 11, 12), resource)


def evidence(second: dict[int, str]) -> Evidence:
    return Evidence(TURNS, "America/New_York", TALK, second)


def test_what_both_readings_bear_is_verified() -> None:
    judge = DeterministicJudge()
    assert judge.assess(claim(), evidence({})).finding is Finding.VERIFIED
    assert judge.assess(claim(), evidence({14: "Yes, it's 617 555 0178."})).finding is Finding.VERIFIED


@pytest.mark.parametrize("whole", [False, True])
def test_what_only_the_first_reading_bears_is_doubtful_and_says_why(whole: bool) -> None:
    judge = DeterministicJudge()
    unread = "It is on the card that I lost."
    twice = evidence({MEMBER: unread, 12: "no, that's wrong"})
    verdict = judge.assess_resource(claim(), twice) if whole else judge.assess(claim(), twice)
    assert verdict.finding is Finding.DOUBTFUL
    assert verdict.reasoning.startswith("A second recogniser heard the caller otherwise (turns 10, 12)")
    assert verdict.quotes, "the words of the first reading stay"


def test_a_second_reading_makes_nothing_true_that_was_not() -> None:
    judge = DeterministicJudge()
    wrong = claim("W999999")
    first = judge.assess(wrong, evidence({}))
    assert first.finding is not Finding.VERIFIED
    assert judge.assess(wrong, evidence({MEMBER: "W 9 9 9 9 9 9"})) == first


UNREAD = Reading(MEMBER, LINES[MEMBER - 1][1], "It is on the card that I lost.", ("letters",))
DENIED = Reading(12, LINES[11][1], "no, that's wrong", ("polarity",))


def document(*readings: Reading) -> Any:
    at = datetime(2026, 11, 28, 9, 52, tzinfo=UTC)
    made = second_document(readings, "openai", TALK, "", "DocumentReference/call-1-transcript", at)
    return made | {"id": "call-1-again"}


async def test_it_stands_beside_the_transcript(tmp_path: Path) -> None:
    async with facade(tmp_path) as server:
        await the_call(server)
        before = (await server.ana.get("DocumentReference/call-1-transcript")).json()
        assert (await server.agent.put(document(OTHERWISE))).status_code == 201
        assert (await server.ana.get("DocumentReference/call-1-transcript")).json() == before
        heard = await transcript_of(server.store, TALK)
        assert heard is not None
        assert heard.turns[MEMBER - 1].text == OTHERWISE.first and heard.second == {MEMBER: OTHERWISE.second}
        assert heard.heard_again().turns[MEMBER - 1].text == OTHERWISE.second
        assert await readings_of(server.store, TALK) == (OTHERWISE,)


async def a_recorded_call(server: Facade) -> None:
    """Ada's call, but its transcript says that the call will be heard again."""
    await server.ehr.put(ADA)
    await server.agent.put(console_world._call())
    coverage = {
        "resourceType": "Coverage",
        "id": "plan",
        "status": "active",
        "beneficiary": {"reference": "Patient/ada"},
        "subscriberId": "W123345",
        "payor": [{"display": "Aetna"}],
    }
    await server.agent.put(coverage, x_provenance=console_world.evidence("8,10,11,12"))
    transcript = console_world._transcript()
    transcript["content"] = attachments(TURNS, TALK, "America/New_York", STARTED, awaited=True)
    assert (await server.agent.put(transcript)).status_code == 201


async def finding(server: Facade) -> set[str]:
    """What the judge found about the claims on the Coverage."""
    item = await item_about(server, "Coverage/plan")
    task = (await server.ana.get(f"Task/{item}")).json()
    parts = [p for claim in task["contained"][0]["parameter"] for p in claim["part"]]
    return {part["valueString"] for part in parts if part["name"] == "finding"}


async def no_item(server: Facade) -> bool:
    """Whether there is still nothing about the Coverage a while later."""
    await asyncio.sleep(0.5)
    return not await pending(server, "Coverage/plan")


@pytest.mark.parametrize(
    ("readings", "found"),
    [
        ((), {"verified"}),
        ((UNREAD, DENIED), {"doubtful"}),
    ],
)
async def test_the_judge_waits_for_the_second_reading(
    tmp_path: Path, readings: tuple[Reading, ...], found: set[str]
) -> None:
    async with facade(tmp_path) as server:
        await a_recorded_call(server)
        assert await no_item(server)
        assert (await server.agent.put(document(*readings))).status_code == 201
        assert await finding(server) == found


async def test_a_second_reading_that_does_not_come_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    checks = VerificationSettings(transcript_patience=1.0)
    async with facade(tmp_path, verification=checks) as server:
        await a_recorded_call(server)
        assert await finding(server) == {"verified"}, "by the transcript alone"
