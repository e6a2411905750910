"""Claims against transcripts: what is verified, what is contradicted, what stays doubtful."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fhirserver.ports.judge import Claim, Evidence, Finding, Judge, Turn, Verdict
from fhirserver.world.judge.deterministic import DeterministicJudge
from fhirserver.world.judge.transcript import InvalidTranscript, attachments, evidence

START = datetime(2026, 11, 24, 19, 47, tzinfo=UTC)  # a Tuesday, 14:47 in New York
VERIFIED, CONTRADICTED, DOUBTFUL = Finding.VERIFIED, Finding.CONTRADICTED, Finding.DOUBTFUL
JUDGE: Judge = DeterministicJudge()


def talk(text: str) -> Evidence:
    """``A: …`` and ``C: …`` lines as a transcript."""
    turns = []
    for line in text.strip().splitlines():
        who, _, said = line.strip().partition(": ")
        speaker = {"A": "agent", "C": "caller"}[who]
        turns.append(Turn(len(turns) + 1, speaker, said, START + timedelta(seconds=len(turns))))
    return Evidence(tuple(turns), "America/New_York")


def coverage(unit: str, value: Any, text: str, **resource: Any) -> Verdict:
    return JUDGE.assess(
        Claim("Coverage", unit, value, "confirmed", (), {unit: value, **resource}), talk(text)
    )


def visit(start: str, status: str, text: str, unit: str = "start") -> Verdict:
    resource = {"start": start, "status": status}
    return JUDGE.assess(Claim("Appointment", unit, resource.get(unit), "confirmed", (), resource), talk(text))


GOOD = """
A: Which insurance company is it?
C: It's Aetna
A: What is the member ID?
C: W as in whiskey, one two double three four five
A: And the group number, if there is one?
C: nine oh two one
A: I have Aetna, member ID W, one two three three, four five, group nine zero two one. Is that right?
C: yes that's right
"""


@pytest.mark.parametrize(
    ("unit", "value", "finding"),
    [
        ("subscriberId", "W123345", VERIFIED),
        ("subscriberId", "W123346", CONTRADICTED),
        ("payor", [{"display": "Aetna"}], VERIFIED),
        ("payor", [{"display": "Cigna"}], CONTRADICTED),
        ("class", [{"value": "9021"}], VERIFIED),
        ("class", [{"value": "9012"}], CONTRADICTED),
    ],
)
def test_coverage_read_back_and_confirmed(unit: str, value: Any, finding: Finding) -> None:
    verdict = coverage(unit, value, GOOD)
    assert verdict.finding is finding
    assert verdict.quotes
    assert verdict.reasoning.endswith(".")


def test_the_other_elements_follow_what_was_said() -> None:
    said = {"subscriberId": "W123345", "payor": [{"display": "Aetna"}], "class": [{"value": "9021"}]}
    claim = Claim("Coverage", "status", "active", "confirmed", (), {"status": "active", **said})
    assert JUDGE.assess(claim, talk(GOOD)).finding is VERIFIED
    wrong = Claim(
        "Coverage",
        "status",
        "active",
        "confirmed",
        (),
        {"status": "active", **said, "subscriberId": "X999111"},
    )
    assert JUDGE.assess(wrong, talk(GOOD)).finding is CONTRADICTED


def test_payer_by_reference_and_name() -> None:
    claim = Claim(
        "Coverage",
        "payor",
        [{"reference": "Organization/1"}],
        "confirmed",
        (),
        {},
        {"Organization/1": "Aetna"},
    )
    assert JUDGE.assess(claim, talk(GOOD)).finding is VERIFIED


CORRECTED = """
A: What is the member ID?
C: A B C nine eight seven six
A: I have Aetna, member ID A B C, nine eight seven six, no group number. Is that right?
C: no, it's A B D nine eight seven six
A: I have Aetna, member ID A B D, nine eight seven six, no group number. Is that right?
C: yes
"""


@pytest.mark.parametrize(("value", "finding"), [("ABD9876", VERIFIED), ("ABC9876", CONTRADICTED)])
def test_a_correction_counts(value: str, finding: Finding) -> None:
    assert coverage("subscriberId", value, CORRECTED).finding is finding


def test_denied_and_never_restated() -> None:
    text = """
    A: What is the member ID?
    C: A B C nine eight seven six
    A: I have Aetna, member ID A B C, nine eight seven six. Is that right?
    C: no
    """
    verdict = coverage("subscriberId", "ABC9876", text)
    assert verdict.finding is CONTRADICTED
    assert "said no" in verdict.reasoning


def test_a_change_of_mind_after_the_yes() -> None:
    verdict = coverage("subscriberId", "W123345", GOOD + "C: wait, the member id is W 1 2 3 3 4 9\n")
    assert verdict.finding is CONTRADICTED


def test_said_and_not_read_back_is_less_certain() -> None:
    verdict = coverage("subscriberId", "ABC9876", "A: What is the member ID?\nC: it is A B C 9 8 7 6")
    assert verdict.finding is VERIFIED
    assert verdict.confidence < 0.8


def test_in_pieces() -> None:
    text = "A: What is the member ID?\nC: U four four\nA: Go on.\nC: seven seven one two"
    assert coverage("subscriberId", "U447712", text).finding is VERIFIED


def test_never_mentioned() -> None:
    assert coverage("subscriberId", "ABC9876", "A: Hello?\nC: hi there").finding is DOUBTFUL


def test_shape_of_a_member_id() -> None:
    assert coverage("subscriberId", "ABC", "A: Member ID?\nC: A B C").finding is DOUBTFUL


def test_oh_and_zero_are_one() -> None:
    assert (
        coverage("subscriberId", "A0012345", "A: ID?\nC: A oh oh one two three four five").finding is VERIFIED
    )


def test_an_earlier_matter_does_not_count() -> None:
    text = "A: What is the old ID?\nC: A B C 9 8 7 6\nA: and the new ID?\nC: A B D 9 8 7 6"
    claim = Claim("Coverage", "subscriberId", "ABD9876", "confirmed", (4,))
    assert JUDGE.assess(claim, talk(text)).finding is VERIFIED


def test_inferred_is_always_doubtful() -> None:
    claim = Claim("Patient", "telecom", {"system": "phone", "value": "+14125550199"}, "inferred")
    assert JUDGE.assess(claim, talk("C: 412 555 0199")).finding is DOUBTFUL


MOVE = """
A: I have Tuesday, December first at nine AM, ten AM or two thirty PM, with Doctor Ada Lane. Which would you like?
C: the ten o'clock
A: So I'll move your appointment from Thursday, November twenty sixth at two thirty PM with Doctor Ada Lane to Tuesday, December first at ten AM with Doctor Ada Lane. Shall I go ahead?
C: yes please
A: You're all set. Your appointment is now on Tuesday, December first at ten AM. Is there anything else I can help with?
C: no
"""  # noqa: E501


@pytest.mark.parametrize(
    ("start", "status", "finding"),
    [
        ("2026-12-01T10:00:00-05:00", "booked", VERIFIED),
        ("2026-12-01T15:00:00Z", "booked", VERIFIED),
        ("2026-11-26T14:30:00-05:00", "cancelled", VERIFIED),
        ("2026-11-26T14:30:00-05:00", "booked", DOUBTFUL),
        ("2026-12-01T10:00:00-05:00", "cancelled", DOUBTFUL),
        ("2026-12-01T09:00:00-05:00", "booked", DOUBTFUL),
        ("2026-12-02T10:00:00-05:00", "booked", DOUBTFUL),
    ],
)
def test_a_move(start: str, status: str, finding: Finding) -> None:
    for unit in ("start", "status", "participant"):
        assert visit(start, status, MOVE, unit).finding is finding


def test_slots_are_judged_by_their_time() -> None:
    taken = Claim(
        "Slot", "status", "busy", "confirmed", (), {"start": "2026-12-01T15:00:00Z", "status": "busy"}
    )
    freed = Claim(
        "Slot", "status", "free", "confirmed", (), {"start": "2026-11-26T19:30:00Z", "status": "free"}
    )
    assert JUDGE.assess(taken, talk(MOVE)).finding is VERIFIED
    assert JUDGE.assess(freed, talk(MOVE)).finding is VERIFIED


def test_refused_at_the_read_back() -> None:
    text = "A: So that's Tuesday, December first at ten AM. Shall I book it?\nC: no"
    assert visit("2026-12-01T15:00:00Z", "booked", text).finding is CONTRADICTED


def test_a_bare_yes_to_several_times_is_doubtful() -> None:
    text = "A: I have Tuesday, December first at nine AM or ten AM. Which would you like?\nC: yes"
    assert visit("2026-12-01T15:00:00Z", "booked", text).finding is DOUBTFUL


@pytest.mark.parametrize("choice", ["the second one", "ten AM please", "Tuesday at ten"])
def test_chosen_from_an_offer(choice: str) -> None:
    text = f"A: I have Tuesday, December first at nine AM or ten AM. Which would you like?\nC: {choice}"
    assert visit("2026-12-01T15:00:00Z", "booked", text).finding is VERIFIED
    assert visit("2026-12-01T14:00:00Z", "booked", text).finding is DOUBTFUL


def test_cancellation_and_its_reason() -> None:
    text = """
    A: May I ask the reason for cancelling?
    C: I have no ride that day.
    A: So I'll cancel your appointment on Thursday, November twenty sixth at two thirty PM. Is that right?
    C: yes
    """
    assert visit("2026-11-26T19:30:00Z", "cancelled", text, "status").finding is VERIFIED
    resource = {"start": "2026-11-26T19:30:00Z", "status": "cancelled"}
    for words, finding in (("I have no ride that day", VERIFIED), ("feeling better", DOUBTFUL)):
        claim = Claim("Appointment", "cancelationReason", {"text": words}, "confirmed", (), resource)
        assert JUDGE.assess(claim, talk(text)).finding is finding


def phone(number: str, text: str) -> Verdict:
    return JUDGE.assess(
        Claim("Patient", "telecom|phone|x", {"system": "phone", "value": number}, "confirmed"), talk(text)
    )


def test_phone_numbers() -> None:
    text = """
    A: What is the new phone number?
    C: four one two, triple five, oh one forty two
    A: I have four one two, five five five, zero one four two. Is that right?
    C: yep
    """
    assert phone("+14125550142", text).finding is VERIFIED
    assert phone("(412) 555-0142", text).finding is VERIFIED
    assert phone("+14125550143", text).finding is CONTRADICTED
    assert phone("+10125550143", text).finding is DOUBTFUL


def test_addresses() -> None:
    text = """
    A: What is the new address?
    C: twelve forty two Maple Street, Springfield, Massachusetts, oh one one oh three
    A: I have one two four two Maple Street, Springfield, MA, ZIP code zero one one zero three. Is that right?
    C: correct
    """
    good = {"line": ["1242 Maple Street"], "city": "Springfield", "postalCode": "01103"}

    def judged(**changed: Any) -> Finding:
        return JUDGE.assess(Claim("Patient", "address", good | changed, "confirmed"), talk(text)).finding

    assert judged() is VERIFIED
    assert judged(line=["1242 Maple St"]) is VERIFIED
    assert judged(line=["1224 Maple Street"]) is CONTRADICTED
    assert judged(postalCode="01104") is CONTRADICTED
    assert judged(postalCode="0110") is DOUBTFUL
    assert judged(city="Boston") is CONTRADICTED


def test_birth_dates_and_names() -> None:
    text = "A: Name and birth date?\nC: Eve Bradtke, March third nineteen eighty two"
    birth = Claim("Patient", "birthDate", "1982-03-03", "confirmed")
    assert JUDGE.assess(birth, talk(text)).finding is VERIFIED
    wrong = Claim("Patient", "birthDate", "1982-03-04", "confirmed")
    assert JUDGE.assess(wrong, talk(text)).finding is CONTRADICTED
    name = Claim("Patient", "name", {"family": "Bradtke547", "given": ["Eve832"]}, "confirmed")
    assert JUDGE.assess(name, talk(text)).finding is VERIFIED


def test_the_check_digit_of_an_npi() -> None:
    value = {"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567890"}
    claim = Claim("Practitioner", "identifier", value, "mentioned")
    assert (
        JUDGE.assess(claim, talk("C: one two three four five six seven eight nine zero")).finding
        is CONTRADICTED
    )


@pytest.mark.parametrize("value", [None, {}, [], "", 7, {"value": None}, [{"display": None}], "\x00"])
@pytest.mark.parametrize("unit", ["subscriberId", "class", "payor", "status", "nonsense", ""])
def test_any_claim_gets_a_verdict(unit: str, value: Any) -> None:
    for type in ("Coverage", "Patient", "Appointment", "Observation", "DocumentReference"):
        claim = Claim(type, unit, value, "x", (1, 99), {"start": value, unit: value})
        verdict = JUDGE.assess(claim, talk(GOOD))
        assert 0 <= verdict.confidence <= 1
        assert verdict.reasoning


def test_without_a_transcript_all_is_doubtful() -> None:
    assert JUDGE.assess(Claim("Coverage", "subscriberId", "W123345"), Evidence(())).finding is DOUBTFUL


def test_a_transcript_survives_its_document() -> None:
    said = talk(GOOD)
    document = {"content": attachments(said.turns, "Communication/1", "America/New_York", START)}
    assert evidence(document) == Evidence(said.turns, "America/New_York", "Communication/1")


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"content": [{"attachment": {"contentType": "text/plain", "data": "aGk="}}]},
        {"content": [{"attachment": {"contentType": "application/json", "data": "***"}}]},
        {"content": [{"attachment": {"contentType": "application/json", "data": "e30="}}]},
    ],
)
def test_what_is_no_transcript(document: dict[str, Any]) -> None:
    with pytest.raises(InvalidTranscript):
        evidence(document)
