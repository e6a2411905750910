"""What a request asks of the terminology that it is answered with: see :mod:`fhirserver.ports.terminology_asked`."""

from __future__ import annotations

from fhirserver.ports.terminology_asked import PLAIN, Asked

__all__ = ["PLAIN", "Asked"]
