"""The conversation that a statement names as its evidence. See ``docs/architecture.md`` for its form."""

from __future__ import annotations

from collections.abc import Iterable

from fhirserver.kernel.json import JsonObject
from fhirserver.world.vocabulary import TRANSCRIPT_TURNS


def evidence_in(entities: Iterable[JsonObject]) -> tuple[str, tuple[int, ...]]:
    """The conversation (or the form) and the turns that a statement names as its evidence."""
    for entity in entities:
        reference = str(entity.get("what", {}).get("reference", ""))
        if reference.startswith(("Communication/", "QuestionnaireResponse/")):
            return "/".join(reference.split("/")[:2]), turns_in(entity)
    return "", ()


def turns_in(entity: JsonObject) -> tuple[int, ...]:
    """The numbers of the turns that a Provenance.entity names."""
    for extension in entity.get("extension", ()):
        if extension.get("url") == TRANSCRIPT_TURNS:
            parts = str(extension.get("valueString", "")).split(",")
            return tuple(int(part) for part in parts if part.strip().isdigit())
    return ()
