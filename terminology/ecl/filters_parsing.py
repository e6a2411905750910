"""What stands in ``{{ }}``: filters of concepts (``C``), descriptions (``D`` or nothing) and members (``M``).

https://docs.snomed.org (ECL 2.2, 6.8 to 6.10)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

from terminology.ecl.model import Accepted, Constraint, Filter, FilterValue, SearchTerm, Truth, invalid
from terminology.ecl.scanning import Scanner

DESCRIPTION_TYPES = {
    "fsn": "900000000000003001",
    "fullyspecifiedname": "900000000000003001",
    "syn": "900000000000013009",
    "synonym": "900000000000013009",
    "def": "900000000000550004",
    "definition": "900000000000550004",
}
ACCEPTABILITY = {
    "prefer": "900000000000548007",
    "preferred": "900000000000548007",
    "accept": "900000000000549004",
    "acceptable": "900000000000549004",
}
DEFINITION_STATUS = {"primitive": "900000000000074008", "defined": "900000000000073002"}
_OF_KIND = {
    "c": ("definitionstatus", "definitionstatusid", "moduleid", "effectivetime", "active"),
    "d": (
        "term",
        "language",
        "type",
        "typeid",
        "dialect",
        "dialectid",
        "moduleid",
        "effectivetime",
        "active",
        "id",
    ),
}
_OPENING = re.compile(r"\{\{\s*(?:([CcDdMm])(?![A-Za-z])|(\+))?")
_COMPARISONS = ("!=", "<>", "<=", ">=", "=", "<", ">")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?![A-Za-z])")
_DIALECT = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_DATE = re.compile(r"(?:[0-9]{8})?")
_ID = re.compile(r"[1-9][0-9]{5,17}")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")


class Filters:
    """Reads filters where the scanner is; ``sub`` reads a constraint."""

    def __init__(self, scanner: Scanner, sub: Callable[[], Constraint]):
        self._scan, self._sub = scanner, sub

    def opening(self) -> str:
        """Which filter begins here (``c``, ``d``, ``m``, ``+`` for history), going on only for ``+``; else empty."""
        found = _OPENING.match(self._scan.text, self._scan.at)
        if found is None:
            return ""
        if found.group(2):
            self._scan.at = found.end()
            self._scan.skip()
            return "+"
        return (found.group(1) or "d").lower()

    def all(self, kind: str) -> tuple[Filter, ...]:
        self._scan.need("{{")
        self._scan.take_word(kind)
        found = [self._one(kind)]
        while self._scan.take(","):
            found.append(self._one(kind))
        self._scan.need("}}")
        return tuple(found)

    def _one(self, kind: str) -> Filter:
        start, name = self._scan.at, self._scan.word()
        if not name or (kind in _OF_KIND and name not in _OF_KIND[kind]):
            raise self._scan.expected("the keyword of a filter")
        self._scan.take_word(name)
        operator = self._comparison()
        if operator not in ("=", "!=") and name != "effectivetime" and kind != "m":
            raise invalid('this filter knows only "=" and "!="', start)
        return Filter(name, operator, self._value(name, kind), start)

    def _comparison(self) -> str:
        if self._scan.take_word("not"):
            self._scan.need("=")
            return "!="
        for sign in _COMPARISONS:
            if self._scan.take(sign):
                return "!=" if sign == "<>" else sign
        raise self._scan.expected("a comparison")

    def _value(self, name: str, kind: str) -> FilterValue:
        if name in ("dialect", "dialectid"):
            return self._dialects(name)
        if name == "active":
            return self._active()
        if name in _TOKENS:
            return self._set(lambda: self._token(_TOKENS[name]))
        if name in _PATTERNS:
            return self._set(lambda: self._scan.match(*_PATTERNS[name]).lower())
        if name == "effectivetime":
            return self._set(self._date)
        terms = search_terms(self._scan) if name == "term" or kind == "m" else None
        if terms is not None:
            return terms
        return self._field() if kind == "m" else self._concepts()

    def _field(self) -> FilterValue:
        """The value of a member's field that is no text."""
        if self._scan.take("#"):
            return Decimal(self._scan.match(_NUMBER, "a number"))
        if word := self._scan.take_word("true", "false"):
            return Truth(word == "true")
        return self._concepts()

    def _concepts(self) -> FilterValue:
        """A constraint, or references in brackets without a word between them."""
        start = self._scan.at
        codes = self._references() if self._scan.take("(") else None
        if codes is None:
            self._scan.at = start
            return self._sub()
        return codes

    def _references(self) -> tuple[str, ...] | None:
        codes = []
        while found := self._scan.code():
            codes.append(found.code)
        return tuple(codes) if len(codes) > 1 and self._scan.take(")") else None

    def _set(self, read: Callable[[], str]) -> tuple[str, ...]:
        if not self._scan.take("("):
            return (read(),)
        found = [read()]
        while not self._scan.take(")"):
            found.append(read())
        return tuple(found)

    def _token(self, known: dict[str, str]) -> str:
        word = self._scan.take_word(*known)
        if not word:
            raise self._scan.expected(f"one of {', '.join(known)}")
        return known[word]

    def _date(self) -> str:
        start, text = self._scan.at, self._scan.string()
        if text is None or not _DATE.fullmatch(text):
            raise invalid('a date in quotes is expected, as "YYYYMMDD"', start)
        return text

    def _active(self) -> tuple[str, ...]:
        start = self._scan.at
        text = self._scan.string()
        word = text.lower() if text is not None else self._scan.take_word("true", "false")
        word = word or next((sign for sign in ("1", "0", "*") if self._scan.take(sign)), "")
        if word not in ("true", "false", "1", "0", "*"):
            raise invalid("true or false is expected", start)
        return {"1": ("true",), "0": ("false",), "*": ("true", "false")}.get(word, (word,))

    def _dialects(self, name: str) -> tuple[Accepted, ...]:
        if name == "dialectid":
            found = self._dialect_ids()
        elif self._scan.take("("):
            found = [self._dialect()]
            while not self._scan.take(")"):
                found.append(self._dialect())
        else:
            found = [self._dialect()]
        rated = self._ratings()
        return tuple(Accepted(one.sets, one.ratings or rated) for one in found)

    def _dialect(self) -> Accepted:
        return Accepted(self._scan.match(_DIALECT, "a dialect").lower(), self._ratings())

    def _dialect_ids(self) -> list[Accepted]:
        if not self._scan.looks_at("("):
            return [Accepted(self._sub())]
        start, found = self._scan.at, list[Accepted]()
        self._scan.need("(")
        while code := self._scan.code():
            found.append(Accepted(code, self._ratings()))
        if found and self._scan.take(")"):
            return found
        self._scan.at = start
        return [Accepted(self._sub())]

    def _ratings(self) -> tuple[str, ...]:
        """``(prefer)``, ``(900000000000548007 |Preferred|)``, or nothing."""
        start = self._scan.at
        if not self._scan.take("("):
            return ()
        found = []
        while not self._scan.take(")"):
            code = self._scan.code()
            found.append(code.code if code else self._token(ACCEPTABILITY))
        if not found:
            raise invalid("an acceptability is expected", start)
        return tuple(found)


