"""Query strings: the same as the standard library's, and there and back again."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirserver.kernel.queries import TooMany, decode_query, encode_query

_pairs = st.lists(st.tuples(st.text(min_size=1, max_size=8), st.text(max_size=12)), max_size=5)


@given(_pairs)
def test_what_is_encoded_is_decoded_and_as_the_standard_library_does(pairs: list[tuple[str, str]]) -> None:
    text = encode_query(pairs)
    assert text == urlencode(pairs)
    assert decode_query(text, 100) == pairs


@pytest.mark.parametrize("text", ["a=1&b=&c", "a=%C3%A9+x&&b=2", "=x", "a==b", "a=1;b=2"])
def test_it_reads_what_the_standard_library_reads(text: str) -> None:
    assert decode_query(text, 100) == parse_qsl(text, keep_blank_values=True)


def test_bytes_that_are_not_utf_8_are_refused() -> None:
    with pytest.raises(UnicodeDecodeError):
        decode_query("name=%ff", 10)


def test_too_many_parameters_are_refused() -> None:
    with pytest.raises(TooMany):
        decode_query("&".join(["a=1"] * 11), 10)
