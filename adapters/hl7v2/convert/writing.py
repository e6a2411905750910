"""Putting values where a target says."""

from __future__ import annotations

from typing import Any

from adapters.hl7v2.convert.context import Context, Trace
from adapters.hl7v2.convert.drafts import Draft, Items, Json, Reference
from adapters.hl7v2.convert.memo import Group, Settled
from adapters.hl7v2.maps.targets import LIST, RESOURCE, RESOURCES, Target


def locate(
    context: Context, draft: Draft, start: Json, target: Target, repetition: int
) -> tuple[Draft, Json]:
    """The object that has the element, made on the way; and the resource that it is of."""
    at = start
    for hop in target.hops:
        if hop.rivals and not hop.rivals.isdisjoint(at):
            return Draft(draft.type), {}  # Another type of the choice was given first.
        if hop.kind == LIST:
            items = at.get(hop.name)
            if items is None:
                items = at[hop.name] = Items()
            index = 0 if hop.shared else context.segment.index
            key = (index, hop.slot, repetition if hop.repeats else 0)
            at = _opened(items, key)
        elif hop.kind == RESOURCE:
            draft = _resource(draft, at, hop.name, hop.resource)
            at = draft.content
        elif hop.kind == RESOURCES:
            items = at.setdefault(hop.name, Items())
            place = (context.segment.index, hop.slot, repetition if hop.repeats else 0, hop.resource)
            draft = _resource(draft, items, place, hop.resource)
            at = draft.content
        else:
            at = _opened(at, hop.name)
        if not isinstance(at, dict):
            return draft, {}  # A reference stands here already, and stays.
    return draft, at


def _opened(holder: Any, key: Any) -> Any:
    """The object that is there, to be completed; made where there is none yet."""
    found = holder.get(key)
    if found is None:
        found = holder[key] = {}
    elif type(found) is Settled:
        found = holder[key] = found.opened()
    return found


def _resource(draft: Draft, holder: Any, key: Any, type: str) -> Draft:
    found = holder.get(key)
    if isinstance(found, Reference):
        return found.draft if found.draft.type == type else Draft(type)
    made = Draft(type)
    if found is None:
        holder[key] = Reference(made)
        draft.refers.append(made)
    return made


def put(
    context: Context, target: Target, draft: Draft, at: Json, value: Any, repetition: int, source: str
) -> None:
    """The first value that an element is given stays; objects are completed."""
    if target.rivals and not target.rivals.isdisjoint(at):
        return
    if target.is_list:
        items = at.get(target.name)
        if items is None:
            items = at[target.name] = Items()
        key = (context.segment.index, target.slot, repetition if target.repeats else 0)
        placed = items.setdefault(key, value)
    else:
        placed = at.setdefault(target.name, value)
    if isinstance(value, Reference) and placed is value:
        draft.refers.append(value.draft)
    mark(context, target, draft, source)


def item(context: Context, target: Target, at: Json, repetition: int, group: int = 0) -> Json:
    """The object that an element of a complex type holds, made where it is not there yet."""
    if not target.name:
        return at
    if target.rivals and not target.rivals.isdisjoint(at):
        return {}
    if not target.is_list:
        found = _opened(at, target.name)
        return found if isinstance(found, dict) else {}
    items = at.get(target.name)
    if items is None:
        items = at[target.name] = Items()
    key = (context.segment.index, _slot(target, group), repetition if target.repeats else 0)
    found = _opened(items, key)
    return found if isinstance(found, dict) else {}


def settle(
    context: Context, target: Target, at: Json, repetition: int, groups: list[tuple[Group, Settled]]
) -> bool:
    """Put objects where nothing is; False, and nothing done, where something is."""
    if target.rivals and not target.rivals.isdisjoint(at):
        return False
    if not target.is_list:
        if target.name in at:
            return False
        for _, settled in groups:
            at[target.name] = settled
        return True
    items = at.get(target.name)
    index, number = context.segment.index, repetition if target.repeats else 0
    placed = {(index, _slot(target, group.number), number): settled for group, settled in groups}
    if items is None:
        if placed:
            at[target.name] = Items(placed)
        return True
    if any(key in items for key in placed):
        return False
    items.update(placed)
    return True


def _slot(target: Target, group: int) -> str:
    return f"{target.slot}/{group}" if group > 1 else target.slot


def mark(context: Context, target: Target, draft: Draft, source: str) -> None:
    """Remember where the top element came from; all of it where somebody wants to know."""
    name = target.origin
    if name and draft is not context.held and name not in draft.origin:
        draft.origin[name] = context.place
    if context.traces is not None:
        path = context.within(draft, name)
        context.traces.append(Trace(draft, path, context.place, source))
