"""transaction: https://hl7.org/fhir/R4/http.html#transaction

All writes of the Bundle are one command: they stand or fall together and make one commit. Reads among the
entries are answered after it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from fhirserver.access.principals import Principal, require
from fhirserver.interactions.answers import deleted, held_issues, outcome_issues
from fhirserver.interactions.bundle_entries import (
    EntryRequest,
    bundle_entries,
    entry_request,
    entry_result,
    patch_body,
)
from fhirserver.interactions.bundles import bundle
from fhirserver.interactions.delete import conditional_remove
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.patch_bodies import read_patch
from fhirserver.interactions.preconditions import if_match, if_none_match
from fhirserver.interactions.profiles import held_to_claims
from fhirserver.interactions.reserved import refuse_reserved
from fhirserver.interactions.resources import accept, check_id, condition, if_none_exist, known_type
from fhirserver.interactions.statement import statement_of
from fhirserver.kernel.ids import is_id, new_id
from fhirserver.kernel.outcomes import Category, Issue, Refusal, refuse
from fhirserver.kernel.references import parse_reference
from fhirserver.model.links import relink
from fhirserver.ports.log import Statement
from fhirserver.search.expression import Query
from fhirserver.store.commands import Amend, Command, Put, Remove, Write, Written

Dispatch = Callable[[Context, Request], Awaitable[Result]]
_ORDER = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 3}


@dataclass(slots=True)
class _Plan:
    """The Bundle as one command in the making."""

    context: Context
    principal: Principal
    statement: Statement
    conditions: dict[str, Query] = field(default_factory=dict)
    targets: dict[str, str] = field(default_factory=dict)
    relative: dict[str, str] = field(default_factory=dict)
    ids: dict[int, str] = field(default_factory=dict)
    writes: list[tuple[EntryRequest, Write]] = field(default_factory=list)
    claimed: dict[int, Sequence[Issue]] = field(default_factory=dict)

    def add_condition(self, type: str, text: str) -> str:
        name, query = condition(self.context, type, text)
        self.conditions[name] = query
        return name

    def target(self, reference: str) -> str | None:
        """Where the entry that a reference means will be found."""
        found = self.targets.get(reference) or self.relative.get(reference)
        base = f"{self.context.base_url}/"
        return reference.removeprefix(base) if found is None and reference.startswith(base) else found

    def link(self, reference: str) -> str | None:
        """What stands for a reference: the place of an entry, or a condition of the command."""
        return self.target(reference) or self.named_condition(reference)

    def named_condition(self, reference: str) -> str | None:
        """Make a conditional reference, ``Practitioner?identifier=…``, a condition of the command."""
        type, mark, criteria = reference.partition("?")
        if not (mark and type.isalpha() and type[:1].isupper()):
            return None
        known_type(type)
        return self.add_condition(type, criteria)


async def transaction(context: Context, request: Request, dispatch: Dispatch) -> Result:
    """Do all of it or nothing."""
    given, wrong = bundle_entries(request.json())
    for flaw in wrong.values():
        raise flaw
    entries = [entry_request(number, entry, context.base_url) for number, entry in enumerate(given)]
    plan = _Plan(
        context, request.principal, statement_of(request.principal, request.headers.get("x-provenance"))
    )
    _assign_targets(plan, entries)
    for entry in sorted((e for e in entries if e.method in _ORDER), key=lambda e: _ORDER[e.method]):
        with entry.named():
            write = _write(plan, entry)
            write, plan.claimed[entry.number] = await held_to_claims(context, write, plan.statement)
            plan.writes.append((entry, write))
    _refuse_duplicates(plan)
    await _refuse_reserved(plan)
    answers = await _commit(plan, request.prefer_return)
    for entry in entries:
        if entry.method not in _ORDER:
            answers[entry.number] = await _read(context, request, entry, dispatch)
    ordered = [answers[entry.number] for entry in entries]
    return Result(200, bundle("transaction-response", ordered, ()))


def _assign_targets(plan: _Plan, entries: list[EntryRequest]) -> None:
    """Where each entry's ``fullUrl`` will be found, so that references can be rewritten."""
    for entry in entries:
        if entry.method == "POST":
            plan.ids[entry.number] = new_id()
            target = f"{entry.type}/{plan.ids[entry.number]}"
        elif entry.method in ("PUT", "PATCH") and entry.id:
            target = f"{entry.type}/{entry.id}"
        elif entry.method == "PUT":
            plan.ids[entry.number] = str((entry.resource or {}).get("id") or new_id())
            target = f"{entry.type}/{plan.ids[entry.number]}"
        else:
            continue
        if entry.full_url:
            if entry.full_url in plan.targets:
                raise refuse(
                    Category.INVALID, "duplicate", "Two entries have the same fullUrl", entry.path("fullUrl")
                )
            plan.targets[entry.full_url] = target
            _assign_relative(plan, entry.full_url, target)


