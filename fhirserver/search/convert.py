"""FHIR datatypes to index values, per parameter type. https://hl7.org/fhir/R4/search.html#table

A converter takes one element as JSON and appends what it yields to a list; what is malformed yields nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache, partial
from math import inf, nextafter
from typing import Any, TypeAlias

from fhirserver.kernel.references import parse_reference
from fhirserver.model.definitions import definitions
from fhirserver.search.literals import date_range, number
from fhirserver.search.phonetic import sounds
from fhirserver.search.units import UCUM, Scale, exact, scale
from fhirserver.search.values import (
    BEGIN,
    FOREVER,
    INFINITE,
    DateValue,
    IndexValue,
    NumberValue,
    QuantityValue,
    ReferenceValue,
    StringValue,
    TokenValue,
    UriValue,
    fold,
)

Values: TypeAlias = list[IndexValue]
Converter: TypeAlias = Callable[[Any, Values], None]
Codes: TypeAlias = dict[str, str]
"""Code → the system that a bound `code` element implies."""

_NAME_PARTS = ("family", "given", "prefix", "suffix", "text")
_ADDRESS_PARTS = ("line", "city", "district", "state", "postalCode", "country", "text")
_CURRENCIES = "urn:iso:std:iso:4217"
_COMPUTED = {
    f"System.{name[0].upper()}{name[1:]}": name
    for name in ("boolean", "string", "integer", "decimal", "date", "dateTime", "time")
}


def converter(code: str, kind: str, datatype: str, codes: Codes | None = None) -> Converter | None:
    """The converter of elements of ``datatype`` for parameter ``code`` of type ``kind``, or None.

    ``codes`` serves `code` elements: the systems their required binding implies. What an expression computes
    has a type of FHIRPath, which counts as the FHIR type: ``System.Boolean`` as ``boolean``.
    """
    datatype = _COMPUTED.get(datatype, datatype)
    if kind == "token" and datatype == "code":
        return partial(_bound_code, code, codes or {})
    table = _CONVERTERS.get(kind, {})
    name = datatype
    while name and name not in table:
        definition = definitions().type(name)
        name = definition.base if definition else ""
    return partial(table[name], code) if name else None


# --- string


def _text(code: str, item: Any, out: Values) -> None:
    if isinstance(item, str):
        folded = fold(item)
        if folded:
            out.append(StringValue(code, folded, item))


def _parts(names: tuple[str, ...], code: str, item: Any, out: Values) -> None:
    if not isinstance(item, dict):
        return
    for name in names:
        part = item.get(name)
        if isinstance(part, list):
            for text in part:
                _text(code, text, out)
        elif part is not None:
            _text(code, part, out)


def sounding(code: str, item: Any, out: Values) -> None:
    """The words of a name as they sound, for parameters with phonetic usage."""
    spelled: Values = []
    _text(code, item, spelled)
    _parts(_NAME_PARTS, code, item, spelled)
    for value in spelled:
        assert isinstance(value, StringValue)
        out.extend(StringValue(code, sound, value.text) for sound in sounds(value.folded))


# --- token


def _bound_code(code: str, codes: Codes, item: Any, out: Values) -> None:
    if isinstance(item, str):
        out.append(TokenValue(code, codes.get(item, ""), item))


def _word(code: str, item: Any, out: Values) -> None:
    if isinstance(item, bool):
        out.append(TokenValue(code, "", "true" if item else "false"))
    elif isinstance(item, str | int | Decimal):
        out.append(TokenValue(code, "", str(item)))


def any_case(code: str, item: Any, out: Values) -> None:
    """A string as a token: "the search is not case sensitive"."""
    if isinstance(item, str):
        out.append(TokenValue(code, "", item.lower()))


def media_type(code: str, item: Any, out: Values) -> None:
    """The type without its parameters. https://hl7.org/fhir/R4/search.html#mimetype"""
    if isinstance(item, str):
        out.append(TokenValue(code, "", item.partition(";")[0].strip().lower()))


