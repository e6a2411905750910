"""Parameter names to readers of their values: modifiers, chains and ``_has`` resolved once per name.

https://hl7.org/fhir/R4/search.html#chaining https://hl7.org/fhir/R4/search.html#has
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import lru_cache, partial
from typing import Final, cast

from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.model.definitions import SearchParameter, definitions
from fhirserver.search import sphere, words
from fhirserver.search.defined import STANDARD, Parameters
from fhirserver.search.escapes import split, unescape
from fhirserver.search.expression import Chain, Expression, Has, Kind, Missing, Not, conjunction, disjunction
from fhirserver.search.terms import Context, Term, is_canonical, may_refer, targets, term_for

_DEPTH: Final = 10
_BRANCHES: Final = 200


def _words(param: str, text: str, context: Context) -> Expression:
    return words.asked(param, unescape(text))


_SPECIAL: Final[dict[str, Term]] = {
    **{param: partial(_words, param) for param in words.PARAMETERS},
    "near": lambda text, context: sphere.near("near", text),
}
"""Parameters whose values are read in a way of their own."""


class NotKnown(Exception):
    """A parameter or modifier that this server does not have; the message says which are close."""


class NotSupported(NotKnown):
    """A modifier of a known parameter, or a named query: to pass them over would find what was not asked for."""


class TooMany(NotKnown):
    """A chain that fans out to more types than it makes sense to ask."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the whole value of one parameter; ``branches`` is how many alternatives a chain fans out to."""

    read: Callable[[str, Context], Expression]
    branches: int = 1


def searchable(type_name: str, known: Parameters = STANDARD) -> dict[str, SearchParameter]:
    """The parameters that resources of a type can be searched by."""
    return {code: p for code, p in known.of(type_name).items() if _is_indexed(p)}


def _is_indexed(parameter: SearchParameter) -> bool:
    return parameter.code in _SPECIAL or (bool(parameter.expression) and parameter.type != "special")


@lru_cache(maxsize=8192)
def reader(type_name: str, name: str, depth: int = 0, known: Parameters = STANDARD) -> Reader:
    """The reader for parameter ``name`` of a resource type. Raises :class:`NotKnown`."""
    if depth > _DEPTH:
        raise TooMany(f"A chain of more than {_DEPTH} steps is not supported")
    if name.startswith("_has:"):
        return _reverse(type_name, name, depth, known)
    head, dot, rest = name.partition(".")
    if dot:
        return _chain(type_name, head, rest, depth, known)
    code, _, modifier = name.partition(":")
    parameter = known_parameter(type_name, code, known)
    if code in _SPECIAL:
        return _special(parameter, modifier)
    return _simple(parameter, modifier, type_name)


def known_parameter(type_name: str, code: str, known: Parameters = STANDARD) -> SearchParameter:
    """The definition of a parameter. Raises :class:`NotKnown`, naming those that are spelled alike.

    Raises a refusal (503) for one whose index is still being made: it would not find all there is.
    """
    parameter = known.of(type_name).get(code)
    if known.pending and known.is_pending(type_name, code):
        raise _not_ready(type_name, code)
    if parameter is not None and _is_indexed(parameter):
        return parameter
    if parameter is not None:
        raise NotKnown(f"Search parameter {code} of {type_name} is not supported")
    close = get_close_matches(code[:64], searchable(type_name, known), n=3)
    hint = f"; did you mean {', '.join(close)}?" if close else ""
    raise NotKnown(f"{type_name} has no search parameter {_shown(code)}{hint}")


def _not_ready(type_name: str, code: str) -> Refusal:
    text = f"Search parameter {code} of {type_name} is still being indexed; its $status says how far"
    refusal = refuse(Category.BUSY, "incomplete", text, f"http.{code}")
    refusal.headers["Retry-After"] = "5"
    return refusal


def _shown(name: str) -> str:
    """A name from outside, cut to what is fit for a message."""
    return "".join(c if c.isprintable() else "?" for c in name[:64])


def _simple(parameter: SearchParameter, modifier: str, type_name: str) -> Reader:
    if modifier == "missing":
        return Reader(partial(_missing, parameter))
    term = term_for(parameter, modifier, type_name)
    if term is None:
        raise NotSupported(
            f"{parameter.code} is a {parameter.type} parameter: modifier :{_shown(modifier)} is not supported"
        )
    return Reader(partial(_none_of if modifier in ("not", "not-in") else _any_of, term))


