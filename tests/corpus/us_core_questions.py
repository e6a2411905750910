"""Questions to a server out of requirements and data: each with what it must find, worked out without the server.

A requirement is a group in the form of Inferno's generated metadata: ``:resource``, ``:searches`` (``:names``,
``:expectation``) and ``:search_definitions`` (``:paths``, ``:type``, ``:comparators``, ``:multiple_or``, ``:chain`` …).
What must be found is the business of :mod:`tests.corpus.us_core_naive`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, product
from typing import TypeAlias

from tests.corpus.us_core_naive import Json, Parameter, matches, written

MOST = 4
"""How many different searches are asked for one combination and one way to write it."""
ASKED = frozenset({"SHALL", "SHOULD"})
Ways: TypeAlias = tuple[str, Iterator["Question"]]
"""What is asked, in words, and the ways to ask it."""


@dataclass(frozen=True)
class Question:
    """Parameters to send, and which resources must be found."""

    params: tuple[tuple[str, str], ...]
    expected: frozenset[str]

    @staticmethod
    def of(pairs: list[tuple[Parameter, str]], held: list[Json]) -> Question:
        found = {
            place(one) for one in held if all(matches(parameter, one, text) for parameter, text in pairs)
        }
        return Question(tuple((parameter.name, text) for parameter, text in pairs), frozenset(found))

    def __str__(self) -> str:
        return "&".join(f"{name}={text}" for name, text in self.params)


def place(resource: Json) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def wanted(group: Json) -> Iterator[Json]:
    """The searches of a group that a server shall or should answer."""
    return (search for search in group[":searches"] if search[":expectation"] in ASKED)


def questions(group: Json, data: list[Json], most: int = 4 * MOST) -> Iterator[tuple[str, list[Question]]]:
    """All that a group asks of searches, each in ``most`` ways at most; none where the data have no such values."""
    for name, asked in _asked(group, data):
        yield name, list(islice(asked, most))


def _asked(group: Json, data: list[Json]) -> Iterator[Ways]:
    held = [one for one in data if one["resourceType"] == group[":resource"]]
    definitions = group[":search_definitions"]
    for search in wanted(group):
        parameters = [Parameter.read(name, definitions[name]) for name in search[":names"]]
        name = f"{group['file']}: {'+'.join(search[':names'])}"
        yield name, _different(_plain(parameters, definitions, held))
        for index, parameter in enumerate(parameters):
            definition = definitions[parameter.name]
            yield from _comparators(name, parameters, index, definition, held)
            yield from _multiples(name, parameters, index, definition, held)
    yield from _chains(group, held, data)


def _different(asked: Iterable[Question | None]) -> Iterator[Question]:
    """As they are asked for: no more are worked out."""
    seen = set()
    for question in asked:
        if question is not None and question not in seen:
            seen.add(question)
            yield question


def _plain(parameters: list[Parameter], definitions: Json, held: list[Json]) -> Iterator[Question | None]:
    """Each way to write the values of the first resources that have all of them; made-up values where none has."""
    choices: dict[tuple[str, ...], None] = {}
    for resource in held:
        ways = [[t for value in p.values(resource)[:2] for t in written(p, value)] for p in parameters]
        choices.update(dict.fromkeys(combination for combination in list(product(*ways))[: 2 * MOST]))
    if not choices:
        choices[tuple(_made_up(p, definitions[p.name], held) for p in parameters)] = None
    for texts in choices:
        yield Question.of(list(zip(parameters, texts, strict=True)), held)


def _made_up(parameter: Parameter, definition: Json, held: list[Json]) -> str:
    """A value where the data have none for all parameters at once."""
    for resource in held:
        for value in parameter.values(resource):
            if texts := written(parameter, value):
                return texts[0]
    stated = definition.get(":values") or []
    kinds = {"date": "2020-01-01", "reference": "Patient/907", "uri": "http://example.org/q"}
    return str(stated[0]) if stated else kinds.get(parameter.kind, "nothing")


def _with(
    parameters: list[Parameter], index: int, texts: list[str], resource: Json, held: list[Json]
) -> Question | None:
    """All parameters by the resource's own values, the one at ``index`` by the texts (each repeated: all of them)."""
    pairs = []
    for at, parameter in enumerate(parameters):
        own = _texts(parameter, resource)
        if at == index:
            pairs += [(parameter, text) for text in texts]
        elif own:
            pairs.append((parameter, own[0]))
        else:
            return None
    return Question.of(pairs, held)


