"""How a target stands to its source. https://hl7.org/fhir/R4/valueset-concept-map-equivalence.html"""

from __future__ import annotations

_INVERSE = {"wider": "narrower", "narrower": "wider", "subsumes": "specializes", "specializes": "subsumes"}
_CLOSENESS = {
    name: rank
    for rank, names in enumerate(
        (
            ("equal",),
            ("equivalent",),
            ("subsumes", "wider", "specializes", "narrower"),
            ("relatedto", "inexact"),
        )
    )
    for name in names
}


def inverse(equivalence: str) -> str:
    """How the source stands to the target."""
    return _INVERSE.get(equivalence, equivalence)


NONE = 4
"""How close what is no translation is."""


def closeness(equivalence: str) -> int:
    """The smaller, the closer; the last are those that say that there is no translation."""
    return _CLOSENESS.get(equivalence, NONE)
