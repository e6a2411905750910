"""What differs between two documents, place by place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fhirserver.kernel.json import Json


@dataclass(frozen=True, slots=True)
class Difference:
    """One place: a JSON Pointer, and what stood there and stands there now (None: nothing)."""

    pointer: str
    before: Json
    after: Json

    @property
    def kind(self) -> str:
        return "added" if self.before is None else "removed" if self.after is None else "changed"


def differences(before: Json, after: Json, place: str = "") -> Iterator[Difference]:
    """In the order of the places. Lists of named things are compared by name, other lists by position."""
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted({*before, *after}):
            yield from differences(before.get(name), after.get(name), f"{place}/{_escaped(name)}")
    elif isinstance(before, list) and isinstance(after, list):
        yield from _of_lists(before, after, place)
    else:
        yield Difference(place, before, after)


def _of_lists(before: list[Json], after: list[Json], place: str) -> Iterator[Difference]:
    old, new = _named(before), _named(after)
    if old is None or new is None:
        old, new = dict(enumerate_names(before)), dict(enumerate_names(after))
    for name in dict.fromkeys([*old, *new]):
        yield from differences(old.get(name), new.get(name), f"{place}/{_escaped(name)}")


def enumerate_names(items: list[Json]) -> Iterator[tuple[str, Json]]:
    """Each by its position."""
    return ((str(number), one) for number, one in enumerate(items))


def _named(items: list[Json]) -> dict[str, Json] | None:
    """By their names, where all have one and no two the same."""
    names = [str(one["name"]) for one in items if isinstance(one, dict) and isinstance(one.get("name"), str)]
    if len(names) < len(items) or len(set(names)) < len(names):
        return None
    return dict(zip(names, items, strict=True))


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
