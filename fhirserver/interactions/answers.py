"""Answers to writes, in the form the client prefers. https://hl7.org/fhir/R4/http.html#ops"""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.preconditions import version_headers
from fhirserver.kernel.json import dumps
from fhirserver.kernel.outcomes import Issue, operation_outcome
from fhirserver.store.commands import Written


def written(context: Context, request: Request, write: Written) -> Result:
    """The answer to create, update, patch: 201 or 200 with Location, ETag and what is held by others."""
    version = write.version
    headers = version_headers(version) if version else {}
    if write.held:
        headers["X-Held"] = ",".join(write.held)
    if version and (write.created or request.method == "POST"):
        headers["Location"] = f"{context.base_url}/{write.key}/_history/{version.version}"
    status = 201 if write.created else 200
    return Result(status, _body(request.prefer_return, write), headers, version, held_issues(write))


def _body(preferred: str, write: Written) -> bytes:
    if preferred == "minimal":
        return b""
    if preferred == "OperationOutcome" or write.version is None:
        return dumps({"resourceType": "OperationOutcome", "issue": outcome_issues(write)})
    return write.version.content


def outcome_issues(write: Written) -> list[dict[str, object]]:
    """What was done, then what is held."""
    return [*_done(write), *held_issues(write)]


def _done(write: Written) -> list[dict[str, object]]:
    word = "created" if write.created else "updated" if write.changed else "unchanged"
    return [Issue("informational", f"{write.key} {word}", severity="information").as_json()]


def held_issues(write: Written) -> list[dict[str, object]]:
    """One issue per unit that others' surer claims still win: recorded, but not (yet) the world's value."""
    text = "Recorded, but a claim that is trusted more still holds; it can be reviewed"
    return [Issue("business-rule", text, (path,), "warning").as_json() for path in write.held]


def outcome_bytes(*issues: Issue) -> bytes:
    """An OperationOutcome, encoded."""
    return dumps(operation_outcome(issues))
