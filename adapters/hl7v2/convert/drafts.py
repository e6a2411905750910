"""Resources under construction: lists keep their items by key until they are finished, references their target."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]


class Items(dict[Any, Any]):
    """A list's items by what tells them apart, in the order they were first spoken of."""


class Draft:
    """One resource to be. ``origin`` says which field an element came from, ``nulls`` which said it is nothing."""

    __slots__ = ("content", "local", "nulls", "origin", "type")

    def __init__(self, type: str):
        self.type = type
        self.content: Json = {}
        self.origin: dict[str, str] = {}
        self.nulls: dict[str, str] = {}
        self.local = ""

    @property
    def is_empty(self) -> bool:
        return not has_content(self.content)


class Reference:
    """A reference to a draft, which may turn out to be empty."""

    __slots__ = ("draft",)

    def __init__(self, draft: Draft):
        self.draft = draft


def has_content(value: Any) -> bool:
    if isinstance(value, dict):
        return any(has_content(one) for one in value.values())
    if isinstance(value, Reference):
        return not value.draft.is_empty
    return value is not None


def finished(value: Any) -> Any:
    """The JSON of a value; None where there is nothing in it."""
    if isinstance(value, Items):
        items = [one for item in value.values() if (one := finished(item)) is not None]
        return items or None
    if isinstance(value, dict):
        made = {key: one for key, item in value.items() if (one := finished(item)) is not None}
        return _with_siblings(made) or None
    if isinstance(value, Reference):
        return {"reference": f"urn:local:{value.draft.local}"} if value.draft.local else None
    return value


def _with_siblings(made: Json) -> Json:
    """An extension with a url and no value, or with a value and no url, says nothing."""
    if "url" in made and len(made) == 1:
        return {}
    return made


def references(value: Any) -> Iterator[Draft]:
    """The drafts that are referred to from inside a value."""
    if isinstance(value, Reference):
        yield value.draft
    elif isinstance(value, dict):
        for one in value.values():
            yield from references(one)