_TOKENS = {"type": DESCRIPTION_TYPES, "definitionstatus": DEFINITION_STATUS}
_PATTERNS = {"language": (_LANGUAGE, "a language"), "id": (_ID, "the identifier of a description")}


def search_terms(scanner: Scanner, exact: bool = False) -> tuple[SearchTerm, ...] | None:
    """``"text"``, ``match:"text"``, ``wild:"t*t"``, or several of them in brackets; None where none stands here.

    ``exact``: a text without a word before it is meant as it is.
    """
    start = scanner.at
    bracketed = scanner.take("(")
    found: list[SearchTerm] = []
    while term := _search_term(scanner, "exact" if exact else "match"):
        found.append(term)
        if not bracketed:
            return tuple(found)
    if not found:
        scanner.at = start
        return None
    scanner.need(")")
    return tuple(found)


def _search_term(scanner: Scanner, plain: str) -> SearchTerm | None:
    how = scanner.take_word("match", "wild")
    if how:
        scanner.need(":")
    start, text = scanner.at, scanner.string()
    if text is None:
        if how:
            raise scanner.expected("a text in quotes")
        return None
    if not text.strip() and plain == "match":
        raise invalid("the text is empty", start)
    how = how or plain
    return SearchTerm(text if how == "wild" else re.sub(r"\\(.)", r"\1", text), how)
