"""The page of one review item: the diff, the decisions on all of it or on one element, corrections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fhirserver.console.correction import Form, form, value_of, with_errors
from fhirserver.console.decisions import DONE, Outcome, remembered
from fhirserver.console.desk import HEADERS, HOME, Desk, fields, given, strings
from fhirserver.console.hints import codes_of, starts
from fhirserver.console.kinds import kind
from fhirserver.console.queue_filter import Filter, following
from fhirserver.console.review import Shown, shown
from fhirserver.console.sessions import Session
from fhirserver.kernel.json import JsonObject, dumps, pretty
from fhirserver.kernel.outcomes import Category, Issue, Refusal, refuse
from fhirserver.world.review import CLAIMS

DECISIONS = ("approve", "reject", "correct", "claim", "release")
STAYING = ("claim", "release")


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why something could not be done; ``unit`` and ``sent`` are those of the correction that was refused."""

    issues: Sequence[Issue] = ()
    unit: str = ""
    sent: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Correction:
    """A form, and the same as JSON text for people to edit."""

    form: Form
    json: str


class ReviewPages:
    """Handlers of the pages of items."""

    def __init__(self, desk: Desk):
        self._desk = desk

    async def item(self, request: Request, session: Session) -> Response:
        """One item with its provenance diff."""
        return await self._item(request, session, Wrong())

    async def state(self, request: Request, session: Session) -> Response:
        """Who holds the item and whether it is decided: the part of the page that others change."""
        item = await shown(self._desk.context, request.path_params["id"])
        if item is None:
            return self._desk.page(request, "nothing.html", session, 404)
        seen = request.query_params.get("seen", "")
        return self._desk.page(request, "item_state.html", session, item=item, seen=seen)

    async def decide(self, request: Request, session: Session) -> Response:
        """What a form on the item's page asks for, done by the operation of that name."""
        id, decision = request.path_params["id"], request.path_params["decision"]
        if decision not in DECISIONS:
            return self._desk.page(request, "nothing.html", session, 403)
        await self._desk.queue.refresh()
        filter = Filter.of(request.query_params)
        next = await following(self._desk.queue, filter, self._desk.reviewer(session), id)
        sent = await fields(request)
        try:
            given = await _parameters(request, decision)
            await self._desk.invoke(session, "Task", id, decision, *given, seen=sent.get("seen", ""))
        except Refusal as refusal:
            wrong = Wrong(_plain(refusal), sent.get("about", ""), sent if decision == "correct" else None)
            return await self._item(request, session, wrong, refusal.category.value)
        return await self._decided(request, session, decision, filter, next)

    async def _decided(
        self, request: Request, session: Session, decision: str, filter: Filter, next: str
    ) -> Response:
        """The next item once this one has nothing left to decide."""
        id = request.path_params["id"]
        before = self._desk.queue.items.get(id)
        await self._desk.queue.refresh()
        open = id in self._desk.queue.items
        if decision not in STAYING:
            about = before.about if before else DONE[decision]
            await self._desk.sessions.remember(request, remembered(Outcome((id,), ()), decision, about))
        query = filter.query()
        place = f"{HOME}/review/{id if open else next}" if open or next else HOME
        return RedirectResponse(f"{place}?{query}" if query else place, 303, HEADERS)

    async def _item(self, request: Request, session: Session, wrong: Wrong, status: int = 200) -> Response:
        item = await shown(self._desk.context, request.path_params["id"])
        if item is None:
            return self._desk.page(request, "nothing.html", session, 404)
        await self._desk.queue.refresh()
        filter = Filter.of(request.query_params)
        forms, of = await self._forms(session, item, wrong), kind(item.item)
        placed = {field.error for one in forms.values() for field in one.form.fields}
        return self._desk.page(
            request,
            of.template,
            session,
            status,
            item=item,
            forms=forms,
            sent=wrong,
            wrong="; ".join(i.diagnostics for i in wrong.issues if i.diagnostics not in placed),
            next=await following(self._desk.queue, filter, self._desk.reviewer(session), item.id),
            query=filter.query(),
            reasons=of.reasons,
            view=await of.view(self._desk.context, item) if of.view else None,
        )

    async def _forms(self, session: Session, item: Shown, wrong: Wrong) -> dict[str, Correction]:
        """The correction of each open claim, by unit; that which was refused with its errors."""
        if not item.open or item.item.kind != CLAIMS:
            return {}
        bases = await starts(self._desk, session, item.id)
        codes = partial(codes_of, self._desk.context)
        forms = {unit: form(item.type, base, codes) for unit, base in bases.items()}
        if wrong.sent is not None and wrong.unit in forms:
            forms[wrong.unit] = with_errors(forms[wrong.unit], item.type, wrong.issues, wrong.sent)
        return {unit: Correction(form, pretty(bases[unit]).decode()) for unit, form in forms.items()}


def _plain(refusal: Refusal) -> Sequence[Issue]:
    """The issues, said for one who pressed a button."""
    if refusal.category is Category.PRECONDITION_FAILED:
        return [Issue("conflict", "The item has changed since you opened it: look again, then decide")]
    return refusal.issues


async def _parameters(request: Request, decision: str) -> list[JsonObject]:
    """The operation's parameters out of the form."""
    if decision != "correct":
        sent = await given(request, "unit", "reason", "survivor")
        return [one for name, values in sent.items() for one in strings(name, values)]
    whole = await fields(request)
    if "base" not in whole:
        return strings("value", [whole.get("value", "")])
    try:
        return strings("value", [dumps(value_of(whole)).decode()])
    except ValueError as error:
        raise refuse(Category.INVALID, "structure", str(error)) from None
