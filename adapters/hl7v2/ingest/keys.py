"""Which record of its source a converted resource is: business identifiers first, else what makes it that one.

A key never comes from the order of messages, so that a replay names what it named before. What nothing tells apart
from others of its kind is the message's own (:attr:`Keys.own`), and new with every message.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from adapters.hl7v2.convert.conversion import Mapped
from adapters.hl7v2.ingest.locals import LOCAL
from fhirserver.kernel.frozen import frozen
from fhirserver.kernel.ids import derived_id
from fhirserver.kernel.json import Json, JsonObject, canonical
from fhirserver.world.identity.identifiers import NPI

DIRECTORY = frozenset(
    ("Practitioner", "PractitionerRole", "Organization", "Location", "Medication", "Substance", "Device")
)
"""Types that are named in passing: the same one may be named several times in a message, and is one."""

_WHAT_MAKES_IT: Mapping[str, tuple[str, ...]] = {
    "AllergyIntolerance": ("patient", "code"),
    "Condition": ("subject", "encounter", "code"),
    "Procedure": ("subject", "encounter", "code", "performed"),
    "Immunization": ("patient", "vaccineCode", "occurrence"),
    "RelatedPerson": ("patient", "name", "relationship"),
    "Coverage": ("beneficiary", "payor", "subscriberId", "identifier", "class"),
    "PractitionerRole": ("practitioner", "organization", "code", "specialty", "location"),
    "Practitioner": ("name",),
    "Organization": ("name",),
    "Location": ("partOf", "name", "physicalType"),
    "Medication": ("code",),
    "Substance": ("code",),
    "Device": ("deviceName", "type"),
    "Encounter": ("subject", "period"),
    "EpisodeOfCare": ("patient", "managingOrganization", "type"),
    "Specimen": ("subject", "type", "collection"),
    "DocumentReference": ("subject", "type", "date"),
    "ServiceRequest": ("subject", "encounter", "authoredOn", "code"),
    "DiagnosticReport": ("subject", "encounter", "effective", "code"),
    "MedicationRequest": ("subject", "encounter", "authoredOn", "medication"),
    "MedicationDispense": ("subject", "whenHandedOver", "medication"),
    "Observation": ("subject", "encounter", "code", "effective"),
}
"""By what a resource without an identifier is told from others."""
_NEEDED: Mapping[str, frozenset[str]] = {
    "AllergyIntolerance": frozenset({"code"}),
    "Condition": frozenset({"code"}),
    "Procedure": frozenset({"code", "performed"}),
    "Immunization": frozenset({"vaccineCode", "occurrence"}),
    "RelatedPerson": frozenset({"name"}),
    "Coverage": frozenset({"beneficiary", "payor"}),
    "Practitioner": frozenset({"name"}),
    "Organization": frozenset({"name"}),
    "Location": frozenset({"name"}),
    "PractitionerRole": frozenset({"practitioner"}),
    "Encounter": frozenset({"period"}),
    "Specimen": frozenset({"collection"}),
    "DocumentReference": frozenset({"date"}),
    "ServiceRequest": frozenset({"authoredOn", "code"}),
    "DiagnosticReport": frozenset({"effective", "code"}),
    "MedicationRequest": frozenset({"authoredOn", "medication"}),
    "MedicationDispense": frozenset({"whenHandedOver", "medication"}),
    "Observation": frozenset({"code", "effective"}),
}
"""Without these it is not told at all."""
_CODED = frozenset({"ServiceRequest", "DiagnosticReport"})
"""One order number may stand for several of these, which their codes tell apart."""
_OF_A_PATIENT = {"RelatedPerson": "patient"}
_NO_NUMBERS = frozenset({"Coverage", "PractitionerRole", "Medication", "Substance"})
"""Types whose identifiers name a plan, a person or a product, not the record."""
_LOCAL_NUMBERS: Mapping[str, tuple[str, ...]] = {
    "Organization": ("name",),
    "Location": ("name", "physicalType", "partOf"),
}
"""A number without a system is one among those of its kind: every room has a bed A."""
_PREFERRED = {
    "Encounter": ("VN",),
    "Appointment": ("FILL", "PLAC"),
    "ServiceRequest": ("FILL", "PLAC"),
    "DiagnosticReport": ("FILL", "PLAC"),
    "MedicationRequest": ("FILL", "PLAC"),
    "Immunization": ("FILL", "PLAC"),
}


@frozen
class Keys:
    """The keys of one resource, the surest first. ``own``: it is told from others by its message alone."""

    keys: tuple[str, ...]
    own: bool = False


class KeyMaker:
    """Names the resources of one conversion. ``scope`` is whose numbers those without a system are.

    ``world``: what is known of the world's resources (``Type/id``), which have several keys of which any may be first.
    """

    def __init__(
        self,
        resources: Sequence[Mapped],
        known: Mapping[str, Keys],
        message: str,
        scope: str,
        account: str = "",
        world: Mapping[str, str] | None = None,
    ):
        self._contents: dict[str, JsonObject] = {one.local: one.content for one in resources}
        self._world = world or {}
        self._known, self._message, self._scope, self._account = dict(known), message, scope, account
        self._reports = _reports(self._contents)
        self._under_way: set[str] = set()

    def of(self, local: str) -> Keys:
        """The keys of a resource of the conversion."""
        if (known := self._known.get(local)) is not None:
            return known
        content = self._contents.get(local)
        if content is None or local in self._under_way:
            return self._its_own(local)
        self._under_way.add(local)
        keys = self._made(local, content)
        self._under_way.discard(local)
        self._known[local] = keys
        return keys

    def _made(self, local: str, content: JsonObject) -> Keys:
        type = content["resourceType"]
        if type not in _NO_NUMBERS and (numbers := self._numbers(type, content)):
            return Keys(tuple(numbers))
        if type == "Encounter" and self._account:
            return Keys((self._account,))
        if type == "Observation" and (report := self._reports.get(local)) and "code" in content:
            return Keys(
                (self._digest("Observation", [self.of(report).keys[0], self._plain(content["code"])]),)
            )
        parts = self._parts(type, content)
        return Keys((self._digest(type, parts),)) if parts else self._its_own(local)

    def _its_own(self, local: str) -> Keys:
        return Keys((f"message:{self._message}:{local}",), own=True)

    def _numbers(self, type: str, content: JsonObject) -> list[str]:
        items = content.get("identifier")
        if not items:
            return []
        keys = self._ranked(type, items if isinstance(items, list) else [items])
        if type in _CODED and keys and "code" in content:
            code = self._plain(content["code"])
            keys = [*(f"{key}#{code}" for key in keys), *keys]
        if holder := _OF_A_PATIENT.get(type):
            keys = [f"{self._plain(content.get(holder))}/{key}" for key in keys]
        if type in _LOCAL_NUMBERS and keys and not keys[0].startswith(("http", "urn:")):
            told = "/".join(self._plain(content.get(member)) for member in _LOCAL_NUMBERS[type])
            keys = [f"{key}/{told}" for key in keys]
        return keys

    def _ranked(self, type: str, items: Sequence[JsonObject]) -> list[str]:
        """The numbers of a resource, each once, the type's own first."""
        if len(items) == 1:
            key = self._number(type, items[0])
            return [key] if key else []
        rank = _RANKS.get(type, _unranked)
        found = [(rank(item), key) for item in items if (key := self._number(type, item))]
        found.sort(key=lambda one: one[0])
        if type == "Encounter":  # an alternate number may be that of several visits
            found = [one for one in found if one[0] == found[0][0]]
        return list(dict.fromkeys([key for _, key in found]))

    def _number(self, type: str, item: JsonObject) -> str:
        """A placer's and a filler's number may be alike: they say which they are."""
        value = str(item.get("value") or "").strip()
        if not value:
            return ""
        number = f"{item.get('system') or self._scope}|{value}"
        if type in _PREFERRED:
            kind = next((code for code in _codes(item) if code in ("PLAC", "FILL")), "")
            number = f"{kind}:{number}" if kind else number
        return number

    def _parts(self, type: str, content: JsonObject) -> list[str]:
        members = _WHAT_MAKES_IT.get(type)
        if members is None:
            return []
        found = {member: self._plain(_element(content, member)) for member in members}
        if not any(found.values()) or not all(found[member] for member in _NEEDED.get(type, ())):
            return []
        return [f"{name}={text}" for name, text in found.items()]

    def _digest(self, type: str, parts: Sequence[str]) -> str:
        return f"derived:{derived_id(type, self._scope if type in DIRECTORY else '', *parts)}"

    def _plain(self, value: Json) -> str:
        """A value as it is compared: references by the key of what they mean, codes without words, names folded."""
        if not value:
            return ""
        if isinstance(value, list):
            return "+".join(filter(None, (self._plain(item) for item in value)))
        if not isinstance(value, dict):
            return " ".join(str(value).casefold().split())
        for test, plain in _PLAIN:
            if test in value:
                return plain(self, value)
        return canonical(value).decode()

    def _reference(self, value: JsonObject) -> str:
        reference = str(value["reference"])
        if reference.startswith(LOCAL):
            local = reference.removeprefix(LOCAL)
            return self._world.get(local) or self.of(local).keys[0]
        return reference

    def _code(self, value: JsonObject) -> str:
        first = value["coding"][0]
        code = first.get("code") or first.get("display")
        return f"{first.get('system', '')}|{code}" if code else self._plain(value.get("text"))

    def _name(self, value: JsonObject) -> str:
        return self._plain([value.get("family"), *value.get("given", ())])

    def _start(self, value: JsonObject) -> str:
        return str(value["start"])

    def _collected(self, value: JsonObject) -> str:
        return self._plain(_element(value, "collected"))