def _coding(code: str, item: Any, out: Values) -> None:
    if isinstance(item, dict):
        _pair(code, item.get("system"), item.get("code"), out)
        _text(f"{code}:text", item.get("display"), out)


def _pair(code: str, system: Any, value: Any, out: Values) -> None:
    """A token if there is a value or at least a system; otherwise the mark that the element is there."""
    system = system if isinstance(system, str) else ""
    value = value if isinstance(value, str) else ""
    out.append(TokenValue(code, system, value))


def _concept(code: str, item: Any, out: Values) -> None:
    if not isinstance(item, dict):
        return
    codings = item.get("coding")
    before = len(out)
    if isinstance(codings, list):
        for coding in codings:
            _coding(code, coding, out)
    if len(out) == before:
        out.append(TokenValue(code, "", ""))
    _text(f"{code}:text", item.get("text"), out)


def _identifier(code: str, item: Any, out: Values) -> None:
    if not isinstance(item, dict):
        return
    value = item.get("value")
    _pair(code, item.get("system"), value, out)
    kind = item.get("type")
    if isinstance(kind, dict):
        _text(f"{code}:text", kind.get("text"), out)
        if isinstance(value, str) and isinstance(kind.get("coding"), list):
            _of_type(f"{code}:of-type", kind["coding"], value, out)


def _of_type(code: str, codings: list[Any], value: str, out: Values) -> None:
    for coding in codings:
        if isinstance(coding, dict) and isinstance(coding.get("code"), str):
            _pair(code, coding.get("system"), f"{coding['code']}|{value}", out)


def _contact_point(code: str, item: Any, out: Values) -> None:
    if isinstance(item, dict) and isinstance(item.get("value"), str):
        _pair(code, item.get("system"), item["value"], out)


# --- reference


@lru_cache(maxsize=16384)
def _literal(text: str) -> tuple[str, str]:
    """Type and id of a reference to this server's resources (no base); otherwise "" and the text."""
    literal = parse_reference(text)
    if literal is None:
        return "", text
    if literal.base or literal.type not in definitions().resource_types:
        return "", f"{literal.base}{literal.type}/{literal.id}"
    return literal.type, literal.id


def _reference(code: str, item: Any, out: Values) -> None:
    if not isinstance(item, dict):
        return
    if "resourceType" in item:  # Bundle.entry.resource stands for itself
        out.append(ReferenceValue(code, str(item["resourceType"]), str(item.get("id", ""))))
        return
    text = item.get("reference")
    identifier, display = item.get("identifier"), item.get("display")
    if display is not None:
        _text(f"{code}:text", display, out)
    if isinstance(text, str) and text:
        out.append(ReferenceValue(code, *_literal(text)))
        if "/_history/" in text:
            _versioned(f"{code}:version", text, out)
        elif text[0] == "#":
            out.append(ReferenceValue(f"{code}:contained", "", text))
    else:
        out.append(ReferenceValue(code, "", ""))
    if isinstance(identifier, dict) and isinstance(identifier.get("value"), str):
        _pair(f"{code}:identifier", identifier.get("system"), identifier["value"], out)


def _versioned(code: str, text: str, out: Values) -> None:
    literal = parse_reference(text)
    if literal is not None and literal.version:
        local = not literal.base and literal.type in definitions().resource_types
        target = f"{literal.id}/_history/{literal.version}" if local else text
        out.append(ReferenceValue(code, literal.type if local else "", target))


def _canonical(code: str, item: Any, out: Values) -> None:
    if not isinstance(item, str) or not item:
        return
    out.append(UriValue(f"{code}:canonical", item))
    if item[0] == "#":
        out.append(ReferenceValue(f"{code}:contained", "", item))
    url, bar, _ = item.partition("|")
    out.append(ReferenceValue(code, *_literal(url)))
    if bar:
        out.append(ReferenceValue(code, "", item))


# --- date


def _date(code: str, item: Any, out: Values) -> None:
    if isinstance(item, str):
        with suppress(ValueError):
            out.append(DateValue(code, *date_range(item)))


def _period(code: str, item: Any, out: Values) -> None:
    bounds = _period_bounds(item)
    if bounds is not None:
        out.append(DateValue(code, *bounds))


