"""From a vendor's refusal to the port's error tree: the mapping's rules first, then what the status says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from adapters.fhir.refusals import retry_after
from adapters.rest.mapping import ErrorRule
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

_RETRYABLE = frozenset((408, 423, 425, 500, 502, 503, 504))
_WORDS = {
    "conflict": "the EHR holds something else",
    "gone": "the record is not in the EHR",
    "unauthorized": "the EHR refuses our credentials",
    "permanent": "the EHR refuses the request",
    "needs-person": "the EHR refuses by a rule of its own",
}
_KINDS: Mapping[str, type[EhrError]] = {
    "conflict": Conflict,
    "gone": Gone,
    "unauthorized": Unauthorized,
    "permanent": Permanent,
    "needs-person": NeedsPerson,
}


def refusal(
    rules: Sequence[ErrorRule],
    status: int,
    headers: Mapping[str, str],
    body: str,
    words: str,
    now: datetime,
) -> EhrError:
    """The error for a refusal. ``words`` are the vendor's own: for an operator, never for a log."""
    kind = _by_rule(rules, status, body) or _by_status(status)
    issues = [EhrIssue(code=_code(kind), text=words)] if words else []
    if kind in ("throttled", "retryable"):
        after = retry_after(headers.get("retry-after", ""), now)
        if kind == "throttled":
            return Throttled("the EHR asks for fewer requests", after=after, status=status, issues=issues)
        return Retryable("the EHR could not do it now", after=after, status=status, issues=issues)
    return _KINDS[kind](_WORDS[kind], status=status, issues=issues)


def _by_rule(rules: Sequence[ErrorRule], status: int, body: str) -> str:
    for rule in rules:
        if rule.statuses and status not in rule.statuses:
            continue
        if rule.body is None or rule.body.search(body):
            return rule.kind
    return ""


def _by_status(status: int) -> str:
    if status == 429:
        return "throttled"
    if status in (401, 403):
        return "unauthorized"
    if status in _RETRYABLE or status > 504:
        return "retryable"
    if status in (404, 410):
        return "gone"
    return "conflict" if status in (409, 412) else "permanent"


def _code(kind: str) -> str:
    return {"conflict": "conflict", "needs-person": "business-rule", "gone": "not-found"}.get(
        kind, "processing"
    )
