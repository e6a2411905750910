"""A search over several resource types: every parameter must mean the same kind of thing on each of them.

https://hl7.org/fhir/R4/search.html#all
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from fhirserver.kernel.outcomes import Category, Issue, Refusal
from fhirserver.model.definitions import definitions
from fhirserver.search.controls import is_element
from fhirserver.search.expression import Everything, Expression, Nothing, Query, conjunction
from fhirserver.search.parse import parse

Pairs = Sequence[tuple[str, str]]
_INCLUDES: Final = frozenset({"_include"})


def type_names(value: str, among: Iterable[str]) -> tuple[str, ...]:
    """``_type``: the types named, each once. Raises a refusal (400) for one that is not ``among`` those searched."""
    known = frozenset(among)
    names = tuple(dict.fromkeys(value.split(",")))
    for name in names:
        if name not in known:
            reason = "is not searched here" if name in definitions().resource_types else "does not exist"
            issue = Issue("invalid", f"_type names a resource type that {reason}", ("http._type",))
            raise Refusal(Category.INVALID, [issue])
    return names


def parse_types(types: Sequence[str], pairs: Pairs, **options: Any) -> Query:
    """The query that ``pairs`` ask of each of ``types``; ``options`` are those of :func:`parse`.

    Raises :class:`Refusal` where one of the types lacks a parameter, or has one of another kind to sort by.
    """
    shared = {name: value for name, value in options.items() if name != "lenient"}
    if options.get("lenient"):
        ignored = _ignored(types, pairs, options)
        rest = [pair for pair in pairs if pair[0] not in ignored]
        return replace(parse_types(types, rest, **shared), ignored=tuple(ignored))
    found = [parse(type, _own(type, types, pairs), **shared) for type in types]
    return _together(types, found)


def _ignored(types: Sequence[str], pairs: Pairs, options: Mapping[str, Any]) -> list[str]:
    """The parameters that one of the types does not know."""
    found = (parse(type, _own(type, types, pairs), **options).ignored for type in types)
    return list(dict.fromkeys(name for ignored in found for name in ignored))


def _own(type: str, types: Sequence[str], pairs: Pairs) -> list[tuple[str, str]]:
    """The parameters as they concern one type: not the includes and elements of the others."""
    own = []
    for name, value in pairs:
        if name in _INCLUDES and value != "*":
            source = value.partition(":")[0]
            if source == type or (source not in types and type == types[0]):
                own.append((name, value))
        elif name == "_elements":
            names = _own_elements(type, types, value.split(","))
            own += [(name, ",".join(names))] if names else []
        else:
            own.append((name, value))
    return own


def _own_elements(type: str, types: Sequence[str], names: Iterable[str]) -> list[str]:
    """The elements that a type has; the first type also gets those that none has, and refuses them."""
    return [
        name
        for name in names
        if _has(type, name) or (type == types[0] and not any(_has(other, name) for other in types))
    ]


def _has(type: str, name: str) -> bool:
    return is_element(type, name.strip().removeprefix(f"{type}."))


def _together(types: Sequence[str], found: Sequence[Query]) -> Query:
    first = found[0]
    if any(query.sort != first.sort for query in found):
        text = "_sort: a parameter is not of the same kind on all types searched"
        raise Refusal(Category.INVALID, [Issue("not-supported", text, ("http._sort",))])
    includes = {include: None for query in found for include in query.includes}
    revincludes = {include: None for query in found for include in query.revincludes}
    elements = {name: None for query in found for name in query.elements}
    several = replace(
        first,
        type="",
        types=tuple(types),
        includes=tuple(includes),
        revincludes=tuple(revincludes),
        elements=tuple(elements),
    )
    return _conditioned(several, [query.where for query in found])


def _conditioned(query: Query, wheres: Sequence[Expression]) -> Query:
    """The query with these conditions; types that cannot match are left out, unless none is left."""
    kept = [pair for pair in zip(query.types, wheres, strict=True) if not isinstance(pair[1], Nothing)]
    kept = kept or [(query.types[0], Nothing())]
    types, conditions = tuple(type for type, _ in kept), tuple(where for _, where in kept)
    if len(set(conditions)) == 1:
        return replace(query, types=types, where=conditions[0], wheres=())
    return replace(query, types=types, where=Everything(), wheres=conditions)


def restricted(query: Query, by_type: Mapping[str, Expression]) -> Query:
    """The query with a further condition per type; a type without one is not searched at all."""
    wheres = [conjunction([by_type.get(type, Nothing()), where]) for type, where in query.by_type()]
    return replace(query, where=wheres[0]) if query.type else _conditioned(query, wheres)
