"""What the rooms ask of ConceptMaps, closure tables and naming systems.

https://hl7.org/fhir/R4/conceptmap.html, https://hl7.org/fhir/R4/terminology-service.html#closure,
https://hl7.org/fhir/R4/namingsystem.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.terminology_asked import PLAIN, Asked

NO_MATCH = frozenset({"unmatched", "disjoint"})
"""The equivalences that say that a code has no translation."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be translated: ``codings``, each with its system and code.

    ``map`` is a canonical url, ``ConceptMap/id``, or the resource; where it is empty, all maps that fit are asked.
    ``source`` and ``target`` are value sets: that of the codes given, and that in which a translation is sought; with
    ``reverse`` the maps are read from their target to their source. ``dependencies`` are other elements and their
    values (CodeableConcepts). ``asked`` may bring ConceptMaps along that only this question knows.
    """

    codings: tuple[JsonObject, ...]
    map: str | JsonObject = ""
    source: str = ""
    target: str = ""
    target_system: str = ""
    dependencies: tuple[tuple[str, JsonObject], ...] = ()
    reverse: bool = False
    asked: Asked = PLAIN


@dataclass(frozen=True, slots=True)
class Match:
    """One translation. ``concept`` is the Coding, None for an ``unmatched`` code; ``equivalence`` tells how it stands
    to ``coding``, which was translated; ``map`` is the canonical url of the ConceptMap asked, with its version.

    ``products`` are other elements that the map says, with their Codings; the comments what it says of its element, and
    of the target.
    """

    equivalence: str
    concept: JsonObject | None
    map: str
    coding: JsonObject
    products: tuple[tuple[str, JsonObject], ...] = ()
    source_comment: str = ""
    target_comment: str = ""

    @property
    def is_translation(self) -> bool:
        return self.concept is not None and self.equivalence not in NO_MATCH


@dataclass(frozen=True, slots=True)
class Translation:
    """``matches`` are the closest first. ``message`` says why there is none, or what else would help; it names no
    code. ``used`` are maps that ``unmapped`` of a map that was asked led to. ``is_out_of_scope``: a map is not for the
    code, since its source value set does not hold it."""

    result: bool
    matches: tuple[Match, ...] = ()
    message: str = ""
    used: tuple[str, ...] = ()
    is_out_of_scope: bool = False


class ConceptMaps(Protocol):
    """Code mapping by the ConceptMaps that this server knows."""

    def translate(self, question: Question) -> Translation:
        """Refused: ``not-found`` for a map that is not known, ``business-rule`` for maps whose ``unmapped`` run in a
        circle."""
        ...

    def systems(self, map: str) -> tuple[frozenset[str], frozenset[str]]:
        """The code systems of which a map has codes, and those into which it translates, also by maps that its
        ``unmapped`` refers to; an empty name is any. Refused: ``not-found``."""
        ...

    def codes(self, map: str) -> Mapping[str, JsonObject]:
        """Each code that a map lists with its closest translation, a Coding; the same object as long as nothing of it
        has changed. Refused: ``not-found``."""
        ...


@dataclass(frozen=True, slots=True)
class ClosureEntry:
    """``source`` is below ``target`` (``subsumes``: the target subsumes it), or another way to write it (``equal``)."""

    system: str
    source: str
    target: str
    equivalence: str = "subsumes"


@dataclass(frozen=True, slots=True)
class ClosureUpdate:
    """What a client has to add to its table so that it stands at ``version``."""

    version: str
    entries: tuple[ClosureEntry, ...] = ()


class Closures(Protocol):
    """Closure tables, each of one owner, durable before a call returns. All raise refusals:

    ``not-found`` (404) for a table that was never initialised; ``business-rule`` (422) for one that has to be
    initialised anew; ``value`` (400) for a version that was never handed out; those of the terminology for a code.
    """

    async def initialise(self, owner: str, name: str) -> ClosureUpdate:
        """An empty table, in the place of any that there was."""
        ...

    async def add(self, owner: str, name: str, concepts: Sequence[JsonObject]) -> ClosureUpdate:
        """Put Codings into the table, all or none; the new entries come back."""
        ...

    async def since(self, owner: str, name: str, version: str) -> ClosureUpdate:
        """All entries that were handed out after ``version``; ``0``: all there are."""
        ...


class Naming(Protocol):
    """The names by which code systems and identifier systems are known: urls, OIDs, UUIDs, codes of v2 table 0396."""

    def url(self, name: str) -> str:
        """The url of what is named: by ``urn:oid:…``, a bare OID, ``urn:uuid:…``, or a code of table 0396.
        ``name`` itself where it is not known, or is a url already."""
        ...

    def preferred_id(self, name: str, type: str) -> str:
        """The name of that type (``oid``, ``uuid``, ``uri``, ``other``). Refused: ``not-found`` where the system or
        such a name of it is not known, ``multiple-matches`` where there are several."""
        ...
