"""What each interaction takes and gives, beyond where it lives: https://hl7.org/fhir/R4/http.html"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Answers = Mapping[int, tuple[str, str]]
"""Status → what it means, and what the body is: ``resource`` (of the path's type), another schema, or empty."""

REPEATED = {
    ("update", "type"): "conditional",
    ("patch", "type"): "conditional",
    ("delete", "type"): "conditional",
    ("search-type", "type-search"): "post",
    ("search-system", "system-search"): "post",
    ("search-compartment", "compartment-search"): "post",
}
"""The same code at a second place: what its ``operationId`` ends with."""


@dataclass(frozen=True, slots=True)
class Form:
    """The parameters (names of components), the body and the answers. ``searches`` adds those of the type."""

    summary: str
    parameters: tuple[str, ...] = ()
    body: str = ""
    answers: Answers = field(default_factory=lambda: {200: ("The answer", "resource")})
    searches: bool = False


_SHAPE = ("_summary", "_elements")
_FRESH = ("If-None-Match", "If-Modified-Since")
_WRITE = ("Prefer", "X-Provenance")
_RESULTS = ("_list", "_sort", "_count", "_include", "_revinclude", "_total", *_SHAPE, "Prefer")
_HISTORY = ("_count", "_since", "_at", "_list", "history-sort", "_summary", "_elements")
_FOUND: Answers = {200: ("The resource", "resource"), 304: ("It is as the client has it", "")}
_BUNDLE: Answers = {200: ("A Bundle", "Bundle")}
_WRITTEN: Answers = {200: ("The resource as it is now", "resource"), 201: ("Created", "resource")}
_DELETED: Answers = {200: ("Deleted", "OperationOutcome"), 204: ("Deleted", "")}

_FORMS: Mapping[str, Form] = {
    "read": Form("Read one {type}", (*_SHAPE, "_asOf", *_FRESH), answers=_FOUND),
    "vread": Form("Read one version of a {type}", (*_SHAPE, *_FRESH), answers=_FOUND),
    "create": Form("Create a {type}", ("If-None-Exist", *_WRITE), "resource", _WRITTEN),
    "update": Form("State all of one {type}", ("If-Match", "If-None-Match", *_WRITE), "resource", _WRITTEN),
    "patch": Form("Change parts of one {type}", ("If-Match", *_WRITE), "patch", _WRITTEN),
    "delete": Form("Delete one {type}", ("If-Match", *_WRITE), answers=_DELETED),
    "history-instance": Form("The versions of one {type}", _HISTORY, answers=_BUNDLE),
    "history-type": Form("The versions of every {type}", _HISTORY, answers=_BUNDLE),
    "history-system": Form("The versions of everything", _HISTORY, answers=_BUNDLE),
    "search-type": Form("Search for {type}", _RESULTS, answers=_BUNDLE, searches=True),
    "search-compartment": Form(
        "Search for {type} in a compartment", _RESULTS, answers=_BUNDLE, searches=True
    ),
    "search-system": Form(
        "Search across types", (*_RESULTS, "_type", "_id", "_lastUpdated"), answers=_BUNDLE
    ),
    "transaction batch": Form(
        "Do what a Bundle of type transaction or batch says", _WRITE, "bundle", _BUNDLE
    ),
}
_CONDITIONAL = {
    "update": Form("State the {type} that the query finds", ("_id", *_WRITE), "resource", _WRITTEN),
    "patch": Form("Change the {type} that the query finds", ("_id", *_WRITE), "patch", _WRITTEN),
    "delete": Form("Delete the {type} that the query finds", ("_id", *_WRITE), "", _DELETED),
}
_POSTED = Form("Search, with the parameters in the body too", ("Prefer",), "form", _BUNDLE)


def form_of(code: str, level: str, method: str) -> Form:
    """The form of an interaction; a plain one for a code that this table does not have."""
    if method == "POST" and level.endswith("-search"):
        return _POSTED
    if level == "type" and code in _CONDITIONAL:
        return _CONDITIONAL[code]
    return _FORMS.get(code) or Form(code)