def _period_bounds(item: Any) -> tuple[int, int] | None:
    """The range of a Period; None for one without start and end, or with a malformed or reversed one."""
    if not isinstance(item, dict):
        return None
    start, end = item.get("start"), item.get("end")
    if start is None and end is None:
        return None
    try:
        low = BEGIN if start is None else date_range(start)[0]
        high = FOREVER if end is None else date_range(end)[1]
    except (ValueError, TypeError):
        return None
    return (low, high) if low < high else None


def _timing(code: str, item: Any, out: Values) -> None:
    """Only the outer limits of a Timing count."""
    if not isinstance(item, dict):
        return
    ranges: list[tuple[int, int]] = []
    events = item.get("event")
    for event in events if isinstance(events, list) else ():
        with suppress(ValueError, TypeError):
            ranges.append(date_range(event))
    repeat = item.get("repeat")
    bounds = _period_bounds(repeat.get("boundsPeriod")) if isinstance(repeat, dict) else None
    if bounds is not None:
        ranges.append(bounds)
    if ranges:
        out.append(DateValue(code, min(low for low, _ in ranges), max(high for _, high in ranges)))


# --- number and quantity


def _float(item: Any) -> float | None:
    """A JSON number within the range of the index; None for anything else."""
    if isinstance(item, bool) or not isinstance(item, int | float | Decimal):
        return None
    try:
        value = float(item)
    except OverflowError:
        return None
    return value if abs(value) < INFINITE else None


def _number(code: str, item: Any, out: Values) -> None:
    value = _float(item)
    if value is not None:
        out.append(NumberValue(code, value, value))


def _number_range(code: str, item: Any, out: Values) -> None:
    if isinstance(item, dict):
        low, high = _range_bounds(item)
        if low is not None and high is not None and low <= high:
            out.append(NumberValue(code, low, high))


def _range_bounds(item: dict[str, Any]) -> tuple[float | None, float | None]:
    """The ends of a Range, open ones as ±INFINITE; both None if neither is stated."""
    ends = [item.get(name) for name in ("low", "high")]
    low, high = (_float(end.get("value")) if isinstance(end, dict) else None for end in ends)
    if low is None and high is None:
        return None, None
    return (-INFINITE if low is None else low), (INFINITE if high is None else high)


def _unit(item: dict[str, Any]) -> tuple[str, str, str]:
    system, code, unit = (item.get(name) for name in ("system", "code", "unit"))
    return (
        system if isinstance(system, str) else "",
        code if isinstance(code, str) else "",
        unit if isinstance(unit, str) else "",
    )


def _quantity(code: str, item: Any, out: Values) -> None:
    value = _float(item.get("value")) if isinstance(item, dict) else None
    if value is None:
        return
    comparator = item.get("comparator")
    low, high = (value, value) if comparator is None else _compared(comparator, value)
    system, unit_code, unit = _unit(item)
    out.append(QuantityValue(code, value, low, high, system, unit_code, unit))
    known = scale(unit_code) if system == UCUM else None
    if known is not None and known.code != unit_code:
        scaled = float(exact(item["value"]) * known.factor)
        out.append(_scaled(code, known, scaled, *_compared(comparator, scaled)))


def _scaled(code: str, known: Scale, value: float, low: float, high: float) -> QuantityValue:
    """The value in the unit of its kind, under the derived parameter for such values."""
    return QuantityValue(f"{code}:ucum", value, low, high, UCUM, known.code, "")


def _compared(comparator: Any, value: float) -> tuple[float, float]:
    """The closed range that a comparator opens: ``< 5`` ends just before 5."""
    match comparator:
        case "<":
            return -INFINITE, nextafter(value, -inf)
        case "<=":
            return -INFINITE, value
        case ">":
            return nextafter(value, inf), INFINITE
        case ">=":
            return value, INFINITE
    return value, value


