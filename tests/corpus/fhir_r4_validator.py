"""The validation cases of FHIR/fhir-test-cases against the structural validator that every write passes.

What the reference validator calls valid must be valid here. What it calls invalid must be invalid here
where one of its errors is one of structure; where all of them need profiles, invariants, terminology or the
rules of one resource type, which are for ``$validate``, finding nothing is skipped and not failed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fhirserver.kernel.json import InvalidJson, loads
from fhirserver.model.validation import validate
from tests.corpus.suite import Case

Json = dict[str, Any]
_STRUCTURE = re.compile(
    r"minimum required = |max allowed = |Unrecognized property|must be a JSON|must be an Object|"
    r"must have a timezone"
    r"|not a valid (date|dateTime|instant|time|id|uri|oid|uuid|boolean|integer|decimal|code)\b"
    r"|is not valid base64|not valid base64|Invalid (element|attribute) name in the XHTML|Error parsing JSON"
    r"|(extra comma|Comma is missing)|Comments are not allowed|must have some content|value cannot be empty"
    r"|Unable to find resourceType|duplicated property"
)
_OTHER_MATTER = {
    "logical": "a logical model, not a FHIR R4 resource",
    "matchetype": "a template comparison, not a validation",
    "allow-comments": "JSON with comments is not what the server reads",
}
_EARLIER_ERRORS = frozenset(("error", "fatal"))


def run(folder: Path) -> Iterator[Case]:
    """One case per entry of the manifest."""
    for manifest in sorted(folder.glob("manifest*.json")):
        for case in json.loads(manifest.read_text("utf-8"))["test-cases"]:
            yield (case["name"], *_verdict(folder, case))


def _verdict(folder: Path, case: Json) -> tuple[bool | None, str]:
    if reason := _not_ours(folder, case):
        return None, reason
    outcome = _outcome(folder, case.get("java"))
    if outcome is None:
        return None, "the reference outcome is not here"
    ours = _errors(folder / case["file"])
    theirs = [_text(issue) for issue in outcome.get("issue", ()) if issue["severity"] in _EARLIER_ERRORS]
    return _compared(ours, theirs)


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
    found = [issue for issue in validate(resource) if issue.severity in _EARLIER_ERRORS]
    return [f"{', '.join(issue.expression)}: {issue.diagnostics}" for issue in found]


def _compared(ours: list[str], theirs: list[str]) -> tuple[bool | None, str]:
    if bool(ours) == bool(theirs):
        return True, ""
    if ours:
        return False, f"valid for the reference, not for us: {'; '.join(ours[:3])}"
    structural = [text for text in theirs if _STRUCTURE.search(text)]
    if structural:
        return False, f"not found: {structural[0][:200]}"
    return None, f"beyond structure: {theirs[0][:120]}"
