"""The conditions of the maps: ``IF XTN.3 NOT IN ("Internet", "X.400") AND XTN.7 NOT VALUED``.

The column "Computable ANTLR" has no published grammar that its rows keep. Read here is what they mean: subjects
(``PID-5``, ``PID-11.9``, ``XPN.7``, a segment's name; none for the row's own field), VALUED, EQUALS, IS, IN, ``=``,
``COUNT``, ``LENGTH``, NOT, AND, OR and parentheses. ``A AND B VALUED`` asks both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from adapters.hl7v2.maps.errors import MapError

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"[^"]*"|'[^']*')|(?P<sign>[(),]|\.(?=[Cc][Oo][Uu][Nn][Tt])|<=|>=|!=|[<>=])"""
    r"""|(?P<subject>[A-Z][A-Z0-9]{1,2}(?:[-.]\d+(?:\.\d+)*)?(?![A-Za-z0-9]))|(?P<word>[A-Za-z]+(?:\.[A-Za-z]+)?)|(?P<number>\d+))"""
)
_WORDS = {"VALUE": "VALUED", "EQUAL": "EQUALS", "EXISTS": "EXIST"}
_NOISE = {"IF", "TO", "DOES", "THAN", "LST"}
_RESERVED = {"IF", "IS", "IN", "OR", "AND", "NOT", "TO", "LST"}


@dataclass(frozen=True, slots=True)
class Subject:
    """``name`` is a segment or a data type, empty for the row's own place; ``numbers`` lead from there."""

    name: str = ""
    numbers: tuple[int, ...] = ()
    is_field: bool = False


OWN = Subject()


@dataclass(frozen=True, slots=True)
class Valued:
    subject: Subject


@dataclass(frozen=True, slots=True)
class OneOf:
    subject: Subject
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Same:
    """Two places hold the same."""

    subject: Subject
    other: Subject


@dataclass(frozen=True, slots=True)
class Measure:
    """``what`` is count or length; ``sign`` one of < <= > >= =."""

    subject: Subject
    what: str
    sign: str
    number: int


@dataclass(frozen=True, slots=True)
class Not:
    inner: Condition


@dataclass(frozen=True, slots=True)
class All:
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Any:
    parts: tuple[Condition, ...]


Condition = Valued | OneOf | Same | Measure | Not | All | Any
Token = tuple[str, str]


def parse_condition(text: str) -> Condition | None:
    """None where there is none. Raises :class:`MapError`."""
    if not text.strip():
        return None
    reader = _Reader(list(_tokens(text)))
    condition = reader.any()
    if condition is None:
        raise MapError("the condition asks nothing")
    if reader.kind():
        raise MapError(f"the condition does not end before {reader.peek()[1]!r}")
    if reader.pending:
        raise MapError(f"nothing is asked of {reader.pending[0].name}")
    return condition


def asks_own_absence(condition: Condition | None, own: Subject) -> bool:
    """Whether a row with it also speaks where its own field is absent (``NOT VALUED``)."""
    match condition:
        case Not(Valued(subject)):
            return subject in (OWN, own)
        case All(parts) | Any(parts):
            return any(asks_own_absence(part, own) for part in parts)
    return False


def _tokens(text: str) -> Iterator[Token]:
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise MapError(f"the condition cannot be read at {text[at : at + 12].strip()!r}")
        at = match.end()
        kind, value = match.lastgroup or "", match[match.lastgroup or ""]
        if value == ".":
            continue
        if kind in ("word", "subject"):
            upper = value.upper()
            if kind == "word" or upper in _RESERVED:
                kind, value = "word", _WORDS.get(upper, upper)
                if value in _NOISE:
                    continue
        yield kind, value.strip("\"'") if kind == "text" else value


