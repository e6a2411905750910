"""batch: https://hl7.org/fhir/R4/http.html#transaction - every entry for itself."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from fhirserver.interactions.bundle_entries import (
    EntryRequest,
    bundle_entries,
    entry_refused,
    entry_request,
    entry_result,
)
from fhirserver.interactions.bundle_links import PLACEHOLDERS
from fhirserver.interactions.bundles import bundle
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.faults import fault
from fhirserver.interactions.noting import dispatch_noted
from fhirserver.interactions.registry import Registry
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.kernel.references import path_of_reference, walk_references

_INHERITED = ("x-provenance", "prefer")
_ORDER = ("DELETE", "POST", "PUT", "PATCH", "GET", "HEAD")


async def batch(context: Context, request: Request, registry: Registry) -> Result:
    """Do each entry in the order of the specification; those of one method at once. None fails another."""
    given, wrong = bundle_entries(request.json())
    answers = {number: entry_refused(flaw) for number, flaw in wrong.items()}
    entries: list[EntryRequest] = []
    for number, entry in enumerate(given):
        if number in wrong:
            continue
        try:
            entries.append(entry_request(number, entry, context.base_url))
        except Refusal as refusal:
            answers[number] = entry_refused(refusal)
    entries = _independent(entries, answers)
    for method in _ORDER:
        group = [entry for entry in entries if entry.method == method]
        done = await asyncio.gather(*(_one(context, request, entry, registry) for entry in group))
        answers.update(zip((entry.number for entry in group), done, strict=True))
    return Result(200, bundle("batch-response", _ordered(answers), ()))


def _independent(entries: Sequence[EntryRequest], answers: dict[int, bytes]) -> list[EntryRequest]:
    """Refuse the entries that refer to what another one creates: in a batch there is no order to rely on.

    "References within a Bundle.entry.resource to another Bundle.entry.resource that is being created within the
    batch are considered to be non-conformant."
    """
    created = {one.full_url: one.number for one in entries if one.full_url and _may_create(one)}
    if not created:
        return list(entries)
    kept: list[EntryRequest] = []
    for entry in entries:
        found = (holder["reference"] for holder in walk_references(entry.resource))
        other = next((one for one in found if created.get(one, entry.number) != entry.number), None)
        if other is None:
            kept.append(entry)
            continue
        text = "Entries of a batch may not refer to each other; a transaction's may"
        path = path_of_reference(entry.resource or {}, other).partition(".")[2]
        where = entry.path(f"resource.{path}")
        answers[entry.number] = entry_refused(refuse(Category.INVALID, "business-rule", text, where))
    return kept


def _may_create(entry: EntryRequest) -> bool:
    """Whether the entry's full URL is the name of something that is not there before: what PUT writes may well be,
    under a URL, but nobody knows it by a ``urn:``."""
    return entry.method == "POST" or (entry.method == "PUT" and entry.full_url.startswith(PLACEHOLDERS))


def _ordered(answers: dict[int, bytes]) -> Sequence[bytes]:
    return [answers[number] for number in sorted(answers)]


async def _one(context: Context, request: Request, entry: EntryRequest, registry: Registry) -> bytes:
    inherited = {name: request.headers[name] for name in _INHERITED if name in request.headers}
    try:
        with entry.named():
            single = entry.as_request(request.principal)
            single.headers = {**inherited, **single.headers}
            single.address, single.number, single.purpose = request.address, request.number, request.purpose
            result = await dispatch_noted(context, registry, single)
        return entry_result(context, result, entry.method, "" if entry.reads else request.prefer_return)
    except Refusal as refusal:
        return entry_refused(refusal)
    except Exception as error:  # one entry's fault must not fail its neighbours
        return entry_refused(fault(error))