def _special(parameter: SearchParameter, modifier: str) -> Reader:
    if modifier == "missing" and parameter.type == "special":
        return Reader(partial(_missing, replace(parameter, code=f"{parameter.code}:latitude", type="number")))
    if modifier:
        raise NotSupported(f"{parameter.code} has no modifiers")
    return Reader(partial(_any_of, _SPECIAL[parameter.code]))


def _any_of(term: Term, value: str, context: Context) -> Expression:
    if "," not in value:
        return term(value, context)
    return disjunction([term(part, context) for part in split(value, ",")])


def _none_of(term: Term, value: str, context: Context) -> Expression:
    return Not(_any_of(term, value, context))


def _missing(parameter: SearchParameter, value: str, context: Context) -> Expression:
    if value not in ("true", "false"):
        raise ValueError("expected true or false")
    if parameter.code in ("_id", "_lastUpdated"):
        everything = conjunction([])
        return Not(everything) if value == "true" else everything
    missing = Missing(parameter.code, cast(Kind, parameter.type))
    return missing if value == "true" else Not(missing)


def _chain(type_name: str, head: str, rest: str, depth: int, known: Parameters) -> Reader:
    code, _, target = head.partition(":")
    parameter = known_parameter(type_name, code, known)
    if parameter.type != "reference":
        raise NotKnown(f"{code} is not a reference parameter and cannot be chained")
    branches = _chained_readers(parameter, target, rest, depth, known)
    size = sum(branch.branches for branch in branches.values())
    if size > _BRANCHES:
        raise NotKnown(
            f"{code} may refer to many types: name the one meant, as in {code}:Patient.{rest[:32]}"
        )
    by_url = [t for t in branches if "url" in known.of(t)] if is_canonical(parameter, type_name) else []
    return Reader(partial(_read_chain, code, branches, frozenset(by_url)), size)


def _chained_readers(
    parameter: SearchParameter, target: str, rest: str, depth: int, known: Parameters
) -> dict[str, Reader]:
    """The reader of the rest of a chain for each type that knows it."""
    if target:
        if target not in definitions().resource_types:
            raise NotKnown(f"{_shown(target)} is not a resource type")
        return {target: reader(target, rest, depth + 1, known)}
    found: dict[str, Reader] = {}
    refusal = NotKnown(f"{parameter.code} refers to no type that can be chained")
    for candidate in targets(parameter):
        try:
            found[candidate] = reader(candidate, rest, depth + 1, known)
        except TooMany:
            raise
        except NotKnown as error:
            refusal = error
    if not found:
        raise refusal
    return found


def _read_chain(
    code: str, branches: dict[str, Reader], by_url: frozenset[str], value: str, context: Context
) -> Expression:
    """A chain for each type; another for those that may be meant by their canonical url."""
    found: list[Expression] = []
    for target, branch in branches.items():
        where = branch.read(value, context)
        found.append(Chain(code, target, where))
        if target in by_url:
            found.append(Chain(f"{code}:canonical", target, where, True))
    return disjunction(found)


def _reverse(type_name: str, name: str, depth: int, known: Parameters) -> Reader:
    parts = name.split(":", 3)
    if len(parts) != 4 or not all(parts):
        raise NotKnown("Expected _has:[type]:[reference parameter]:[parameter]")
    _, source, code, rest = parts
    if source not in definitions().resource_types:
        raise NotKnown(f"{_shown(source)} is not a resource type")
    parameter = known_parameter(source, code, known)
    if parameter.type != "reference":
        raise NotKnown(f"{code} of {source} is not a reference parameter")
    if type_name not in targets(parameter) and not may_refer(parameter, source, type_name):
        raise NotKnown(f"{code} of {source} can never refer to {type_name}")
    inner = reader(source, rest, depth + 1, known)
    by_url = "url" in known.of(type_name) and is_canonical(parameter, source)
    return Reader(partial(_read_reverse, source, code, inner, by_url), inner.branches * (1 + by_url))


def _read_reverse(
    source: str, code: str, inner: Reader, by_url: bool, value: str, context: Context
) -> Expression:
    where = inner.read(value, context)
    found = Has(source, code, where)
    return disjunction([found, Has(source, f"{code}:canonical", where, True)]) if by_url else found
