"""``DocumentReference/$docref``: http://hl7.org/fhir/us/core/STU6.1/OperationDefinition-docref.html"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fhirserver.interactions.bundles import bundle, search_entry
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.registry import Operation, Parameter
from fhirserver.kernel.ids import is_id
from fhirserver.kernel.json import Json, JsonObject, loads
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.kernel.queries import encode_query
from fhirserver.operations.everything_support import stream_versions
from fhirserver.operations.observation_lastn import Seen, labels, newest
from fhirserver.operations.parameters import flag, inputs, one
from fhirserver.ports.storage import Version
from fhirserver.search.literals import date_range
from fhirserver.search.parse import parse
from fhirserver.search.values import BEGIN

_TYPE = "DocumentReference"
MAX_DOCUMENTS = 10_000
"""Documents that one answer may have."""
Pairs = list[tuple[str, str]]
Inputs = dict[str, list[Json]]


async def document_reference_docref(context: Context, request: Request) -> Result:
    """The current documents of a patient: of care in a span of time, or, where none is named, the newest of each type.

    No document is made on demand: who asks for such alone is given none.
    """
    given = inputs(request)
    criteria = [("patient", _patient(given)), ("status", "current"), *_types(given)]
    spans = [*_spans(_time(given, "start"), _time(given, "end"))]
    found: dict[str, Version] = {}
    if not flag(given, "on-demand"):
        for span in spans or [[]]:
            await _collect(context, [*criteria, *span], found)
    versions = list(found.values()) if spans else _newest(found)
    entries = [
        search_entry(f"{context.base_url}/{_TYPE}/{version.id}", version.content) for version in versions
    ]
    url = f"{context.base_url}/{_TYPE}/$docref?{encode_query(_self(given))}"
    return Result(200, bundle("searchset", entries, [("self", url)], len(versions)), shown=versions)


async def _collect(context: Context, criteria: Pairs, found: dict[str, Version]) -> None:
    query = parse(_TYPE, criteria, base=context.base_url, terminology=context.terminology)
    async for version in stream_versions(context.store, _TYPE, query.where):
        found[version.id] = version
        if len(found) > MAX_DOCUMENTS:
            text = f"More than {MAX_DOCUMENTS} documents match; name a type or a shorter time"
            raise refuse(Category.UNPROCESSABLE, "too-costly", text)


def _spans(start: str, end: str) -> Iterator[Pairs]:
    """What finds documents of care between the two; those that do not say when care was given are found by their own
    date. Nothing where no time is named."""
    bounds = [f"{prefix}{text}" for prefix, text in (("ge", start), ("le", end)) if text]
    if bounds:
        yield [("period", bound) for bound in bounds]
        yield [("period:missing", "true"), *(("date", bound) for bound in bounds)]


def _newest(found: dict[str, Version]) -> list[Version]:
    seen = []
    for version in found.values():
        document = loads(version.content)
        seen.append(Seen(_when(document), version.id, tuple(labels(document.get("type", {})))))
    return [found[document.id] for document in newest(seen, 1)]


def _when(document: JsonObject) -> int:
    """When the care was that a document is about, or else when it was written; the first where it says neither."""
    period = document.get("context", {}).get("period", {})
    for text in (period.get("end"), period.get("start"), document.get("date")):
        if text:
            try:
                return date_range(text)[0]
            except (ValueError, OverflowError):
                return BEGIN
    return BEGIN


def _patient(given: Inputs) -> str:
    text = str(one(given, "patient", required=True)).removeprefix("Patient/")
    if not is_id(text):
        raise refuse(Category.INVALID, "value", "patient is the id of a Patient", "http.patient")
    return text


def _types(given: Inputs) -> Pairs:
    """Any of the types, each a Coding or a token."""
    tokens = [_token(value) for value in given.get("type", ())]
    return [("type", ",".join(tokens))] if tokens else []


def _token(value: Json) -> str:
    if not isinstance(value, dict):
        return str(value)
    if not isinstance(value.get("code"), str):
        raise refuse(Category.INVALID, "value", "type is a Coding with a code", "http.type")
    system = value.get("system", "")
    return f"{system}|{value['code']}" if system else value["code"]


def _time(given: Inputs, name: str) -> str:
    """A date or a moment; empty without. Refuses (400) what is none."""
    value = one(given, name)
    text = "" if value is None else str(value)
    try:
        if text:
            date_range(text)
    except (ValueError, OverflowError):
        raise refuse(Category.INVALID, "value", f"{name} is a dateTime", f"http.{name}") from None
    return text


def _self(given: Inputs) -> Sequence[tuple[str, str]]:
    return [(name, _token(value)) for name, values in given.items() for value in values]


DOCREF = Operation(
    "docref",
    "type",
    (_TYPE,),
    "read",
    document_reference_docref,
    "http://hl7.org/fhir/us/core/OperationDefinition/docref",
    parameters=(
        Parameter("patient", "id", "Whose documents", 1),
        Parameter("start", "dateTime", "Only of care since then"),
        Parameter("end", "dateTime", "Only of care until then"),
        Parameter("type", "Coding", "Only of these types, such as a CCD (http://loinc.org|34133-9)", max="*"),
        Parameter("on-demand", "boolean", "Only what is made on demand: nothing is"),
        Parameter("return", "Bundle", "A searchset of DocumentReferences", 1, use="out"),
    ),
)
