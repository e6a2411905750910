"""Batches and files: what is in them, that counts are checked, and how a batch is answered."""

import hl7
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.hl7v2.batch import answer_batch, is_batch, read_batch
from adapters.hl7v2.message import MalformedMessage

ONE, TWO = b"MSH|^~\\&|A||B||||ADT^A01|1\rPID|1\r", b"MSH|^~\\&|A||B||||ADT^A01|2\rPID|2\r"
BHS = b"BHS|^~\\&|LAB|NORTH|EHR|MAIN|2026||batch||77\r"
FHS = b"FHS|^~\\&|LAB|NORTH\r"


@pytest.mark.parametrize(
    ("raw", "messages", "header"),
    [
        (ONE, [ONE], b""),
        (ONE + TWO, [ONE, TWO], b""),
        (BHS + ONE + TWO + b"BTS|2\r", [ONE, TWO], BHS),
        (BHS + ONE + TWO + b"BTS|02|all\r", [ONE, TWO], BHS),
        (BHS + ONE + b"BTS\r", [ONE], BHS),
        (BHS + b"BTS|0\r", [], BHS),
        (FHS + BHS + ONE + b"BTS|1\r" + BHS + TWO + b"BTS|1\rFTS|2\r", [ONE, TWO], FHS),
        (FHS + ONE + TWO + b"FTS|2\r", [ONE, TWO], FHS),
        (b"\xef\xbb\xbf\r\n" + ONE, [ONE], b""),
        (b"\x0b" + ONE + b"\x1c\r\x0b" + TWO + b"\x1c\r", [ONE + b"\r", TWO + b"\r"], b""),
        ((BHS + ONE + b"BTS|1\r").replace(b"\r", b"\r\n"), [ONE.replace(b"\r", b"\r\n")], BHS),
    ],
)
def test_the_messages_of_a_text(raw: bytes, messages: list[bytes], header: bytes) -> None:
    batch = read_batch(raw)
    assert list(batch.messages) == messages
    assert batch.header == header.decode().rstrip("\r")
    assert is_batch(raw) == bool(header)


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (b"", "line 1"),
        (b"PID|1\r" + ONE, "line 1"),
        (BHS + ONE + b"BTS|2\r", "BTS-1"),
        (BHS + ONE + b"BTS|one\r", "BTS-1"),
        (BHS + ONE, "BTS"),
        (FHS + BHS + ONE + b"FTS|1\r", "BTS"),
        (FHS + BHS + ONE + b"BTS|1\r", "FTS"),
        (FHS + BHS + ONE + b"BTS|1\rFTS|2\r", "FTS-1"),
        (BHS + BHS, "BHS"),
        (FHS + FHS, "FHS"),
        (ONE + b"BTS|1\r", "BTS"),
        (b"BHS||\r", "BHS-2"),
    ],
)
def test_what_does_not_add_up_is_refused_with_the_place(raw: bytes, place: str) -> None:
    with pytest.raises(MalformedMessage) as caught:
        read_batch(raw)
    assert caught.value.place == place


@given(st.lists(st.sampled_from([ONE, TWO, BHS, FHS, b"BTS|1\r", b"FTS|1\r", b"x\r", b"\n"]), max_size=8))
def test_any_order_is_a_batch_or_malformed(pieces: list[bytes]) -> None:
    try:
        read_batch(b"".join(pieces))
    except MalformedMessage:
        return


def test_a_batch_is_answered_by_a_batch() -> None:
    answers = [b"MSH|^~\\&|EHR|||||| ACK|9\rMSA|AA|1\r", b"MSH|^~\\&|EHR||||||ACK|10\rMSA|AE|2\r"]
    raw = answer_batch(BHS.decode().strip(), answers, "2026", "own")
    theirs = hl7.parse_batch(raw.decode())
    assert len(theirs) == 2
    assert raw.startswith(b"BHS|^~\\&|EHR|MAIN|LAB|NORTH|2026||||own|77\r")
    assert raw.endswith(b"BTS|2\r")
    assert list(read_batch(raw).messages) == answers
