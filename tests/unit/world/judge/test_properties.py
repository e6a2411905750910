"""Whatever value was read back and confirmed is verified, and no other value ever is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fhirserver.ports.judge import Claim, Evidence, Finding, Turn
from fhirserver.world.judge.deterministic import DeterministicJudge
from fhirserver.world.spoken.identifiers import identifier_key
from fhirserver.world.spoken.say import say_birth_date, say_id, say_moment, say_phone

START = datetime(2026, 11, 24, 19, 47, tzinfo=UTC)
ZONE = ZoneInfo("America/New_York")
JUDGE = DeterministicJudge()
_member = st.from_regex(r"[A-HJ-NP-Z]{1,3}[0-9]{5,9}", fullmatch=True)
_phone = st.from_regex(r"[2-9][0-9]{2}[2-9][0-9]{6}", fullmatch=True)
_start = st.builds(
    lambda days, half_hours: (
        datetime(2026, 11, 25, 8, tzinfo=ZONE) + timedelta(days=days, minutes=30 * half_hours)
    ),
    st.integers(0, 30),
    st.integers(0, 18),
)


def talk(*said: tuple[str, str]) -> Evidence:
    return Evidence(
        tuple(Turn(i, who, text, START) for i, (who, text) in enumerate(said, 1)), "America/New_York"
    )


@settings(max_examples=60)
@given(_member, _member)
def test_member_ids(said: str, other: str) -> None:
    evidence = talk(
        ("agent", "What is the member ID?"),
        ("caller", f"it's {say_id(said)}"),
        ("agent", f"I have Aetna, member ID {say_id(said)}, no group number. Is that right?"),
        ("caller", "yes"),
    )
    assert JUDGE.assess(Claim("Coverage", "subscriberId", said), evidence).finding is Finding.VERIFIED
    assume(identifier_key(said) != identifier_key(other))
    assert JUDGE.assess(Claim("Coverage", "subscriberId", other), evidence).finding is Finding.CONTRADICTED


@settings(max_examples=60)
@given(_phone, _phone)
def test_phone_numbers(said: str, other: str) -> None:
    evidence = talk(("agent", f"I have {say_phone(said)}. Is that right?"), ("caller", "that's right"))

    def finding(number: str) -> Finding:
        value = {"system": "phone", "value": f"+1{number}"}
        return JUDGE.assess(Claim("Patient", "telecom", value), evidence).finding

    assert finding(said) is Finding.VERIFIED
    assert said == other or finding(other) is Finding.CONTRADICTED


@settings(max_examples=60)
@given(st.dates(date(1920, 1, 1), date(2020, 1, 1)), st.dates(date(1920, 1, 1), date(2020, 1, 1)))
def test_birth_dates(said: date, other: date) -> None:
    evidence = talk(("agent", "Your date of birth?"), ("caller", say_birth_date(said)))
    assert JUDGE.assess(Claim("Patient", "birthDate", said.isoformat()), evidence).finding is Finding.VERIFIED
    wrong = JUDGE.assess(Claim("Patient", "birthDate", other.isoformat()), evidence).finding
    assert said == other or wrong is Finding.CONTRADICTED


@settings(max_examples=60)
@given(_start, _start, _start)
def test_moves(old: datetime, new: datetime, other: datetime) -> None:
    assume(len({old, new, other}) == 3)
    today = START.astimezone(ZONE).date()
    sentence = f"So I'll move your appointment from {say_moment(old, today)} with Doctor Ada Lane"
    sentence += f" to {say_moment(new, today)} with Doctor Ada Lane. Shall I go ahead?"
    evidence = talk(("agent", sentence), ("caller", "yes please"))

    def finding(start: datetime, status: str) -> Finding:
        resource = {"start": start.astimezone(UTC).isoformat(), "status": status}
        return JUDGE.assess(Claim("Appointment", "status", status, resource=resource), evidence).finding

    assert finding(new, "booked") is Finding.VERIFIED
    assert finding(old, "cancelled") is Finding.VERIFIED
    assert finding(old, "booked") is not Finding.VERIFIED
    assert finding(new, "cancelled") is not Finding.VERIFIED
    assert finding(other, "booked") is not Finding.VERIFIED
