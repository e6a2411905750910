"""Conditions and assignments as closures over the context and the row's own value."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from decimal import Decimal

from adapters.hl7v2.convert import times
from adapters.hl7v2.convert.codes import authority
from adapters.hl7v2.convert.context import Context
from adapters.hl7v2.convert.drafts import Reference
from adapters.hl7v2.convert.generating import Source
from adapters.hl7v2.convert.nodes import Node, first_node, nodes
from adapters.hl7v2.maps.assignments import Call, Place, Term, Text
from adapters.hl7v2.maps.conditions import (
    All,
    Any,
    Condition,
    Measure,
    Not,
    OneOf,
    Same,
    Subject,
    Valued,
)
from adapters.hl7v2.maps.errors import MapError

Test = Callable[[Context, Node | None], bool]
Find = Callable[[Context, Node | None], Node | None]
Make = Callable[[Context, Node | None], object]
"""Text, a :class:`Reference`, or None."""

DATA_TYPES = frozenset({
    "AD", "CE", "CF", "CNE", "CNN", "CP", "CQ", "CWE", "CX", "DLD", "DLN", "DR", "DT", "DTM", "ED", "EI", "EIP", "FC",
    "FN", "FT", "HD", "ID", "IS", "MO", "MSG", "NA", "NDL", "NM", "NR", "OG", "PL", "PLN", "PT", "RI", "RP", "RPT",
    "SAD", "SI", "SN", "SNM", "SPS", "ST", "TM", "TQ", "TS", "TX", "VID", "XAD", "XCN", "XON", "XPN", "XTN",
})  # fmt: skip


def finder(subject: Subject, own: Subject) -> Find:
    """``own`` is the row's identifier: ``CX.4`` of a data type map, ``PID-3`` of a segment map.

    Rows of a data type map see the value of the whole data type, those of a segment map that of the field.
    """
    numbers = subject.numbers
    if not subject.name:
        inner = own.numbers if own.name in DATA_TYPES else ()
        return lambda context, node: node.at(inner) if node is not None else None
    if subject.name in DATA_TYPES:
        return lambda context, node: node.at(numbers) if node is not None else None
    if subject.name == own.name and numbers[:1] == own.numbers[:1]:
        rest = numbers[1:]
        return lambda context, node: node.at(rest) if node is not None else context.find(subject)
    if subject.name == own.name and numbers:
        field, rest = numbers[0], numbers[1:]
        return lambda context, node: found.at(rest) if (found := first_node(context.segment, field)) else None
    return lambda context, node: context.find(subject)


class Words:
    """How an expression asks for components of the data type that a row is about."""

    def has(self, number: int) -> str:
        return f"node is not None and node.has({number})"

    def component(self, number: int) -> str:
        return f"(node.component({number}) if node is not None else None)"


def tester(condition: Condition, own: Subject) -> Test:
    """Raises :class:`MapError`."""
    source = Source()
    made: Test = source.expression("context, node", asked(source, condition, own, Words()))
    return made


def asked(source: Source, condition: Condition, own: Subject, words: Words) -> str:
    """The condition as an expression over ``context`` and ``node``. Raises :class:`MapError`."""
    match condition:
        case Valued(subject):
            return _valued(source, subject, own, words)
        case OneOf(subject, values):
            return _one_of(source, subject, own, frozenset(values) - {""}, words)
        case Same(subject, other):
            first, second = source.bind(finder(subject, own)), source.bind(finder(other, own))
            text = source.bind(_text)
            return f"{text}({first}(context, node)) == {text}({second}(context, node))"
        case Measure(subject, what, sign, number):
            return f"{source.bind(_measured(subject, what, sign, number, own))}(context, node)"
        case Not(inner):
            return f"not ({asked(source, inner, own, words)})"
        case All(parts):
            return " and ".join(f"({asked(source, part, own, words)})" for part in parts)
        case Any(parts):
            return " or ".join(f"({asked(source, part, own, words)})" for part in parts)
    raise MapError("a condition of an unknown kind")


def _valued(source: Source, subject: Subject, own: Subject, words: Words) -> str:
    if subject.name and not subject.numbers and subject.name not in DATA_TYPES:
        return f"context.message.first({source.bind(subject.name)}) is not None"
    if (number := _component(subject, own)) is not None:
        return words.has(number)
    return f"{source.bind(finder(subject, own))}(context, node) is not None"


def _one_of(source: Source, subject: Subject, own: Subject, values: frozenset[str], words: Words) -> str:
    among = source.bind(values)
    if (number := _component(subject, own)) is not None:
        return f"{words.component(number)} in {among}"
    found = f"{source.bind(finder(subject, own))}(context, node)"
    return f"(found := {found}) is not None and found.value() in {among}"


def _component(subject: Subject, own: Subject) -> int | None:
    """The number of a component of the data type that the row is about; None where something else is meant."""
    numbers = subject.numbers
    if not subject.name and own.name in DATA_TYPES:
        numbers = own.numbers
    elif subject.name not in DATA_TYPES:
        return None
    return numbers[0] if len(numbers) == 1 else None


def _measured(subject: Subject, what: str, sign: str, number: int, own: Subject) -> Test:
    find = finder(subject, own)
    compare: dict[str, Callable[[int], bool]] = {
        "<": lambda n: n < number,
        "<=": lambda n: n <= number,
        ">": lambda n: n > number,
        ">=": lambda n: n >= number,
        "=": lambda n: n == number,
    }
    holds = compare[sign]
    if what == "count":
        return lambda context, node: holds(context.count(subject))
    return lambda context, node: holds(len(_text(find(context, node))))


def _text(node: Node | None) -> str:
    return (node.value() or "") if node is not None else ""


def is_written(terms: tuple[Term, ...]) -> bool:
    """Whether :func:`joined` can say what the terms make."""
    match terms:
        case (Call(function, arguments),):
            return function in _FUNCTIONS and all(_is_part(one) for one in arguments)
        case _:
            return all(_is_part(one) for one in terms)


def _is_part(term: Term) -> bool:
    return isinstance(term, Text) or (
        isinstance(term, Place) and term.subject.name in DATA_TYPES and len(term.subject.numbers) in (1, 2)
    )


def joined(source: Source, terms: tuple[Term, ...], words: Words) -> str:
    """What the terms make as an expression over ``context`` and ``node``, where that :func:`is_written`."""
    if isinstance(terms[0], Call):
        given = "".join(f", {_part(source, one, words)}" for one in terms[0].arguments)
        return f"{source.bind(_FUNCTIONS[terms[0].function])}(context{given})"
    return f"({' + '.join(_part(source, one, words) for one in terms)}).strip()"


def _part(source: Source, term: Term, words: Words) -> str:
    match term:
        case Text(value):
            return source.bind(value)
        case Place(Subject(_, (number,))):
            return f'({words.component(number)} or "")'
        case Place(Subject(_, (number, inner))):
            text = words.has(number)
            return f'((node.subcomponent({text}, {inner}) or "") if {text} else "")'
    raise MapError("a function stands alone")


def maker(terms: tuple[Term, ...], own: Subject) -> Make:
    """Raises :class:`MapError`."""
    if len(terms) == 1 and isinstance(terms[0], Text):
        value = terms[0].value
        return lambda context, node: value
    if len(terms) == 1 and isinstance(terms[0], Call):
        return _call(terms[0], own)
    if len(terms) == 1 and isinstance(terms[0], Place):
        find = finder(terms[0].subject, own)
        return lambda context, node: _text(find(context, node)).strip()
    makes = tuple(_term(term, own) for term in terms)
    return lambda context, node: "".join(str(make(context, node) or "") for make in makes).strip()


def _term(term: Term, own: Subject) -> Make:
    match term:
        case Text(value):
            return lambda context, node: value
        case Place(subject):
            find = finder(subject, own)
            return lambda context, node: _text(find(context, node))
    raise MapError("a function stands alone")


def _call(call: Call, own: Subject) -> Make:
    if call.function == "refer":
        label = call.arguments[0].value if isinstance(call.arguments[0], Text) else ""
        return lambda context, node: _refer(context, label)
    if call.function == "whole":
        find = finder(_subject(call.arguments[0]), own)
        return lambda context, node: found.whole() if (found := find(context, node)) else None
    if call.function == "document":
        return lambda context, node: _document(context)
    if call.function not in _FUNCTIONS:
        raise MapError(f"there is no function ${call.function}")
    function = _FUNCTIONS[call.function]
    makes = tuple(_term(term, own) for term in call.arguments)
    return lambda context, node: function(context, *(str(make(context, node) or "") for make in makes))


def _subject(term: Term) -> Subject:
    if not isinstance(term, Place):
        raise MapError("the function takes a place of the message")
    return term.subject


def _refer(context: Context, label: str) -> Reference | None:
    draft = context.labels.get(label)
    return Reference(draft) if draft is not None else None


def _document(context: Context) -> str | None:
    """The text of all TX and FT lines as one document, at the first of them."""
    lines = [one for one in context.message.all("OBX") if one.value(2) in ("TX", "FT", "ST")]
    if not lines or lines[0] is not context.segment:
        return None
    text = "\n".join("\n".join(node.whole() for node in nodes(line, 5)) for line in lines)
    return base64.b64encode(text.encode()).decode() if text else None


def _authority(context: Context, namespace: str, universal: str = "", kind: str = "") -> str | None:
    return authority(namespace, universal, kind, context.site) or None


def _join(context: Context, *parts: str) -> str | None:
    return " ".join(part for part in parts if part) or None


_UNITS = {
    "s": 1, "sec": 1, "second": 1, "seconds": 1, "m": 60, "min": 60, "minute": 60, "minutes": 60, "mins": 60, "": 60,
    "h": 3600, "hr": 3600, "hour": 3600, "hours": 3600, "d": 86400, "day": 86400, "days": 86400,
}  # fmt: skip


def _seconds(amount: str, unit: str) -> int | None:
    factor = _UNITS.get(unit.strip().lower())
    if factor is None or not re.fullmatch(r"\d+(\.\d+)?", amount.strip()):
        return None
    return int(Decimal(amount.strip()) * factor)


def _minutes(context: Context, amount: str, unit: str = "") -> str | None:
    seconds = _seconds(amount, unit)
    return str(seconds // 60) if seconds is not None else None


_LONGEST = 366 * 86400
"""A year: what is longer is no duration of an appointment."""


def _later(context: Context, moment: str, amount: str, unit: str = "") -> str | None:
    start, seconds = times.instant(moment, context.site.time_zone), _seconds(amount, unit)
    if start is None or seconds is None or len(moment.strip()) < 10 or seconds > _LONGEST:
        return None
    return times.later(start, seconds)


_DAYS = {str(n): day for n, day in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), 1)}


def _weekday(context: Context, number: str) -> str | None:
    return _DAYS.get(number.strip())


def _base64(context: Context, data: str, encoding: str = "") -> str | None:
    """ED-5 as base64: as it is, from hexadecimal, or of its text."""
    kind = encoding.strip().lower()
    if kind == "base64":
        compact = "".join(data.split())
        try:
            base64.b64decode(compact, validate=True)
        except (binascii.Error, ValueError):
            return None
        return compact
    if kind == "hex":
        try:
            return base64.b64encode(bytes.fromhex(data)).decode()
        except ValueError:
            return None
    return base64.b64encode(data.encode()).decode() if data else None


_MEDIA = {
    "ap": "application", "au": "audio", "im": "image", "ft": "text", "tx": "text", "ns": "image", "sd": "text",
    "si": "image",
}  # fmt: skip
_SUBTYPES = {
    "pdf": "application/pdf", "rtf": "application/rtf", "x-hl7-cda-level-one": "application/xml",
    "msword": "application/msword", "jpeg": "image/jpeg", "jpg": "image/jpeg", "png": "image/png",
    "gif": "image/gif", "tiff": "image/tiff", "tif": "image/tiff", "dicom": "application/dicom",
    "html": "text/html", "plain": "text/plain", "xml": "application/xml", "sgml": "text/sgml",
}  # fmt: skip


def _mime(context: Context, type: str, subtype: str = "") -> str | None:
    """A media type of HL7 tables 0191 and 0291: https://www.hl7.eu/HL7v2x/v251/std251/ch02a.html (2.A.24)."""
    type, subtype = type.strip().lower(), subtype.strip().lower()
    if "/" in subtype or "/" in type:
        return subtype if "/" in subtype else type
    if subtype in _SUBTYPES:
        return _SUBTYPES[subtype]
    main = _MEDIA.get(type, type)
    return f"{main or 'application'}/{subtype}" if subtype else None


_FUNCTIONS: dict[str, Callable[..., str | None]] = {
    "authority": _authority,
    "join": _join,
    "minutes": _minutes,
    "later": _later,
    "weekday": _weekday,
    "base64": _base64,
    "mime": _mime,
}
