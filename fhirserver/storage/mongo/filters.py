"""The neutral search tree as MongoDB filters: pure. :mod:`fhirserver.search.match` says what each node means.

Only what both MongoDB and SecantusDB do well is used: no ``$or`` inside ``$elemMatch`` (an alternative is a
second ``$elemMatch``), no dotted ``$all``, every range on an array inside ``$elemMatch``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from fhirserver.model.definitions import definitions
from fhirserver.search.expression import (
    And,
    Chain,
    CompositeIs,
    DateIs,
    Differs,
    Everything,
    Expression,
    Has,
    IdIs,
    LastUpdated,
    Missing,
    Near,
    Not,
    Nothing,
    NumberIs,
    Or,
    PhraseIs,
    Prefix,
    QuantityIs,
    ReferenceIs,
    SimplePredicate,
    StringIs,
    TokenAmong,
    TokenIn,
    TokenIs,
    UriIs,
    Within,
    WordIs,
)
from fhirserver.search.uris import ancestors, separators
from fhirserver.storage.mongo.documents import LETTERS, SEPARATOR, compact

Filter = dict[str, Any]
Join: TypeAlias = Chain | Has | Within | Near | PhraseIs
Joined = Mapping[Join, Filter]
"""What the joins of a tree came to: their inner searches are done first."""

NONE: Filter = {"_id": {"$in": []}}
_LAST = "\U0010ffff"
_MILLISECOND = 1000


def render(expression: Expression, type: str, joined: Joined) -> Filter:
    """The filter on the documents of resources of ``type``; deletion is the caller's concern."""
    match expression:
        case Everything():
            return {}
        case Nothing():
            return NONE
        case And(of):
            return {"$and": [render(one, type, joined) for one in of]}
        case Or(of):
            return {"$or": [render(one, type, joined) for one in of]}
        case Not(of):
            return {"$nor": [render(of, type, joined)]}
        case Chain() | Has() | Within() | Near() | PhraseIs():
            return joined[expression]
        case TokenAmong():
            raise TypeError("settled before the search")
        case IdIs(id):
            return {"_id": f"{type}/{id}"}
        case LastUpdated(prefix, low, high):
            return _any([_moment(branch) for branch in date_branches(prefix, low, high)])
        case _:
            return _of_values(expression)


def _of_values(predicate: Differs | Missing | TokenIn | WordIs | CompositeIs | SimplePredicate) -> Filter:
    match predicate:
        case Differs(of):
            return _other(of)
        case Missing(param, _):
            return {"has": {"$ne": param}}
        case TokenIn(param, sets):
            among = [compact(param, system, code) for system, codes in sets for code in sorted(codes)]
            return {"token": {"$in": among}}
        case WordIs(param, word, starts):
            return _starting("words", compact(param, word)) if starts else {"words": compact(param, word)}
        case CompositeIs():
            return _composite(predicate)
        case _:
            return _simple(predicate)


def _any(filters: list[Filter]) -> Filter:
    return filters[0] if len(filters) == 1 else {"$or": filters}


def _moment(branch: Filter) -> Filter:
    """A branch about the range [updated, updated + 1 ms) as one about ``updated`` alone."""
    conditions = dict(branch.get("l", {}))
    conditions.update({operator: high - _MILLISECOND for operator, high in branch.get("h", {}).items()})
    return {"updated": conditions}


# --- simple predicates


def _simple(predicate: SimplePredicate) -> Filter:
    match predicate:
        case StringIs(param, text, how):
            return _string(param, text, how)
        case TokenIs(param, system, code):
            return _token(param, system, code)
        case ReferenceIs(param, type, target):
            return _reference(param, type, target)
        case UriIs(param, uri, how):
            return _uri(param, uri, how)
        case DateIs(param):
            return _elements("date", param, branches(predicate))
        case NumberIs(param):
            return _elements("number", param, branches(predicate))
        case QuantityIs(param):
            return _elements("quantity", param, branches(predicate))


def _elements(array: str, param: str, found: list[Filter]) -> Filter:
    return _any([{array: {"$elemMatch": {"p": param, **branch}}} for branch in found])


