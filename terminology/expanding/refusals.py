"""Why a value set cannot be expanded, in the words that clients of the terminology ecosystem know.

https://build.fhir.org/ig/HL7/fhir-tx-ecosystem-ig/
"""

from __future__ import annotations

from collections.abc import Sequence

from fhirserver.kernel.outcomes import Category, Issue, Refusal
from terminology.versions import split


def _refusal(
    code: str, type: str, id: str, text: str, *places: str, category: Category = Category.UNPROCESSABLE
) -> Refusal:
    return Refusal(category, (Issue(code, text, places, type=type, message_id=id),))


def unknown_value_set(canonical: str) -> Refusal:
    text = f"A definition for the value Set '{canonical}' could not be found"
    id = "Unable_to_resolve_value_Set_"
    return _refusal("not-found", "not-found", id, text, category=Category.NOT_FOUND)


def unknown_import(canonical: str) -> Refusal:
    url, version = split(canonical)
    named = f"'{url}' version '{version}'" if version else f"'{url}'"
    id = "VS_EXP_IMPORT_UNK_PINNED" if version else "VS_EXP_IMPORT_UNK"
    return _refusal("not-found", "not-found", id, f"Unable to find imported value set {named}")


def unknown_system(url: str, version: str, versions: Sequence[str]) -> Refusal:
    """A system that is not here, or not in the version that is meant."""
    named = f"'{url}' version '{version}'" if version else f"'{url}'"
    text = f"A definition for CodeSystem {named} could not be found, so the value set cannot be expanded"
    if not version:
        return _refusal("not-found", "not-found", "UNKNOWN_CODESYSTEM_EXP", text)
    if not versions:
        text += ". No versions of this code system are known"
        return _refusal("not-found", "not-found", "UNKNOWN_CODESYSTEM_VERSION_EXP_NONE", text)
    text += f". Valid versions: {listed(versions)}"
    return _refusal("not-found", "not-found", "UNKNOWN_CODESYSTEM_VERSION_EXP", text)


def listed(names: Sequence[str]) -> str:
    """``1 or 2``; ``1, 2 and 3``."""
    if len(names) <= 2:
        return " or ".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def version_not_allowed(url: str, version: str, required: str) -> Refusal:
    text = (
        f"The version '{version}' is not allowed for system '{url}': required to be '{required}' by a version-check"
        " parameter"
    )
    return _refusal("exception", "version-error", "VALUESET_VERSION_CHECK", text)


def missing_supplements(canonicals: Sequence[str]) -> Refusal:
    text = f"Required supplement{'s' if len(canonicals) > 1 else ''} not found: {', '.join(canonicals)}"
    return _refusal("not-found", "not-found", "VALUESET_SUPPLEMENT_MISSING", text)


def circular(canonical: str, path: Sequence[str]) -> Refusal:
    text = f"Found a circularity pointing to {canonical} processing ValueSet with pathway [{', '.join(path)}]"
    return _refusal("processing", "vs-invalid", "VALUESET_CIRCULAR_REFERENCE", text)


def too_deep(deepest: int) -> Refusal:
    text = f"Value sets import each other more than {deepest} deep"
    return _refusal("too-costly", "", "VALUESET_TOO_COSTLY", text)


def too_costly(canonical: str, limit: int) -> Refusal:
    named = f"The value set '{canonical}'" if canonical else "The value set"
    text = f"{named} expansion has too many codes to display (>{limit})"
    return _refusal("too-costly", "", "VALUESET_TOO_COSTLY", text)


def incomplete_filter(url: str, condition: dict[str, str], member: str, place: str) -> Refusal:
    """A filter without property, op or value."""
    text = (
        f"The system {url} filter with property = {condition.get('property', '')}, op = {condition.get('op', '')}"
        f" has no {member}"
    )
    id = f"UNABLE_TO_HANDLE_SYSTEM_FILTER_WITH_NO_{member.upper()}"
    return _refusal("invalid", "vs-invalid", id, text, place)


def no_system(place: str) -> Refusal:
    text = "An include of the value set has neither a system nor a value set"
    return _refusal("invalid", "vs-invalid", "VALUESET_INCLUDE_WITHOUT_SYSTEM", text, place)
