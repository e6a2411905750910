"""Character sets: what MSH-18 says, what a site's default is for, and that no byte is passed off as another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.hl7v2.charset import codec_of, decode, encode, header_of
from adapters.hl7v2.message import MalformedMessage, parse


def _message(charset: str, name: str) -> str:
    return f"MSH|^~\\&|A|B|||2026||ADT^A01|1|P|2.5|||||USA|{charset}\rPID|1||2||{name}\r"


@pytest.mark.parametrize(
    ("charset", "codec", "name"),
    [
        ("UNICODE UTF-8", "utf-8", "Müller^山田"),
        ("UNICODE", "utf-8", "Müller"),
        ("8859/1", "latin-1", "Müller"),
        ("8859/2", "iso8859_2", "Dvořák"),
        ("8859/5", "iso8859_5", "Иванов"),
        ("8859/7", "iso8859_7", "Παπαδόπουλος"),
        ("8859/8", "iso8859_8", "כהן"),
        ("8859/15", "iso8859_15", "Šœuvre €"),
        ("ASCII", "ascii", "Miller"),
        ("ISO-8859-1", "latin-1", "Müller"),
        ("WINDOWS-1252", "cp1252", "Müller “x”"),
        ("GB 18030-2000", "gb18030", "王伟"),
        ("KS X 1001", "euc_kr", "김철수"),
        ("BIG-5", "big5", "王小明"),
        ("ISO IR87", "iso2022_jp", "山田^太郎"),
        ("~ISO IR87", "iso2022_jp", "Yamada^Taro=山田^太郎"),
        ("ASCII~ISO IR14~ISO IR87~ISO IR159", "iso2022_jp_ext", "ﾔﾏﾀﾞ=山田"),
        ("8859/1~8859/5", "latin-1", "Müller"),
    ],
)
def test_the_declared_character_set_is_read(charset: str, codec: str, name: str) -> None:
    text = _message(charset, name)
    decoded = decode(text.encode(codec), default="ascii")
    assert decoded.text == text
    assert parse(decoded.text, decoded.encoding).value("PID", 5) == name.partition("^")[0]


def test_without_a_declaration_the_default_of_the_site_holds() -> None:
    text = _message("", "Müller")
    assert decode(text.encode("latin-1"), default="iso8859_1").text == text
    assert decode(text.encode(), default="utf-8").text == text


@pytest.mark.parametrize(
    ("mark", "codec"), [(b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")]
)
def test_a_byte_order_mark_decides(mark: bytes, codec: str) -> None:
    text = _message("8859/1", "Müller")
    decoded = decode(mark + text.encode(codec))
    assert (decoded.text, decoded.encoding, len(decoded.notes)) == (text, codec, 1)


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_two_bytes_a_character_are_known_by_the_header(codec: str) -> None:
    assert decode(_message("UNICODE UTF-16", "Müller").encode(codec)).text == _message(
        "UNICODE UTF-16", "Müller"
    )


@pytest.mark.parametrize("charset", ["UTF-9", "idna", "unicode_escape", "8859/12", "UNICODE UTF-8~rot13"])
def test_an_unknown_character_set_is_refused(charset: str) -> None:
    with pytest.raises(MalformedMessage) as caught:
        decode(_message(charset, "Miller").encode())
    assert caught.value.place == "MSH-18"


@pytest.mark.parametrize(
    ("charset", "codec"), [("UNICODE UTF-8", "utf-8"), ("ASCII", "ascii"), ("", "utf-8")]
)
def test_a_byte_of_another_character_set_is_refused_with_its_place(charset: str, codec: str) -> None:
    raw = _message(charset, "Miller").encode() + b"NK1|1|x\rNK1|2|M\xfcller\r"
    with pytest.raises(MalformedMessage) as caught:
        decode(raw)
    assert caught.value.place == "NK1[2]-2"
    assert codec in caught.value.reason
    assert "ller" not in str(caught.value)


def test_a_place_in_the_header_is_counted_as_the_standard_does() -> None:
    with pytest.raises(MalformedMessage) as caught:
        decode(b"MSH|^~\\&|\xfc|B\r")
    assert caught.value.place == "MSH[1]-3"


def test_what_a_character_set_lacks_is_written_as_a_question_mark() -> None:
    assert encode("Müller 山", "latin-1") == b"M\xfcller ?"


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_text_or_malformed(raw: bytes, headed: bool) -> None:
    raw = b"MSH|^~\\&|||||||ADT^A01|1|P|2.5||||||8859/1~" + raw if headed else raw
    header_of(raw)
    try:
        decode(raw)
    except MalformedMessage:
        return


@given(st.text(max_size=30))
def test_no_name_is_looked_up_beyond_the_table(name: str) -> None:
    codec = codec_of(name)
    assert codec is None or "é".encode(codec, "replace")
