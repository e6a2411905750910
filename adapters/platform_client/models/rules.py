from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.link import Link
    from ..models.scheduling_rules import SchedulingRules


T = TypeVar("T", bound="Rules")


@_attrs_define
class Rules:
    """A rule set.

    Attributes:
        id (str):
        title (str):
        description (str):
        document (SchedulingRules): The whole set. ``zone``: the time zone in which days and hours are meant; empty: the
            agent's.

            ``lead`` are minutes; ``search_days`` is how far ahead is looked where the caller names no day.
        library (Link): A FHIR resource: what it says is read there, never here.
    """

    id: str
    title: str
    description: str
    document: SchedulingRules
    library: Link
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.link import Link  # noqa: PLC0415
        from ..models.scheduling_rules import SchedulingRules  # noqa: PLC0415

        id = self.id

        title = self.title

        description = self.description

        document = self.document.to_dict()

        library = self.library.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "title": title,
                "description": description,
                "document": document,
                "library": library,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.link import Link  # noqa: PLC0415
        from ..models.scheduling_rules import SchedulingRules  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        title = d.pop("title")

        description = d.pop("description")

        document = SchedulingRules.from_dict(d.pop("document"))

        library = Link.from_dict(d.pop("library"))

        rules = cls(
            id=id,
            title=title,
            description=description,
            document=document,
            library=library,
        )

        rules.additional_properties = d
        return rules

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
