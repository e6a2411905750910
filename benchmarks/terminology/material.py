"""Generated code systems of any size: words as they are spread in real ones, several parents for many concepts."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

URL = "http://example.org/fhir/CodeSystem/generated"
_SYLLABLES = [
    a + b
    for a in ["b", "c", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "st", "tr", "br"]
    for b in ["a", "e", "i", "o", "u", "an", "er", "is", "ol", "um"]
]


@dataclass(frozen=True)
class Generated:
    """``parents`` are numbers of concepts before."""

    number: int
    display: str
    synonym: str
    parents: tuple[int, ...]

    @property
    def code(self) -> str:
        return code_of(self.number)


def code_of(number: int) -> str:
    return str(100_000_000 + number * 7)


def vocabulary(size: int = 30_000, seed: int = 1) -> list[str]:
    chance = random.Random(seed)
    words: dict[str, None] = {}
    while len(words) < size:
        words["".join(chance.choices(_SYLLABLES, k=chance.choice((2, 2, 3, 3, 4))))] = None
    return list(words)


def concepts(size: int, seed: int = 1, most_parents: int = 3) -> Iterator[Generated]:
    """A hierarchy about 12 deep in which the further parents are near the first: siblings of it, or its cousins."""
    chance, words = random.Random(seed), vocabulary()
    weights = [*accumulate(1 / (rank + 10) for rank in range(len(words)))]
    first = [0] * size
    for number in range(size):
        above: tuple[int, ...] = ()
        if number:
            first[number] = int(number ** chance.uniform(0.55, 0.999)) if number > 20 else 0
            near = first[number]
            wanted = 1 + min(most_parents - 1, int(chance.expovariate(1.3)))
            others = {near + chance.randint(-50, 50) for _ in range(wanted - 1)}
            above = (near, *(other for other in sorted(others) if 0 <= other < number and other != near))
        said = chance.choices(words, cum_weights=weights, k=chance.randint(2, 8))
        yield Generated(number, " ".join(said).capitalize(), " ".join(reversed(said)), above)


def linked(size: int, far: int, seed: int = 1) -> Iterator[tuple[int, list[int]]]:
    """Concepts with four parents: one as in :func:`concepts`, and three within ``far`` of it."""
    chance = random.Random(seed)
    for number in range(size):
        first = int(number ** chance.uniform(0.55, 0.999)) if number > 20 else 0
        low, high = max(0, first - far), min(number, first + far)
        parents = [first, *(chance.randrange(low, high) for _ in range(3))] if number else []
        yield number, parents


def write_json(path: Path, size: int, seed: int = 1) -> None:
    """A CodeSystem whose hierarchy is told by ``parent`` properties, one concept a line."""
    header = {
        "resourceType": "CodeSystem",
        "url": URL,
        "version": "1",
        "name": "Generated",
        "status": "active",
        "content": "complete",
        "caseSensitive": True,
        "hierarchyMeaning": "is-a",
        "property": [{"code": "parent", "type": "code"}, {"code": "kind", "type": "string"}],
    }
    with path.open("w") as file:
        file.write(json.dumps(header)[:-1] + ',\n"concept": [')
        for concept in concepts(size, seed):
            file.write(",\n" if concept.number else "\n")
            file.write(json.dumps(_resource(concept)))
        file.write("\n]}\n")


def _resource(concept: Generated) -> dict[str, Any]:
    return {
        "code": concept.code,
        "display": concept.display,
        "designation": [{"language": "en", "value": concept.synonym}],
        "property": [
            *({"code": "parent", "valueCode": code_of(parent)} for parent in concept.parents),
            {"code": "kind", "valueString": f"kind {concept.number % 97}"},
        ],
    }