def _comparators(
    name: str, parameters: list[Parameter], index: int, definition: Json, held: list[Json]
) -> Iterator[Ways]:
    parameter = parameters[index]
    for code, expectation in (definition.get(":comparators") or {}).items():
        prefix = code.lstrip(":")
        if expectation not in ASKED and prefix == "ap":
            continue  # how near is near is the server's to say
        asked = (
            _with(parameters, index, [prefix + text], resource, held)
            for resource in held
            for text in _texts(parameter, resource)[:2]
        )
        yield f"{name} {parameter.name}={prefix}", _different(asked)


def _texts(parameter: Parameter, resource: Json) -> list[str]:
    return [text for value in parameter.values(resource) for text in written(parameter, value)]


def _multiples(
    name: str, parameters: list[Parameter], index: int, definition: Json, held: list[Json]
) -> Iterator[Ways]:
    """Several values with a comma (or), and the parameter repeated (and)."""
    parameter = parameters[index]
    seen: dict[str, None] = {}
    for resource in held:
        seen.update(dict.fromkeys(t for v in parameter.values(resource) for t in written(parameter, v)[:1]))
    stated = [str(value) for value in definition.get(":values") or ()]
    texts = [*list(seen)[:3], *stated] if parameter.kind != "date" else list(seen)[:3]
    if definition.get(":multiple_or") in ASKED and texts:
        either = (_with(parameters, index, [",".join(texts)], resource, held) for resource in held[:MOST])
        yield f"{name} {parameter.name} or", _different(either)
    if definition.get(":multiple_and") in ASKED or parameter.kind == "date":
        both = ((resource, _both(parameter, resource)) for resource in held)
        asked = (_with(parameters, index, texts, resource, held) for resource, texts in both if texts)
        yield f"{name} {parameter.name} and", _different(asked)


def _both(parameter: Parameter, resource: Json) -> list[str]:
    own = _texts(parameter, resource)
    return [f"ge{own[0]}", f"le{own[0]}"] if parameter.kind == "date" and own else own[:2]


def _chains(group: Json, held: list[Json], data: list[Json]) -> Iterator[Ways]:
    for name, definition in group[":search_definitions"].items():
        for chain in definition.get(":chain", ()):
            if chain[":expectation"] not in ASKED:
                continue
            parameter, code = Parameter.read(name, definition), chain[":chain"]
            kind, path = ("token", "identifier") if code == "identifier" else ("string", code)
            inner = Parameter(code, (path,), kind)
            asked = (
                _chained(parameter, inner, text, target, held)
                for target in data
                if any(matches(parameter, one, place(target)) for one in held)
                for text in _texts(inner, target)
            )
            yield f"{group['file']}: {name}.{code}", _different(asked)


def _chained(parameter: Parameter, inner: Parameter, text: str, target: Json, held: list[Json]) -> Question:
    found = {place(one) for one in held if matches(parameter, one, place(target))}
    name = f"{parameter.name}:{target['resourceType']}.{inner.name}"
    return Question(((name, text),), frozenset(found))


# Includes


def included(include: str, held: list[Json], data: list[Json]) -> set[str]:
    """What an ``_include`` of ``Type:parameter`` or ``Type:parameter:target`` brings with these resources."""
    _, name, *target = include.split(":")
    found = {place(one) for one in data if any(_refers(resource, name, one) for resource in held)}
    return {one for one in found if not target or one.split("/")[0] == target[0]}


def _refers(resource: Json, name: str, target: Json) -> bool:
    """Whether an element named like the parameter (also as a choice, also below) refers to the target."""
    texts = json.dumps([inner for key, inner in resource.items() if key.startswith(name)])
    return f'"{place(target)}"' in texts


def provenances(held: list[Json], data: list[Json]) -> set[str]:
    """The Provenances that are about some of these resources."""
    places = {*map(place, held)}
    return {
        place(one)
        for one in data
        if one["resourceType"] == "Provenance"
        and any(target.get("reference", "").split("/_history")[0] in places for target in one["target"])
    }
