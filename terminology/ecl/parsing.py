"""Expression constraints as they are written, brief or long. https://docs.snomed.org (ECL 2.2, syntax specification)"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import TypeVar

from terminology.ecl.filters_parsing import Filters, search_terms
from terminology.ecl.model import (
    Any,
    Attribute,
    Cardinality,
    Comparand,
    Compound,
    Constraint,
    Dotted,
    Filtered,
    Group,
    Joined,
    MemberOf,
    Reference,
    Refined,
    Refinement,
    Related,
    Truth,
    WithHistory,
    invalid,
    unsupported,
)
from terminology.ecl.scanning import Scanner

Part = TypeVar("Part")

_SIGNS = ("!!>", "!!<", "<<!", ">>!", "<<", ">>", "<!", ">!", "<", ">")
_WORDS = {
    "descendantorselfof": "<<",
    "descendantof": "<",
    "childorselfof": "<<!",
    "childof": "<!",
    "ancestororselfof": ">>",
    "ancestorof": ">",
    "parentorselfof": ">>!",
    "parentof": ">!",
    "top": "!!>",
    "bottom": "!!<",
}
_COMPARISONS = ("!=", "<>", "<=", ">=", "=", "<", ">")
_NUMBER = re.compile(r"[+-]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_COUNT = re.compile(r"0|[1-9][0-9]{0,8}")
_HISTORY = {
    "min": ("900000000000527005",),
    "mod": ("900000000000527005", "900000000000526001", "900000000000528000", "1186924009"),
    "max": (),
}
"""The association reference sets of each profile of a history supplement; none for all of them."""


@lru_cache(maxsize=256)
def parse(text: str) -> Constraint:
    """The constraint, or a refusal that names the place where the text is not one."""
    scanner = Scanner(text)
    found = Parser(scanner).constraint()
    if scanner.at < len(text):
        raise scanner.expected("the end, an operator or brackets around what comes before")
    return found


class Parser:
    """Reads what stands where the scanner is."""

    def __init__(self, scanner: Scanner):
        self._scan = scanner
        self._filters = Filters(scanner, self.sub)

    @cached_property
    def _closed(self) -> dict[int, int]:
        return _closings(self._scan.text)

    # Constraints

    def constraint(self) -> Constraint:
        first = self.sub()
        if self._scan.take(":"):
            return Refined(first, self._refinement())
        if self._dot():
            return self._dotted(first)
        operator = self._joint(minus=True)
        return self._compound(first, operator) if operator else first

    def _dot(self) -> bool:
        return self._scan.take(".") or bool(self._scan.take_word("dot"))

    def _dotted(self, focus: Constraint) -> Constraint:
        attributes = [self.sub()]
        while self._dot():
            attributes.append(self.sub())
        return Dotted(focus, tuple(attributes))

    def _compound(self, first: Constraint, operator: str) -> Constraint:
        parts = [first, self.sub()]
        while operator != "minus" and self._joint_is(operator):
            parts.append(self.sub())
        self._no_mixture()
        return Compound(operator, tuple(parts))

    def _joint(self, minus: bool = False) -> str:
        """``and``, ``or`` or ``minus`` if it stands here."""
        if self._scan.take(","):
            return "and"
        return self._scan.take_word(*(("and", "or", "minus") if minus else ("and", "or")))

    def _joint_is(self, operator: str) -> bool:
        return bool(self._scan.take_word(operator)) or (operator == "and" and self._scan.take(","))

    def _no_mixture(self) -> None:
        if self._scan.looks_at(",") or self._scan.word() in ("and", "or", "minus"):
            raise invalid("brackets are needed where different operators meet", self._scan.at)

    def sub(self) -> Constraint:
        """One concept, ``*`` or brackets, with what stands right before and behind it."""
        operator = self._operator()
        found = self._members()
        if operator:
            found = Related(operator, found)
        while (kind := self._filters.opening()) in ("c", "d"):
            found = Filtered(found, kind, self._filters.all(kind))
        if kind == "m":
            raise invalid("a member filter stands right behind a reference set with ^", self._scan.at)
        return WithHistory(found, self._history()) if kind == "+" else found

    def _operator(self) -> str:
        for sign in _SIGNS:
            if self._scan.take(sign):
                return sign
        return _WORDS.get(self._scan.take_word(*_WORDS), "")

    def _members(self) -> Constraint:
        if not (self._scan.take("^") or self._scan.take_word("memberof")):
            return self._focus()
        fields = self._fields() if self._scan.take("[") else ()
        found = MemberOf(self._focus(), fields)
        while self._filters.opening() == "m":
            found = MemberOf(found.inner, fields, (*found.filters, *self._filters.all("m")))
        return found

    def _fields(self) -> tuple[str, ...]:
        if self._scan.take("*"):
            raise unsupported("all fields of a reference set are not one set of concepts")
        names = [self._scan.match(re.compile("[A-Za-z]+"), "the name of a field")]
        while self._scan.take(","):
            names.append(self._scan.match(re.compile("[A-Za-z]+"), "the name of a field"))
        self._scan.need("]")
        if len(names) > 1:
            raise unsupported("several fields of a reference set are not one set of concepts")
        return tuple(names)

    def _focus(self) -> Constraint:
        if self._scan.take("("):
            return self._bracketed(self.constraint, ")")
        if self._scan.take("*") or self._scan.take_word("any"):
            return Any()
        found = self._scan.code()
        if found is None:
            if re.match(r'"?[A-Za-z][\w-]*#', self._scan.text[self._scan.at : self._scan.at + 80]):
                raise unsupported("alternate identifiers are not kept here")
            raise self._scan.expected('a concept, "*" or a bracket')
        return found

    def _bracketed(self, read: Callable[[], Part], end: str) -> Part:
        self._scan.deeper()
        found = read()
        self._scan.need(end)
        self._scan.back()
        return found

    def _history(self) -> Constraint | None:
        """What stands behind ``{{ +``: the association reference sets, None for all of them."""
        word = self._scan.take_word(
            "history", *(f"history{dash}{name}" for dash in "-_" for name in _HISTORY)
        )
        if not word:
            raise self._scan.expected("HISTORY")
        sets: Constraint | None = None
        if word == "history" and self._scan.take("("):
            sets = self._bracketed(self.constraint, ")")
        elif (codes := _HISTORY[word[8:] or "max"]) and word != "history":
            sets = self._either(codes)
        self._scan.need("}}")
        return None if isinstance(sets, Any) else sets

    def _either(self, codes: tuple[str, ...]) -> Constraint:
        return Compound("or", tuple(Reference(code) for code in codes))

    # Refinements

    def _refinement(self, in_group: bool = False) -> Refinement:
        first = self._sub_refinement(in_group)
        operator = self._joint()
        if not operator:
            return first
        parts = [first, self._sub_refinement(in_group)]
        while self._joint_is(operator):
            parts.append(self._sub_refinement(in_group))
        self._no_mixture()
        return Joined(operator, tuple(parts))

    def _sub_refinement(self, in_group: bool) -> Refinement:
        if self._scan.looks_at("(") and (bracketed := self._in_brackets(in_group)):
            return bracketed
        cardinality = self._cardinality()
        if self._scan.looks_at("{") and not self._scan.looks_at("{{"):
            return self._group(cardinality, in_group)
        return self._attribute(cardinality)

    def _in_brackets(self, in_group: bool) -> Refinement | None:
        """A refinement in brackets; None where the brackets are those of an attribute's name."""
        start = self._scan.at
        if start not in self._closed:
            raise invalid("the bracket is not closed", start)
        self._scan.at = self._closed[start]
        self._scan.skip()
        is_name = self._scan.looks_at(*_COMPARISONS, "{{") or self._scan.word() == "not"
        self._scan.at = start
        if is_name:
            return None
        self._scan.need("(")
        return self._bracketed(lambda: self._refinement(in_group), ")")

    def _group(self, cardinality: Cardinality, in_group: bool) -> Refinement:
        if in_group:
            raise invalid("a group may not hold another", self._scan.at)
        self._scan.need("{")
        return Group(self._bracketed(lambda: self._refinement(True), "}"), cardinality)

    def _cardinality(self) -> Cardinality:
        if not self._scan.take("["):
            return Cardinality()
        start = self._scan.at
        least = int(self._scan.match(_COUNT, "a number"))
        if not (self._scan.take("..") or self._scan.take_word("to")):
            raise self._scan.expected('".."')
        many = self._scan.take("*") or self._scan.take_word("many")
        most = None if many else int(self._scan.match(_COUNT, 'a number or "*"'))
        self._scan.need("]")
        if most is not None and most < least:
            raise invalid("the most must not be below the least", start)
        return Cardinality(least, most)

    def _attribute(self, cardinality: Cardinality) -> Attribute:
        reverse = bool(self._scan.take_word("r", "reverseof"))
        name = self.sub()
        operator = self._comparison()
        return Attribute(name, operator, self._comparand(operator), cardinality, reverse)

    def _comparison(self) -> str:
        if self._scan.take_word("not"):
            self._scan.need("=")
            return "!="
        for sign in _COMPARISONS:
            if self._scan.take(sign):
                return "!=" if sign == "<>" else sign
        raise self._scan.expected("a comparison")

    def _comparand(self, operator: str) -> Comparand:
        start = self._scan.at
        if self._scan.take("#"):
            return Decimal(self._scan.match(_NUMBER, "a number"))
        if operator not in ("=", "!="):
            raise invalid('behind "<" and ">" only a number may stand', start)
        if word := self._scan.take_word("true", "false"):
            return Truth(word == "true")
        terms = search_terms(self._scan, exact=True)
        return self.sub() if terms is None else terms


def _closings(text: str) -> dict[int, int]:
    """Where each bracket is closed, by where it opens; texts, terms and comments may hold brackets too."""
    found: dict[int, int] = {}
    waiting: list[int] = []
    for sign in _BRACKETS.finditer(text):
        if sign.group() == "(":
            waiting.append(sign.start())
        elif sign.group() == ")" and waiting:
            found[waiting.pop()] = sign.end()
    return found


_BRACKETS = re.compile(r'[()]|"(?:[^"\\]|\\.)*+"|\|[^|]*\||/\*(?:[^*]|\*(?!/))*+\*/', re.DOTALL)
