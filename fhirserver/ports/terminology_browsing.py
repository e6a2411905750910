"""What people ask who look around in terminology: what there is, how it hangs together, why a code is in a value set.

Beside :class:`fhirserver.ports.terminology.Terminology`, which programs ask.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.terminology import Concept


@dataclass(frozen=True, slots=True)
class Known:
    """A CodeSystem, ValueSet or ConceptMap that is known here.

    ``origin`` is ``stored``, ``R4`` (the specification's own), ``release`` (imported) or ``built in`` (a grammar, a
    list of the program, or a definition of this server). ``content`` and ``count`` are of code systems; the count is
    None where it is not known, or the codes have no end.
    """

    type: str
    url: str
    version: str = ""
    title: str = ""
    status: str = ""
    origin: str = "stored"
    content: str = ""
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some of what is known, and the number of all that fit, by type."""

    shown: tuple[Known, ...]
    totals: dict[str, int]


@dataclass(frozen=True, slots=True)
class Node:
    """A concept as it stands in a tree; ``number`` is its place among its siblings, from 0; it ``opens`` where there
    are concepts below it."""

    code: str
    display: str
    number: int
    opens: bool
    inactive: bool = False
    abstract: bool = False
    status: str = ""


@dataclass(frozen=True, slots=True)
class Level:
    """Siblings: those from ``offset`` on, of ``total``. ``parent`` is empty for the top of the system."""

    parent: str
    offset: int
    total: int
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found, best first; ``more``: there is more than this."""

    nodes: tuple[Node, ...]
    more: bool


class Named(NamedTuple):
    code: str
    display: str


@dataclass(frozen=True, slots=True)
class Remark:
    """What a supplement says about a concept."""

    supplement: str
    title: str
    concept: Concept
    in_use: bool
    """Whether it is laid over the system without being asked for."""


@dataclass(frozen=True, slots=True)
class ConceptInTree:
    """A concept with what is around it. ``path`` leads from the top to it, by the first parent of each."""

    concept: Concept
    parents: tuple[Named, ...]
    children: int
    path: tuple[Named, ...]
    below: int | None
    """How many are below it, itself not counted; None where it is not told."""
    properties: tuple[tuple[JsonObject, str, Named | None], ...]
    """Each as it is stated, with its description, and the concept of the same system that it names, if it does."""
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True)
class SystemFacts:
    """One version of a code system. ``size`` is None where its codes have no end, or are not here; ``why`` then says
    so."""

    known: Known
    header: JsonObject
    versions: tuple[str, ...]
    size: int | None
    is_tree: bool
    why: str = ""


class Drawn(NamedTuple):
    """A concept in a small picture of a tree. ``role`` is ``asked`` (the code in question), ``named`` (that of the
    filter), ``both``, or empty."""

    code: str
    display: str
    depth: int
    role: str


@dataclass(frozen=True, slots=True)
class Reason:
    """One step of an explanation: what was looked at, whether it holds (None: that cannot be told), and why.

    ``place`` is the element of the value set; ``steps`` are what it follows from; ``picture`` is of the hierarchy,
    parents before children.
    """

    what: str
    holds: bool | None
    why: str
    place: str = ""
    steps: tuple[Reason, ...] = ()
    picture: tuple[Drawn, ...] = ()
    value_set: str = ""
    """The canonical of the value set that this is about, where it is about another one."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether a code is in a value set, and what each part of its compose says."""

    result: bool | None
    text: str
    steps: tuple[Reason, ...]
    concept: Concept | None = None


class Browsing(Protocol):
    """Reads only. All raise :class:`fhirserver.kernel.outcomes.Refusal`: ``not-found`` for what is not known here.

    Every method may take a while, and may be called from any thread.
    """

    def known(self, type: str, text: str = "", offset: int = 0, count: int = 50) -> Page:
        """What is known of a type, and whose name, title or url holds all words of the text."""
        ...

    def value_set(self, canonical: str) -> JsonObject:
        """The resource, also one that its url implies; with ``version`` after ``|``."""
        ...

    def value_set_versions(self, url: str) -> Sequence[str]:
        """Oldest first."""
        ...

    def concept_map(self, canonical: str) -> JsonObject: ...

    def system(self, url: str, version: str = "") -> SystemFacts: ...

    def level(self, url: str, version: str, parent: str = "", offset: int = 0, count: int = 100) -> Level:
        """What is directly below a concept, or the top of the system."""
        ...

    def way(self, url: str, version: str, code: str, count: int = 100) -> Sequence[Level]:
        """The levels from the top to a concept, each with the page of siblings that the way goes through."""
        ...

    def search(self, url: str, version: str, text: str, count: int = 50) -> Found: ...

    def concept(self, url: str, version: str, code: str) -> ConceptInTree: ...

    def explain(
        self,
        canonical: str,
        system: str,
        code: str,
        *,
        versions: Sequence[str] = (),
        active_only: bool = False,
    ) -> Explanation:
        """Why a code is in a value set, or not. ``versions`` are canonicals of code systems to use
        (``system-version``); with ``active_only`` inactive codes are out."""
        ...