def _money(code: str, item: Any, out: Values) -> None:
    value = _float(item.get("value")) if isinstance(item, dict) else None
    if value is None:
        return
    currency = item.get("currency")
    currency = currency if isinstance(currency, str) else ""
    out.append(QuantityValue(code, value, value, value, _CURRENCIES if currency else "", currency, ""))


def _range(code: str, item: Any, out: Values) -> None:
    if not isinstance(item, dict):
        return
    low, high = _range_bounds(item)
    if low is None or high is None or low > high:
        return
    end = item["low"] if isinstance(item.get("low"), dict) else item["high"]
    _spanning(code, low, high, _unit(end), out)


def _spanning(code: str, low: float, high: float, measured: tuple[str, str, str], out: Values) -> None:
    """A range with open or closed ends."""
    out.append(QuantityValue(code, high if low == -INFINITE else low, low, high, *measured))
    known = scale(measured[1]) if measured[0] == UCUM else None
    if known is not None and known.code != measured[1]:
        low, high = (
            end if abs(end) == INFINITE else float(Fraction(end) * known.factor) for end in (low, high)
        )
        out.append(_scaled(code, known, high if low == -INFINITE else low, low, high))


def _sampled_data(code: str, item: Any, out: Values) -> None:
    """The span of the samples, in the unit of the origin."""
    origin = item.get("origin") if isinstance(item, dict) else None
    zero = _float(origin.get("value")) if isinstance(origin, dict) else None
    text = item.get("data") if isinstance(item, dict) else None
    if zero is None or not isinstance(text, str):
        return
    factor = _float(item.get("factor", 1))
    samples = [zero + sample * (1.0 if factor is None else factor) for sample in _samples(text)]
    if samples and isinstance(origin, dict):
        low, high = min(samples), max(samples)
        _spanning(code, low, high, _unit(origin), out)


def _samples(text: str) -> list[float]:
    """The numbers among the samples; E, U and L (error, below, above) are none."""
    found: list[float] = []
    for word in text.split():
        with suppress(ValueError):
            found.append(float(number(word)))
    return found


def _position(code: str, item: Any, out: Values) -> None:
    if not isinstance(item, dict):
        return
    latitude, longitude = _float(item.get("latitude")), _float(item.get("longitude"))
    if latitude is not None and longitude is not None:
        out.append(NumberValue(f"{code}:latitude", latitude, latitude))
        out.append(NumberValue(f"{code}:longitude", longitude, longitude))


# --- uri


def _uri(code: str, item: Any, out: Values) -> None:
    if isinstance(item, str) and item:
        out.append(UriValue(code, item))
        url, bar, _ = item.partition("|")
        if bar and url:
            out.append(UriValue(code, url))


def own_canonicals(url: Any, resource: dict[str, Any], out: Values) -> None:
    """What a canonical says to mean this resource: its url, also with its version."""
    if isinstance(url, str) and url:
        out.append(UriValue("url:canonical", url))
        version = resource.get("version")
        if isinstance(version, str):
            out.append(UriValue("url:canonical", f"{url}|{version}"))


_CONVERTERS: dict[str, dict[str, Callable[[str, Any, Values], None]]] = {
    "string": {
        "string": _text,
        "uri": _text,
        "HumanName": partial(_parts, _NAME_PARTS),
        "Address": partial(_parts, _ADDRESS_PARTS),
    },
    "token": {
        "boolean": _word,
        "string": _word,
        "uri": _word,
        "integer": _word,
        "Coding": _coding,
        "CodeableConcept": _concept,
        "Identifier": _identifier,
        "ContactPoint": _contact_point,
    },
    "reference": {
        "Reference": _reference,
        "canonical": _canonical,
        "uri": _canonical,
        "Resource": _reference,
    },
    "date": {
        "date": _date,
        "dateTime": _date,
        "instant": _date,
        "Period": _period,
        "Timing": _timing,
    },
    "number": {"integer": _number, "decimal": _number, "Range": _number_range},
    "quantity": {
        "Quantity": _quantity,
        "Money": _money,
        "Range": _range,
        "SampledData": _sampled_data,
    },
    "uri": {"uri": _uri},
    "special": {"Location.position": _position},
}
