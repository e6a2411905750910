"""Whether a converted resource may be stated; what is wrong is told by the field that it comes from."""

from __future__ import annotations

from adapters.hl7v2.ingest.identity import Subject
from adapters.hl7v2.intake.ingest import Rejected
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Issue
from fhirserver.model.validation import validate


def check(subject: Subject, content: JsonObject, exists: bool) -> None:
    """Reject what is no valid resource; of one that ``exists`` a part may be stated."""
    issues = [issue for issue in validate(content, partial=exists) if issue.severity in ("error", "fatal")]
    if issues:
        raise Rejected("AE", _error(issues[0]), _place(issues[0], subject), _text(issues[0]))


def _error(issue: Issue) -> str:
    """The code of HL7 table 0357 for what is wrong: required field missing, table value, else data type."""
    return {"required": "101", "code-invalid": "103"}.get(issue.code, "102")


def _place(issue: Issue, subject: Subject) -> str:
    """The field behind an element; the segment where the element has no field of its own."""
    path = (issue.expression or [""])[0].removeprefix(f"{subject.type}.")
    element = path.partition(".")[0].partition("[")[0]
    return subject.origin.get(element) or subject.segment


def _text(issue: Issue) -> str:
    where = (issue.expression or [""])[0]
    return f"{where}: {issue.diagnostics}" if where else issue.diagnostics