def _starting(array: str, prefix: str) -> Filter:
    return {array: {"$elemMatch": beginning(prefix)}}


def beginning(prefix: str) -> Filter:
    """What a text that starts so is between."""
    return {"$gte": prefix, "$lt": prefix + _LAST}


def _matching(array: str, param: str, pattern: str) -> Filter:
    """``pattern`` from the start of the value; ``s``: a dot is any character."""
    return {array: {"$regex": f"^{re.escape(param)}{SEPARATOR}{pattern}", "$options": "s"}}


def _other(predicate: StringIs | TokenIs | ReferenceIs | UriIs) -> Filter:
    """There is a text of the parameter, of the form that says all the predicate asks about, which is another."""
    match predicate:
        case StringIs(param, text):
            return _matching("string", param, _not(re.escape(text)))
        case TokenIs(param, None, code):
            return _matching("token", param, _not(re.escape(code or "")) + f"[^{SEPARATOR}]*$")
        case TokenIs(param, system, None):
            return _matching("token", param, f"(?!{re.escape(system or '')}{SEPARATOR}).*{SEPARATOR}")
        case TokenIs(param, system, code):
            wanted = re.escape(compact(system or "", code or ""))
            return _matching("token", param, f"{_not(wanted)}.*{SEPARATOR}")
        case ReferenceIs(param, type, target):
            local = f"[^{SEPARATOR}]+" if type is None else re.escape(type)
            return _matching("reference", param, _not(f"{local}{SEPARATOR}{re.escape(target)}"))
        case UriIs(param, uri):
            return _matching("uri", param, _not(re.escape(uri)))


def _not(pattern: str) -> str:
    return f"(?!{pattern}$)"


def _string(param: str, text: str, how: str) -> Filter:
    if how == "exact":
        return {"text": compact(param, text)}
    if how == "contains":
        return _matching("string", param, ".*" + re.escape(text))
    if how == "ends":
        return _matching("string", param, f".*{re.escape(text)}$")
    if how == "whole":
        return {"string": compact(param, text)}
    return _starting("string", compact(param, text))


def _token(param: str, system: str | None, code: str | None) -> Filter:
    if code is None:
        return _starting("token", compact(param, system or "", ""))
    if system is None:
        return {"token": compact(param, code)}
    return {"token": compact(param, system, code)}


def _reference(param: str, type: str | None, target: str) -> Filter:
    if type is not None:
        return {"reference": compact(param, type, target)}
    types = sorted(definitions().resource_types)
    return {"reference": {"$in": [compact(param, each, target) for each in types]}}


def _uri(param: str, uri: str, how: str) -> Filter:
    match how:
        case "below":
            return _matching("uri", param, _below(uri))
        case "above":
            return {"uri": {"$in": [compact(param, parent) for parent in ancestors(uri)]}}
        case "contains":
            return _matching("uri", param, ".*" + _in_any_case(uri))
        case _:
            return {"uri": compact(param, uri)}


def _below(uri: str) -> str:
    """As :func:`fhirserver.search.uris.is_below`: behind ``uri`` a segment ends, or the text does."""
    ends = separators(uri)
    return re.escape(uri) + ("" if uri[-1:] in ends else f"(?![^{re.escape(ends)}])")


def _in_any_case(text: str) -> str:
    """Only A to Z, as :func:`fhirserver.search.match.ascii_lower` has it; option ``i`` would fold more."""
    return "".join(f"[{c.lower()}{c.upper()}]" if c.isascii() and c.isalpha() else re.escape(c) for c in text)


# --- branches: alternatives, each a conjunction of conditions on the fields of one value


