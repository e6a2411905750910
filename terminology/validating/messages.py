"""The findings by name, with the texts that validators of the ecosystem know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Refusal
from terminology.systems import System
from terminology.validating.findings import Finding

STANDARDS_STATUS = "http://hl7.org/fhir/StructureDefinition/structuredefinition-standards-status"


def at(path: str, member: str) -> str:
    """The place of a member; a bare ``code`` has no place of its own."""
    return f"{path}.{member}" if path else member


def versioned(url: str, version: str) -> str:
    return f"{url}|{version}" if version else url


def name_of(value_set: JsonObject) -> str:
    """The value set as messages name it."""
    url = str(value_set.get("url", ""))
    return versioned(url, str(value_set.get("version", ""))) if url else "(unidentified)"


# The code


def unknown_code(system: System, code: str, path: str) -> Finding:
    """Of a fragment it is only a warning: the code may stand in another one."""
    place = at(path, "code")
    if system.header.get("content") == "fragment":
        text = (
            f"Unknown Code '{code}' in the CodeSystem '{system.url}' version '{system.version}' - note that the code"
            " system is labeled as a fragment, so the code may be valid in some other fragment"
        )
        return Finding("warning", "code-invalid", "invalid-code", "UNKNOWN_CODE_IN_FRAGMENT", text, place)
    text = f"Unknown code '{code}' in the CodeSystem '{system.url}'"
    if not system.version:
        return Finding("error", "code-invalid", "invalid-code", "Unknown_Code_in", text, place)
    text += f" version '{system.version}'"
    return Finding("error", "code-invalid", "invalid-code", "Unknown_Code_in_Version", text, place)


def unknown_code_asked(system: System, code: str, parameter: str) -> Finding:
    """Of a code that is asked about by a parameter of its own."""
    return replace(unknown_code(system, code, ""), severity="error", path=parameter)


def not_in_value_set(named: str, value_set: JsonObject, path: str) -> Finding:
    text = f"The provided code '{named}' was not found in the value set '{name_of(value_set)}'"
    id = "None_of_the_provided_codes_are_in_the_value_set_one"
    return Finding("error", "code-invalid", "not-in-vs", id, text, at(path, "code"))


def this_not_in_value_set(named: str, value_set: JsonObject, path: str) -> Finding:
    text = f"The provided code '{named}' was not found in the value set '{name_of(value_set)}'"
    id = "None_of_the_provided_codes_are_in_the_value_set_one"
    return Finding("information", "code-invalid", "this-code-not-in-vs", id, text, at(path, "code"))


def no_valid_coding(value_set: JsonObject) -> Finding:
    text = f"No valid coding was found for the value set '{name_of(value_set)}'"
    return Finding("error", "code-invalid", "not-in-vs", "TX_GENERAL_CC_ERROR_MESSAGE", text)


def abstract(system: System, code: str, path: str) -> Finding:
    text = f"Code '{system.url}#{code}' is abstract, and not allowed in this context"
    return Finding("error", "business-rule", "code-rule", "ABSTRACT_CODE_NOT_ALLOWED", text, at(path, "code"))


def not_active(code: str, path: str) -> Finding:
    text = f"The concept '{code}' is valid but is not active"
    return Finding("error", "business-rule", "code-rule", "STATUS_CODE_WARNING_CODE", text, at(path, "code"))


def other_case(system: System, code: str, right: str, path: str) -> Finding:
    text = (
        f"The code '{code}' differs from the correct code '{right}' by case. Although the code system"
        f" '{versioned(system.url, system.version)}' is case insensitive, implementers are strongly encouraged to use"
        " the correct case anyway"
    )
    return Finding(
        "information", "business-rule", "code-rule", "CODE_CASE_DIFFERENCE", text, at(path, "code")
    )


def inactive_concept(code: str, status: str, path: str) -> Finding:
    named = f"{status} and inactive" if status and status != "inactive" else "inactive"
    text = f"The concept '{code}' has a status of {named} and its use should be reviewed"
    return Finding(
        "warning", "business-rule", "code-comment", "INACTIVE_CONCEPT_FOUND", text, path or "code", told=True
    )


def deprecated_concept(code: str, path: str) -> Finding:
    text = f"The concept '{code}' is deprecated and its use should be reviewed"
    return Finding(
        "warning",
        "business-rule",
        "code-comment",
        "DEPRECATED_CONCEPT_FOUND",
        text,
        path or "code",
        told=True,
    )


def marked_in_value_set(system: System, code: str, status: str, value_set: JsonObject, path: str) -> Finding:
    """The value set itself says that the code should not be used any longer."""
    text = (
        f"The presence of the concept '{code}' in the system '{system.url}' in the value set {name_of(value_set)} is"
        f" marked with a status of {status} and its use should be reviewed"
    )
    id = "CONCEPT_DEPRECATED_IN_VALUESET"
    return Finding("warning", "business-rule", "code-comment", id, text, at(path, "code"))


def no_code(path: str) -> Finding:
    text = "There is no code: without one there is nothing to validate"
    return Finding(
        "error", "invalid", "invalid-data", "Coding_has_no_code__cannot_validate", text, path or "code"
    )


# The system


def no_system(path: str) -> Finding:
    text = (
        "Coding has no system. A code with no system has no defined meaning, and it cannot be validated. A system"
        " should be provided"
    )
    id = "Coding_has_no_system__cannot_validate"
    return Finding("warning", "invalid", "invalid-data", id, text, path, told=True)


def relative_system(path: str) -> Finding:
    text = "Coding.system must be an absolute reference, not a local reference"
    return Finding(
        "error", "invalid", "invalid-data", "Terminology_TX_System_Relative", text, at(path, "system")
    )


def other_system(url: str, asked: str, path: str) -> Finding:
    text = f"The system '{url}' is not the code system that is asked ('{asked}')"
    return Finding("error", "invalid", "invalid-data", "Coding_has_other_system", text, at(path, "system"))


def value_set_as_system(url: str, path: str) -> Finding:
    text = f"The Coding references a value set, not a code system ('{url}')"
    id = "Terminology_TX_System_ValueSet2"
    return Finding("error", "invalid", "invalid-data", id, text, at(path, "system"))


def supplement_as_system(canonical: str, path: str) -> Finding:
    text = f"CodeSystem {canonical} is a supplement, so can't be used as a value in Coding.system"
    return Finding(
        "error", "invalid", "invalid-data", "CODESYSTEM_CS_NO_SUPPLEMENT", text, at(path, "system")
    )


def unknown_system(url: str, path: str, quoted: bool = True) -> Finding:
    named = f"'{url}'" if quoted else url
    text = f"A definition for CodeSystem {named} could not be found, so the code cannot be validated"
    return Finding("error", "not-found", "not-found", "UNKNOWN_CODESYSTEM", text, at(path, "system"))


def unknown_version(url: str, version: str, versions: Sequence[str], path: str) -> Finding:
    text = f"A definition for CodeSystem '{url}' version '{version}' could not be found,"
    text += " so the code cannot be validated."
    place = at(path, "system")
    if not versions:
        text += " No versions of this code system are known"
        return Finding("error", "not-found", "not-found", "UNKNOWN_CODESYSTEM_VERSION_NONE", text, place)
    text += f" Valid versions: {listed(versions)}"
    return Finding("error", "not-found", "not-found", "UNKNOWN_CODESYSTEM_VERSION", text, place)


def listed(versions: Sequence[str]) -> str:
    if len(versions) <= 2:
        return " or ".join(versions)
    return f"{', '.join(versions[:-1])} and {versions[-1]}"


def cannot_infer(code: str, value_set: JsonObject, drawn: Sequence[str], systems: Sequence[str]) -> Finding:
    """``systems`` are those that have the code, of those that the value set draws on (``drawn``)."""
    text = (
        f"The System URI could not be determined for the code '{code}' in the ValueSet '{name_of(value_set)}'"
    )
    if not systems:
        text += f", which draws on {', '.join(drawn)}" if drawn else ""
        return Finding("error", "not-found", "cannot-infer", "UNABLE_TO_INFER_CODESYSTEM", text, "code")
    text += f": value set expansion has multiple matches: [{', '.join(systems)}]"
    id = "Unable_to_resolve_system__value_set_has_multiple_matches"
    return Finding("error", "not-found", "cannot-infer", id, text, "code")


# Versions


def other_version(url: str, version: str, given: str, path: str) -> Finding:
    text = (
        f"The code system '{url}' version '{version}' in the ValueSet include is different to the one in the value"
        f" ('{given}')"
    )
    return Finding("error", "invalid", "vs-invalid", "VALUESET_VALUE_MISMATCH", text, at(path, "version"))


def other_default_version(url: str, version: str, given: str, path: str, severity: str) -> Finding:
    text = (
        f"The code system '{url}' version '{version}' for the versionless include in the ValueSet include is different"
        f" to the one in the value ('{given}')"
    )
    id = "VALUESET_VALUE_MISMATCH_DEFAULT"
    return Finding(severity, "invalid", "vs-invalid", id, text, at(path, "version"))


def other_changed_version(url: str, version: str, before: str, given: str, path: str) -> Finding:
    text = (
        f"The code system '{url}' version '{version}' resulting from the version '{before}' in the ValueSet include is"
        f" different to the one in the value ('{given}')"
    )
    id = "VALUESET_VALUE_MISMATCH_CHANGED"
    return Finding("error", "invalid", "vs-invalid", id, text, at(path, "version"))


def version_not_allowed(url: str, version: str, required: str, path: str) -> Finding:
    text = (
        f"The version '{version}' is not allowed for system '{url}': required to be '{required}' by a version-check"
        " parameter"
    )
    return Finding("error", "exception", "version-error", "VALUESET_VERSION_CHECK", text, at(path, "version"))


# What is drawn on


def reference_to(resource: JsonObject, source: JsonObject | None) -> Finding | None:
    """That a code system or value set is not to be used (any longer, or yet); None where all is well.

    ``source`` is what draws on it: a draft may draw on drafts.
    """
    standards = _standards_status(resource)
    if standards in ("deprecated", "withdrawn"):
        return _status(resource, standards)
    if resource.get("status") == "retired":
        return _status(resource, "retired")
    if source is None:
        return None
    if resource.get("experimental") and not source.get("experimental"):
        return _status(resource, "experimental")
    is_draft = "draft" in (resource.get("status"), standards)
    if is_draft and "draft" not in (source.get("status"), _standards_status(source)):
        return _status(resource, "draft")
    return None


def _standards_status(resource: JsonObject) -> str:
    extensions = (one for one in resource.get("extension", ()) if one.get("url") == STANDARDS_STATUS)
    return next((str(one.get("valueCode", "")) for one in extensions), "")


def _status(resource: JsonObject, status: str) -> Finding:
    named = versioned(str(resource.get("url", "")), str(resource.get("version", "")))
    text = f"Reference to {status} {resource.get('resourceType')} {named}"
    return Finding("information", "business-rule", "status-check", f"MSG_{status.upper()}", text)


def unknown_value_set(canonical: str) -> Finding:
    text = f"A definition for the value Set '{canonical}' could not be found"
    return Finding("error", "not-found", "not-found", "Unable_to_resolve_value_Set_", text)


# What is refused as a whole


def refused(category: Category, *findings: Finding) -> Refusal:
    return Refusal(category, [one.as_issue() for one in findings])


def missing_supplements(canonicals: Sequence[str]) -> Refusal:
    text = f"Required supplement{'s' if len(canonicals) > 1 else ''} not found: {', '.join(canonicals)}"
    finding = Finding("error", "not-found", "not-found", "VALUESET_SUPPLEMENT_MISSING", text)
    return refused(Category.UNPROCESSABLE, finding)


def circular(pointing_to: str, pathway: Sequence[str]) -> Refusal:
    text = f"Found a circularity pointing to {pointing_to} processing ValueSet with pathway [{', '.join(pathway)}]"
    finding = Finding("error", "processing", "", "VALUESET_CIRCULAR_REFERENCE", text)
    return refused(Category.UNPROCESSABLE, finding)


def filter_without_value(part: JsonObject, filter: JsonObject, place: str) -> Refusal:
    text = (
        f"The system {part.get('system')} filter with property = {filter.get('property')}, op = {filter.get('op')} has"
        " no value"
    )
    id = "UNABLE_TO_HANDLE_SYSTEM_FILTER_WITH_NO_VALUE"
    return refused(Category.INVALID, Finding("error", "invalid", "vs-invalid", id, text, place))
