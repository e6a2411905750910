"""From an HTTP status and an OperationOutcome to the port's error tree.

The status decides, and the issue codes refine it: https://hl7.org/fhir/R4/valueset-issue-type.html. What becomes of
which answer is the table in docs/connectors-fhir.md, whose every line is tested.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from fhirserver.kernel.json import InvalidJson, Json, JsonObject, loads
from fhirserver.ports.ehr import (
    Conflict,
    EhrError,
    EhrIssue,
    Gone,
    NeedsPerson,
    Permanent,
    Retryable,
    Throttled,
    Unanswered,
    Unauthorized,
    Unusable,
)

_PASSING = frozenset(("transient", "lock-error", "no-store", "timeout", "throttled"))
_FOR_A_PERSON = frozenset(("business-rule", "duplicate", "multiple-matches"))
_ABOUT_US = frozenset(("login", "expired", "security", "unknown-user"))
_ABOUT_CONTENT = frozenset(
    (
        *("invalid", "structure", "required", "value", "invariant", "code-invalid", "extension", "too-long"),
        *("not-supported", "business-rule", "duplicate", "multiple-matches", "conflict"),
    )
)
"""What an EHR objects to in the very request. Some say so with 500; the same request will fail again."""
_RETRYABLE = frozenset((408, 423, 425, 500, 502, 503, 504))
_WORST = frozenset(("error", "fatal"))


def refusal(
    status: int, headers: Mapping[str, str], body: bytes, now: datetime, on_record: bool = False
) -> EhrError:
    """The error for an answer with ``status`` ≥ 300. ``on_record``: the request named one record."""
    issues = read_issues(body)
    after = retry_after(headers.get("retry-after", ""), now)
    if status in (404, 410) and is_page(headers, body):
        return Retryable("a page for people in place of the EHR's answer", after=after, status=status)
    return (
        _of_connection(status, after, _codes(issues), issues)
        or _passing(status, after, _codes(issues), issues)
        or _lasting(status, _codes(issues), issues, on_record)
    )


def objection(
    status: int, headers: Mapping[str, str], body: JsonObject | None, now: datetime
) -> EhrError | None:
    """The error in an answer that calls itself success and holds nothing but an OperationOutcome with errors."""
    if body is None or body["resourceType"] != "OperationOutcome":
        return None
    issues = tuple(issue for issue in _issues_of(body) if issue.severity in _WORST)
    if not issues:
        return None
    codes, after = _codes(issues), retry_after(headers.get("retry-after", ""), now)
    if codes & (_ABOUT_US | {"forbidden"}):
        return Unauthorized("the EHR refuses our credentials", status=status, issues=issues)
    if codes & (_PASSING | {"exception"}):
        return Retryable("the EHR could not do it now", after=after, status=status, issues=issues)
    if codes & {"not-found", "deleted"}:
        return Gone("the record is not in the EHR", status=status, issues=issues)
    return _lasting(status, codes, issues, on_record=False)


def unanswered(error: httpx.HTTPError) -> EhrError:
    """The error for a request without an answer: a certificate that is not valid, or the network."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Unusable(f"the EHR's certificate is not valid: {cause.verify_message}")
        cause = cause.__cause__ or cause.__context__
    return Unanswered(f"no answer from the EHR: {type(error).__name__}")


def is_page(headers: Mapping[str, str], body: bytes) -> bool:
    """Whether a body is HTML: the word of a proxy or a gateway, not of the EHR."""
    start = body[:200].lstrip().lower()
    return "html" in headers.get("content-type", "") or start.startswith((b"<!doctype html", b"<html"))


def _of_connection(
    status: int, after: float | None, codes: set[str], issues: tuple[EhrIssue, ...]
) -> EhrError | None:
    """What says nothing of the request itself: too many, credentials, another address, another format."""
    if status == 429 or (status == 403 and (after is not None or "throttled" in codes)):
        return Throttled("the EHR asks for fewer requests", after=after, status=status, issues=issues)
    if status in (401, 403) or (status == 400 and codes & _ABOUT_US):
        return Unauthorized("the EHR refuses our credentials", status=status, issues=issues)
    if status < 400:
        return Unusable("the EHR redirects to another address", status=status, issues=issues)
    if status in (406, 415):
        return Unusable("the EHR does not speak FHIR JSON", status=status, issues=issues)
    return None


def _passing(
    status: int, after: float | None, codes: set[str], issues: tuple[EhrIssue, ...]
) -> EhrError | None:
    if codes & _PASSING:
        return Retryable("the EHR could not do it now", after=after, status=status, issues=issues)
    if status == 500 and codes and codes <= _ABOUT_CONTENT:
        return None
    if status in _RETRYABLE or (status > 504 and status != 505):
        return Retryable("the EHR could not do it now", after=after, status=status, issues=issues)
    return None


def _lasting(status: int, codes: set[str], issues: tuple[EhrIssue, ...], on_record: bool) -> EhrError:
    if status == 410 or (status == 404 and on_record):
        return Gone("the record is not in the EHR", status=status, issues=issues)
    if "multiple-matches" in codes:
        return NeedsPerson("several records match in the EHR", status=status, issues=issues)
    if "duplicate" in codes:
        return NeedsPerson("the EHR sees a duplicate", status=status, issues=issues)
    if status in (409, 412, 428) or "conflict" in codes:
        return Conflict("the EHR holds something else", status=status, issues=issues)
    if codes & _FOR_A_PERSON:
        return NeedsPerson("the EHR refuses by a rule of its own", status=status, issues=issues)
    return Permanent("the EHR refuses the request", status=status, issues=issues)


def _codes(issues: Iterable[EhrIssue]) -> set[str]:
    """The codes of the errors; of all issues where none is called an error."""
    issues = tuple(issues)
    worst = {issue.code for issue in issues if issue.severity in _WORST}
    return worst or {issue.code for issue in issues}


def read_issues(body: bytes) -> tuple[EhrIssue, ...]:
    """The issues of an OperationOutcome; nothing when the body is anything else."""
    try:
        outcome = loads(body) if body else None
    except InvalidJson:
        return ()
    if not isinstance(outcome, dict) or outcome.get("resourceType") != "OperationOutcome":
        return ()
    return _issues_of(outcome)


def _issues_of(outcome: JsonObject) -> tuple[EhrIssue, ...]:
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
