"""What a recogniser is told to expect: the times on offer, as a person picks one."""

from datetime import UTC, datetime

from agent.memory import Memory, Setting
from agent.policy.expecting import hints_for
from agent.records import PatientRecord

AT = datetime(2026, 12, 1, 15, 30, tzinfo=UTC)


def memory() -> Memory:
    return Memory(Setting(), AT)


def test_times_on_offer_are_expected_where_one_is_chosen() -> None:
    hints = hints_for("offer", memory(), offered=[AT])
    assert {"Tuesday at ten thirty", "Tuesday at ten thirty a m", "the ten thirty"} <= set(hints.phrases)
    assert hints.expects == "slot"


def test_they_are_not_expected_elsewhere() -> None:
    assert hints_for("read_back", memory(), offered=[AT]).phrases == ()


def test_names_on_record_are_not_expected_where_something_new_is_told() -> None:
    """ "Main Street" was heard as the doctor's name, Lane."""
    told = memory()
    told.candidates = (PatientRecord("a", ((("Ada",), "Lane"),), None),)
    assert hints_for("open", told).phrases == ("Ada Lane",)
    assert hints_for("address", told).phrases == ()
