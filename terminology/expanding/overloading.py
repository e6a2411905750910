"""Value sets that draw on more than one version of a code system.

https://build.fhir.org/ig/HL7/fhir-tx-ecosystem-ig/requirements.html: ``versionsMatch`` says whether a code in one
version is the same as in another, or each version has codes of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.model.canonicals import version_order
from terminology.expanding.members import Members, Numbered

PARAMETERS = (
    "http://hl7.org/fhir/StructureDefinition/valueset-expansion-parameter",
    "http://hl7.org/fhir/tools/StructureDefinition/valueset-expansion-parameter",
)
VERSIONS_MATCH = "versionsMatch"


def stated(value_set: JsonObject) -> Iterator[tuple[str, Json]]:
    """The parameters of an expansion that the value set itself states, each with its value."""
    for holder in (value_set, value_set.get("compose", {})):
        for extension in holder.get("extension", ()):
            if extension.get("url") in PARAMETERS:
                parts = {one.get("url"): one for one in extension.get("extension", ())}
                yield str(_value(parts.get("name"))), _value(parts.get("value"))


def _value(extension: JsonObject | None) -> Json:
    return next((value for name, value in (extension or {}).items() if name.startswith("value")), None)


def versions_match(value_set: JsonObject) -> bool | None:
    """What the value set says of it; None where it says nothing."""
    values = [value for name, value in stated(value_set) if name == VERSIONS_MATCH]
    return str(values[0]).lower() == "true" if values else None


def has_versions(parts: Iterable[Members]) -> bool:
    """Whether there are two versions of one system among them."""
    versions: dict[str, str] = {}
    return any(versions.setdefault(one.url, _version(one)) != _version(one) for one in parts if _version(one))


def united(parts: Sequence[Members], matched: bool) -> list[Members]:
    """Each code once. Of two versions of a system, where their codes are ``matched``, the newer has the say; else
    both have their own."""
    order = sorted(range(len(parts)), key=lambda at: version_order(_version(parts[at])), reverse=True)
    if not matched or not has_versions(parts):
        order = [*range(len(parts))]
    left: dict[int, Members] = {}
    for at in order:
        others = seen_by(parts[at], [*left.values()], matched)
        left[at] = parts[at].without(others) if others else parts[at]
    return [left[at] for at in range(len(parts)) if len(left[at])]


def seen_by(members: Members, others: Sequence[Members], matched: bool | None) -> Sequence[Members]:
    """Those of the others whose codes may be the same as those of ``members``."""
    if matched is not False:
        return others
    own = _version(members)
    return [one for one in others if one.url != members.url or _version(one) in ("", own) or not own]


def _version(members: Members) -> str:
    return members.system.version if isinstance(members, Numbered) else ""
