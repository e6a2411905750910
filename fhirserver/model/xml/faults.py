"""What can be wrong with XML, or with a resource that should become XML."""

from __future__ import annotations


class InvalidXml(ValueError):
    """The text is not FHIR XML. The message names the line and holds no content; ``expression`` is the
    element's FHIRPath, empty where there is none."""

    def __init__(self, line: int, problem: str, expression: str = ""):
        super().__init__(f"line {line}: {problem}" if line else problem)
        self.expression = expression


class NotInXml(ValueError):
    """JSON that FHIR XML cannot hold: an element R4 does not have, or a character XML does not have."""
