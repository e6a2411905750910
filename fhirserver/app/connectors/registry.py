"""The kinds of connectors that there are: one line each."""

from __future__ import annotations

from collections.abc import Mapping

from fhirserver.app.connectors import fhir, hl7v2, rest
from fhirserver.app.connectors.kind import Kind

KINDS: Mapping[str, Kind] = {"fhir": fhir, "hl7v2": hl7v2, "rest": rest}
