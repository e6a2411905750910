from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast

if TYPE_CHECKING:
    from ..models.scheduling_rules import SchedulingRules


T = TypeVar("T", bound="NewRules")


@_attrs_define
class NewRules:
    """`id` is what an agent names it by.

    Attributes:
        title (str):
        document (SchedulingRules): The whole set. ``zone``: the time zone in which days and hours are meant; empty: the
            agent's.

            ``lead`` are minutes; ``search_days`` is how far ahead is looked where the caller names no day.
        id (str):
        description (str | Unset):  Default: ''.
    """

    title: str
    document: SchedulingRules
    id: str
    description: str | Unset = ""

    def to_dict(self) -> dict[str, Any]:
        from ..models.scheduling_rules import SchedulingRules  # noqa: PLC0415

        title = self.title

        document = self.document.to_dict()

        id = self.id

        description = self.description

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "title": title,
                "document": document,
                "id": id,
            }
        )
        if description is not UNSET:
            field_dict["description"] = description

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.scheduling_rules import SchedulingRules  # noqa: PLC0415

        d = dict(src_dict)
        title = d.pop("title")

        document = SchedulingRules.from_dict(d.pop("document"))

        id = d.pop("id")

        description = d.pop("description", UNSET)

        new_rules = cls(
            title=title,
            document=document,
            id=id,
            description=description,
        )

        return new_rules
