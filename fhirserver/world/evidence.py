"""Who said something and on what evidence: the conversation and turns that a statement names.

``docs/architecture.md`` has the form of the evidence.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.judge import Turn
from fhirserver.world.vocabulary import TRANSCRIPT_TURNS


@dataclass(frozen=True, slots=True)
class Rests:
    """One thing that a statement rests on: a Provenance.entity, with what was said in the turns it names."""

    entity: JsonObject
    turns: tuple[int, ...] = ()
    quotes: tuple[Turn, ...] = ()

    @property
    def what(self) -> JsonObject:
        found: JsonObject = self.entity.get("what", {})
        return found


@dataclass(frozen=True, slots=True)
class Word:
    """One statement or ruling about a resource: the commit it is in, who made it, on what evidence.

    ``id`` is that of the commit, and of its Provenance; ``principal`` who wrote, ``agents`` are Provenance.agent.
    """

    position: int
    id: str
    recorded: str
    source: str
    principal: str
    method: str = ""
    agents: tuple[JsonObject, ...] = ()
    rests: tuple[Rests, ...] = ()

    @property
    def reference(self) -> str:
        return f"Provenance/{self.id}"

    @property
    def who(self) -> str:
        """Who is to be named, as a person reads it."""
        return self.principal or self.source


def evidence_in(entities: Iterable[JsonObject]) -> tuple[str, tuple[int, ...]]:
    """The conversation and turns that a statement names as its evidence."""
    for entity in entities:
        reference = str(entity.get("what", {}).get("reference", ""))
        if reference.startswith("Communication/"):
            return "/".join(reference.split("/")[:2]), turns_in(entity)
    return "", ()


def turns_in(entity: JsonObject) -> tuple[int, ...]:
    """The numbers of the turns that a Provenance.entity names."""
    for extension in entity.get("extension", ()):
        if extension.get("url") == TRANSCRIPT_TURNS:
            parts = str(extension.get("valueString", "")).split(",")
            return tuple(int(part) for part in parts if part.strip().isdigit())
    return ()
