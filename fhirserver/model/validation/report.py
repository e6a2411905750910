"""Where a check is and what it found. Places are linked tuples, written out only when something is wrong."""

from __future__ import annotations

from typing import TypeAlias

from fhirserver.kernel.outcomes import Issue
from fhirserver.model.validation.unknown import step

Place: TypeAlias = "tuple[Place | None, str, int]"
"""``(parent, name, index)``; index −1 for what is not an item of a list."""

LIMIT = 500
"""Issues reported for one resource; hostile content could otherwise make as many as it has bytes."""


class TooManyIssues(Exception):
    """The report is full; what was found so far stands in it."""


class Report:
    """The issues of one resource, and what its contained resources make it look at later.

    ``minimums`` says whether minimum cardinalities are asked for. ``local`` collects ``#id`` references of
    the resource that is being checked, to be compared with what it contains.
    """

    __slots__ = ("_left_out", "issues", "local", "minimums")

    def __init__(self, minimums: bool):
        self.minimums = minimums
        self.issues: list[Issue] = []
        self.local: list[tuple[str, Place]] = []
        self._left_out = False

    def warn(self, code: str, diagnostics: str, place: Place) -> None:
        """Like :meth:`add`, for what official examples do although the specification says otherwise."""
        self.add(code, diagnostics, place, "warning")

    def add(self, code: str, diagnostics: str, place: Place, severity: str = "error") -> None:
        """Record an issue. ``diagnostics`` follows the name of the element and holds no value."""
        if len(self.issues) >= LIMIT and self._is_full(severity):
            return
        path = render(place)
        self.issues.append(Issue(code, f"{path}: {diagnostics}", (path,), severity))

    def _is_full(self, severity: str) -> bool:
        """Warnings beyond the limit are left out, and said to be; errors beyond it end the validation."""
        words = f"More than {LIMIT} issues; the rest are left out"
        if severity != "error":
            if not self._left_out:
                self.issues.append(Issue("too-costly", words, severity="information"))
            self._left_out = True
            return True
        if sum(issue.severity == "error" for issue in self.issues) >= LIMIT:
            self.issues.append(Issue("too-costly", words))
            raise TooManyIssues
        return False

    def beat(self) -> None:
        """Called for each value that is looked at closely; a report with a deadline raises TooManyIssues."""

    def unknown(self, name: str, words: str, place: Place) -> None:
        """Record a property that the type does not have."""
        known_as = step(name)
        if known_as:
            self.add("structure", words, (place, known_as, -1))
        else:
            self.add("structure", "unknown property whose name no FHIR element could have", place)


def render(place: Place) -> str:
    """The FHIRPath of a place: ``Patient.contact[0].name.given[1]``."""
    parts: list[str] = []
    at: Place | None = place
    while at is not None:
        at, name, index = at
        parts.append(name if index < 0 else f"{name}[{index}]")
    return ".".join(reversed(parts))
