"""Reading HL7v2 messages: numbering, nulls, separators, line ends, and what is no message."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.hl7v2.message import NULL, MalformedMessage, parse

ADT = "\r".join(
    (
        "MSH|^~\\&|LAB^1.2.3^ISO|^9.9^ISO|EHR|MAIN|20260102030405||ADT^A04|42|P|2.5.1||||||UNICODE UTF-8",
        "EVN|A04|20260102030405",
        'PID|1||123^^^HOSP^MR~456^^^SSA&1.2&ISO^SS||DOE^JOHN^""||19700101|""||||^PRN^PH~""',
        "ZPI|own",
        "NK1|1|A^B",
        "NK1|2|C^D",
    )
)


def test_fields_are_numbered_as_in_the_standard() -> None:
    header = parse(ADT).header
    assert (header.value(1), header.value(2), header.value(3), header.value(10)) == (
        "|",
        "^~\\&",
        "LAB",
        "42",
    )
    assert header.value(9, component=2) == "A04"
    assert header.value(3, component=3) == "ISO"
    assert header.value(2, component=2) is None
    assert [one.components for one in header.repetitions(2)] == [("^~\\&",)]
    assert [one.value() for one in header.repetitions(2)] == ["^~\\&"]


def test_what_a_message_says_of_itself() -> None:
    message = parse(ADT)
    assert (message.type, message.event, message.structure) == ("ADT", "A04", "ADT_A01")
    assert (message.control_id, message.version) == ("42", "2.5.1")
    assert message.sender == ("LAB", "9.9")
    assert message.receiver == ("EHR", "MAIN")


def test_a_structure_that_is_named_is_believed() -> None:
    assert parse("MSH|^~\\&|||||||ADT^A04^ADT_A99|1").structure == "ADT_A99"
    assert parse("MSH|^~\\&|||||||ACK|1").structure == "ACK"
    assert parse("MSH|^~\\&|||||||ORU^R01|1").structure == "ORU_R01"
    assert parse("MSH|^~\\&").structure == ""


def test_repetitions_components_and_subcomponents() -> None:
    pid = parse(ADT).first("PID")
    assert pid is not None
    first, second = pid.repetitions(3)
    assert (first.value(), first.value(4), first.value(5)) == ("123", "HOSP", "MR")
    assert (second.value(4, 1), second.value(4, 2), second.value(4, 3)) == ("SSA", "1.2", "ISO")
    assert second.subcomponents(4) == ("SSA", "1.2", "ISO")
    assert second.components == ("456", "", "", "SSA&1.2&ISO", "SS")
    assert pid.value(3, repetition=2) == "456"
    assert pid.value(3, repetition=3) is None
    assert pid.value(3, repetition=2, component=4, subcomponent=2) == "1.2"


def test_absent_and_explicitly_null_differ() -> None:
    pid = parse(ADT).first("PID")
    assert pid is not None
    assert pid.value(8) == NULL
    assert pid.value(9) is None
    assert pid.value(99) is None
    assert pid.value(5, component=3) == NULL
    assert pid.value(5, component=4) is None
    assert pid.value(8, component=2) is None
    assert pid.value(12) is None
    assert pid.value(12, component=2) == "PRN"
    assert [one.value() for one in pid.repetitions(12)] == [None, NULL]
    assert pid.repetitions(9) == ()


def test_segments_know_their_places() -> None:
    message = parse(ADT)
    assert [segment.place for segment in message.all("NK1")] == ["NK1[1]", "NK1[2]"]
    assert [segment.index for segment in message.all("NK1")] == [5, 6]
    assert message.first("OBX") is None
    assert message.all("OBX") == ()
    assert message.value("NK1", 2, component=2) == "B"
    assert message.value("OBX", 2) is None
    assert len(message.segments[3]) == 1


def test_a_message_may_choose_its_own_separators() -> None:
    message = parse("MSH#!*?@/#A!B@C##a*b#D?S?E?T?F?F?G?P?H?R?")
    assert message.separators.truncation == "/"
    assert message.header.value(3, component=2, subcomponent=2) == "C"
    assert message.header.value(5, repetition=2) == "b"
    assert message.header.value(6) == "D!E@F#G/H*"


@pytest.mark.parametrize(
    ("characters", "component", "repetition", "escape", "subcomponent"),
    [("^", "^", "", "", ""), ("^~", "^", "~", "", ""), ("^~\\", "^", "~", "\\", "")],
)
def test_fewer_encoding_characters_are_allowed(
    characters: str, component: str, repetition: str, escape: str, subcomponent: str
) -> None:
    message = parse(f"MSH|{characters}|A&B\\T\\^C~D")
    found = message.separators
    assert (found.component, found.repetition, found.escape, found.subcomponent) == (
        component,
        repetition,
        escape,
        subcomponent,
    )
    assert message.header.value(3) == "A&B\\T\\"


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_line_ends_that_are_none_of_the_standard_are_tolerated_and_noted(end: str) -> None:
    message = parse(ADT.replace("\r", end) + end)
    assert [segment.name for segment in message.segments] == ["MSH", "EVN", "PID", "ZPI", "NK1", "NK1"]
    assert message.text == ADT + "\r"
    assert bool(message.notes) == (end != "\r")


def test_a_line_feed_inside_a_value_stays_there() -> None:
    message = parse("MSH|^~\\&|A\rNTE|1||first\nsecond\r\nNTE|2||third\nNTE|3||x\r")
    assert [note.value(3) for note in message.all("NTE")] == ["first\nsecond", "third", "x"]


def test_a_byte_order_mark_and_blank_lines_are_tolerated() -> None:
    message = parse("\ufeff\r\nMSH|^~\\&|A\r\r\nPID|1\r\r")
    assert [segment.name for segment in message.segments] == ["MSH", "PID"]
    assert len(message.notes) == 2


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "line 1"),
        ("PID|1", "line 1"),
        ("MSH", "MSH-1"),
        ("MSHA^~\\&|", "MSH-1"),
        ("MSH|", "MSH-2"),
        ("MSH||", "MSH-2"),
        ("MSH|^^\\&|", "MSH-2"),
        ("MSH|^~\\~|", "MSH-2"),
        ("MSH|^~\\&#%|", "MSH-2"),
        ("MSH|^~\\A|", "MSH-2"),
        ("MSH|^~\\&|A\rpid|1", "line 2"),
        ("MSH|^~\\&|A\rPID|1\rmore text", "line 3"),
        ("MSH|^~\\&|A\rPID^1", "line 2"),
        ("MSH|^~\\&|A\rMSH|^~\\&|B", "line 2"),
        ("BHS|^~\\&|A", "BHS"),
    ],
)
def test_what_is_no_message_is_refused_with_the_place(text: str, place: str) -> None:
    with pytest.raises(MalformedMessage) as caught:
        parse(text)
    assert caught.value.place == place


def test_a_refusal_holds_no_value_of_the_message() -> None:
    with pytest.raises(MalformedMessage) as caught:
        parse("MSH|^~\\&|A\rMiller was here|1")
    assert "Miller" not in str(caught.value)


@pytest.mark.parametrize("filler", ["\rZZZ", "|"])
def test_a_text_of_nothing_but_separators_is_refused_before_it_takes_memory(filler: str) -> None:
    with pytest.raises(MalformedMessage):
        parse("MSH|^~\\&" + filler * 2_100_000)


_PIECE = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=12)
_SEGMENT = st.builds(
    lambda name, fields: "|".join([name, *fields]),
    st.from_regex(r"[A-Z][A-Z0-9]{2}", fullmatch=True).filter(lambda name: name not in ("MSH", "BHS", "FHS")),
    st.lists(_PIECE, max_size=6),
)


@given(st.lists(_SEGMENT, max_size=6), st.lists(_PIECE, max_size=6))
def test_what_is_read_is_written_the_same(segments: list[str], header: list[str]) -> None:
    text = "".join(f"{one}\r" for one in ["|".join(["MSH", "^~\\&", *header]), *segments])
    assert parse(text).text == text


@given(st.text(st.sampled_from('MSHPID|^~\\&#\r\n"A1X0.br \ufeff\0é'), max_size=60), st.booleans())
def test_hostile_text_raises_nothing_else(text: str, headed: bool) -> None:
    try:
        message = parse("MSH|^~\\&#|" + text if headed else text)
    except MalformedMessage:
        return
    for segment in message.segments:
        for field in range(1, len(segment) + 2):
            for repetition in segment.repetitions(field):
                for component in range(len(repetition.components) + 2):
                    repetition.value(component)
    assert parse(message.text).text == message.text


def test_an_admission_is_read_in_a_fifth_of_a_millisecond() -> None:
    start = time.process_time()
    for _ in range(500):
        message = parse(ADT)
        _ = (message.control_id, message.structure, message.sender, message.value("PID", 5, component=2))
    assert (time.process_time() - start) / 500 < 0.0002
