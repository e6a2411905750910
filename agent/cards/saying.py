"""A card in words: what a patient who shows it would have said of it, and that read again.

So a picture goes through a conversation as anything that is said does: it stands in the transcript, is read back, and
the judge and a reviewer find in it what a claim rests on. Only fields go in, never the text of a picture as it stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from agent.cards.reading import Card

FLOOR = 0.35
"""Confidence below which a field is left out: it is asked for instead."""
_SAID = (
    ("payer", "My insurance company is {}."),
    ("member", "The member ID is {}."),
    ("group", "The group number is {}."),
    ("plan", "The plan is called {}."),
    ("effective", "It is valid from {}."),
    ("rx_bin", "The Rx BIN is {}."),
    ("rx_pcn", "The Rx PCN is {}."),
    ("rx_group", "The Rx group is {}."),
)
_NAMES = {
    "payer": "Company", "member": "Member ID", "group": "Group", "plan": "Plan", "name": "Name",
    "effective": "Valid from", "rx_bin": "Rx BIN", "rx_pcn": "Rx PCN", "rx_group": "Rx group", "phone": "Phone",
}  # fmt: skip

_TOLD = (
    re.compile(r"\bMy insurance company is (.{2,60}?)\.(?= (?:The|It)\b|$)"),
    re.compile(r"\bThe member ID is ([A-Z0-9]{5,20})\."),
    re.compile(r"\bThe group number is ([A-Z0-9]{3,20})\."),
)


@dataclass(frozen=True, slots=True)
class Further:
    """What a card says of a policy besides company, member id and group; empty where it does not. ``effective`` is an
    ISO day."""

    plan: str = ""
    effective: str = ""
    rx_bin: str = ""
    rx_pcn: str = ""
    rx_group: str = ""


NOTHING = Further()
_FURTHER = {
    "plan": re.compile(r"\bThe plan is called (.{3,40}?)\.(?= |$)"),
    "effective": re.compile(r"\bIt is valid from (\d{4}-\d{2}-\d{2})\."),
    "rx_bin": re.compile(r"\bThe Rx BIN is (\d{6})\."),
    "rx_pcn": re.compile(r"\bThe Rx PCN is ([A-Z0-9]{2,15})\."),
    "rx_group": re.compile(r"\bThe Rx group is ([A-Z0-9]{2,15})\."),
}


def said(card: Card) -> tuple[str, float]:
    """The words, and how sure the least sure of them is; empty where this is no card."""
    told = [(name, line) for name, line in _SAID if _sure(card, name)]
    if not card.is_card or not told:
        return "", 0.0
    words = " ".join(line.format(card.value(name)) for name, line in told)
    return words, min(getattr(card, name).confidence for name, _ in told)


def shown(card: Card) -> str:
    """The fields in lines, for whoever looks at what was read."""
    found = [(label, card.value(name)) for name, label in _NAMES.items() if card.value(name)]
    return "\n".join(f"{label}: {value}" for label, value in found)


def further(words: str) -> Further:
    """What :func:`said` put into words besides what callers say by telephone too."""
    matches = {name: pattern.search(words) for name, pattern in _FURTHER.items()}
    found = {name: match[1] for name, match in matches.items() if match}
    if "effective" in found and not _is_day(found["effective"]):
        del found["effective"]
    return Further(**found)


def told(words: str) -> tuple[str, str, str]:
    """Company, member id and group in words of :func:`said`; empty for what is not in them."""
    found = [pattern.search(words) for pattern in _TOLD]
    payer, member, group = (match[1] if match else "" for match in found)
    return payer, member, group


def _sure(card: Card, name: str) -> bool:
    field = getattr(card, name)
    return field is not None and field.confidence >= FLOOR


def _is_day(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False
