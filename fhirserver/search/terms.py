"""One value of a parameter, without commas, to a predicate: a function per parameter type and modifier.

https://hl7.org/fhir/R4/search.html#ptypes A term raises :class:`ValueError` for a malformed value; its
message says what was expected and holds nothing of the value.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from itertools import product
from typing import Literal, NamedTuple, TypeAlias, cast

from fhirserver.kernel.ids import is_id
from fhirserver.kernel.references import parse_reference
from fhirserver.model.definitions import SearchComponent, SearchParameter, definitions
from fhirserver.ports.terminology import Terminology
from fhirserver.search import coded
from fhirserver.search.escapes import split, unescape
from fhirserver.search.expression import (
    CompositeIs,
    DateIs,
    Expression,
    IdIs,
    LastUpdated,
    NumberIs,
    Or,
    Prefix,
    QuantityIs,
    ReferenceIs,
    SimplePredicate,
    StringIs,
    TokenIs,
    UriIs,
    Within,
    conjunction,
    disjunction,
)
from fhirserver.search.literals import approximate_range, date_range, number_range
from fhirserver.search.phonetic import sounds
from fhirserver.search.routes import Route, is_any_case, is_media_type, routes
from fhirserver.search.units import UCUM, Scale, scale
from fhirserver.search.values import fold


class Context(NamedTuple):
    """What a value may depend on: the server's base URL (ends with a slash, or ""), now in µs, codes.

    ``listed``: sets of so many codes at most are listed.
    """

    base: str
    now: int
    terminology: Terminology | None = None
    listed: int = coded.LISTED


Term: TypeAlias = Callable[[str, Context], Expression]

_PREFIXES = frozenset({"eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"})


def _prefixed(text: str) -> tuple[Prefix, str]:
    if text[:2] in _PREFIXES:
        return cast(Prefix, text[:2]), text[2:]
    return "eq", text


def _string(how: Literal["starts", "contains", "exact"], code: str, text: str, context: Context) -> StringIs:
    wanted = unescape(text) if how == "exact" else fold(unescape(text))
    if not wanted:
        raise ValueError("expected a text")
    return StringIs(code, wanted, how)


def _phonetic(code: str, text: str, context: Context) -> Expression:
    """Every word has to sound like one of the value's words."""
    words = sounds(fold(unescape(text)))
    if not words:
        raise ValueError("expected a text")
    return conjunction([StringIs(code, word) for word in words])


def _token(code: str, text: str, context: Context) -> TokenIs:
    system: str | None
    if "\\" in text:
        system, value = _system_and_code(text)
    else:
        left, bar, right = text.partition("|")
        system, value = (left, right) if bar else (None, left)
    if not system and not value:
        raise ValueError("expected [code], [system]|[code], |[code] or [system]|")
    return TokenIs(code, system, value or None)


def _any_case(code: str, text: str, context: Context) -> TokenIs:
    return _token(code, text.lower(), context)


def _media_type(code: str, text: str, context: Context) -> TokenIs:
    wanted = unescape(text).rpartition("|")[2].partition(";")[0].strip().lower()
    if not wanted:
        raise ValueError("expected a media type")
    return TokenIs(f"{code}:below", None, wanted)


def _system_and_code(text: str) -> tuple[str | None, str]:
    """The two sides of a token that holds a backslash."""
    sides = split(text, "|")
    if len(sides) == 1:
        return None, unescape(text)
    return unescape(sides[0]), unescape("|".join(sides[1:]))


def _of_type(code: str, text: str, context: Context) -> TokenIs:
    parts = [unescape(part) for part in split(text, "|")]
    if len(parts) != 3 or not all(parts[1:]):
        raise ValueError("expected [system]|[code]|[value]")
    return TokenIs(f"{code}:of-type", parts[0] or None, f"{parts[1]}|{parts[2]}")


def _in(code: str, text: str, context: Context) -> Expression:
    return coded.in_value_set(code, text, context.base, context.terminology, context.listed)


def _related(direction: Literal["above", "below"], code: str, text: str, context: Context) -> Expression:
    return coded.related(direction, code, text, context.terminology, context.listed)