_PLAIN: Sequence[tuple[str, Callable[[KeyMaker, JsonObject], str]]] = (
    ("reference", KeyMaker._reference),
    ("coding", KeyMaker._code),
    ("family", KeyMaker._name),
    ("start", KeyMaker._start),
    ("collectedDateTime", KeyMaker._collected),
    ("collectedPeriod", KeyMaker._collected),
)


def _reports(contents: Mapping[str, JsonObject]) -> dict[str, str]:
    """Which report an observation is a result of."""
    return {
        result["reference"].removeprefix(LOCAL): local
        for local, content in contents.items()
        if content["resourceType"] == "DiagnosticReport"
        for result in content.get("result", ())
        if str(result.get("reference", "")).startswith(LOCAL)
    }


def _preferring(codes: tuple[str, ...]) -> Callable[[JsonObject], int]:
    def rank(item: JsonObject) -> int:
        return min((codes.index(code) for code in _codes(item) if code in codes), default=len(codes))

    return rank


def _unranked(item: JsonObject) -> int:
    return 0


_RANKS: Mapping[str, Callable[[JsonObject], int]] = {
    "Practitioner": lambda item: 0 if item.get("system") == NPI else 1,
    **{type: _preferring(codes) for type, codes in _PREFERRED.items()},
}
"""Where an identifier stands among those of its resource: the type's own first."""


def _codes(identifier: JsonObject) -> list[str]:
    kind = identifier.get("type")
    return [str(coding.get("code")) for coding in kind.get("coding", ())] if kind else []


def _element(content: JsonObject, name: str) -> Json:
    """An element by name; a choice by the beginning of its name."""
    if name in content:
        return content[name]
    length = len(name)
    for member in content:
        if member.startswith(name) and "A" <= member[length] <= "Z":
            return content[member]
    return None
