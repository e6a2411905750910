"""From bytes to text and back, by the character set that a message declares in MSH-18.

HL7 table 0211: https://terminology.hl7.org/CodeSystem-v2-0211.html. A message whose bytes are not of its character
set is refused with the place of the first such byte; it is never patched up.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from functools import lru_cache

from adapters.hl7v2.malformed import MalformedMessage
from fhirserver.kernel.frozen import frozen

_JAPANESE = "iso2022_jp_ext"
_CODECS: Mapping[str, str] = {
    "": "ascii",
    "ASCII": "ascii",
    "ISOIR6": "ascii",
    "UNICODE": "utf-8",
    "UNICODEUTF8": "utf-8",
    "UTF8": "utf-8",
    "UNICODEUTF16": "utf-16",
    "UTF16": "utf-16",
    "UNICODEUTF32": "utf-32",
    **{f"8859{part}": f"iso8859_{part}" for part in (*range(1, 12), *range(13, 17))},
    **{f"ISO8859{part}": f"iso8859_{part}" for part in (*range(1, 12), *range(13, 17))},
    "ISOIR100": "iso8859_1",
    "ISOIR14": _JAPANESE,
    "ISOIR87": _JAPANESE,
    "ISOIR159": _JAPANESE,
    "JISX0202": _JAPANESE,
    "ISO2022JP": _JAPANESE,
    "SHIFTJIS": "cp932",
    "SJIS": "cp932",
    "GB180302000": "gb18030",
    "GB18030": "gb18030",
    "KSX1001": "euc_kr",
    "BIG5": "big5",
    **{f"WINDOWS{page}": f"cp{page}" for page in range(1250, 1259)},
    **{f"CP{page}": f"cp{page}" for page in range(1250, 1259)},
}
_LATIN = "latin-1"
_CHARSET_FIELD = 18
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_WIDE = ((b"M\0S\0H\0", "utf-16-le"), (b"\0M\0S\0H", "utf-16-be"))
_ENDS = re.compile(rb"[\r\n]")


@frozen
class Decoded:
    """The text of a message without its byte order mark, and the codec it was read by."""

    text: str
    encoding: str
    notes: tuple[str, ...] = ()


@lru_cache(maxsize=256)
def codec_of(name: str) -> str | None:
    """The Python codec of a name of table 0211, or of one in common use; None where there is none."""
    return _CODECS.get(re.sub(r"[\s/_.-]", "", name).upper())


def decode(raw: bytes, default: str = "utf-8") -> Decoded:
    """Read the bytes of one message. ``default`` is the codec of a site's messages that declare none.

    Raises :class:`MalformedMessage` where MSH-18 names a character set that is not known, or a byte is not of it.
    """
    for mark, encoding in _BOMS:
        if raw.startswith(mark):
            note = "a byte order mark stood before the message"
            return Decoded(_text(raw, encoding, len(mark)), encoding, (note,))
    for beginning, encoding in _WIDE:
        if raw.startswith(beginning):
            return Decoded(_text(raw, encoding), encoding)
    declared = _declared(raw)
    encoding = _chosen(declared) if declared else default
    return Decoded(_text(raw, encoding), encoding)


def encode(text: str, encoding: str) -> bytes:
    """The bytes of a message of ours; what the character set lacks becomes a question mark."""
    return text.encode(encoding, "replace")


def write(text: str, default: str = "utf-8") -> bytes:
    """The bytes of a message that somebody has written, by the character set that its own MSH-18 declares.

    Raises :class:`MalformedMessage` where that is not known, or lacks a character of the text.
    """
    declared = _declared(text.encode("utf-8", "replace"))
    encoding = _chosen(declared) if declared else default
    try:
        return text.encode(encoding)
    except UnicodeEncodeError as error:
        place = f"line {text.count(chr(13), 0, error.start) + 1}"
        raise MalformedMessage(f"a character is not of the character set ({encoding})", place) from None


def header_of(raw: bytes) -> str:
    """The first segment of a message that cannot be read otherwise, byte for character."""
    start = raw.lstrip(b"\r\n\xef\xbb\xbf")[:4096]
    return _ENDS.split(start, 1)[0].decode(_LATIN)


def _declared(raw: bytes) -> list[str]:
    """The repetitions of MSH-18; none where it is absent."""
    header = header_of(raw)
    fields = header.split(header[3:4] or "|")
    text = fields[_CHARSET_FIELD - 1] if len(fields) >= _CHARSET_FIELD else ""
    encoding_characters = fields[1] if len(fields) > 1 else ""
    separator = encoding_characters[1:2] or "~"
    return [one.strip() for one in text.split(separator)] if text.strip() else []


def _chosen(declared: list[str]) -> str:
    """The codec of a list of character sets: the first is that of the message, the others are switched to."""
    found = [codec_of(name) for name in declared]
    if None in found:
        raise MalformedMessage("the character set is not known", "MSH-18")
    known = [codec for codec in found if codec]
    return _JAPANESE if _JAPANESE in known else known[0]


def _text(raw: bytes, encoding: str, start: int = 0) -> str:
    try:
        return codecs.decode(raw[start:], encoding) if start else raw.decode(encoding)
    except UnicodeDecodeError as error:
        place = _place(raw[: start + error.start])
        raise MalformedMessage(f"a byte is not of the character set ({encoding})", place) from None


def _place(before: bytes) -> str:
    """The segment and field that the bytes lead to: ``PID[1]-5``."""
    text = before.decode(_LATIN)
    field = text.lstrip("\r\n\xef\xbb\xbf")[3:4] or "|"
    lines = re.split(r"[\r\n]+", text)
    line = lines[-1]
    name = line[:3]
    if not re.fullmatch(r"[A-Z][A-Z0-9]{2}", name):
        return f"line {len(lines)}"
    occurrence = sum(one.startswith(name) for one in lines)
    number = line.count(field) + (name in ("MSH", "BHS", "FHS"))
    return f"{name}[{occurrence}]-{number}"
