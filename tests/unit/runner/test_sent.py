"""What a sink was sent tells an echo from its own word."""

from decimal import Decimal

import pytest

from adapters.runner.sent import Sent, digest
from fhirserver.world.survivorship import Claim, Win
from fhirserver.world.view import Stamp

SURE = Decimal("0.95")
BIRTH, OTHER = {"birthDate": "1980-01-01"}, {"birthDate": "1980-01-02"}
PHONE = "telecom[phone|+15558675309]"


def win(unit, value, confidence=SURE):
    stamp = Stamp(1, "2026-11-22T00:00:00.000Z", confidence)
    claim = Claim("operator", unit, value, stamp, confidence)
    return Win(claim, confidence, (claim,), ())


def tried(**values):
    return Sent().trying({unit: win(unit, value) for unit, value in values.items()}, "me")


def test_the_same_value_coming_back_is_an_echo():
    assert tried(birthDate=BIRTH).echoes({}, {"birthDate": BIRTH}, answer=False) == {"birthDate": SURE}


def test_another_value_is_the_ehr_s_own_word_unless_it_answers_us():
    sent = tried(birthDate=BIRTH)
    assert sent.echoes({}, {"birthDate": OTHER}, answer=False) == {}
    assert sent.echoes({}, {"birthDate": OTHER}, answer=True) == {"birthDate": SURE}


def test_an_item_with_the_same_business_key_is_the_same_in_any_spelling():
    sent = Sent().trying({PHONE: win(PHONE, [{"value": "555-867-5309"}])}, "me")
    assert sent.echoes({}, {PHONE: [{"value": "+15558675309"}]}, answer=False) == {PHONE: SURE}


def test_what_the_ehr_said_before_is_no_echo():
    assert tried(birthDate=BIRTH).echoes({"birthDate": BIRTH}, {"birthDate": BIRTH}, answer=True) == {}


def test_of_several_values_on_their_way_each_is_recognised_with_its_own_confidence():
    sent = tried(birthDate=BIRTH).trying({"birthDate": win("birthDate", OTHER, Decimal("1.0"))}, "me")
    assert sent.echoes({}, {"birthDate": BIRTH}, answer=False) == {"birthDate": SURE}
    assert sent.echoes({}, {"birthDate": OTHER}, answer=False) == {"birthDate": Decimal("0.99")}


def test_after_the_answer_nothing_is_on_its_way():
    units = {"birthDate": win("birthDate", BIRTH)}
    sent = tried(birthDate=BIRTH).answered(units, {"birthDate": BIRTH}, replayed=False)
    assert sent.echoes({}, {"birthDate": BIRTH}, answer=False) == {}
    assert sent.is_settled("birthDate", BIRTH, BIRTH)


def test_what_the_ehr_answers_otherwise_is_settled_until_either_side_changes():
    units = {"birthDate": win("birthDate", BIRTH)}
    sent = Sent().answered(units, {"birthDate": OTHER}, replayed=False)
    assert sent.is_settled("birthDate", BIRTH, OTHER)
    assert not sent.is_settled("birthDate", OTHER, OTHER)
    assert not sent.is_settled("birthDate", BIRTH, BIRTH)


def test_an_answer_to_an_older_attempt_settles_only_what_it_says():
    units = {"birthDate": win("birthDate", BIRTH)}
    assert not Sent().answered(units, {"birthDate": OTHER}, replayed=True).told
    assert Sent().answered(units, {"birthDate": BIRTH}, replayed=True).told


@pytest.mark.parametrize("value", [BIRTH, [BIRTH], "x"])
def test_a_digest_holds_nothing_of_the_value(value):
    assert len(digest(value)) == 16 and "1980" not in digest(value)
    assert digest(None) == ""


def test_an_instant_comes_back_in_another_zone():
    sent = tried(start={"start": "2026-12-09T12:00:00Z"})
    assert sent.echoes({}, {"start": {"start": "2026-12-09T13:00:00+01:00"}}, answer=False) == {"start": SURE}
    assert sent.echoes({}, {"start": {"start": "2026-12-09T12:00:00+01:00"}}, answer=False) == {}
