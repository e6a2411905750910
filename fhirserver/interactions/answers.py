"""Answers to writes, in the form the client prefers. https://hl7.org/fhir/R4/http.html#ops"""

from __future__ import annotations

from collections.abc import Sequence

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.preconditions import version_headers
from fhirserver.kernel.json import dumps
from fhirserver.kernel.outcomes import Issue, operation_outcome
from fhirserver.store.commands import Written


def written(context: Context, request: Request, write: Written, claimed: Sequence[Issue] = ()) -> Result:
    """The answer to create, update, patch: 201 or 200 with Location, ETag and what is held by others.

    ``claimed`` is what profiles that the content claims say of it.
    """
    version = write.version
    headers = version_headers(version) if version else {}
    if write.held:
        headers["X-Held"] = ",".join(write.held)
    if version:
        created = write.created or request.method == "POST"
        where = f"{context.base_url}/{write.key}/_history/{version.version}"
        headers["Location" if created else "Content-Location"] = where
    status = 201 if write.created else 200
    more = [*named_issues(write), *(issue.as_json() for issue in claimed)]
    body = _body(request.prefer_return, write, more)
    return Result(status, body, headers, version, [*held_issues(write), *more])


def deleted(preferred: str, write: Written) -> Result:
    """The answer to delete: 204, or 200 with an OperationOutcome where one is preferred or something is held."""
    version = write.version if not write.held else None
    headers = version_headers(version) if version else {}
    if write.held:
        headers["X-Held"] = ",".join(write.held)
    issues = [*held_issues(write), *named_issues(write)]
    if not issues and preferred != "OperationOutcome":
        return Result(204, b"", headers, version)
    body = dumps({"resourceType": "OperationOutcome", "issue": issues or removed_issues(write)})
    return Result(200, body, headers, version, issues)


def removed_issues(write: Written) -> list[dict[str, object]]:
    """What a delete did."""
    names = ", ".join(map(str, write.removed)) if write.removed else str(write.key)
    word = "deleted" if write.changed else "was not there"
    text = f"{names} {word}" if write.removed or write.key.id else "Nothing matches: nothing was deleted"
    return [Issue("informational", text, severity="information").as_json()]


def _body(preferred: str, write: Written, more: Sequence[dict[str, object]]) -> bytes:
    if preferred == "minimal":
        return b""
    if preferred == "OperationOutcome" or write.version is None:
        return dumps({"resourceType": "OperationOutcome", "issue": [*outcome_issues(write), *more]})
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


def named_issues(write: Written) -> list[dict[str, object]]:
    """That what was named is another resource by now."""
    if write.named is None:
        return []
    text = f"{write.named} was merged into {write.key}: this was recorded there, as said of {write.named}"
    return [Issue("informational", text, (write.named.type,), "information").as_json()]


def outcome_bytes(*issues: Issue) -> bytes:
    """An OperationOutcome, encoded."""
    return dumps(operation_outcome(issues))
