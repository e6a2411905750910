"""The fields of an insurance card from its words, each with how sure it is.

Labels say what a value is; the value stands beside its label or below it. Nothing is made up: what has no label, or
does not look like a value of its field, is left out. What is read is a proposal, which a person confirms.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

from agent.cards.labels import Label, labels
from agent.cards.layout import Line, lines
from agent.cards.values import VALUES, Read, plan_text
from agent.cards.words import Word
from fhirserver.kernel.json import JsonObject
from fhirserver.world.spoken.names import mentions
from fhirserver.world.spoken.payers import PAYERS

_PHONE = re.compile(
    r"(?<![\d-])(?:\+?1[\s.-]{0,2})?\(?([2-9]\d{2})\)?[\s.-]{0,2}(\d{3})[\s.-]{0,2}(\d{4})(?!\d)"
)
_SERVICE = re.compile(r"member|customer|service|question|call|miembro|servicio", re.I)
_PROVIDER = re.compile(r"provider|pharmac|nurse|fax|proveedor|farmac", re.I)
_PLAN_KINDS = re.compile(r"\b(?:PPO|HMO|EPO|POS|HDHP|Advantage|Access Plus)\b")


@dataclass(frozen=True, slots=True)
class Field:
    """A value as it will be put to the person; ``confidence`` 0 to 1."""

    value: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Card:
    """What an insurance card says, as far as it was read.

    ``effective`` is an ISO day; ``phone`` the number for members, in ten digits; ``rx_bin``, ``rx_pcn`` and
    ``rx_group`` are how a pharmacy bills.
    """

    payer: Field | None = None
    member: Field | None = None
    group: Field | None = None
    plan: Field | None = None
    name: Field | None = None
    effective: Field | None = None
    rx_bin: Field | None = None
    rx_pcn: Field | None = None
    rx_group: Field | None = None
    phone: Field | None = None

    @property
    def is_card(self) -> bool:
        """Whether this was a card at all: a member id, or a payer with something of a policy."""
        others = (self.group, self.rx_bin, self.plan, self.effective)
        return self.member is not None or (self.payer is not None and any(others))

    def value(self, name: str) -> str:
        """The value of a field; empty where it was not read."""
        found: Field | None = getattr(self, name)
        return found.value if found else ""

    def as_json(self) -> JsonObject:
        """``{"member": {"value": …, "confidence": …}, …}``, of the fields that were read."""
        found = {one.name: getattr(self, one.name) for one in fields(self)}
        return {
            name: {"value": field.value, "confidence": round(field.confidence, 2)}
            for name, field in found.items()
            if field is not None
        }

    @classmethod
    def of_json(cls, stated: JsonObject) -> Card:
        """The other way round; what is no field is left out."""
        known = {one.name for one in fields(cls)}
        return cls(
            **{
                name: Field(str(one["value"]), float(one["confidence"]))
                for name, one in stated.items()
                if name in known
            }
        )


def read_card(words: Sequence[Word], payers: Sequence[str] = ()) -> Card:
    """What the words of a picture say; ``payers`` are the companies known here, besides the large ones."""
    rows = lines(words)
    marked = [label for row in rows for label in labels(row)]
    found: dict[str, Field] = {}
    for label in marked:
        field = _value(label, marked, rows)
        if field and field.confidence > (found[label.field].confidence if label.field in found else 0):
            found[label.field] = field
    payer = _payer(rows, payers)
    if "plan" not in found and (plan := _unlabelled_plan(rows, marked)):
        found["plan"] = plan
    phone = _phone(rows)
    return Card(payer=payer, phone=phone, **{name: found[name] for name in VALUES if name in found})


def _value(label: Label, marked: Sequence[Label], rows: Sequence[Line]) -> Field | None:
    """The best reading of what may belong to a label."""
    reads = VALUES.get(label.field)
    if reads is None:
        return None
    best: Field | None = None
    for words, placed in _places(label, marked, rows):
        read = reads(words)
        field = _field(read, words, label.sure * placed) if read else None
        if field and (best is None or field.confidence > best.confidence):
            best = field
    return best


def _field(read: Read, words: Sequence[Word], placed: float) -> Field:
    value, form, count = read
    used = words[: max(count, 1)]
    letters = sum(len(word.text) for word in used)
    seen = sum(word.confidence * len(word.text) for word in used) / letters
    return Field(value, form * placed * seen)


def _places(
    label: Label, marked: Sequence[Label], rows: Sequence[Line]
) -> Iterator[tuple[tuple[Word, ...], float]]:
    """Where its value may stand, with how likely that is: right beside it, below it, far to its right."""
    beside = _beside(label, marked)
    if beside:
        near = beside[0].left - label.right < 2.5 * label.line.height
        run = _run(beside, label.line.height) if near else beside
        yield run, 1.0 if near else 0.9
    for below in _below(label, marked, rows):
        yield below, 0.95


def _beside(label: Label, marked: Sequence[Label]) -> tuple[Word, ...]:
    """The words of its line up to the next label."""
    later = [one.first for one in marked if one.line is label.line and one.first > label.last]
    words = label.line.words[label.last + 1 : min(later, default=len(label.line.words))]
    return tuple(word for word in words if word.text.strip(":#"))


def _run(words: Sequence[Word], height: float) -> tuple[Word, ...]:
    """The words up to the first wide gap: behind that another column begins."""
    taken = [words[0]]
    for word in words[1:]:
        if word.left - taken[-1].right > 2.0 * height:
            break
        taken.append(word)
    return tuple(taken)


def _below(label: Label, marked: Sequence[Label], rows: Sequence[Line]) -> Iterator[tuple[Word, ...]]:
    """The words of the next lines that begin where the label does, up to one that begins with a label."""
    names = {id(word) for one in marked for word in one.words}
    reach = label.line.middle + 3.2 * label.line.height
    for row in rows:
        if not label.line.middle + 0.6 * label.line.height < row.middle < reach:
            continue
        start = [word for word in row.words if word.right > label.left - label.line.height]
        if not start or start[0].left > label.right + label.line.height:
            continue
        if id(start[0]) in names:
            return
        yield tuple(word for word in _run(start, row.height) if id(word) not in names)


def _payer(rows: Sequence[Line], known: Sequence[str]) -> Field | None:
    """A company that is known, by name; the larger it is printed the likelier it is the one of the card."""
    best: tuple[float, Field] | None = None
    tallest = max((row.height for row in rows), default=1.0)
    for run in (run for row in rows for run in _runs(row)):
        size = max(word.height for word in run) / tallest
        name = _company(" ".join(word.text for word in run), (*known, *PAYERS))
        if name and (best is None or size > best[0] + 0.05):
            seen = sum(word.confidence for word in run) / len(run)
            best = size, Field(name, seen * min(1.0, 0.75 + 0.25 * size))
    return best[1] if best else None


def _runs(row: Line) -> Iterator[tuple[Word, ...]]:
    """A line apart at its wide gaps."""
    rest = row.words
    while rest:
        run = _run(rest, row.height)
        yield run
        rest = rest[len(run) :]


def _company(text: str, known: Sequence[str]) -> str:
    """The company whose name stands there: the longest that is written out, else one that is as good as named."""
    bare = "".join(filter(str.isalnum, text.lower()))
    written = [name for name in known if "".join(filter(str.isalnum, name.lower())) in bare]
    if written:
        return max(written, key=len)
    return next((name for name in known if mentions(text, name)), "")


def _unlabelled_plan(rows: Sequence[Line], marked: Sequence[Label]) -> Field | None:
    """A line, or the right end of one, that names a kind of plan."""
    labelled = {id(label.line) for label in marked}
    for row in rows:
        if id(row) in labelled or not _PLAN_KINDS.search(row.text) or "$" in row.text:
            continue
        part = list(_runs(row))[-1]
        text = plan_text(part)
        if _PLAN_KINDS.search(text):
            return Field(text, 0.8 * sum(word.confidence for word in part) / len(part))
    return None


def _phone(rows: Sequence[Line]) -> Field | None:
    """The number for members: the one whose line says so, else the first that is nobody else's."""
    best: Field | None = None
    for row in rows:
        for match in _PHONE.finditer(row.text):
            before = row.text[: match.start()]
            placed = 0.4 if _PROVIDER.search(before) else 1.0 if _SERVICE.search(before) else 0.75
            seen = sum(word.confidence for word in row.words) / len(row.words)
            if best is None or placed * seen > best.confidence:
                best = Field("".join(match.groups()), placed * seen)
    return best
