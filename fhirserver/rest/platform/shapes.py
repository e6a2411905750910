"""How bodies look: what is sent is held to its shape and refused where there is more; what is told links to FHIR."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar

from fastapi import Path, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.kernel.references import parse_reference

MOST_ITEMS = 200
"""Of one page."""
ID = r"^[A-Za-z0-9][A-Za-z0-9.-]{0,63}$"
"""What an id in a path looks like: FHIR's, so that it may be one."""
_PRINTED = r"^[^\x00-\x08\x0B\x0C\x0E-\x1F]*$"
"""What FHIR's string may hold: https://hl7.org/fhir/R4/datatypes.html#string"""
REFERENCE = r"^[A-Z][A-Za-z]{1,39}/[A-Za-z0-9.-]{1,64}$"

Instant = AwareDatetime
"""A moment, told in UTC."""
Id = Annotated[str, Path(pattern=ID, min_length=1, max_length=64)]
"""An id in the path."""
Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=_PRINTED)
]
"""A name or title."""
Text = Annotated[str, StringConstraints(max_length=2000, pattern=_PRINTED)]
"""A description; may be empty."""
Reference = Annotated[str, StringConstraints(pattern=REFERENCE, max_length=105)]
"""A resource of this workspace, ``Patient/1``."""
Phone = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]
"""A number in E.164."""
Limit = Annotated[int, Query(ge=1, le=MOST_ITEMS, description="At most so many items")]
Cursor = Annotated[
    str, Query(max_length=4000, description="`next` of the page before; empty for the first page")
]

Item = TypeVar("Item")


class Sent(BaseModel):
    """A body, or a part of one. What it does not know is refused."""

    model_config = ConfigDict(extra="forbid")


class Told(BaseModel):
    """An answer, or a part of one."""


class Link(Told):
    """A FHIR resource: what it says is read there, never here."""

    reference: str = Field(examples=["Communication/1"])
    url: str


class Page(Told, Generic[Item]):
    """Some of a list. `next` is the `cursor` of the page behind it, null on the last."""

    items: list[Item]
    next: str | None = None


def link_of(base_url: str, reference: str) -> Link | None:
    """The link to a resource; None for an empty reference, or one of another server."""
    literal = parse_reference(reference)
    if literal is None or literal.base:
        return None
    return Link(reference=reference, url=f"{base_url}/{reference}")


def paged(items: Sequence[tuple[str, Item]], cursor: str, limit: int) -> Page[Item]:
    """A page of a short list that is all in memory, by its keys, which are in order.

    Refuses (400) a cursor that is no key.
    """
    start = 0
    if cursor:
        keys = [key for key, _ in items]
        start = next((n for n, key in enumerate(keys) if key > cursor), len(keys))
    end = start + limit
    more = items[end - 1][0] if end < len(items) else None
    return Page(items=[item for _, item in items[start:end]], next=more)


def wrong(place: str, text: str) -> Refusal:
    """What is refused (422) of a body that is well formed: ``place`` is a JSON Pointer, ``/audience``."""
    return refuse(Category.UNPROCESSABLE, "value", text, place)


def not_there(what: str) -> Refusal:
    """404."""
    return refuse(Category.NOT_FOUND, "not-found", f"There is no such {what}")
