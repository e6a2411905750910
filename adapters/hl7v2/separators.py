"""The characters that divide an HL7v2 message into its parts, as its own header declares them.

https://www.hl7.eu/HL7v2x/v251/std251/ch02.html (2.5.4, message delimiters).
"""

from __future__ import annotations

import re
from functools import lru_cache

from adapters.hl7v2.malformed import MalformedMessage
from fhirserver.kernel.frozen import frozen

HEADERS = frozenset(("MSH", "BHS", "FHS"))
_NEVER = frozenset(" \"'\t\r\n\0")


@frozen
class Separators:
    """One character each; empty where the header declares none. ``truncation`` exists from version 2.7 on.

    ``encoding`` is the Python codec of the message's character set: the bytes of ``\\Xhh\\`` are read by it.
    """

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"
    truncation: str = ""
    encoding: str = "utf-8"

    @property
    def encoding_characters(self) -> str:
        """MSH-2."""
        return self.component + self.repetition + self.escape + self.subcomponent + self.truncation


def read_separators(text: str, encoding: str = "utf-8") -> Separators:
    """The separators that the header segment at the start of ``text`` declares.

    Raises :class:`MalformedMessage` where it declares none, or characters that cannot divide anything.
    """
    # The six characters of MSH-2 hold the five, and show where there are too many.
    return _declared(text[:10], encoding)


@lru_cache(maxsize=64)
def _declared(text: str, encoding: str) -> Separators:
    name = text[:3]
    if name not in HEADERS:
        raise MalformedMessage("the message does not begin with MSH", "line 1")
    field = text[3:4]
    if not field or not _divides(field):
        raise MalformedMessage("no field separator", f"{name}-1")
    characters = re.split(rf"[\r\n{re.escape(field)}]", text[4:], maxsplit=1)[0]
    if not 1 <= len(characters) <= 5:
        raise MalformedMessage("one to five encoding characters expected", f"{name}-2")
    if not all(map(_divides, characters)) or len({field, *characters}) != len(characters) + 1:
        raise MalformedMessage(
            "encoding characters must differ, and be no letters, digits or spaces", f"{name}-2"
        )
    component, repetition, escape, subcomponent, truncation = (characters[i : i + 1] for i in range(5))
    return Separators(field, component, repetition, escape, subcomponent, truncation, encoding)


def _divides(character: str) -> bool:
    return not character.isalnum() and character not in _NEVER
