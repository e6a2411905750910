"""What value sets and operations need of a code system, wherever its content comes from.

A code system is a stored CodeSystem, one that R4 defines, an imported release, a list that others keep (countries,
currencies), or a grammar (UCUM, BCP-47). Its concepts are numbered in the order in which they are listed, parents
before children, so that sets of them are bits (:class:`terminology.positions.Positions`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeAlias

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.terminology import Concept
from terminology.positions import Positions

Condition: TypeAlias = JsonObject
"""A ``ValueSet.compose.include.filter``: ``property``, ``op``, ``value``. https://hl7.org/fhir/R4/valueset-filter-operator.html"""

Resolve: TypeAlias = Callable[[str, str], JsonObject | None]
"""``(canonical url, resource type)`` → the resource, or None. A version may follow ``|``."""


class System(Protocol):
    """One version of one code system. Everywhere but in :meth:`find`, a code is written as the system writes it.

    Conditions that are not understood, or not by this system, are refused: ``not-supported`` for an operator or
    property, ``invalid`` for a value that makes no sense, ``too-costly`` for a regex that could run for ever.
    """

    url: str
    version: str
    header: JsonObject
    """The CodeSystem resource without ``concept``: its ``content``, ``caseSensitive``, ``language``, ``property`` …
    Systems that are no resource have one that says the same."""

    # One code

    def find(self, code: str) -> Concept | None:
        """The concept: whatever its case, where the system says that case does not matter."""
        ...

    def is_a(self, code: str, ancestor: str) -> bool:
        """Whether ``code`` is ``ancestor`` or below it. False where either is no code of the system."""
        ...

    def parents(self, code: str) -> Sequence[str]: ...

    def children(self, code: str) -> Sequence[str]: ...

    def ancestors(self, code: str) -> Sequence[str]:
        """The code, and all that are above it."""
        ...

    def holds(self, code: str, condition: Condition) -> bool:
        """Whether the concept passes the filter, without listing all that do."""
        ...

    # Sets of them. Grammars refuse these (``too-costly``): their codes have no end.

    @property
    def size(self) -> int:
        """How many concepts there are."""
        ...

    def select(self, condition: Condition) -> Positions:
        """All concepts that pass the filter."""
        ...

    def position(self, code: str) -> int | None: ...

    def at(self, positions: Iterable[int]) -> Iterator[Concept]:
        """The concepts, in the order of ``positions``."""
        ...

    def search(self, text: str, among: Positions | None = None) -> Iterator[int]:
        """Whose code, display or a designation holds the text, or has words beginning with its words: best first.
        Of a set, all that are in it. Reads no further than it is asked to."""
        ...

    def count(self, text: str, among: Positions | None = None) -> int | None:
        """How many a search finds to its end; None where counting them takes long."""
        ...

    def descendants(self, code: str) -> Positions:
        """The code, and all that are below it."""
        ...

    def flagged(self, flag: str) -> Positions:
        """All that are ``inactive``, or ``abstract``; or have none above (``root``) or below them (``leaf``)."""
        ...


class Library(Protocol):
    """Finds what is named by canonical url and version, for one request: what the server holds, what the request brings
    along (``tx-resource``), and the versions the request asks for (``system-version``, ``check-system-version``,
    ``force-system-version``).

    A version may have wildcards (``1.x``, ``1.0.x``, ``1.0?``): the newest that fits is meant.
    """

    def system(self, url: str, version: str = "") -> System | None:
        """The code system, with the supplements in use laid over it; without a version the one that the request
        asks for, else the newest active. None where it, or the version, is not here."""
        ...

    def system_versions(self, url: str) -> Sequence[str]:
        """All versions known here, oldest first; empty where the system is not known (or has no version)."""
        ...

    def value_set(self, canonical: str) -> JsonObject | None: ...

    def value_set_versions(self, url: str) -> Sequence[str]: ...

    def concept_maps(self) -> Sequence[JsonObject]:
        """All ConceptMaps known here."""
        ...
