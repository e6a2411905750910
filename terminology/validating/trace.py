"""What was found out about one code on the way through a value set."""

from __future__ import annotations

from dataclasses import dataclass, field

from fhirserver.ports.code_validation import Coded
from fhirserver.ports.terminology import Concept
from terminology.systems import System
from terminology.validating.displays import Shown, same_text
from terminology.validating.findings import Finding, Findings


@dataclass
class Trace:
    """``path`` is where the code stands in the question. ``unknown`` are systems that are not known here."""

    path: str
    coded: Coded
    findings: Findings = field(default_factory=Findings)
    unknown: dict[str, None] = field(default_factory=dict)
    system: System | None = None
    concept: Concept | None = None
    texts: list[Shown] = field(default_factory=list)
    normalized: str = ""

    def apart(self) -> Trace:
        """A trace that knows nothing yet of the same code: for a part of a value set that may not hold it."""
        return Trace(self.path, self.coded)

    @property
    def is_called_so(self) -> bool:
        """Whether the display that is given, if one is, is among the texts of the code."""
        display = self.coded.display
        return not display or not self.texts or any(same_text(one.text, display) for one in self.texts)

    def take(self, other: Trace) -> None:
        """What another trace of the same code found out."""
        self.findings.extend(other.findings)
        self.unknown.update(other.unknown)
        if other.system is not None:
            self.system = other.system
        if other.concept is not None:
            self.concept, self.texts, self.normalized = other.concept, other.texts, other.normalized

    def add(self, *findings: Finding | None) -> None:
        self.findings.add(*(one for one in findings if one is not None))
