"""What a request asks of the terminology that it is answered with.

https://build.fhir.org/ig/HL7/fhir-tx-ecosystem-ig/requirements.html
"""

from __future__ import annotations

from fhirserver.ports.terminology_asked import PLAIN, Asked

__all__ = ["PLAIN", "Asked"]
