"""The labels of a card, as they are printed and as they are misread."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from agent.cards.layout import Line
from agent.cards.words import Word

LABELS: dict[str, tuple[str, ...]] = {
    "member": (
        "member id", "member id number", "member id no", "member number", "member no", "memberid",
        "subscriber id", "subscriber id number", "subscriber number", "subscriber no", "subscriber id no",
        "identification number", "identification no", "id number", "id no", "id", "policy number", "policy no",
        "policy id", "enrollee id", "enrollee number", "certificate number", "medicare number", "medicaid id",
        "numero de miembro", "id del miembro", "numero de identificacion", "identificacion", "recipient id",
        "cardholder id", "insured id", "health plan id",
    ),
    "group": (
        "group", "group number", "group no", "group id", "grp", "grp no", "grp number", "employer group",
        "numero de grupo", "grupo", "policy group", "plan group", "group policy number", "account number",
        "account no",
    ),
    "name": (
        "member name", "member", "subscriber name", "subscriber", "name", "enrollee", "enrollee name",
        "insured", "insured name", "cardholder", "patient name", "nombre", "nombre del miembro", "miembro",
        "primary insured", "name of beneficiary", "recipient name",
    ),
    "plan": ("plan", "plan name", "plan type", "product", "coverage type", "health plan", "network", "plan de salud"),
    "effective": (
        "effective", "effective date", "eff date", "eff", "coverage date", "coverage effective",
        "coverage effective date", "coverage starts", "effective as of", "issue date", "start date",
        "fecha de vigencia", "vigente desde", "date effective", "eff dt",
    ),
    "rx_bin": ("rxbin", "rx bin", "bin", "rx bin number", "bin number", "bin no"),
    "rx_pcn": ("rxpcn", "rx pcn", "pcn"),
    "rx_group": ("rxgrp", "rx grp", "rxgroup", "rx group", "rx group number", "rx group id", "rx group no"),
    "rx_id": ("rx id", "rxid"),
    "payer_id": ("payer id", "payor id", "edi", "electronic payer id"),
    "dependent": ("dependents", "dependent", "coverage", "pcp", "primary care", "primary care physician", "copay",
                  "office visit", "specialist", "emergency room", "urgent care", "deductible", "out of pocket",
                  "dob", "date of birth", "issuer", "provider services"),
}  # fmt: skip
"""The last three are no fields: a value beside them is theirs and nobody else's."""
_SOUNDS = re.compile(r"[^a-z0-9]")
_LONGEST = 4
_SINGLE = {
    "id", "no", "bin", "pcn", "grp", "eff", "edi", "dob", "pcp", "name", "plan", "member", "coverage", "network",
}  # fmt: skip
"""Words taken for a label only where they are read exactly."""
_JOINED = sorted(
    (("".join(phrase.split()), field) for field, phrases in LABELS.items() for phrase in phrases),
    key=lambda pair: -len(pair[0]),
)


@dataclass(frozen=True, slots=True)
class Label:
    """``first`` to ``last`` are the places of its words in the line; ``sure`` is 1 where it was read exactly."""

    field: str
    line: Line
    first: int
    last: int
    sure: float

    @property
    def left(self) -> float:
        return self.line.words[self.first].left

    @property
    def right(self) -> float:
        return self.line.words[self.last].right

    @property
    def words(self) -> tuple[Word, ...]:
        return self.line.words[self.first : self.last + 1]


def labels(line: Line) -> Iterator[Label]:
    """The labels of a line from left to right, each as long as it can be."""
    at = 0
    while at < len(line.words):
        found = _longest(line, at)
        if found is None:
            at += 1
        else:
            yield found
            at = found.last + 1


def _longest(line: Line, at: int) -> Label | None:
    best: Label | None = None
    said = ""
    for last in range(at, min(at + _LONGEST, len(line.words))):
        if last > at and _gap(line.words[last - 1], line.words[last]) > 1.6 * line.height:
            break
        said += _SOUNDS.sub("", line.words[last].text.lower())
        found = _named(said)
        if found is not None:
            best = Label(found[0], line, at, last, found[1])
        if line.words[last].text.endswith(":"):
            break
    return best


def _named(said: str) -> tuple[str, float] | None:
    """The field whose label that is, and how surely."""
    for phrase, field in _JOINED:
        if phrase == said:
            return field, 1.0
    if said in _SINGLE or len(said) < 5 or any(map(str.isdigit, said)):
        return None
    for phrase, field in _JOINED:
        allowed = 2 if len(phrase) >= 10 else 1
        if phrase in _SINGLE or len(phrase) < 5 or abs(len(phrase) - len(said)) > allowed:
            continue
        apart = _distance(phrase, said)
        if apart <= allowed:
            return field, 1.0 - 0.1 * apart
    return None


def _gap(one: Word, other: Word) -> float:
    return other.left - one.right


def _distance(a: str, b: str) -> int:
    """Edits between two short words (Levenshtein)."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]
