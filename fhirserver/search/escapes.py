r"""Splitting parameter values at ``,`` ``|`` ``$``, which ``\`` escapes.

https://hl7.org/fhir/R4/search.html#escaping
"""

from __future__ import annotations

import re

_ESCAPE = re.compile(r"\\([\\,$|])")


def split(text: str, separator: str) -> list[str]:
    """The parts of ``text`` between unescaped separators, escapes still in them."""
    if "\\" not in text:
        return text.split(separator)
    parts, start, at = [], 0, 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == separator:
            parts.append(text[start:at])
            start = at + 1
        at += 1
    parts.append(text[start:])
    return parts


def unescape(text: str) -> str:
    """``text`` with its escapes resolved; a backslash before any other character stands for itself."""
    return _ESCAPE.sub(r"\1", text) if "\\" in text else text


def escape(text: str) -> str:
    """``text`` as it must be written to be found as it stands."""
    return re.sub(r"([\\,$|])", r"\\\1", text)
