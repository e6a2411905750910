"""Insurance companies as they are named on the telephone."""

from __future__ import annotations

import re

from fhirserver.world.spoken.names import mentions
from fhirserver.world.spoken.words import fold, plain

PAYERS = (
    "Aetna", "Anthem", "Blue Cross Blue Shield", "Cigna", "Humana", "Kaiser Permanente", "UnitedHealthcare",
    "Medicare", "Medicaid", "Molina Healthcare", "Centene", "Oscar Health", "Tricare", "Highmark", "Ambetter",
    "WellCare", "Harvard Pilgrim", "Tufts Health Plan", "Premera", "Regence", "UPMC Health Plan",
    "EmblemHealth",
    "Health Net", "Geisinger", "Independence Blue Cross", "CareSource", "Florida Blue", "Bright "
    "Health", "Clover Health",
)  # fmt: skip
_SAID_PAYER = re.compile(
    r"\b(?:insurance is(?: now)?(?: with)?|insured (?:with|by)|company is|it's with|i'm with|i am with|"
    r"it is with|"
    r"switched to|changed to|covered by|plan is(?: with)?|now with|have|through|carrier is|payer is|"
    r"it's|it is|with)\s+"
    r"(?P<name>[A-Za-z][\w&'.]*(?:\s+(?!and\b|my\b|the\b|member\b|group\b|now\b|but\b|id\b|a\b|an\b)[A-Za-z][\w&'.]*){0,4})"
)


NOT_PAYER = frozenset(
    re.findall(
        r"\w+", "a an the my new insurance card plan coverage lost number id member group it that this not to"
    )
)


def payer_in(text: str, known: tuple[str, ...] = ()) -> str:
    """The insurance company named in ``text``: one that is known, or what follows ``it's with``."""
    for name in (*known, *PAYERS):
        if mentions(text, name):
            return name
    match = _SAID_PAYER.search(text)
    words = match["name"].split() if match else []
    if not words or fold(words[0]) in NOT_PAYER or any(len(plain(w)) < 2 for w in words):
        return ""
    return " ".join(w if not w.islower() else w.title() for w in words)