def branches(predicate: SimplePredicate) -> list[Filter]:
    """What a predicate asks of one value's fields (see ``documents.part_fields``), as alternatives."""
    match predicate:
        case DateIs(_, prefix, low, high):
            return date_branches(prefix, low, high)
        case NumberIs(_, prefix, low, high):
            return number_branches(prefix, low, high)
        case QuantityIs():
            return quantity_branches(predicate)
        case StringIs(_, text, how):
            return [_string_condition(text, how)]
        case TokenIs(_, system, code):
            return [{name: value for name, value in (("s", system), ("c", code)) if value is not None}]
        case ReferenceIs(_, type, target):
            return [{"y": {"$ne": ""} if type is None else type, "t": target}]
        case UriIs(_, uri, how):
            return _uri_branches(uri, how)


def _string_condition(text: str, how: str) -> Filter:
    if how == "exact":
        return {"t": text}
    if how == "whole":
        return {"f": text}
    if how in ("contains", "ends"):
        return {"f": {"$regex": re.escape(text) + ("$" if how == "ends" else "")}}
    return {"f": beginning(text)}


def _uri_branches(uri: str, how: str) -> list[Filter]:
    match how:
        case "below":
            return [{"u": {"$regex": "^" + _below(uri)}}]
        case "above":
            return [{"u": {"$in": ancestors(uri)}}]
        case "contains":
            return [{"u": {"$regex": _in_any_case(uri)}}]
        case _:
            return [{"u": uri}]


def date_branches(prefix: Prefix, low: int, high: int) -> list[Filter]:
    """:func:`fhirserver.search.ranges.date_holds` as conditions on ``l`` and ``h``."""
    within: Filter = {"l": {"$gte": low}, "h": {"$lte": high}}
    asked: dict[str, list[Filter]] = {
        "eq": [within],
        "ne": [{"l": {"$lt": low}}, {"h": {"$gt": high}}],
        "gt": [{"h": {"$gt": high}}],
        "lt": [{"l": {"$lt": low}}],
        "ge": [{"h": {"$gt": high}}, within],
        "le": [{"l": {"$lt": low}}, within],
        "sa": [{"l": {"$gte": high}}],
        "eb": [{"h": {"$lte": low}}],
        "ap": [{"l": {"$lt": high}, "h": {"$gt": low}}],
    }
    return asked[prefix]


def number_branches(prefix: Prefix, low: float, high: float) -> list[Filter]:
    """:func:`fhirserver.search.ranges.number_holds` as conditions on ``l`` and ``h``."""
    within: Filter = {"l": {"$gte": low}, "h": {"$lte": high}}
    asked: dict[str, list[Filter]] = {
        "eq": [{"l": {"$gte": low}, "h": {"$lt": high}}],
        "ne": [{"l": {"$lt": low}}, {"h": {"$gte": high}}],
        "gt": [{"h": {"$gt": high}}],
        "lt": [{"l": {"$lt": low}}],
        "ge": [{"h": {"$gt": high}}, within],
        "le": [{"l": {"$lt": low}}, within],
        "sa": [{"l": {"$gt": high}}],
        "eb": [{"h": {"$lt": low}}],
        "ap": [{"l": {"$lte": high}, "h": {"$gte": low}}],
    }
    return asked[prefix]


def quantity_branches(predicate: QuantityIs) -> list[Filter]:
    """:func:`fhirserver.search.ranges.number_holds` and the unit as conditions on all fields."""
    found = number_branches(predicate.prefix, predicate.low, predicate.high)
    if predicate.prefix == "eq":
        found = [{"v": {"$gte": predicate.low, "$lt": predicate.high}, **branch} for branch in found]
    return [{**branch, **unit} for branch in found for unit in _units(predicate.system, predicate.code)]


def _units(system: str | None, code: str | None) -> list[Filter]:
    if code is None:
        return [{} if system is None else {"s": system}]
    if system is None:
        return [{"c": code}, {"u": code}]
    return [{"s": system, "c": code}]


# --- composites


def _composite(predicate: CompositeIs) -> Filter:
    found: list[Filter] = [{"p": predicate.param}]
    for letter, part in zip(LETTERS, predicate.parts, strict=False):
        found = [
            {**before, **{letter + name: condition for name, condition in branch.items()}}
            for before in found
            for branch in branches(part)
        ]
    return _any([{"composite": {"$elemMatch": conditions}} for conditions in found])
