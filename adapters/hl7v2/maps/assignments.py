"""What a row assigns: ``"urn:oid:"+HD.2``, ``XTN.6+" "+XTN.7``, or a function of ours, ``$authority(CX.4)``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from adapters.hl7v2.maps.conditions import Subject, subject
from adapters.hl7v2.maps.errors import MapError

_TERM = re.compile(
    r'\s*(?:"(?P<text>[^"]*)"|\$(?P<function>[a-z][a-zA-Z0-9]*)\((?P<arguments>[^)]*)\)'
    r"|(?P<subject>[A-Z][A-Z0-9]{1,2}[-.]\d+(?:\.\d+)*))\s*(?P<plus>\+|\Z)"
)


@dataclass(frozen=True, slots=True)
class Text:
    value: str


@dataclass(frozen=True, slots=True)
class Place:
    subject: Subject


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    arguments: tuple[Term, ...]


Term = Text | Place | Call


def parse_assignment(text: str) -> tuple[Term, ...]:
    """The terms to be joined; none where nothing is assigned. Raises :class:`MapError`."""
    terms: list[Term] = []
    at = 0
    while at < len(text):
        match = _TERM.match(text, at)
        if match is None:
            raise MapError(f"the assignment cannot be read at {text[at : at + 16]!r}")
        terms.append(_term(match))
        at = match.end()
    if text.rstrip().endswith("+"):
        raise MapError("the assignment ends with +")
    return tuple(terms)


def _term(match: re.Match[str]) -> Term:
    if match["text"] is not None:
        return Text(match["text"])
    if match["function"]:
        arguments = (part.strip() for part in match["arguments"].split(",") if part.strip())
        return Call(match["function"], tuple(term for one in arguments for term in parse_assignment(one)))
    return Place(subject(match["subject"]))
