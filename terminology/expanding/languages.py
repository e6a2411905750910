"""In which language a concept is shown.

https://build.fhir.org/ig/HL7/fhir-tx-ecosystem-ig/languages.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fhirserver.ports.terminology import Concept, Designation
from terminology.code_systems.meaning import STANDARDS_STATUS

ENGLISH = "en"
"""What a code system that does not say is written in."""
PREFERRED = {
    "system": "http://terminology.hl7.org/CodeSystem/hl7TermMaintInfra",
    "code": "preferredForLanguage",
}
_DISPLAYS = frozenset({"display", "preferredForLanguage", "900000000000013009"})
"""Uses of designations that can be shown; the last is SNOMED CT's synonym."""
_MOST = 50


@dataclass(frozen=True, slots=True)
class Languages:
    """``wanted`` are tags (BCP 47), best first. ``only``: what is in none of them is not shown (``*;q=0``)."""

    wanted: tuple[str, ...] = ()
    only: bool = False

    @classmethod
    def read(cls, text: str) -> Languages:
        """From ``displayLanguage`` or ``Accept-Language``: ``de,en;q=0.5,*;q=0``. What is no language is left out."""
        weighed: list[tuple[float, str]] = []
        only = False
        for part in text.split(",")[:_MOST]:
            tag, *parameters = (one.strip() for one in part.split(";"))
            weight = _weight(parameters)
            if tag == "*":
                only = weight == 0
            elif tag and weight > 0:
                weighed.append((-weight, tag))
        return cls(tuple(tag for _, tag in sorted(weighed, key=lambda one: one[0])), only)

    def choose(self, concept: Concept, more: Iterable[Designation] = ()) -> Designation | None:
        """How the concept is called in the best language there is; None where it is not to be shown at all.

        ``more`` are what a value set calls it. The concept's own display comes first in its language.
        """
        own = Designation(concept.display, concept.language or ENGLISH)
        names = [*more, own, *concept.designations]
        for wanted in self.wanted:
            for tag in _ranges(wanted):
                for name in names:
                    if name.value and _covers(tag, name.language) and (name is own or is_shown(name)):
                        return name
        return None if self.only and self.wanted else own


def _weight(parameters: Sequence[str]) -> float:
    for one in parameters:
        name, _, value = one.partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0


def _ranges(tag: str) -> list[str]:
    """The tag, then ever wider ones: ``de-CH``, ``de``."""
    parts = tag.split("-")
    return ["-".join(parts[:end]) for end in range(len(parts), 0, -1)]


def _covers(wanted: str, language: str) -> bool:
    """Whether a language is the wanted one or one of its variants."""
    wanted, language = wanted.lower(), language.lower()
    return language == wanted or language.startswith(f"{wanted}-")


def is_shown(designation: Designation) -> bool:
    """Whether a designation can stand for the display: no old one, and none for another use."""
    for extension in designation.extensions:
        if extension.get("url") == STANDARDS_STATUS and extension.get("valueCode") in (
            "withdrawn",
            "deprecated",
        ):
            return False
    return designation.use is None or designation.use.get("code") in _DISPLAYS
