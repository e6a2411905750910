"""Acknowledgements: whom they answer, what they say of an error, and that other readers read them."""

import warnings

import hl7
import pytest
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message

from adapters.hl7v2.acknowledgement import (
    Verdict,
    acknowledge,
    due,
    read_acknowledgement,
    refuse_unread,
    wants,
)
from adapters.hl7v2.message import MalformedMessage, parse
from adapters.hl7v2.places import read_place

AT = "2026-11-28T15:01:26.123Z"
FULL = (
    "MSH|^~\\&|LAB^1.2^ISO|NORTH|EHR|MAIN|2026||ADT^A08^ADT_A01|A\\T\\1|T|2.5.1||||||UNICODE UTF-8\rPID|1\r"
)
BAD = Verdict("AE", "204", "PID[1]-3[2].4", "the assigning authority is not known | at all")


def _ack(text: str, verdict: Verdict) -> str:
    return acknowledge(parse(text), verdict, AT, "own-7")


def test_sender_and_receiver_change_places() -> None:
    text = _ack(FULL, Verdict("AA"))
    assert text == (
        "MSH|^~\\&|EHR|MAIN|LAB^1.2^ISO|NORTH|20261128150126.123+0000||ACK^A08^ACK|own-7|T|2.5.1||||||UNICODE UTF-8\r"
        "MSA|AA|A\\T\\1\r"
    )
    answer = read_acknowledgement(parse(text))
    assert (answer.code, answer.of, answer.accepted, answer.is_commit) == ("AA", "A&1", True, False)


def test_an_error_names_place_code_and_severity() -> None:
    error = parse(_ack(FULL, BAD)).first("ERR")
    assert error is not None
    assert error.repetitions(2)[0].components == ("PID", "1", "3", "2", "4")
    assert (error.value(3), error.value(3, component=2)) == ("204", "Unknown key identifier")
    assert (error.value(3, component=3), error.value(4)) == ("HL70357", "E")
    assert error.value(8) == "the assigning authority is not known | at all"


def test_a_place_that_is_no_field_goes_into_the_text() -> None:
    error = parse(_ack(FULL, Verdict("AR", "100", "line 4", "no segment begins here"))).first("ERR")
    assert error is not None
    assert error.value(2) is None
    assert error.value(8) == "line 4: no segment begins here"


def test_a_code_of_the_applications_own_stands_beside_that_of_the_table() -> None:
    verdict = Verdict("AE", "207", "SCH-11", "the time is taken", own="SLOT_TAKEN")
    error = parse(_ack(FULL, verdict)).first("ERR")
    assert error is not None
    assert (error.value(3), error.value(5), error.value(5, component=3)) == ("207", "SLOT_TAKEN", "L")


def test_before_2_5_an_error_has_the_old_form() -> None:
    message = parse(_ack(FULL.replace("2.5.1", "2.3.1"), BAD))
    error, answer = message.first("ERR"), message.first("MSA")
    assert error is not None and answer is not None
    assert error.text == "ERR|PID^1^3^204&Unknown key identifier&HL70357"
    assert answer.value(3) == BAD.text


def test_what_was_accepted_with_remarks_says_so() -> None:
    message = parse(_ack(FULL, Verdict("AA", warnings=("ZPI[1] is kept, and no map speaks of it",))))
    assert [(error.value(4), error.value(8)) for error in message.all("ERR")] == [
        ("W", "ZPI[1] is kept, and no map speaks of it")
    ]
    assert parse(_ack(FULL.replace("2.5.1", "2.3"), Verdict("AA", warnings=("x",)))).all("ERR") == ()


def test_own_separators_are_kept_and_missing_ones_filled_in() -> None:
    text = "MSH#*#A*1#B#C#D###ADT*A01#9##2.5"
    message = parse(_ack(text, BAD))
    assert message.header.value(5, component=2) == "1"
    error = message.first("ERR")
    assert error is not None and error.value(2, component=3) == "3"
    assert error.value(8) == BAD.text
    assert message.header.value(11) == "P"


@pytest.mark.parametrize("header", ["", "nonsense", "MSH", "\x00\x01", "MSH|^^^|x"])
def test_what_cannot_be_read_is_refused_all_the_same(header: str) -> None:
    answer = read_acknowledgement(parse(refuse_unread(header, Verdict("AR", "100", "MSH-2", "x"), AT, "1")))
    assert (answer.code, answer.of) == ("AR", "")


def test_a_header_alone_is_enough_to_be_answered() -> None:
    text = refuse_unread(FULL.partition("\r")[0], Verdict("AR", "207", "", "too long"), AT, "1")
    assert read_acknowledgement(parse(text)).of == "A&1"


def test_a_message_that_answers_nothing_is_no_acknowledgement() -> None:
    for text in (FULL, "MSH|^~\\&|A\rMSA||1"):
        with pytest.raises(MalformedMessage):
            read_acknowledgement(parse(text))


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ("|", ("NE", "AL")),
        ("AL|", ("AL", "NE")),
        ("AL|NE", ("AL", "NE")),
        ("|ER", ("NE", "ER")),
        ("ER|SU", ("ER", "SU")),
    ],
)
def test_the_sender_says_what_it_wants(fields: str, wanted: tuple[str, str]) -> None:
    assert wants(parse(f"MSH|^~\\&|A|B|||||ADT^A01|1|P|2.5|||{fields}")) == wanted


def test_when_an_acknowledgement_is_due() -> None:
    good, bad = Verdict("AA"), Verdict("AE")
    assert [due(one, good) for one in ("AL", "SU", "ER", "NE")] == [True, True, False, False]
    assert [due(one, bad) for one in ("AL", "SU", "ER", "NE")] == [True, False, True, False]
    assert [one.as_commit().code for one in (good, bad, Verdict("AR"))] == ["CA", "CE", "CR"]


@pytest.mark.parametrize(
    ("text", "location"),
    [
        ("PID", ("PID", "1", "", "", "", "")),
        ("PID-3", ("PID", "1", "3", "1", "", "")),
        ("OBX[12]-5", ("OBX", "12", "5", "1", "", "")),
        ("PID-3[2].4.1", ("PID", "1", "3", "2", "4", "1")),
    ],
)
def test_places_are_read(text: str, location: tuple[str, ...]) -> None:
    place = read_place(text)
    assert place is not None and place.location() == location


@pytest.mark.parametrize("text", ["", "line 4", "pid-3", "PID-", "PID-x", "PID-3.4.5.6"])
def test_what_is_no_place(text: str) -> None:
    assert read_place(text) is None


@pytest.mark.parametrize("version", ["2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.8"])
@pytest.mark.parametrize("verdict", [Verdict("AA"), BAD, Verdict("CR", "200", "MSH-9", "no", own="NO")])
def test_hl7apy_and_python_hl7_read_every_answer(version: str, verdict: Verdict) -> None:
    text = _ack(FULL.replace("2.5.1", version).replace("|T|", "|P|"), verdict)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = parse_message(text, validation_level=VALIDATION_LEVEL.TOLERANT)
        # hl7apy's own definitions of 2.3 lack what its validation looks for.
        assert version == "2.3" or theirs.validate()
    assert theirs.msa.msa_1.to_er7() == verdict.code
    assert str(hl7.parse(text)["MSA.F1"]) == verdict.code
