"""What the properties of a concept say of it: whether it is inactive or abstract, its status, what is above it.

Each code system names its properties itself; the standard ones are told by their uri.
https://hl7.org/fhir/R4/codesystem-concept-properties.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.ports.terminology import Designation

STANDARD = "http://hl7.org/fhir/concept-properties#"
STANDARDS_STATUS = "http://hl7.org/fhir/StructureDefinition/structuredefinition-standards-status"
PARENTS = ("parent", "subsumedBy")
_INACTIVE = frozenset({"retired", "inactive", "withdrawn"})
_WITHOUT_URI = (
    *PARENTS,
    "child",
    "status",
    "inactive",
    "notSelectable",
    "deprecated",
    "deprecationDate",
    "retirementDate",
)

_DEFINED = frozenset(
    {
        *_WITHOUT_URI,
        *("alternateCode", "comment", "itemWeight", "label", "order", "partOf", "synonym"),
        *("effectiveDate", "successorTo", "predecessor"),
    }
)
"""The standard properties: a uri that looks like one of them and is none does not take away what a code says."""


class PropertyNames:
    """By which codes a CodeSystem holds the standard properties."""

    def __init__(self, resource: JsonObject):
        self.declared: Mapping[str, JsonObject] = {
            str(one.get("code", "")): one for one in resource.get("property", ())
        }
        self._filters = {str(one.get("code", "")) for one in resource.get("filter", ())}
        self._meant: dict[str, str] = {}
        for code, one in self.declared.items():
            uri = str(one.get("uri", ""))
            if uri.startswith(STANDARD) and (
                code not in _WITHOUT_URI or uri.removeprefix(STANDARD) in _DEFINED
            ):
                self._meant[code] = uri.removeprefix(STANDARD)
        named = set(self._meant.values())
        for name in _WITHOUT_URI:
            self._meant.setdefault(name, name if name not in named else "")

    def meaning(self, code: str) -> str:
        """The standard property that a code of this system stands for. Empty for one that is called like a standard
        property which the system holds under another code; the code itself for all others."""
        return self._meant.get(code, code)

    def is_known(self, code: str) -> bool:
        """Whether a property, or a filter, is declared, or standard."""
        return code in self.declared or code in self._filters or bool(self._meant.get(code))

    def code_of(self, meaning: str) -> str:
        """The code under which a standard property is held here."""
        return next((code for code, meant in self._meant.items() if meant == meaning), meaning)

    def standard(self, properties: Iterable[JsonObject]) -> dict[str, Json]:
        """The values of the standard properties that are no relations, by what they mean; the first of each."""
        found: dict[str, Json] = {}
        for held in properties:
            found.setdefault(self.meaning(str(held.get("code", ""))), property_value(held))
        return found

    def related(self, properties: Iterable[JsonObject]) -> Iterator[tuple[str, bool]]:
        """Codes above (True) and below (False) a concept."""
        for held in properties:
            meant = self.meaning(str(held.get("code", "")))
            if meant in PARENTS:
                yield property_text(held), True
            elif meant == "child":
                yield property_text(held), False


def status_of(standard: Mapping[str, Json], extensions: Iterable[JsonObject]) -> str:
    """The concept's status; a date of deprecation or retirement that has come, or a standards status, give one too."""
    if standard.get("status"):
        return text_of(standard["status"])
    if _has_come(standard.get("retirementDate")):
        return "retired"
    if standard.get("deprecated") is True or _has_come(standard.get("deprecationDate")):
        return "deprecated"
    marked = (one.get("valueCode") for one in extensions if one.get("url") == STANDARDS_STATUS)
    return str(next(marked, None) or "")


def is_inactive(standard: Mapping[str, Json], status: str) -> bool:
    """What ``inactive`` says, else what the status does: a deprecated concept is still active."""
    said = standard.get("inactive")
    return said if isinstance(said, bool) else status in _INACTIVE


def _has_come(date: Json) -> bool:
    now = datetime.now(UTC).isoformat()
    return isinstance(date, str) and date[:10] <= now[: min(len(date), 10)]


def designation(resource: JsonObject) -> Designation:
    """From ``CodeSystem.concept.designation`` or ``ValueSet.compose.include.concept.designation``."""
    return Designation(
        str(resource.get("value", "")),
        str(resource.get("language", "")),
        resource.get("use"),
        tuple(resource.get("extension", ())),
    )


def property_value(held: JsonObject) -> Json:
    """The value of ``CodeSystem.concept.property``."""
    return next((value for name, value in held.items() if name.startswith("value")), None)


def property_text(held: JsonObject) -> str:
    return text_of(property_value(held))


def text_of(value: Json) -> str:
    """A property's value as filters write it; of a Coding its code."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return str(value.get("code", ""))
    return "" if value is None else str(value)
