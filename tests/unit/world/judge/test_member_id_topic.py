"""A member ID stays verified when the caller gives other numbers later, and not when it is taken back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fhirserver.ports.judge import Claim, Evidence, Finding, Turn
from fhirserver.world.judge.deterministic import DeterministicJudge

COVERAGE = {
    "resourceType": "Coverage",
    "subscriberId": "W987654321",
    "class": [{"type": {"coding": [{"code": "group"}]}, "value": "4455"}],
}
CLAIM = Claim("Coverage", "subscriberId", "W987654321", "confirmed", (2, 3, 4), COVERAGE)
GIVEN = (
    ("agent", "Which insurance company is it?"),
    (
        "caller",
        "Aetna, member ID W nine eight seven six five four three two one, group number four four five five.",
    ),
    ("agent", "I have Aetna, member ID W, nine eight seven six, five four three two, one. Is that right?"),
    ("caller", "Yes, that's right."),
)


def finding(*later: tuple[str, str]) -> Finding:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    turns = tuple(Turn(n, who, text, at) for n, (who, text) in enumerate((*GIVEN, *later), 1))
    return DeterministicJudge().assess(CLAIM, Evidence(turns)).finding


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What is the new phone number?", "It's five five five, eight six seven, five three oh nine."),
        ("Anything else?", "My cell is five five five, eight six seven, five three oh nine now."),
        ("What is the new address?", "One two three four five Elm Street, zip zero one seven five seven."),
        ("And your date of birth, please?", "Oh six oh one nineteen ninety nine."),
    ],
)
def test_numbers_about_something_else_do_not_contradict_it(question: str, answer: str) -> None:
    assert finding(("agent", question), ("caller", answer)) is Finding.VERIFIED


def test_another_member_id_afterwards_does() -> None:
    later = ("caller", "Wait, the member ID is W one one one two two two three three three.")
    assert finding(("agent", "Anything else I can do for you?"), later) is Finding.CONTRADICTED
