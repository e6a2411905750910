"""What the rooms ask of a terminology service. https://hl7.org/fhir/R4/terminology-service.html"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.ports.code_validation import CodeAnswer, CodeQuestion
from fhirserver.ports.terminology_asked import PLAIN, Asked


@dataclass(frozen=True, slots=True)
class Designation:
    """Another way to write a concept. ``use`` is the Coding of its use, where one is stated; ``source`` the supplement
    (as a canonical) that it is from."""

    value: str
    language: str = ""
    use: JsonObject | None = None
    extensions: tuple[JsonObject, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class Concept:
    """A code with what its code system, and the supplements in use, say about it.

    ``abstract`` concepts only group others. ``properties`` are as in ``CodeSystem.concept.property``, ``extensions`` as
    in ``CodeSystem.concept.extension``; ``status`` is the property of that name (``deprecated``, ``retired`` …). The
    ``language`` is that of ``display``, where the system names one.
    """

    system: str
    code: str
    display: str = ""
    definition: str = ""
    designations: tuple[Designation, ...] = ()
    abstract: bool = False
    inactive: bool = False
    version: str = ""
    language: str = ""
    status: str = ""
    properties: tuple[JsonObject, ...] = ()
    extensions: tuple[JsonObject, ...] = ()


@dataclass(frozen=True, slots=True)
class Validation:
    """Whether a code is in a value set; ``message`` says why not, naming no code.

    ``cause`` of a false result: ``not-in-vs``; ``invalid-code``: its system has no such code; ``invalid-display``: the
    code is right and the display is none of its own (``concept`` then has them).
    """

    result: bool
    concept: Concept | None = None
    message: str = ""
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Expansion:
    """The codes of a value set: ``concepts`` is the page asked for, ``total`` the number of all."""

    url: str
    version: str
    total: int
    offset: int
    concepts: tuple[Concept, ...]


@dataclass(frozen=True, slots=True)
class KnownSystem:
    """A code system that codes can be asked of. ``hierarchical``: some of its codes are below others."""

    url: str
    version: str = ""
    hierarchical: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """What an operation is asked: its parameters by name, with bare values, as the request has them.

    ``instance`` is the resource at which it is asked, such as ``ValueSet/1``; ``language`` is what ``Accept-Language``
    says.
    """

    given: Mapping[str, Sequence[Json]]
    instance: str = ""
    language: str = ""


class Terminology(Protocol):
    """Code systems and value sets.

    All raise :class:`fhirserver.kernel.outcomes.Refusal`: ``not-found`` for a code system or value set that
    is not known (also one that a value set draws on), ``too-costly`` for an expansion over the limit,
    ``not-supported`` for a filter that is not understood. An unknown system never gives ``result=False``.
    """

    @property
    def waits(self) -> bool:
        """Whether another server may have to be waited for: then it is asked in a thread. On the thread of an event
        loop it answers without waiting, or refuses (503)."""
        ...

    def validate_code(
        self, value_set: str | JsonObject, system: str, code: str, *, version: str = "", display: str = ""
    ) -> Validation:
        """Whether ``value_set`` (canonical url, or the resource) holds the code; an empty ``system`` is inferred.

        An empty ``value_set`` asks only whether the system has the code. ``version`` is that of the system; a
        ``display`` is compared with those of the code, without regard to case and spaces.
        """
        ...

    def validate(self, question: CodeQuestion, asked: Asked = PLAIN) -> CodeAnswer:
        """All that is to be said of a code, or of the codings of a concept: ``$validate-code``.

        A value set that is asked and not known is refused (``not-found``), one that it imports and that is not known,
        and an unknown code system, are an answer.
        """
        ...

    def lookup(self, system: str, code: str) -> Concept:
        """The concept; ``not-found`` when the system has no such code."""
        ...

    def subsumes(self, system: str, code: str, other: str, *, version: str = "", asked: Asked = PLAIN) -> str:
        """``equivalent``, ``subsumes``, ``subsumed-by`` or ``not-subsumed``: ``code`` beside ``other``."""
        ...

    def related(self, system: str, code: str, direction: Literal["above", "below"]) -> Sequence[str]:
        """The code itself and all that subsume it (``above``), or that it subsumes (``below``).

        Codes are as the system writes them. ``not-found`` when the system has no such code.
        """
        ...

    def expand(
        self, value_set: str | JsonObject, text: str = "", offset: int = 0, count: int | None = None
    ) -> Expansion:
        """The codes of a value set, those whose display or code contains ``text`` if one is given.

        ``value_set`` is a canonical url, ``ValueSet/id`` for one that is stored on this server, or the resource.
        """
        ...

    def answer(self, operation: str, question: Question, asked: Asked = PLAIN) -> JsonObject:
        """The resource with which an operation is answered: ``lookup``, ``find-matches``, ``expand``."""
        ...

    def kept(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """A whole answer that was kept under a key, else what ``make`` gives, which is kept until something changes.

        Only what follows from the key, and from what the server holds, may be made.
        """
        ...

    def answered(self, key: Hashable) -> bytes | None:
        """The answer that was kept under a key, if any still is."""
        ...

    def systems_of(self, value_set: str | JsonObject) -> Sequence[str]:
        """The code systems that a value set draws on, with those of the value sets it imports."""
        ...

    def members(self, value_set: str | JsonObject, system: str, codes: Iterable[str]) -> frozenset[str]:
        """Those of the codes that the value set holds: as :meth:`validate_code` of each, without expanding it."""
        ...

    def systems(self) -> Sequence[KnownSystem]:
        """Every code system whose codes are known here, by url."""
        ...
