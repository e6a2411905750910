"""All functions of the language that work on values, by name."""

from __future__ import annotations

from fhirserver.model.fhirpath.functions import collections
from fhirserver.model.fhirpath.functions.signature import Functions

FUNCTIONS: Functions = {
    **collections.FUNCTIONS,
}
