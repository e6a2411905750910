"""Chains and ``_has`` of any depth over small random graphs, against an evaluator that only reads the JSON."""

from __future__ import annotations

from random import Random
from typing import Any, Final

from fhirserver.search.parse import parse
from tests.contracts.search_contract import START, Index

Resource = dict[str, Any]

EDGES: Final[dict[tuple[str, str], tuple[str, tuple[str, ...]]]] = {
    ("Patient", "organization"): ("managingOrganization", ("Organization",)),
    ("Patient", "general-practitioner"): ("generalPractitioner", ("Practitioner", "Organization")),
    ("Organization", "partof"): ("partOf", ("Organization",)),
    ("Observation", "subject"): ("subject", ("Patient",)),
    ("Observation", "performer"): ("performer", ("Patient", "Practitioner", "Organization")),
    ("Observation", "encounter"): ("encounter", ("Encounter",)),
    ("Encounter", "subject"): ("subject", ("Patient",)),
    ("Encounter", "part-of"): ("partOf", ("Encounter",)),
    ("Encounter", "service-provider"): ("serviceProvider", ("Organization",)),
}
"""(type, parameter) → (element, target types)."""

LEAVES: Final[dict[str, tuple[str, str, tuple[str, ...]]]] = {
    "Patient": ("gender", "gender", ("male", "female")),
    "Organization": ("name", "name", ("acme", "umbrella")),
    "Practitioner": ("active", "active", ("true", "false")),
    "Observation": ("status", "status", ("final", "amended")),
    "Encounter": ("status", "status", ("planned", "finished")),
}
"""Type → (parameter, element, values)."""

_LISTS: Final = frozenset({"performer", "generalPractitioner"})
_MODIFIERS: Final = ("", "", "", ":not", ":missing")
_IDS: Final = "abcd"


def graph(chance: Random) -> dict[tuple[str, str], Resource]:
    """Up to four resources of each type; references may lead nowhere, in circles, or to themselves."""
    made = {}
    for type in LEAVES:
        for id in _IDS[: chance.randrange(len(_IDS) + 1)]:
            made[type, id] = _resource(chance, type, id)
    return made


def _resource(chance: Random, type: str, id: str) -> Resource:
    resource: Resource = {"resourceType": type, "id": id}
    _, element, values = LEAVES[type]
    if chance.random() < 0.8:
        value = chance.choice(values)
        resource[element] = value == "true" if type == "Practitioner" else value
    for (source, _), (name, targets) in EDGES.items():
        if source == type and chance.random() < 0.7:
            references = [_reference(chance, targets) for _ in range(chance.randrange(1, 3))]
            resource[name] = references if name in _LISTS else references[0]
    return resource


def _reference(chance: Random, targets: tuple[str, ...]) -> Resource:
    version = "/_history/1" if chance.random() < 0.1 else ""
    return {"reference": f"{chance.choice(targets)}/{chance.choice(_IDS)}{version}"}


def criterion(chance: Random, type: str, depth: int) -> tuple[str, str]:
    """A parameter name of ``depth`` steps, forward and back, and a value."""
    if depth == 0:
        return _leaf(chance, type)
    forward = [(param, target) for (of, param), (_, to) in EDGES.items() if of == type for target in to]
    backward = [(source, param) for (source, param), (_, to) in EDGES.items() if type in to]
    if forward and (not backward or chance.random() < 0.5):
        param, target = chance.choice(forward)
        rest, value = criterion(chance, target, depth - 1)
        return f"{param}:{target}.{rest}", value
    if not backward:
        return _leaf(chance, type)
    source, param = chance.choice(backward)
    rest, value = criterion(chance, source, depth - 1)
    return f"_has:{source}:{param}:{rest}", value


def _leaf(chance: Random, type: str) -> tuple[str, str]:
    param, _, values = LEAVES[type]
    if chance.random() < 0.2:
        return "_id", chance.choice(_IDS)
    modifier = chance.choice(_MODIFIERS)
    if modifier == ":missing":
        return f"{param}:missing", chance.choice(["true", "false"])
    if modifier == ":not" and type == "Organization":
        modifier = ""  # names are strings, which have no :not
    return f"{param}{modifier}", chance.choice([*values, ",".join(values)])


def holds(world: dict[tuple[str, str], Resource], resource: Resource, name: str, value: str) -> bool:
    """Whether a resource fulfils a criterion, read off the JSON alone."""
    type = resource["resourceType"]
    if name.startswith("_has:"):
        _, source, param, rest = name.split(":", 3)
        mine = (type, resource["id"])
        others = (other for (kind, _), other in world.items() if kind == source)
        return any(mine in _targets(other, param) and holds(world, other, rest, value) for other in others)
    head, dot, rest = name.partition(".")
    if dot:
        param, _, target = head.partition(":")
        keys = [key for key in _targets(resource, param) if key[0] == target and key in world]
        return any(holds(world, world[key], rest, value) for key in keys)
    return _leaf_holds(resource, name, value)


def _targets(resource: Resource, param: str) -> list[tuple[str, str]]:
    name, _ = EDGES[resource["resourceType"], param]
    references = resource.get(name, [])
    parts = [
        one["reference"].split("/") for one in (references if isinstance(references, list) else [references])
    ]
    return [(part[0], part[1]) for part in parts]


def _leaf_holds(resource: Resource, name: str, value: str) -> bool:
    if name == "_id":
        return bool(resource["id"] == value)
    _, modifier = name.partition(":")[0], name.partition(":")[2]
    there = resource.get(LEAVES[resource["resourceType"]][1])
    text = {True: "true", False: "false", None: None}.get(there, there)
    if modifier == "missing":
        return (there is None) == (value == "true")
    found = text is not None and text in value.split(",")
    return found != (modifier == "not")


async def chains_agree(index: Index, chance: Random, depth: int = 5, queries: int = 8) -> None:
    """One round: a graph, and queries of random depth on it."""
    world = graph(chance)
    for pk, resource in enumerate(world.values(), 1):
        await index.put(pk, resource, START + pk)
    for _ in range(queries):
        type = chance.choice(sorted(LEAVES))
        pairs = [criterion(chance, type, chance.randrange(depth + 1)) for _ in range(chance.randrange(1, 3))]
        expected = [
            id
            for (kind, id), one in world.items()
            if kind == type and all(holds(world, one, *p) for p in pairs)
        ]
        query = parse(type, pairs, default_count=1000)
        found, _ = await index.search(query)
        assert found == expected, pairs
        assert await index.count(query) == len(expected), pairs
