"""Resources under construction: lists keep their items by key until they are finished, references their target."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


class Items(dict[Any, Any]):
    """A list's items by what tells them apart, in the order they were first spoken of."""


class Draft:
    """One resource to be. ``origin`` says which field an element came from, ``nulls`` which said it is nothing;
    ``refers`` are the drafts that it refers to."""

    __slots__ = ("content", "local", "nulls", "origin", "refers", "type")

    def __init__(self, type: str):
        self.type = type
        self.content: Json = {}
        self.origin: dict[str, str] = {}
        self.nulls: dict[str, str] = {}
        self.local = ""
        self.refers: list[Draft] = []

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
    kind = type(value)
    if kind is str:
        return value
    if kind is Items:
        items = [one for item in value.values() if (one := finished(item)) is not None]
        return items or None
    if kind is dict:
        made = {}
        for key, item in value.items():
            one = item if type(item) is str else finished(item)
            if key == "extension" and type(one) is list:
                one = [each for each in one if _is_said(each)] or None
            if one is not None:
                made[key] = one
        return None if not made or (len(made) == 1 and "url" in made) else made
    if kind is Reference:
        return {"reference": f"urn:local:{value.draft.local}"} if value.draft.local else None
    return value


def _is_said(extension: Json) -> bool:
    """An extension has a url and something to say; an annotation has a text."""
    note = extension.get("valueAnnotation")
    return "url" in extension and len(extension) > 1 and (note is None or "text" in note)
