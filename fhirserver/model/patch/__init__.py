"""Patches as pure functions on resources: JSON Patch (RFC 6902) and FHIRPath Patch.

Both are read first (a malformed one is refused with 400) and applied later, as often as need be (what does not
fit the resource is refused with 422).
"""

from __future__ import annotations

from fhirserver.model.patch.fhirpath_patch import parse_fhirpath_patch
from fhirserver.model.patch.json_patch import parse_json_patch

__all__ = ["parse_fhirpath_patch", "parse_json_patch"]
