"""A unit's value as lines that people can read, and what differs between two of them, word by word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from fhirserver.kernel.json import Json

Line = tuple[str, str]
"""A label such as ``period start``, and a text."""

_WORDS = re.compile(r"\w+|\s+|[^\w\s]")
_SHARED = 3
"""Two words that begin or end with so many same characters differ only in between."""


@dataclass(frozen=True, slots=True)
class Span:
    """Part of a text; ``differs`` where the other text has something else."""

    text: str
    differs: bool


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line of a value beside that of another; an empty side has no such line."""

    label: str
    old: Sequence[Span]
    new: Sequence[Span]

    @property
    def differs(self) -> bool:
        return any(span.differs for span in (*self.old, *self.new))


def lines(value: Json) -> list[Line]:
    """A unit's value as (label, text) lines, without the JSON around it."""
    if value is None:
        return []
    return [(label, text) for label, text in _leaves(value, "") if not label.endswith("url")]


def _leaves(value: Json, label: str) -> Iterator[Line]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in ("extension", "system") or name.startswith("_"):
                continue
            yield from _leaves(inner, name if not label or label == name else f"{label} {name}")
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, label)
    else:
        yield label, ("yes" if value else "no") if isinstance(value, bool) else str(value)


def text(value: Json) -> str:
    """A value on one line."""
    return "; ".join(f"{label} {shown}".strip() for label, shown in lines(value)) or "nothing"


def diff(old: Json, new: Json) -> list[DiffLine]:
    """The lines of both values side by side, in the order of the new one; then what only the old one has."""
    before, rows = lines(old), []
    for label, shown in lines(new):
        at = next((i for i, line in enumerate(before) if line[0] == label), None)
        was = before.pop(at)[1] if at is not None else None
        rows.append(_row(label, was, shown))
    return rows + [_row(label, shown, None) for label, shown in before]


def _row(label: str, old: str | None, new: str | None) -> DiffLine:
    if old is None or new is None:
        return DiffLine(label, _whole(old), _whole(new))
    return DiffLine(label, *word_diff(old, new))


def _whole(shown: str | None) -> list[Span]:
    return [] if shown is None else [Span(shown, True)]


def word_diff(old: str, new: str) -> tuple[list[Span], list[Span]]:
    """Both texts in spans; those that differ are the words that the other does not have there."""
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    left: list[Span] = []
    right: list[Span] = []
    for kind, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        one, other = "".join(before[a:b]), "".join(after[c:d])
        if kind == "equal":
            left.append(Span(one, False))
            right.append(Span(other, False))
        else:
            begin, end = _ends(one, other)
            left += _between(one, begin, end)
            right += _between(other, begin, end)
    return left, right


def _ends(one: str, other: str) -> tuple[int, int]:
    """How many characters two words share at their beginning and at their end, where it is enough to say so."""
    most = min(len(one), len(other))
    begin = next((i for i in range(most) if one[i] != other[i]), most)
    begin = begin if begin >= _SHARED else 0
    end = next((i for i in range(most - begin) if one[-1 - i] != other[-1 - i]), most - begin)
    return begin, end if end >= _SHARED else 0


def _between(word: str, begin: int, end: int) -> list[Span]:
    stop = len(word) - end
    parts = ((word[:begin], False), (word[begin:stop], True), (word[stop:], False))
    return [Span(part, differs) for part, differs in parts if part]
