"""Where the content of big code systems lies: releases of SNOMED CT, LOINC, RxNorm … that were imported.

A release is the content of one version of one code system. It is written once, by an import, and never changes
afterwards; importing it again puts another in its place as a whole. Its concepts are numbered from 0, so that sets of
them are bits (``terminology.positions``): in the order of their hierarchy, each before what is below it (by the first
of its parents), and what is below a concept is therefore mostly one run of numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.terminology import Concept, Designation

Runs = Sequence[tuple[int, int]]
"""``(first, behind the last)``, ascending, without overlaps."""


class Release(Protocol):
    """One imported code system, open for reading. Safe between threads."""

    url: str
    version: str
    header: JsonObject
    """The CodeSystem resource without ``concept``; ``count`` is the number of concepts."""
    size: int

    def number(self, code: str) -> int | None:
        """The concept's number, or None; in any case where the system says that case does not matter."""
        ...

    def concepts(self, numbers: Iterable[int]) -> Iterator[Concept]:
        """In the order of ``numbers``, with designations and properties."""
        ...

    def codes(self, numbers: Iterable[int]) -> Iterator[str]:
        """Only their codes, in that order: much cheaper."""
        ...

    def parents(self, number: int) -> Sequence[int]: ...

    def children(self, number: int) -> Sequence[int]: ...

    def is_below(self, number: int, other: int) -> bool:
        """Whether ``number`` is ``other`` or below it: in well under a millisecond."""
        ...

    def below(self, number: int) -> Runs:
        """The concept and all below it."""
        ...

    def above(self, number: int) -> Sequence[int]:
        """The concept and all above it, ascending."""
        ...

    def with_property(self, name: str, values: Iterable[str] | None = None) -> Iterator[int]:
        """The concepts that have the property: one of the values (as text), or any."""
        ...

    def property_values(self, name: str) -> Iterator[tuple[int, str]]:
        """Number and value (as text) for each concept that has the property."""
        ...

    def grouped_values(self, name: str) -> Iterator[tuple[int, int, str]]:
        """Number, group and value (as text), by number: for systems whose relationships come in groups."""
        ...

    def flagged(self, flag: str) -> Runs:
        """The concepts that are ``inactive`` or ``abstract``, or have none above (``root``) or below them (``leaf``)"""
        ...

    def called(self, text: str) -> Iterator[int]:
        """The concepts whose code, display or a designation is the text; those that differ in case, accents or
        punctuation come along."""
        ...

    def search(self, text: str, among: bytes = b"") -> Iterator[int]:
        """The concepts that have, in code, display or a designation, a word beginning with each word of ``text``,
        without regard to case and accents: best first. Reads no further than it is asked to. ``among`` leaves out
        others: a byte for each concept, the last one first, ``1`` where it may be found."""
        ...

    def count(self, text: str, among: bytes = b"") -> int | None:
        """How many a search finds to its end; None where many concepts of the release are called so."""
        ...


class ReleaseWriter(Protocol):
    """What an import writes a release with. Rows may come in any order, and are kept on disk, not in memory.

    Nothing is visible to readers before :meth:`finish`. What was written before :meth:`checkpoint` stays through a
    crash: an import that begins again asks :attr:`progress` how far it came.
    """

    progress: Mapping[str, int]
    """By the name of a source file (or step): what the last checkpoint said of it."""

    def concept(
        self,
        code: str,
        display: str = "",
        definition: str = "",
        *,
        inactive: bool = False,
        abstract: bool = False,
        status: str = "",
        extensions: Sequence[JsonObject] = (),
    ) -> None:
        """One row for each concept: a second one for the same code is refused by :meth:`finish`. Properties,
        designations and parents may come before it, and are refused there where it never comes."""
        ...

    def designation(self, code: str, designation: Designation) -> None: ...

    def property(self, code: str, name: str, value: str, type: str = "string", group: int = 0) -> None:
        """``type`` as in ``value[x]``: ``code``, ``string``, ``integer``, ``boolean``, ``dateTime``, ``decimal``, or
        ``Coding``: then ``value`` is its JSON. ``group`` as in SNOMED CT's relationships; 0 for none."""
        ...

    def parent(self, code: str, parent: str) -> None:
        """``code`` is right below ``parent``. The first parent that is written decides where ``code`` is listed.
        ``parent`` and ``child`` need not be written as properties too: readers get them from the hierarchy."""
        ...

    def checkpoint(self, source: str, done: int) -> None:
        """What was written so far is safe, and ``source`` is done up to ``done`` (bytes or rows)."""
        ...

    def discard(self) -> None:
        """Forget all that was written, and begin anew."""
        ...

    def close(self) -> None:
        """Let go of the release unfinished: what came after the last checkpoint is forgotten."""
        ...

    def finish(self, header: JsonObject) -> Iterator[tuple[str, int, int]]:
        """Number, link and index everything, then put the release in its place: ``(step, done, of)`` as it goes on.

        Raises a refusal where the hierarchy runs in a circle (naming a code of it) or a parent is no concept.
        """
        ...


class Releases(Protocol):
    """All releases of this server."""

    def find(self, url: str, version: str = "") -> Release | None:
        """The release; without a version the newest. Opened once and kept."""
        ...

    def versions(self, url: str) -> Sequence[str]:
        """Newest first; empty where the system was never imported."""
        ...

    def all(self) -> Iterator[JsonObject]:
        """The header of each release."""
        ...

    def generation(self) -> int:
        """Another number after each import or removal, also by another process."""
        ...

    def writer(self, url: str, version: str) -> ReleaseWriter: ...

    def remove(self, url: str, version: str) -> bool: ...
