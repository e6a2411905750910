"""Where conformance resources come from. https://hl7.org/fhir/R4/conformance-module.html"""

from __future__ import annotations

from typing import Protocol

from fhirserver.kernel.json import JsonObject


class Conformance(Protocol):
    """The conformance resources that are known. Safe to call from several threads."""

    def find(self, url: str, type: str = "") -> JsonObject | None:
        """The resource with this canonical url, of resource type ``type`` where one is given, or None.

        A version may follow ``|`` and must match; without one the newest is meant, a retired one only where there is no
        other. The caller may change what it gets.
        """
        ...
