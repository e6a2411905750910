"""The filters that only SNOMED CT has, as expression constraints. https://hl7.org/fhir/R4/snomedct.html#filters"""

from __future__ import annotations

import re

from fhirserver.kernel.json import JsonObject

SNOMED = "http://snomed.info/sct"
_CODES = re.compile(r"\s*[1-9][0-9]{5,17}\s*(?:,\s*[1-9][0-9]{5,17}\s*)*")


def as_ecl(url: str, condition: JsonObject) -> str | None:
    """The constraint that says what the filter does; None for a filter that any code system may have.

    ``constraint`` and ``expression`` have ECL as their value; ``concept in`` names reference sets; ``expressions`` says
    whether expressions are meant too, which here no code is.
    """
    if url != SNOMED:
        return None
    value = str(condition.get("value") or "")
    match condition.get("property"), condition.get("op"):
        case (("constraint" | "expression"), "="):
            return value
        case "expressions", "=":
            return "*"
        case "concept", "in" if _CODES.fullmatch(value):
            return " OR ".join(f"^ {code.strip()}" for code in value.split(","))
    return None
