"""What went wrong, as values: a refusal has one category and one or more FHIR issues.

The HTTP status is decided once, at the edge, from the category. Issue codes are those of
https://hl7.org/fhir/R4/valueset-issue-type.html.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from fhirserver.kernel.json import JsonObject


class Category(Enum):
    """Why a request was refused; the value is the HTTP status the edge answers with."""

    INVALID = 400
    UNAUTHENTICATED = 401
    FORBIDDEN = 403
    NOT_FOUND = 404
    NOT_ALLOWED = 405
    NOT_ACCEPTABLE = 406
    TIMEOUT = 408
    CONFLICT = 409
    GONE = 410
    PRECONDITION_FAILED = 412
    TOO_LARGE = 413
    URI_TOO_LONG = 414
    UNSUPPORTED_MEDIA = 415
    UNPROCESSABLE = 422
    LOCKED = 423
    TOO_MANY = 429
    HEADERS_TOO_LARGE = 431
    FAULT = 500
    NOT_SUPPORTED = 501
    BUSY = 503


TX_ISSUE_TYPE = "http://hl7.org/fhir/tools/CodeSystem/tx-issue-type"
MESSAGE_ID = "http://hl7.org/fhir/StructureDefinition/operationoutcome-message-id"


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue of an OperationOutcome.

    ``expression`` holds FHIRPath expressions such as ``Patient.name[0].given``; ``diagnostics`` must
    never hold a value from a resource (no PHI in error text), only names and places.

    Issues of the terminology service have a ``type`` (of :data:`TX_ISSUE_TYPE`) and the ``message_id`` by which
    validators know their text: this then stands in ``details``, as it does where ``in_details`` asks for that.
    """

    code: str
    diagnostics: str
    expression: tuple[str, ...] = ()
    severity: str = "error"
    type: str = ""
    message_id: str = ""
    in_details: bool = False

    def as_json(self) -> JsonObject:
        text = _printable(self.diagnostics)
        issue: JsonObject = {"severity": self.severity, "code": self.code}
        if self.message_id:
            issue = {"extension": [{"url": MESSAGE_ID, "valueString": self.message_id}], **issue}
        if self.type or self.message_id or self.in_details:
            coding = {"coding": [{"system": TX_ISSUE_TYPE, "code": self.type}]} if self.type else {}
            issue["details"] = {**coding, "text": text}
        else:
            issue["diagnostics"] = text
        if self.expression:
            issue["expression"] = [_printable(path) for path in self.expression]
        return issue


def _printable(text: str) -> str:
    """A text that a FHIR string may be: names from outside may hold control characters and lone surrogates."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)


class Refusal(Exception):
    """A request that is refused, with the reasons. Raise it anywhere; the edge answers it."""

    def __init__(
        self,
        category: Category,
        issues: Iterable[Issue],
        headers: dict[str, str] | None = None,
        problem: str = "",
    ):
        self.category = category
        self.problem = problem
        """A code that tells this refusal from others of its category, for programs; empty where that says it all."""
        self.issues = tuple(issues)
        self.headers = headers or {}
        self.write: int | None = None
        """Which write of a command was refused, where it was one of them."""
        super().__init__(f"{category.name}: {'; '.join(i.diagnostics for i in self.issues)}")


def refuse(category: Category, code: str, diagnostics: str, *expression: str, problem: str = "") -> Refusal:
    """Build a :class:`Refusal` with one issue."""
    return Refusal(category, (Issue(code, diagnostics, expression),), problem=problem)


def operation_outcome(issues: Iterable[Issue]) -> JsonObject:
    """The OperationOutcome resource that carries ``issues``."""
    return {"resourceType": "OperationOutcome", "issue": [issue.as_json() for issue in issues]}
