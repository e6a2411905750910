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
from fhirserver.interactions.bundles import bundle
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.faults import fault
from fhirserver.interactions.transaction import Dispatch
from fhirserver.kernel.outcomes import Refusal

_INHERITED = ("x-provenance", "prefer")
_ORDER = ("DELETE", "POST", "PUT", "PATCH", "GET", "HEAD")


async def batch(context: Context, request: Request, dispatch: Dispatch) -> Result:
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
    for method in _ORDER:
        group = [entry for entry in entries if entry.method == method]
        done = await asyncio.gather(*(_one(context, request, entry, dispatch) for entry in group))
        answers.update(zip((entry.number for entry in group), done, strict=True))
    return Result(200, bundle("batch-response", _ordered(answers), ()))


def _ordered(answers: dict[int, bytes]) -> Sequence[bytes]:
    return [answers[number] for number in sorted(answers)]


async def _one(context: Context, request: Request, entry: EntryRequest, dispatch: Dispatch) -> bytes:
    inherited = {name: request.headers[name] for name in _INHERITED if name in request.headers}
    try:
        with entry.named():
            single = entry.as_request(request.principal)
            single.headers = {**inherited, **single.headers}
            result = await dispatch(context, single)
        return entry_result(context, result, with_resource=True)
    except Refusal as refusal:
        return entry_refused(refusal)
    except Exception as error:  # one entry's fault must not fail its neighbours
        return entry_refused(fault(error))
