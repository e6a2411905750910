"""The validation cases of FHIR/fhir-test-cases against structure, which every write passes, and invariants.

What the reference validator calls valid must be valid here. What it calls invalid must be invalid here too. A
case may only be skipped where nothing is found here and every error of the reference has a matter that is not
built, which the reason names; an error whose matter is not known counts as one that should have been found.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fhirserver.kernel.json import InvalidJson, loads
from fhirserver.model.validation import validate
from fhirserver.model.validation.invariants import broken_invariants
from tests.corpus.suite import Case, described

Json = dict[str, Any]
_NOT_BUILT = {
    "terminology": r"ValueSet|value set|CodeSystem|code system|Unknown code|Wrong Display Name|display name"
    r"|filter based on property|is not allowed for property"
    r"|No code provided|The System URI could not be determined|not found in the value set",
    "extension definitions": r"[Ee]xtension .*(could not be found|is not allowed|definition allows)",
    "profiles": r"profile|magic LOINC code|[Ss]lic(e|ing)|does not match (the )?(fixed|pattern)|discriminator",
    "questionnaires": r"LinkId|linkId '|questionnaire response|No response answer|answer(s)? for",
    "signatures": r"signature|signed content|certificate",
    "references between resources": r"^Multiple matches in bundle|Can't find '.*' in the bundle"
    r"|Found \d+ matches|isn't reachable|Unable to resolve resource|not found in the bundle",
    "attachment contents": r"Stated Attachment (Size|Hash)",
    "definitions of search parameters": r"SearchParameter",
    "publication rules": r"When HL7 is publishing|owning committee|[Ee]xperimental content",
    "expressions inside resources": r"FHIRPath|expression language|value of the expression",
}
_NOT_BUILT_CODES = {"code-invalid": "terminology", "business-rule": "rules of one resource type"}
_OTHER_MATTER = {
    "logical": "a logical model, not a FHIR R4 resource",
    "matchetype": "a template comparison, not a validation",
    "allow-comments": "JSON with comments is not what the server reads",
}
_ERRORS = frozenset(("error", "fatal"))


def run(folder: Path) -> Iterator[Case]:
    """One case per entry of the manifest."""
    for manifest in sorted(folder.glob("manifest*.json")):
        try:
            cases = json.loads(manifest.read_text("utf-8"))["test-cases"]
        except (ValueError, KeyError) as error:
            yield manifest.name, False, f"not a manifest: {described(error)}"
            continue
        for case in cases:
            yield (case["name"], *_verdict(folder, case))


def _verdict(folder: Path, case: Json) -> tuple[bool | None, str]:
    try:
        return _judged(folder, case)
    except (ValueError, OSError) as error:
        return False, described(error)


def _judged(folder: Path, case: Json) -> tuple[bool | None, str]:
    if reason := _not_ours(folder, case):
        return None, reason
    outcome = _outcome(folder, case.get("java"))
    if outcome is None:
        return None, "the reference outcome is not here"
    theirs = [issue for issue in outcome.get("issue", ()) if issue["severity"] in _ERRORS]
    return _compared(_errors(folder / case["file"]), theirs)


def _not_ours(folder: Path, case: Json) -> str:
    if not str(case.get("version", "4.0")).startswith("4.0"):
        return f"for FHIR {case['version']}"
    if not (folder / case["file"]).exists() or not case["file"].endswith(".json"):
        return "the file is not here, or not JSON"
    return next((reason for name, reason in _OTHER_MATTER.items() if case.get(name)), "")


def _outcome(folder: Path, where: Any) -> Json | None:
    """The reference's OperationOutcome: in a file of its own or inside the manifest."""
    if isinstance(where, dict):
        found = where.get("outcome")
        return found if isinstance(found, dict) else None
    path = folder / "outcomes" / str(where)
    if where is None or not path.exists():
        return None
    outcome: Json = json.loads(path.read_text("utf-8-sig"))
    return outcome


def _text(issue: Json) -> str:
    return str(issue.get("details", {}).get("text", ""))


def _errors(path: Path) -> list[str]:
    """What the server finds wrong with the file, places first."""
    try:
        resource = loads(path.read_bytes())
    except InvalidJson as error:
        return [str(error)]
    found = validate(resource)
    if not any(issue.severity in _ERRORS for issue in found):
        found += broken_invariants(resource)
    return [issue.diagnostics for issue in found if issue.severity in _ERRORS]


def _compared(ours: list[str], theirs: list[Json]) -> tuple[bool | None, str]:
    if bool(ours) == bool(theirs):
        return True, ""
    if ours:
        return False, f"valid for the reference, not for us: {'; '.join(ours[:3])}"
    missing = [(_matter(issue), _text(issue)) for issue in theirs]
    for matter, text in missing:
        if matter is None:
            return False, f"not found: {text[:200]}"
    return None, f"needs {', '.join(sorted({str(matter) for matter, _ in missing}))}: {missing[0][1][:120]}"


def _matter(issue: Json) -> str | None:
    """What would have to be built to find an error of the reference; None for what is built."""
    text = _text(issue)
    for matter, pattern in _NOT_BUILT.items():
        if re.search(pattern, text):
            return matter
    return _NOT_BUILT_CODES.get(issue.get("code", ""))
