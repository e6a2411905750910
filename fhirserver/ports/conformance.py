"""Where definitions are found. https://hl7.org/fhir/R4/conformance-module.html"""

from __future__ import annotations

from typing import Protocol

from fhirserver.kernel.json import JsonObject


class Conformance(Protocol):
    """Conformance resources by their canonical url: R4's own, and those that a server holds beside them."""

    def find(self, url: str, type: str = "") -> JsonObject | None:
        """The resource with this url, None where it is not known.

        A version may follow ``|`` and must then match. ``type`` restricts to one resource type, such as
        ``StructureDefinition``. What is returned is shared and must not be changed.
        """
        ...
