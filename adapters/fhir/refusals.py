"""From an HTTP status and an OperationOutcome to the port's error tree.

The status decides, and the issue codes refine it: https://hl7.org/fhir/R4/valueset-issue-type.html.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from fhirserver.kernel.json import InvalidJson, Json, loads
from fhirserver.ports.ehr import (
    Conflict,
    EhrError,
    EhrIssue,
    Gone,
    NeedsPerson,
    Permanent,
    Retryable,
    Throttled,
    Unauthorized,
)

_PASSING = frozenset(("transient", "lock-error", "no-store", "timeout", "throttled"))
_FOR_A_PERSON = frozenset(("business-rule", "duplicate", "multiple-matches"))
_RETRYABLE = frozenset((408, 423, 425, 500, 502, 503, 504))


def refusal(
    status: int, headers: Mapping[str, str], body: bytes, now: datetime, on_record: bool = False
) -> EhrError:
    """The error for an answer with ``status`` ≥ 300. ``on_record``: the request named one record."""
    issues = read_issues(body)
    codes = {issue.code for issue in issues}
    after = retry_after(headers.get("retry-after", ""), now)
    if status == 429 or (status == 403 and "throttled" in codes):
        return Throttled("the EHR asks for fewer requests", after=after, status=status, issues=issues)
    if status in (401, 403):
        return Unauthorized("the EHR refuses our credentials", status=status, issues=issues)
    if status in _RETRYABLE or (status > 504 and status != 505) or (codes & _PASSING and status >= 400):
        return Retryable("the EHR could not do it now", after=after, status=status, issues=issues)
    if status == 410 or (status == 404 and on_record):
        return Gone("the record is not in the EHR", status=status, issues=issues)
    return _lasting(status, codes, issues)


def _lasting(status: int, codes: set[str], issues: tuple[EhrIssue, ...]) -> EhrError:
    if "multiple-matches" in codes:
        return NeedsPerson("several records match in the EHR", status=status, issues=issues)
    if status in (409, 412):
        return Conflict("the EHR holds something else", status=status, issues=issues)
    if codes & _FOR_A_PERSON:
        return NeedsPerson("the EHR refuses by a rule of its own", status=status, issues=issues)
    return Permanent("the EHR refuses the request", status=status, issues=issues)


def read_issues(body: bytes) -> tuple[EhrIssue, ...]:
    """The issues of an OperationOutcome; nothing when the body is anything else."""
    try:
        outcome = loads(body) if body else None
    except InvalidJson:
        return ()
    if not isinstance(outcome, dict) or outcome.get("resourceType") != "OperationOutcome":
        return ()
    issues = outcome.get("issue")
    return tuple(_issues(issues)) if isinstance(issues, list) else ()


def _issues(issues: list[Json]) -> Iterable[EhrIssue]:
    for issue in issues:
        if not isinstance(issue, dict):
            continue
        places = issue.get("expression") or issue.get("location") or ()
        details = issue.get("details")
        text = issue.get("diagnostics") or (details.get("text") if isinstance(details, dict) else "")
        yield EhrIssue(
            code=_code(issue.get("code")),
            severity=_code(issue.get("severity")) or "error",
            expression=tuple(place for place in places if isinstance(place, str)),
            text=text if isinstance(text, str) else "",
        )


def _code(value: Json) -> str:
    """A code if it looks like one: it goes into messages, where nothing else may."""
    plain = isinstance(value, str) and len(value) <= 32 and value.replace("-", "").isalpha()
    return value if plain else "unknown"


def retry_after(text: str, now: datetime) -> float | None:
    """Seconds to wait by a Retry-After header, which holds seconds or an HTTP date; None without one.

    https://www.rfc-editor.org/rfc/rfc9110#name-retry-after
    """
    text = text.strip()
    if not text:
        return None
    if text.replace(".", "", 1).isascii() and text.replace(".", "", 1).isdigit():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - now).total_seconds())
