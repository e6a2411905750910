"""What changed between two states of a resource, as a FHIRPath Patch that makes the one into the other.

    from fhirserver.model.differences import differences

    differences(before, after)   # list[Difference], in the order in which they are to be applied

Lists are aligned by their equal items; later items are changed first, so that an index means what it says when
its turn comes. https://hl7.org/fhir/R4/fhirpatch.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import cache
from typing import NamedTuple

from fhirserver.kernel.json import Json, JsonObject, canonical
from fhirserver.model.definitions import ElementDef, TypeDef, definitions

_KEYWORDS = frozenset({"and", "div", "false", "implies", "mod", "or", "true", "xor"})
_ALIGNED = 2_000
"""Lists with more items than this are compared item by item: aligning them would take too long."""


class Value(NamedTuple):
    """One item of an element: what it is of, its JSON, and what a primitive has beside it."""

    element: ElementDef
    json: Json
    sibling: JsonObject | None = None

    @property
    def key(self) -> bytes:
        return canonical([self.element.json_name, self.json, self.sibling])


@dataclass(frozen=True, slots=True)
class Difference:
    """One operation of a patch: ``add``, ``insert``, ``delete`` or ``replace``.

    ``member`` is the top-level element it is in; ``name`` is that of the element to add. ``item_before`` and
    ``item_after`` are the numbers of the top-level list's item that it is in, where there is one.
    """

    kind: str
    path: str
    member: str
    value: Value | None = None
    before: Value | None = None
    name: str = ""
    index: int | None = None
    item_before: int | None = None
    item_after: int | None = None


def differences(
    before: JsonObject, after: JsonObject, leave: frozenset[str] = frozenset()
) -> list[Difference]:
    """The operations that make ``before`` into ``after``, both valid and of one type, whatever their ids.

    Elements of the resource named in ``leave`` are passed over.
    """
    type = before["resourceType"]
    found = definitions().type(type)
    assert found is not None
    return list(_object(found, type, before, after, frozenset({"id", *leave})))


def _object(
    type: TypeDef,
    path: str,
    before: JsonObject,
    after: JsonObject,
    leave: frozenset[str] = frozenset(),
    top: str = "",
) -> Iterator[Difference]:
    for name, elements in type.by_name.items():
        if name in leave:
            continue
        old, new = list(_items(elements, before)), list(_items(elements, after))
        if old or new:
            member = top or name
            differ = _lists if elements[0].is_list else _singles
            yield from differ(path, name, member, old, new)


def _items(elements: Sequence[ElementDef], holder: JsonObject) -> Iterator[Value]:
    """The items of an element, or of whichever type of a choice is there."""
    for element in elements:
        value, sibling = holder.get(element.json_name), holder.get(f"_{element.json_name}")
        if value is None and sibling is None:
            continue
        if not element.is_list:
            yield Value(element, value, sibling)
            continue
        values, siblings = value or [], sibling or []
        for number in range(max(len(values), len(siblings))):
            yield Value(element, _at(values, number), _at(siblings, number))


def _at(items: Sequence[Json], number: int) -> Json:
    return items[number] if number < len(items) else None


def _singles(path: str, name: str, member: str, old: list[Value], new: list[Value]) -> Iterator[Difference]:
    if not old:
        yield Difference("add", path, member, new[0], name=name)
    elif not new:
        yield Difference("delete", _step(path, name), member, before=old[0])
    else:
        yield from _pair(_step(path, name), member, old[0], new[0])


def _pair(path: str, member: str, old: Value, new: Value) -> Iterator[Difference]:
    """The same place before and after: told apart inside where it is of one type, replaced where not."""
    if old.key == new.key:
        return
    type = _inside(old, new)
    if type is None:
        yield Difference("replace", path, member, new, old)
    else:
        yield from _object(type, path, old.json, new.json, top=member)


def _inside(old: Value, new: Value) -> TypeDef | None:
    """The type whose elements tell two values apart; None for primitives, and where the types differ."""
    if old.element is not new.element or not isinstance(old.json, dict) or not isinstance(new.json, dict):
        return None
    name = old.element.type
    if name == "Resource":
        same = all(old.json.get(member) == new.json.get(member) for member in ("resourceType", "id"))
        name = str(old.json.get("resourceType")) if same else ""
    found = definitions().type(name)
    return None if found is None or found.kind == "primitive-type" else found


def _lists(path: str, name: str, member: str, old: list[Value], new: list[Value]) -> Iterator[Difference]:
    where = _step(path, name)
    for i1, i2, j1, j2 in reversed(_blocks(old, new)):
        paired = min(i2 - i1, j2 - j1)
        added = _grown(path, name, member, new[j1 + paired : j2], i1 + paired, i1 + paired == len(old))
        for number, difference in enumerate(added, j1 + paired):
            yield replace(difference, item_after=number)
        for at in reversed(range(i1 + paired, i2)):
            yield Difference("delete", f"{where}[{at}]", member, before=old[at], item_before=at)
        for at in reversed(range(paired)):
            for difference in _pair(f"{where}[{i1 + at}]", member, old[i1 + at], new[j1 + at]):
                yield replace(difference, item_before=i1 + at, item_after=j1 + at)


def _blocks(old: list[Value], new: list[Value]) -> list[tuple[int, int, int, int]]:
    """Where the lists differ: ``old[i1:i2]`` became ``new[j1:j2]``."""
    before, after = [value.key for value in old], [value.key for value in new]
    if max(len(before), len(after)) > _ALIGNED:
        return [(0, len(before), 0, len(after))]
    codes = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return [code[1:] for code in codes if code[0] != "equal"]


def _grown(
    path: str, name: str, member: str, values: Sequence[Value], at: int, at_end: bool
) -> Iterator[Difference]:
    for number, value in enumerate(values):
        if at_end:
            yield Difference("add", path, member, value, name=name)
        else:
            yield Difference("insert", _step(path, name), member, value, index=at + number)


def _step(path: str, name: str) -> str:
    return f"{path}.`{name}`" if name in _KEYWORDS else f"{path}.{name}"


# --- as Parameters


def operation(difference: Difference) -> JsonObject:
    """A difference as one ``operation`` of a FHIRPath Patch, with ``previousValue`` where there was one."""
    parts: list[JsonObject] = [
        {"name": "type", "valueCode": difference.kind},
        {"name": "path", "valueString": difference.path},
    ]
    if difference.name:
        parts.append({"name": "name", "valueString": difference.name})
    if difference.index is not None:
        parts.append({"name": "index", "valueInteger": difference.index})
    if difference.before is not None:
        parts.append(_part("previousValue", difference.before))
    if difference.value is not None:
        parts.append(_part("value", difference.value))
    return {"name": "operation", "part": parts}


def _part(name: str, value: Value) -> JsonObject:
    """A value as ``value[x]`` where Parameters has its type, else by parts named after its elements."""
    kind = value.element.type
    if kind == "Resource":
        return {"name": name, "resource": value.json}
    found = definitions().type(kind)
    if found is not None and found.kind == "primitive-type":
        member = _member(kind if kind in _open_types() else "string")
        stated = {member: value.json, f"_{member}": value.sibling}
        return {"name": name, **{key: json for key, json in stated.items() if json is not None}}
    if kind in _open_types() or found is None:
        return {"name": name, _member(kind): value.json}
    inner = [_part(part, item) for part, of in found.by_name.items() for item in _items(of, value.json)]
    return {"name": name, "part": inner}


def _member(type: str) -> str:
    return f"value{type[:1].upper()}{type[1:]}"


@cache
def _open_types() -> frozenset[str]:
    """The types of ``Parameters.parameter.value[x]``."""
    found = definitions().type("Parameters.parameter")
    return frozenset(one.type for one in found.by_name["value"]) if found else frozenset()
