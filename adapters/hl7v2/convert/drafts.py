"""Resources under construction: lists keep their items by key until they are finished, references their target."""

from __future__ import annotations

from typing import Any

from adapters.hl7v2.convert.memo import Settled

Json = dict[str, Any]


class Items(dict[Any, Any]):
    """A list's items by what tells them apart, in the order they were first spoken of."""

    __slots__ = ()


class Draft:
    """One resource to be. ``origin`` says which field an element came from, ``nulls`` which said it is nothing;
    ``refers`` are the drafts that it refers to."""

    __slots__ = ("_content", "_links", "_settled", "local", "nulls", "origin", "refers", "type")

    def __init__(self, type: str):
        self.type = type
        self.origin: dict[str, str] = {}
        self.nulls: dict[str, str] = {}
        self.local = ""
        self.refers: list[Draft] = []
        self._content: Json = {}
        self._settled: Settled | None = None
        self._links: tuple[tuple[str, Draft], ...] = ()

    @property
    def content(self) -> Json:
        """What is in it, to be added to."""
        return self._content if self._settled is None else self._opened(self._settled)

    def _opened(self, settled: Settled) -> Json:
        self._content, self._settled = settled.opened(), None
        for name, other in self._links:
            self._content[name] = Reference(other)
        return self._content

    @property
    def is_empty(self) -> bool:
        return not (has_content(self._content) if self._settled is None else self._settled.has_content)

    @property
    def is_untouched(self) -> bool:
        """Whether nothing was ever put into it."""
        return self._settled is None and not (self._content or self.origin or self.refers)

    def settle(self, settled: Settled) -> None:
        """Make it what a data type map has made; it must be untouched, or hold just that."""
        self._settled = settled

    def absorb(self, other: Draft) -> None:
        """Take over what is in another one and not in this."""
        if other._settled is not None and self.is_untouched:
            self._settled, self._links = other._settled, other._links
        else:
            content = self.content
            for key, value in other.content.items():
                content.setdefault(key, value)
        for key, place in other.origin.items():
            self.origin.setdefault(key, place)
        self.refers += other.refers

    def link(self, name: str, other: Draft) -> None:
        """Refer to another one by an element of its own."""
        if self._settled is None:
            self._content[name] = Reference(other)
        else:
            self._links += ((name, other),)
        self.refers.append(other)

    def finished(self) -> Json:
        """The JSON of its content."""
        if self._settled is None:
            return finished(self._content) or {}
        made: Json = self._settled.json() or {}
        for name, other in self._links:
            if other.local:
                made[name] = _reference(other)
        return made


class Reference:
    """A reference to a draft, which may turn out to be empty."""

    __slots__ = ("draft",)

    def __init__(self, draft: Draft):
        self.draft = draft


def has_content(value: Any) -> bool:
    kind = type(value)
    if kind is str:
        return True
    if kind is dict or kind is Items:
        for one in value.values():  # noqa: SIM110 -- a generator costs more than most of these have to be asked
            if type(one) is str or has_content(one):
                return True
        return False
    if kind is Reference:
        return not value.draft.is_empty
    if kind is Settled:
        return bool(value.has_content)
    return value is not None


def finished(value: Any) -> Any:
    """The JSON of a value; None where there is nothing in it."""
    kind = type(value)
    if kind is dict:
        return _finished_object(value)
    if kind is Settled:
        return value.json()
    if kind is Items:
        return _finished_items(value)
    if kind is Reference:
        return _reference(value.draft) if value.draft.local else None
    return value


def _finished_items(items: Items) -> list[Any] | None:
    made: list[Any] = []
    for item in items.values():
        kind = type(item)
        one = item if kind is str else item.json() if kind is Settled else finished(item)
        if one is not None:
            made.append(one)
    return made or None


def _finished_object(value: Json) -> Json | None:
    made: Json = {}
    for key, item in value.items():
        kind = type(item)
        if kind is str:
            made[key] = item
            continue
        one = item.json() if kind is Settled else finished(item)
        if key == "extension" and type(one) is list:
            one = [each for each in one if _is_said(each)]
            if not one:
                continue
        if one is not None:
            made[key] = one
    return None if not made or (len(made) == 1 and "url" in made) else made


def _reference(draft: Draft) -> Json:
    return {"reference": f"urn:local:{draft.local}"}


def _is_said(extension: Json) -> bool:
    """An extension has a url and something to say; an annotation has a text."""
    note = extension.get("valueAnnotation")
    return "url" in extension and len(extension) > 1 and (note is None or "text" in note)
