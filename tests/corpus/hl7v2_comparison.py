"""Two sets of resources compared: ids, order, narrative and the targets of references aside, every leaf counts."""

from __future__ import annotations

import fnmatch
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Json = dict[str, Any]
Leaf = tuple[str, str]
LEFT_OUT = ("id", "text", "meta", "resourceType")
CORE = (
    "Patient", "Encounter", "Appointment", "Observation", "Immunization", "Coverage", "AllergyIntolerance",
    "Condition", "Procedure", "RelatedPerson", "ServiceRequest", "DiagnosticReport", "DocumentReference",
    "MedicationRequest", "Specimen",
)  # fmt: skip
RULES = Path(__file__).with_name("hl7v2_differences.toml")


@dataclass(frozen=True)
class Difference:
    """``kind``: ``missing`` (only the other has it), ``extra`` (only we do), ``differs``; of the whole resource where
    ``path`` is empty."""

    type: str
    path: str
    kind: str
    expected: str = ""
    ours: str = ""

    def __str__(self) -> str:
        return f"{self.type}.{self.path} {self.kind}: {self.expected[:60]!r} / {self.ours[:60]!r}"


@dataclass(frozen=True)
class Rule:
    """A difference that is explained: ``because`` says by what, ``row`` by which row of a map. ``path`` is a pattern;
    ``count`` is how many differences the ``entry`` explains in all, so that none slips in beside them.
    ``expected`` and ``ours`` are regular expressions that the values must contain."""

    type: str
    path: str
    kinds: frozenset[str]
    because: str
    row: str
    entry: int = 0
    count: int = 0
    messages: str = "*"
    segments: frozenset[str] = frozenset()
    expected: str = ""
    ours: str = ""

    def explains(self, message: str, segments: frozenset[str], found: Difference) -> bool:
        """``segments`` are those of the message; a rule may need one of some."""
        return (
            fnmatch.fnmatchcase(found.type, self.type)
            and fnmatch.fnmatchcase(found.path, self.path)
            and found.kind in self.kinds
            and any(fnmatch.fnmatchcase(message, one) for one in self.messages.split())
            and (not self.segments or bool(self.segments & segments))
            and (not self.expected or re.search(self.expected, found.expected) is not None)
            and (not self.ours or re.search(self.ours, found.ours) is not None)
        )


def rules(path: Path = RULES) -> list[Rule]:
    entries = tomllib.loads(path.read_text("utf-8"))["difference"]
    return [
        Rule(
            type=type,
            path=one,
            kinds=frozenset(entry["kinds"]),
            because=entry["because"],
            row=entry.get("row", ""),
            entry=number,
            count=entry.get("explains", 0),
            messages=entry.get("messages", "*"),
            segments=frozenset(entry.get("segments", "").split()),
            expected=entry.get("expected", ""),
            ours=entry.get("ours", ""),
        )
        for number, entry in enumerate(entries)
        for type in entry["types"]
        for one in entry["paths"]
    ]


def differences(expected: Iterable[Json], ours: Iterable[Json]) -> Iterator[Difference]:
    """Resources are paired by how much they have in common."""
    wanted, made = list(expected), list(ours)
    for type in CORE:
        left = [Counter(leaves(one)) for one in wanted if one["resourceType"] == type]
        right = [Counter(leaves(one)) for one in made if one["resourceType"] == type]
        for one, other in _pairs(left, right):
            if other is None:
                yield Difference(type, "", "missing")
            elif one is None:
                yield Difference(type, "", "extra")
            else:
                yield from _between(type, one, other)


def _pairs(
    left: list[Counter[Leaf]], right: list[Counter[Leaf]]
) -> Iterator[tuple[Counter[Leaf] | None, Counter[Leaf] | None]]:
    scores = sorted((-sum((a & b).values()), n, m) for n, a in enumerate(left) for m, b in enumerate(right))
    seen_left: set[int] = set()
    seen_right: set[int] = set()
    for _, n, m in scores:
        if n not in seen_left and m not in seen_right:
            seen_left.add(n)
            seen_right.add(m)
            yield left[n], right[m]
    yield from ((one, None) for n, one in enumerate(left) if n not in seen_left)
    yield from ((None, one) for m, one in enumerate(right) if m not in seen_right)


def _between(type: str, expected: Counter[Leaf], ours: Counter[Leaf]) -> Iterator[Difference]:
    missing: dict[str, list[str]] = {}
    extra: dict[str, list[str]] = {}
    for path, value in (expected - ours).elements():
        missing.setdefault(path, []).append(value)
    for path, value in (ours - expected).elements():
        extra.setdefault(path, []).append(value)
    for path in sorted(set(missing) | set(extra)):
        one, other = missing.get(path, []), extra.get(path, [])
        for n in range(max(len(one), len(other))):
            theirs, mine = (one[n] if n < len(one) else None), (other[n] if n < len(other) else None)
            kind = (
                "differs"
                if theirs is not None and mine is not None
                else "missing"
                if mine is None
                else "extra"
            )
            yield Difference(type, path, kind, theirs or "", mine or "")


def segments_of(text: str) -> frozenset[str]:
    """The names of a message's segments."""
    return frozenset(line[:3] for line in re.split(r"[\r\n]+", text.lstrip("\ufeff")))


def leaves(value: Any, path: str = "") -> Iterator[Leaf]:
    """Path without positions, and text. Of a reference to a resource only its type."""
    if isinstance(value, dict):
        if isinstance(reference := value.get("reference"), str):
            yield path, re.split(r"[/\[]", reference.removeprefix("urn:local:"))[0]
        url = value.get("url")
        for key, one in value.items():
            if (not path and key in LEFT_OUT) or (key == "reference" and isinstance(one, str)):
                continue
            name = f"{key}({str(url).rpartition('/')[2]})" if isinstance(url, str) and key != "url" else key
            yield from leaves(one, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one, path)
    else:
        yield path, _normal(str(value))


def _normal(text: str) -> str:
    """Blanks at the ends aside; of a time the instant, whatever the zone it is written in."""
    text = text.strip()
    if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d|Z)", text):
        return datetime.fromisoformat(text).astimezone(UTC).isoformat()
    return text
