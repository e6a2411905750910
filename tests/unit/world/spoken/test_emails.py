"""E-mail addresses as they are spoken, spelled and written."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhirserver.world.spoken.emails import emails


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("m dot alvarez at gmail dot com", "m.alvarez@gmail.com"),
        ("my email is m.alvarez@gmail.com.", "m.alvarez@gmail.com"),
        ("it's alvarez, that's a l v a r e z, at gmail dot com", "alvarez@gmail.com"),
        ("k o w a l s k i underscore eighty two at yahoo dot com", "kowalski_82@yahoo.com"),
        ("sunny days, no space, forty four at hotmail dot com", "sunnydays44@hotmail.com"),
        ("p dash rivera at lake schools dot org", "p-rivera@lakeschools.org"),
        ("tom at g mail dot com", "tom@gmail.com"),
        ("tom at gmail", "tom@gmail.com"),
        ("B as in boy, o, b at mail dot clinic dot net", "bob@mail.clinic.net"),
    ],
)
def test_one_address_in_many_words(text: str, address: str) -> None:
    assert [found.value for found in emails(text)] == [address]


@pytest.mark.parametrize(
    "text", ["see you at noon", "at home", "look at dot com", "meet at Maple Street", "@", "at"]
)
def test_what_is_no_address(text: str) -> None:
    assert emails(text) == []


_word = st.sampled_from(["maria", "rivera", "green", "tulip", "oakley"])


@settings(max_examples=40)
@given(_word, st.sampled_from([" dot ", " underscore ", " dash "]), _word, st.integers(0, 9))
def test_said_as_written(first: str, sign: str, second: str, digit: int) -> None:
    signs = {" dot ": ".", " underscore ": "_", " dash ": "-"}
    said = f"it's {first}{sign}{second} {digit} at example dot com"
    assert [f.value for f in emails(said)] == [f"{first}{signs[sign]}{second}{digit}@example.com"]