@dataclass
class _Reader:
    tokens: list[Token]
    at: int = 0
    pending: list[Subject] = field(default_factory=list)
    last: Subject = OWN

    def peek(self, ahead: int = 0) -> Token:
        return self.tokens[self.at + ahead] if self.at + ahead < len(self.tokens) else ("", "")

    def kind(self) -> str:
        return self.peek()[0]

    def take(self, *values: str) -> str:
        if self.peek()[0] != "text" and self.peek()[1] in values:
            self.at += 1
            return self.tokens[self.at - 1][1]
        return ""

    def any(self) -> Condition | None:
        parts = [self.all()]
        while self.take("OR"):
            parts.append(self.all())
        return _joined(Any, parts)

    def all(self) -> Condition | None:
        parts = [self.one()]
        while self.take("AND"):
            parts.append(self.one())
        return _joined(All, parts)

    def one(self) -> Condition | None:
        """None for a subject of which the next predicate asks."""
        if self.take("("):
            inner = self.any()
            if not self.take(")"):
                raise MapError("a parenthesis is not closed")
            return inner
        if self.kind() == "subject":
            self.last = subject(self.peek()[1])
            self.at += 1
            if self.peek()[1] in ("AND", "OR", ")", "") and self.kind() != "text":
                self.pending.append(self.last)
                return None
        return self.predicate()

    def predicate(self) -> Condition | None:
        """What is asked; of every subject that waited for it too, by the word that joined them."""
        subjects, self.pending = [*self.pending, self.last], []
        joined = Any if len(subjects) > 1 and self.tokens[self.at - 2][1] == "OR" else All
        negated = self._negations()
        made = [self._asked(one) for one in subjects[:1]]
        start = self.at
        for one in subjects[1:]:
            made.append(_about(made[0], one))
        self.at = start
        parts: list[Condition | None] = [Not(one) if negated else one for one in made]
        return _joined(joined, parts)

    def _negations(self) -> bool:
        negated = False
        while word := self.take("NOT", "IS"):
            negated ^= word == "NOT"
        return negated

    def _asked(self, one: Subject) -> Condition:
        if self.take("VALUED", "EXIST"):
            return Valued(one)
        if self.take("EMPTY"):
            return Not(Valued(one))
        if what := self.take("COUNT", "LENGTH"):
            return self._measure(one, what.lower())
        if self.take("IN"):
            return OneOf(one, self._list())
        negated = bool(self.take("!="))
        self.take("EQUALS", "=")
        self.take("EQUALS")
        kind, value = self.peek()
        if kind == "text":
            self.at += 1
            return Not(OneOf(one, (value,))) if negated else OneOf(one, (value,))
        if kind == "subject":
            self.at += 1
            return Same(one, subject(value))
        raise MapError(f"the condition asks nothing that is known: {value or 'end'!r}")

    def _measure(self, one: Subject, what: str) -> Condition:
        sign = self.take("GREATER", "LESS", "EQUALS", "=", "<", ">", "<=", ">=")
        sign = {"GREATER": ">", "LESS": "<", "EQUALS": "="}.get(sign, sign)
        if self.take("OR"):
            self.take("EQUALS")
            sign += "="
        kind, value = self.peek()
        if kind != "number" or not sign:
            raise MapError("a count is compared with a number")
        self.at += 1
        return Measure(one, what, sign, int(value))

    def _list(self) -> tuple[str, ...]:
        if not self.take("("):
            raise MapError("IN is followed by a list in parentheses")
        values = []
        while not self.take(")"):
            kind, value = self.peek()
            if kind != "text":
                raise MapError(f"a list holds quoted values, not {value!r}")
            values.append(value)
            self.at += 1
            self.take(",")
        return tuple(values)


def subject(text: str) -> Subject:
    """``PID-11.9``, ``XPN.7``, ``ORC``."""
    name, sign, rest = text[:3], text[3:4], text[4:]
    if len(text) > 2 and text[2] in "-.":
        name, sign, rest = text[:2], text[2], text[3:]
    numbers = tuple(int(number) for number in rest.split(".")) if rest else ()
    return Subject(name, numbers, sign == "-")


def _about(condition: Condition, one: Subject) -> Condition:
    match condition:
        case Valued():
            return Valued(one)
        case OneOf(_, values):
            return OneOf(one, values)
        case Measure(_, what, sign, number):
            return Measure(one, what, sign, number)
        case Not(inner):
            return Not(_about(inner, one))
    raise MapError("this cannot be asked of two places")


def _joined(kind: type[All] | type[Any], parts: list[Condition | None]) -> Condition | None:
    found = [part for part in parts if part is not None]
    if len(found) < 2:
        return found[0] if found else None
    return kind(tuple(found))
