"""What is stored, as the maps see it, without a server."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field

from fhirserver.kernel.json import JsonObject
from fhirserver.model.canonicals import Rank, rank
from fhirserver.ports.storage import Key


@dataclass(frozen=True)
class Stored:
    """One resource at a position of the log."""

    key: Key
    content: JsonObject
    position: int

    @property
    def urls(self) -> tuple[str, ...]:
        return (self.content["url"],) if self.content.get("url") else ()

    @property
    def version(self) -> str:
        return str(self.content.get("version", ""))

    @property
    def rank(self) -> Rank:
        return rank(self.content.get("status", ""), self.version, "", self.position)

    def resource(self) -> JsonObject:
        return deepcopy(self.content)


@dataclass
class Shelf:
    """Resources by type and id."""

    held: dict[Key, Stored] = field(default_factory=dict)
    position: int = 0

    def put(self, *resources: JsonObject) -> None:
        for one in resources:
            self.position += 1
            key = Key(one["resourceType"], one.get("id") or f"r{self.position}")
            self.held[key] = Stored(key, one, self.position)

    def stored(self, type: str) -> Iterator[Stored]:
        return (one for one in self.held.values() if one.key.type == type)


def concept_map(url: str, *groups: JsonObject, **more: object) -> JsonObject:
    return {"resourceType": "ConceptMap", "url": url, "status": "active", "group": list(groups), **more}


def group(source: str, target: str, *elements: JsonObject, **more: object) -> JsonObject:
    return {"source": source, "target": target, "element": list(elements), **more}


def element(code: str, *targets: object) -> JsonObject:
    """A target is a code (``equivalent``), ``(code, equivalence)``, or the JSON."""
    made: list[JsonObject] = []
    for one in targets:
        if isinstance(one, dict):
            made.append({"equivalence": "equivalent", **one})
        else:
            name, equivalence = one if isinstance(one, tuple) else (one, "equivalent")
            made.append({"code": name, "equivalence": equivalence})
    return {"code": code, **({"target": made} if made else {})}
