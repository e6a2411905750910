"""Putting values where a target says."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from adapters.hl7v2.convert.context import Context, Trace
from adapters.hl7v2.convert.drafts import Draft, Items, Json, Reference
from adapters.hl7v2.convert.generating import Source, indented
from adapters.hl7v2.convert.memo import Settled
from adapters.hl7v2.maps.targets import LIST, OBJECT, RESOURCES, Hop, Target

Locate = Callable[[Context, Draft, Json, int], tuple[Draft, Json]]
"""Context, the resource, the object to start from and the repetition to the object that has the element, made on the
way; and the resource that it is of."""


Place = Callable[[Context, Draft, Json, Any, int], None]
"""As :data:`Locate`, and puts the value there."""


@lru_cache(maxsize=4096)
def locator(target: Target) -> Locate:
    """The hops of a target one after the other."""
    source = _known(Source())
    for hop in target.hops:
        _hop(source, hop, "return Draft(draft.type), {}", "return draft, {}")
    source.add("return draft, at")
    made: Locate = source.function("context, draft, at, repetition", "locate")
    return made


def placer(target: Target, row: str) -> Place:
    """For values that are no references: :func:`locator` and :func:`put` in one."""
    source = Source()
    taken = f"return {_marking(source, target, source.bind(row), 'draft')}"
    for hop in target.hops:
        _hop(_known(source), hop, "return", taken)
    source.add(*placing(source, target, row, "value", "draft", "at", "repetition"))
    made: Place = source.function("context, draft, at, value, repetition", "place")
    return made


def placing(
    source: Source, target: Target, row: str, value: str, draft: str, at: str, repetition: str
) -> list[str]:
    """Lines that put a value into the object ``at``: the last step of :func:`placer`."""
    _known(source)
    name = source.bind(target.name)
    marked = _marking(source, target, source.bind(row), draft)
    if target.is_list:
        key = f"(context.segment.index, {source.bind(target.slot)}, {repetition if target.repeats else 0})"
        lines = [
            f"items = {at}.get({name})",
            f"if items is None: {at}[{name}] = Items({{{key}: {value}}})",
            f"else: items.setdefault({key}, {value})",
        ]
    else:
        lines = [f"if {name} not in {at}: {at}[{name}] = {value}"]
    lines.append(f"if context.traces is not None: {marked}")
    if target.origin:
        origin = source.bind(target.origin)
        lines += [
            f"elif {draft} is not context.held and {origin} not in {draft}.origin:",
            f"    {draft}.origin[{origin}] = context.place",
        ]
    if target.rivals:
        return [f"if {source.bind(target.rivals)}.isdisjoint({at}):", *indented(lines)]
    return lines


def _marking(source: Source, target: Target, row: str, draft: str) -> str:
    return f"{source.bind(mark)}(context, {source.bind(target)}, {draft}, {row})"


def _known(source: Source) -> Source:
    """What the lines of this module speak of, bound."""
    source.bound |= {"Draft": Draft, "Items": Items, "opened": _opened, "resource": _resource}
    return source


def _hop(source: Source, hop: Hop, rivalled: str, taken: str) -> None:
    """``rivalled`` is done where another type of a choice was given first, ``taken`` where a reference stands."""
    name, number = source.bind(hop.name), "repetition" if hop.repeats else "0"
    if hop.rivals:
        source.add(f"if not {source.bind(hop.rivals)}.isdisjoint(at): {rivalled}")
    holder, key = "at", name
    if hop.kind in (LIST, RESOURCES):
        index = "0" if hop.shared and hop.kind == LIST else "context.segment.index"
        type = f", {source.bind(hop.resource)}" if hop.kind == RESOURCES else ""
        source.add(
            f"items = at.get({name})",
            f"if items is None: items = at[{name}] = Items()",
            f"key = ({index}, {source.bind(hop.slot)}, {number}{type})",
        )
        holder, key = "items", "key"
    if hop.kind in (LIST, OBJECT):
        source.add(
            f"inner = {holder}.get({key})",
            "if type(inner) is not dict:",
            f"    inner = opened({holder}, {key})",
            f"    if not isinstance(inner, dict): {taken}",
            "at = inner",
        )
    else:
        made = f"resource(draft, {holder}, {key}, {source.bind(hop.resource)})"
        source.add(f"draft = {made}", "at = draft.content")


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
    if draft is not context.held or context.traces is not None:
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


def settle(context: Context, target: Target, at: Json, repetition: int, groups: list[Settled]) -> bool:
    """Put objects where nothing is; False, and nothing done, where something is."""
    name = target.name
    if target.rivals and not target.rivals.isdisjoint(at):
        return False
    if not target.is_list:
        if name in at:
            return False
        for one in groups:
            at[name] = one
        return True
    items = at.get(name)
    index, number = context.segment.index, repetition if target.repeats else 0
    if len(groups) == 1 and groups[0].group.number < 2:
        key = (index, target.slot, number)
        if items is None:
            items = at[name] = Items()
        elif key in items:
            return False
        items[key] = groups[0]
        return True
    placed = [((index, _slot(target, one.group.number), number), one) for one in groups]
    if items is None:
        if placed:
            at[name] = Items(placed)
        return True
    for key, _ in placed:
        if key in items:
            return False
    items.update(placed)
    return True


def _slot(target: Target, group: int) -> str:
    return f"{target.slot}/{group}" if group > 1 else target.slot


def mark(context: Context, target: Target, draft: Draft, source: str) -> None:
    """Remember where the top element came from; all of it where somebody wants to know."""
    name, origin = target.origin, draft.origin
    if name and name not in origin and draft is not context.held:
        origin[name] = context.place
    if context.traces is not None:
        path = context.within(draft, name)
        context.traces.append(Trace(draft, path, context.place, source))