def _assign_relative(plan: _Plan, full_url: str, target: str) -> None:
    """``http://other/fhir/Patient/23`` is also what its neighbours call ``Patient/23``."""
    literal = parse_reference(full_url)
    if literal is not None and literal.base:
        plan.relative.setdefault(f"{literal.type}/{literal.id}", target)


def _write(plan: _Plan, entry: EntryRequest) -> Write:
    require(plan.principal, "write")
    known_type(entry.type)
    own = statement_of(plan.principal, entry.provenance) if entry.provenance else None
    seen = if_match(entry.if_match)
    if entry.method == "DELETE":
        return _remove(plan, entry, own, seen)
    if entry.method == "PATCH":
        return _amend(plan, entry, own, seen)
    return _put(plan, entry, own, seen)


def _remove(plan: _Plan, entry: EntryRequest, own: Statement | None, seen: int | None) -> Remove:
    if entry.id:
        return Remove(entry.type, _known_id(entry), seen, own)
    remove, conditions = conditional_remove(plan.context, entry.type, entry.query, seen)
    plan.conditions.update(conditions)
    return replace(remove, statement=own)


def _amend(plan: _Plan, entry: EntryRequest, own: Statement | None, seen: int | None) -> Amend:
    change = read_patch(*patch_body(entry), plan.targets.get, plan.link)
    if entry.id:
        return Amend(entry.type, _known_id(entry), change, seen, own)
    where = plan.add_condition(entry.type, entry.query)
    return Amend(entry.type, "", change, seen, own, where)


def _known_id(entry: EntryRequest) -> str:
    if not is_id(entry.id) or entry.rest:
        text = f"{entry.method} needs Type/id or Type?criteria"
        raise refuse(Category.INVALID, "value", text, "request.url")
    return entry.id


def _put(plan: _Plan, entry: EntryRequest, own: Statement | None, seen: int | None) -> Put:
    if entry.resource is None:
        raise refuse(Category.INVALID, "required", f"{entry.method} needs a resource", "resource")
    content = relink(entry.resource, plan.targets.get, plan.target)
    accept(content, entry.type, partial=(own or plan.statement).mode == "partial")
    content = relink(content, _no_link, plan.named_condition)
    if entry.method == "POST":
        unless = ""
        if entry.if_none_exist:
            unless, query = if_none_exist(plan.context, entry.type, entry.if_none_exist)
            plan.conditions[unless] = query
        return Put(entry.type, plan.ids[entry.number], content, create=True, unless=unless, statement=own)
    if not entry.id:
        where = plan.add_condition(entry.type, entry.query)
        return Put(entry.type, plan.ids[entry.number], content, if_match=seen, where=where, statement=own)
    check_id(content, entry.type, entry.id)
    absent, unseen = if_none_match(entry.if_none_match)
    return Put(entry.type, entry.id, content, False, seen, absent, statement=own, unless_version=unseen)


def _no_link(uri: str) -> None:
    """Conditions stand only where references do."""


def _refuse_duplicates(plan: _Plan) -> None:
    """The same resource may not be written twice in one transaction, nor made twice under one condition."""
    seen: set[tuple[str, str]] = set()
    for entry, write in plan.writes:
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


async def _refuse_reserved(plan: _Plan) -> None:
    for entry, write in plan.writes:
        if isinstance(write, Put | Amend | Remove) and entry.method != "POST":
            with entry.named():
                await refuse_reserved(plan.context, write.type, write.id)


async def _commit(plan: _Plan, preferred: str) -> dict[int, bytes]:
    if not plan.writes:
        return {}
    writes = [write for _, write in plan.writes]
    command = Command(plan.statement, writes, plan.conditions, plan.context.reserved)
    try:
        outcome = await plan.context.store.submit(command)
    except Refusal as refusal:
        if refusal.write is not None:
            with plan.writes[refusal.write][0].named():
                raise
        raise
    pairs = zip(plan.writes, outcome.results, strict=True)
    return {entry.number: _answer(plan, entry, written, preferred) for (entry, _), written in pairs}


def _answer(plan: _Plan, entry: EntryRequest, written: Written, preferred: str) -> bytes:
    context = plan.context
    if entry.method == "DELETE":
        return entry_result(context, deleted(preferred, written), with_resource=False)
    status = 201 if written.created else 200
    location = ""
    if written.version is not None:
        location = f"{context.base_url}/{written.key}/_history/{written.version.version}"
    issues = outcome_issues(written) if preferred == "OperationOutcome" else held_issues(written)
    issues += [issue.as_json() for issue in plan.claimed[entry.number]]
    headers = {"Location": location} if location else {}
    with_resource = preferred not in ("minimal", "OperationOutcome")
    return entry_result(context, Result(status, b"", headers, written.version, issues), with_resource)


async def _read(context: Context, request: Request, entry: EntryRequest, dispatch: Dispatch) -> bytes:
    with entry.named():
        result = await dispatch(context, entry.as_request(request.principal))
    return entry_result(context, result, with_resource=True)
