"""transaction: https://hl7.org/fhir/R4/http.html#transaction

All writes of the Bundle are one command: they stand or fall together and make one commit. Reads among the
entries are answered after it, on the state it left. One that is refused then is answered so at its entry, as in a
batch: what was committed stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fhirserver.interactions.answers import deleted, held_issues, outcome_issues
from fhirserver.interactions.bundle_entries import (
    EntryRequest,
    bundle_entries,
    entry_refused,
    entry_request,
    entry_result,
)
from fhirserver.interactions.bundle_links import Links
from fhirserver.interactions.bundles import bundle
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.noting import dispatch_noted, note_write
from fhirserver.interactions.profiles import held_to_claims
from fhirserver.interactions.registry import Registry
from fhirserver.interactions.reserved import refuse_reserved
from fhirserver.interactions.search_parameters import ready_for_conditions
from fhirserver.interactions.statement import statement_of
from fhirserver.interactions.subscription.governing import TYPES, ready
from fhirserver.interactions.transaction_plan import ORDER, Plan
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.store.commands import Amend, Command, Put, Remove, Write, Written


async def transaction(context: Context, request: Request, registry: Registry) -> Result:
    """Do all of it or nothing."""
    entries = _entries(context, request)
    statement = statement_of(request.principal, request.headers.get("x-provenance"))
    await _ready(context, request.body)
    if any(entry.type in TYPES for entry in entries):
        await ready(context)
    plan = Plan(context, request.principal, statement, Links(context.base_url))
    reads, writes = await _planned(plan, entries, request, registry)
    _refuse_duplicates(writes)
    await _refuse_reserved(context, writes)
    answers = await _commit(plan, writes, request)
    for entry, single in reads:
        single.address, single.number, single.purpose = request.address, request.number, request.purpose
        answers[entry.number] = await _read(context, entry, single, registry)
    ordered = [answers[entry.number] for entry in entries]
    return Result(200, bundle("transaction-response", ordered, ()))


async def _ready(context: Context, body: object) -> None:
    """Know what conditions may be about, where the body as it came shows that there may be any."""
    if not isinstance(body, bytes):
        await ready_for_conditions(context, str(body))
    elif b"ifNoneExist" in body:
        await ready_for_conditions(context, body.decode(errors="replace"))
    elif b"?" in body:
        asked = (after.partition(b'"')[0] for after in body.split(b"?")[1:])
        await ready_for_conditions(context, b" ".join(asked).decode(errors="replace"))


def _entries(context: Context, request: Request) -> list[EntryRequest]:
    given, wrong = bundle_entries(request.json())
    if wrong:
        raise _joined(refusal for _, refusal in sorted(wrong.items()))
    return [entry_request(number, entry, context.base_url) for number, entry in enumerate(given)]


def _joined(refusals: Iterable[Refusal]) -> Refusal:
    """All that is wrong, with the status of the first."""
    first, *others = refusals
    issues = [issue for refusal in (first, *others) for issue in refusal.issues]
    return Refusal(first.category, issues, first.headers)


async def _planned(
    plan: Plan, entries: Sequence[EntryRequest], request: Request, registry: Registry
) -> tuple[list[tuple[EntryRequest, Request]], list[tuple[EntryRequest, Write]]]:
    """What is to be read and what written, in the order of the specification."""
    plan.place(entry for entry in entries if not entry.reads)
    reads: list[tuple[EntryRequest, Request]] = []
    writes: list[tuple[EntryRequest, Write]] = []
    wrong: dict[int, Refusal] = {}
    for entry in entries:
        try:
            with entry.named():
                if entry.reads:
                    reads.append((entry, _read_request(entry, request, registry)))
                else:
                    write, claimed = await held_to_claims(plan.context, plan.write(entry), plan.statement)
                    plan.claimed[entry.number] = claimed
                    writes.append((entry, write))
        except Refusal as refusal:
            wrong[entry.number] = refusal
    if wrong:
        raise _joined(wrong.values())
    writes.sort(key=lambda pair: ORDER.index(pair[0].method))
    return reads, writes


def _read_request(entry: EntryRequest, request: Request, registry: Registry) -> Request:
    single = entry.as_request(request.principal)
    if "prefer" in request.headers:
        single.headers = {"prefer": request.headers["prefer"], **single.headers}
    operation = registry.operation(single) if single.operation.startswith("$") else None
    if operation is not None and operation.affects_state and single.method == "POST":
        text = f"${operation.name} changes what is stored, and could not be undone with the transaction"
        raise refuse(Category.INVALID, "not-supported", text, "request.url")
    return single


def _refuse_duplicates(writes: Sequence[tuple[EntryRequest, Write]]) -> None:
    """The same resource may not be written twice in one transaction, nor made twice under one condition."""
    seen: set[tuple[str, str]] = set()
    for entry, write in writes:
        for key in _identities(write):
            if key in seen:
                text = "Another entry writes the same resource"
                raise refuse(Category.INVALID, "duplicate", text, entry.path("request.url"))
            seen.add(key)


def _identities(write: Write) -> list[tuple[str, str]]:
    if not isinstance(write, Put | Amend | Remove):
        return []
    condition = (write.unless or write.where) if isinstance(write, Put) else ""
    found = [(write.type, write.id)] if write.id else []
    return [*found, (write.type, condition)] if condition else found


async def _refuse_reserved(context: Context, writes: Sequence[tuple[EntryRequest, Write]]) -> None:
    for entry, write in writes:
        if isinstance(write, Put | Amend | Remove) and entry.method != "POST":
            with entry.named():
                await refuse_reserved(context, write.type, write.id)


async def _commit(
    plan: Plan, writes: Sequence[tuple[EntryRequest, Write]], request: Request
) -> dict[int, bytes]:
    if not writes:
        return {}
    command = Command(plan.statement, [write for _, write in writes], plan.conditions, plan.context.reserved)
    try:
        outcome = await plan.context.store.submit(command)
    except Refusal as refusal:
        if refusal.write is not None:
            with writes[refusal.write][0].named():
                raise
        raise
    pairs = [(entry, done) for (entry, _), done in zip(writes, outcome.results, strict=True)]
    for entry, done in pairs:
        note_write(plan.context, request, entry.method, done, outcome.position)
    return {entry.number: _answer(plan, entry, done, request.prefer_return) for entry, done in pairs}


def _answer(plan: Plan, entry: EntryRequest, written: Written, preferred: str) -> bytes:
    context = plan.context
    if entry.method == "DELETE":
        return entry_result(context, deleted(preferred, written), entry.method, preferred)
    status, version = 201 if written.created else 200, written.version
    issues = outcome_issues(written) if preferred == "OperationOutcome" else held_issues(written)
    issues += [issue.as_json() for issue in plan.claimed[entry.number]]
    if version is None:
        return entry_result(context, Result(status, issues=issues), entry.method)
    headers = {"Location": f"{context.base_url}/{written.key}/_history/{version.version}"}
    body = b"" if preferred in ("minimal", "OperationOutcome") else version.content
    return entry_result(context, Result(status, body, headers, version, issues), entry.method)


async def _read(context: Context, entry: EntryRequest, single: Request, registry: Registry) -> bytes:
    try:
        with entry.named():
            return entry_result(context, await dispatch_noted(context, registry, single), entry.method)
    except Refusal as refusal:
        return entry_refused(refusal)
