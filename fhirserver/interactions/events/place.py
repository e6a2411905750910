"""Where an event stands: the position of its commit in the log, and its number within that commit.

As text it is opaque to clients, of one length, and ordered as the events are.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_FORM: Final = re.compile(r"([0-9a-f]{12})\.([0-9a-f]{6})\Z", re.ASCII)
PATTERN: Final = "^[0-9a-f]{12}\\.[0-9a-f]{6}$"


class Place(NamedTuple):
    """``number`` counts from 1 within the commit at ``position``; 0 is before its first event."""

    position: int
    number: int

    @property
    def text(self) -> str:
        return f"{self.position:012x}.{self.number:06x}"


BEGINNING: Final = Place(1, 0)


def place_of(text: str) -> Place | None:
    """What :attr:`Place.text` made; None for any other text."""
    found = _FORM.match(text)
    return Place(int(found[1], 16), int(found[2], 16)) if found else None