def _date(code: str, text: str, context: Context) -> DateIs:
    return DateIs(code, *_date_bounds(text, context))


def _last_updated(text: str, context: Context) -> LastUpdated:
    return LastUpdated(*_date_bounds(text, context))


def _date_bounds(text: str, context: Context) -> tuple[Prefix, int, int]:
    prefix, literal = _prefixed(text)
    try:
        low, high = date_range(literal)
    except ValueError:
        raise ValueError(
            "expected a date such as 2013, 2013-01, 2013-01-14 or 2013-01-14T10:00:00Z"
        ) from None
    if prefix == "ap":
        margin = abs(context.now - (low + high) // 2) // 10
        return prefix, low - margin, high + margin
    return prefix, low, high


def _number_bounds(text: str, factor: Fraction = Fraction(1)) -> tuple[Prefix, float, float]:
    prefix, literal = _prefixed(text)
    if prefix == "ap":
        return (prefix, *approximate_range(literal, factor))
    value, low, high = number_range(literal, factor)
    if prefix in ("eq", "ne"):
        return prefix, low, high
    return prefix, value, value


def _number(code: str, text: str, context: Context) -> NumberIs:
    try:
        return NumberIs(code, *_number_bounds(text))
    except ValueError:
        raise ValueError("expected a number") from None


def _quantity(code: str, text: str, context: Context) -> Expression:
    parts = split(text, "|")
    try:
        bounds = _number_bounds(parts[0])
    except ValueError:
        raise ValueError("expected [number] or [number]|[system]|[code]") from None
    if len(parts) == 1:
        return QuantityIs(code, *bounds)
    if len(parts) != 3 or not any(parts[1:]):
        raise ValueError("expected [number], [number]|[system]|[code] or [number]||[code]")
    system, unit = unescape(parts[1]), unescape(parts[2])
    written = QuantityIs(code, *bounds, system or None, unit or None)
    known = scale(unit) if system == UCUM else None
    return written if known is None else disjunction(_in_any_unit(code, parts[0], written, known))


def _in_any_unit(code: str, number: str, written: QuantityIs, known: Scale) -> list[Expression]:
    """The quantity as written, and in the unit of its kind: as it stands in a resource, and as it was indexed."""
    bounds = _number_bounds(number, known.factor)
    usual = [QuantityIs(param, *bounds, UCUM, known.code) for param in (code, f"{code}:ucum")]
    return [*usual] if known.code == written.code else [written, *usual]


def _uri(
    how: Literal["exact", "below", "above", "contains"], code: str, text: str, context: Context
) -> UriIs:
    uri = unescape(text)
    if not uri:
        raise ValueError("expected a uri")
    if code == "url" and "|" in uri and how in ("exact", "below"):
        code = "url:canonical"  # the version of the resource itself
    return UriIs(code, uri, how)


def _reference(code: str, text: str, context: Context) -> ReferenceIs:
    text = unescape(text)
    literal = parse_reference(text)
    if literal is not None:
        if literal.base and literal.base != context.base:
            there = f"{literal.base}{literal.type}/{literal.id}"
            return (
                ReferenceIs(f"{code}:version", "", text) if literal.version else ReferenceIs(code, "", there)
            )
        if literal.type in definitions().resource_types:
            if literal.version:
                target = f"{literal.id}/_history/{literal.version}"
                return ReferenceIs(f"{code}:version", literal.type, target)
            return ReferenceIs(code, literal.type, literal.id)
    elif is_id(text):
        return ReferenceIs(code, None, text)
    elif ":" in text or text.startswith("#"):
        return ReferenceIs(code, "", text)
    raise ValueError("expected [id], [type]/[id] or an absolute URL")


def _canonical(code: str, text: str, context: Context) -> Expression:
    """A canonical may be a resource's place on this server, which stays as it was written: with the base."""
    url, bar, version = unescape(text).partition("|")
    if bar and url and version:
        local = parse_reference(url)
        own = {url}
        if local is not None and local.base in ("", context.base):
            own |= {f"{base}{local.type}/{local.id}" for base in ("", context.base)}
        return disjunction([UriIs(f"{code}:canonical", f"{one}|{version}") for one in sorted(own)])
    found = _reference(code, text, context)
    if not found.type or not context.base:
        return found
    return Or((found, ReferenceIs(code, "", f"{context.base}{found.type}/{found.target}")))


def _canonical_below(code: str, text: str, context: Context) -> Expression:
    """Any version; with a version, also those that are more exact. https://hl7.org/fhir/R4/search.html#versions"""
    url, bar, version = unescape(text).partition("|")
    if bar and url and version:
        return UriIs(f"{code}:canonical", f"{url}|{version}", "below")
    return _canonical(code, text, context)


def _typed_reference(type_name: str, code: str, text: str, context: Context) -> ReferenceIs:
    if is_id(text):
        return ReferenceIs(code, type_name, text)
    found = _reference(code, text, context)
    elsewhere = parse_reference(found.target) if found.type == "" else None
    if (found.type or (elsewhere and elsewhere.type)) != type_name:
        raise ValueError(f"expected the id of a {type_name}")
    return found


def _within(
    direction: Literal["above", "below"], via: dict[str, str], code: str, text: str, context: Context
) -> Expression:
    """``via``: the types that form hierarchies, and the parameter that leads to the one above."""
    found = _reference(code, text, context)
    if found.param != code:
        raise ValueError("expected a reference without a version")
    types = [found.type] if found.type is not None else sorted(via)
    if not set(types) <= set(via):
        raise ValueError(f"expected the id of a {' or '.join(sorted(via))}")
    return disjunction([Within(code, name, found.target, via[name], direction) for name in types])


def _id(text: str, context: Context) -> IdIs:
    if not is_id(text):
        raise ValueError("expected an id")
    return IdIs(text)


def _composite(code: str, parts: tuple[Term, ...], text: str, context: Context) -> Expression:
    literals = split(text, "$")
    if len(literals) != len(parts):
        raise ValueError(f"expected {len(parts)} values with $ between them")
    terms = [part(literal, context) for part, literal in zip(parts, literals, strict=True)]
    if any(isinstance(term, ReferenceIs) and term.param.endswith(":version") for term in terms):
        raise ValueError("expected a reference without a version")
    ways = [term.of if isinstance(term, Or) else (term,) for term in terms]
    return disjunction([_together(code, cast("tuple[SimplePredicate, ...]", way)) for way in product(*ways)])


def _together(code: str, parts: tuple[SimplePredicate, ...]) -> CompositeIs:
    scaled = any(part.param.endswith(":ucum") for part in parts)
    return CompositeIs(f"{code}:ucum" if scaled else code, parts)


_PLAIN: dict[str, Callable[[str, str, Context], Expression]] = {
    "string": partial(_string, "starts"),
    "token": _token,
    "reference": _reference,
    "date": _date,
    "number": _number,
    "quantity": _quantity,
    "uri": partial(_uri, "exact"),
}

_MODIFIED: dict[tuple[str, str], Callable[[str, str, Context], Expression]] = {
    ("string", "contains"): partial(_string, "contains"),
    ("string", "exact"): partial(_string, "exact"),
    ("token", "not"): _token,
    ("token", "of-type"): _of_type,
    ("token", "in"): _in,
    ("token", "not-in"): _in,
    ("token", "above"): partial(_related, "above"),
    ("token", "below"): partial(_related, "below"),
    ("uri", "above"): partial(_uri, "above"),
    ("uri", "below"): partial(_uri, "below"),
    ("uri", "contains"): partial(_uri, "contains"),
}


def term_for(parameter: SearchParameter | SearchComponent, modifier: str, type_name: str = "") -> Term | None:
    """The reader of one value of ``parameter``; None if the modifier is not defined for its type."""
    code, kind = parameter.code, parameter.type
    if code in ("_id", "_lastUpdated"):
        return _special_term(code, modifier)
    if modifier and isinstance(parameter, SearchParameter):
        return _modified_term(parameter, type_name, modifier)
    if isinstance(parameter, SearchParameter) and parameter.usage == "phonetic":
        return partial(_phonetic, code)
    if kind == "composite":
        assert isinstance(parameter, SearchParameter)
        parts = [term_for(component, "") for component in parameter.components]
        return partial(_composite, code, tuple(part for part in parts if part is not None))
    if kind == "reference" and isinstance(parameter, SearchParameter) and is_canonical(parameter, type_name):
        return partial(_canonical, code)
    if _is_of_strings(parameter, type_name):
        return partial(_any_case, code)
    return partial(_PLAIN[kind], code) if kind in _PLAIN else None


def _special_term(code: str, modifier: str) -> Term | None:
    if code == "_lastUpdated":
        return None if modifier else _last_updated
    return _id if modifier in ("", "not") else None


def is_canonical(parameter: SearchParameter, type_name: str) -> bool:
    """Whether a reference parameter (also) looks at canonical urls."""
    found = routes(parameter.expression, type_name) or []
    return parameter.type == "reference" and any(route.type in ("canonical", "uri") for route in found)


_LEADS_UP = ("partof", "part-of", "parent")


def targets(parameter: SearchParameter) -> tuple[str, ...]:
    """The resource types that a reference parameter may refer to."""
    if not parameter.targets or "Resource" in parameter.targets:
        return tuple(sorted(definitions().resource_types))
    return parameter.targets


def may_refer(parameter: SearchParameter, source: str, type_name: str) -> bool:
    """Whether a value of the parameter can be a reference to a type, declared or not."""
    found = routes(parameter.expression, source)
    return found is None or any(_lets_through(route, type_name) for route in found)


def _lets_through(route: Route, type_name: str) -> bool:
    keep = route.steps[-1].keep if route.steps else None
    return keep is None or keep[0] != "" or keep[1] == type_name


def hierarchies(parameter: SearchParameter) -> dict[str, str]:
    """The targets that form strict hierarchies, each with its parameter for the one above."""
    found: dict[str, str] = {}
    for name in targets(parameter):
        known = definitions().search_parameters(name)
        up = (code for code in _LEADS_UP if code in known and name in targets(known[code]))
        found.update((name, code) for code in up)
    return found


def _modified_term(parameter: SearchParameter, type_name: str, modifier: str) -> Term | None:
    code, kind = parameter.code, parameter.type
    if kind in ("token", "reference") and modifier == "text":
        return partial(_string, "starts", f"{code}:text")
    if kind == "reference":
        if modifier == "identifier":
            return partial(_token, f"{code}:identifier")
        if modifier == "below" and is_canonical(parameter, type_name):
            return partial(_canonical_below, code)
        via = hierarchies(parameter) if modifier in ("above", "below") else {}
        if via:
            return partial(_within, cast(Literal["above", "below"], modifier), via, code)
        known = modifier in definitions().resource_types  # data may hold what the parameter does not declare
        return partial(partial(_typed_reference, modifier), code) if known else None
    if modifier == "of-type" and not _holds_identifiers(parameter, type_name):
        return None
    if kind == "token" and modifier == "not" and _is_of_strings(parameter, type_name):
        return partial(_any_case, code)
    if kind == "token" and modifier == "below" and _holds_media_types(parameter, type_name):
        return partial(_media_type, code)
    term = _MODIFIED.get((kind, modifier))
    return partial(term, code) if term else None


def _is_of_strings(parameter: SearchParameter | SearchComponent, type_name: str) -> bool:
    if not isinstance(parameter, SearchParameter) or parameter.type != "token" or not parameter.expression:
        return False
    return is_any_case(routes(parameter.expression, type_name) or [])


def _holds_media_types(parameter: SearchParameter, type_name: str) -> bool:
    return any(is_media_type(route) for route in routes(parameter.expression, type_name) or [])


def _holds_identifiers(parameter: SearchParameter, type_name: str) -> bool:
    found = routes(parameter.expression, type_name)
    return found is None or any(route.type == "Identifier" for route in found)
