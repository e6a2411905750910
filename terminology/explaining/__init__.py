"""Why a code is in a value set, or is not: part by part of its ``compose``.

https://hl7.org/fhir/R4/valueset.html#compositions
"""

from terminology.explaining.explaining import explain

__all__ = ["explain"]
