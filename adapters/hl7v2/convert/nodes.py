"""A value of a message at any depth: a repetition, a component, a subcomponent. Split only when asked."""

from __future__ import annotations

from adapters.hl7v2.escapes import unescape
from adapters.hl7v2.message import NULL, Segment
from adapters.hl7v2.separators import Separators

_NOTHING = frozenset(("", NULL))


class Node:
    """``text`` is as it stands in the message; never empty."""

    __slots__ = ("_parts", "level", "separators", "text")

    def __init__(self, text: str, level: int, separators: Separators):
        self.text = text
        self.level = level
        self.separators = separators
        self._parts: list[str] | None = None

    @property
    def is_null(self) -> bool:
        """Stated to be nothing."""
        return self.text == NULL

    @property
    def is_plain(self) -> bool:
        """Whether its components have neither parts nor escapes: each is its own value."""
        text, separators = self.text, self.separators
        return (not separators.escape or separators.escape not in text) and (
            not separators.subcomponent or separators.subcomponent not in text
        )

    def at(self, numbers: tuple[int, ...]) -> Node | None:
        """The part that the numbers lead to; None where it is absent or stated to be nothing."""
        node: Node | None = self
        if not numbers:
            return self if self.text != NULL else None
        for number in numbers:
            if node is None:
                return None
            node = node.child(number)
        return node if node is None or node.text != NULL else None

    def child(self, number: int) -> Node | None:
        if self.level >= 2:
            return self if number == 1 else None
        parts = self._parts or self.parts()
        text = parts[number - 1] if number <= len(parts) else ""
        return Node(text, self.level + 1, self.separators) if text else None

    def has(self, number: int) -> bool:
        """Whether that part is there, and not stated to be nothing."""
        if self.level >= 2:
            return number == 1 and self.text != NULL
        parts = self._parts or self.parts()
        return number <= len(parts) and parts[number - 1] not in _NOTHING

    def component(self, number: int) -> str | None:
        """The value of that part, as that of ``at``."""
        parts = self._parts or self.parts()
        text = parts[number - 1] if number <= len(parts) else ""
        return self.inner(text) if text and text != NULL else None

    def inner(self, text: str) -> str | None:
        """The value of a part that is there and not stated to be nothing."""
        separators = self.separators
        if self.level == 0 and separators.subcomponent and separators.subcomponent in text:
            text = text.partition(separators.subcomponent)[0]
        return self._said(text)

    def _said(self, text: str) -> str | None:
        """The unescaped text; None where it is empty or stated to be nothing."""
        if text == NULL:
            return None
        separators = self.separators
        if separators.escape and separators.escape in text:
            text = unescape(text, separators)
        return text or None

    def subcomponent(self, text: str, number: int) -> str | None:
        """The value of a part of a part that is there and not stated to be nothing."""
        separators = self.separators
        if self.level == 0 and separators.subcomponent:
            parts = text.split(separators.subcomponent)
            text = parts[number - 1] if number <= len(parts) else ""
        elif number != 1:
            return None
        return self._said(text)

    def parts(self) -> list[str]:
        """The texts of the components or subcomponents."""
        if self._parts is None:
            marks = (self.separators.component, self.separators.subcomponent, "")
            mark = marks[self.level]
            self._parts = self.text.split(mark) if mark else [self.text]
        return self._parts

    def value(self) -> str | None:
        """The unescaped text of its first part; None where that is empty or stated to be nothing."""
        text, level, separators = self.text, self.level, self.separators
        if level < 2:
            if level == 0 and separators.component in text:
                text = text.partition(separators.component)[0]
            if separators.subcomponent and separators.subcomponent in text:
                text = text.partition(separators.subcomponent)[0]
        return self._said(text)

    def whole(self) -> str:
        """All of it with its separators, unescaped: what a sender who does not escape has meant."""
        return unescape(self.text, self.separators)


def nodes(segment: Segment, field: int) -> list[Node]:
    """The repetitions of a field, the empty ones as well left out."""
    text = segment.field(field)
    return repetitions(segment, field, text) if text else []


def repetitions(segment: Segment, field: int, text: str) -> list[Node]:
    """As :func:`nodes`, of a field that is there."""
    separators = segment.separators
    divider = separators.repetition
    if not divider or divider not in text or (segment.name == "MSH" and field <= 2):
        return [Node(text, 0, separators)]
    return [Node(part, 0, separators) for part in text.split(divider) if part]


def first_node(segment: Segment, field: int) -> Node | None:
    """The first of :func:`nodes`."""
    text = segment.field(field)
    if not text:
        return None
    separator = segment.separators.repetition
    if not separator or separator not in text or (segment.name == "MSH" and field <= 2):
        return Node(text, 0, segment.separators)
    text = next((part for part in text.split(separator) if part), "")
    return Node(text, 0, segment.separators) if text else None
