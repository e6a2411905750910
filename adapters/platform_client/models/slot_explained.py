from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast
import datetime

if TYPE_CHECKING:
    from ..models.link import Link
    from ..models.removed import Removed


T = TypeVar("T", bound="SlotExplained")


@_attrs_define
class SlotExplained:
    """A free slot. `offered`: no rule takes it away. Times are the practice's.

    Attributes:
        slot (Link): A FHIR resource: what it says is read there, never here.
        start (datetime.datetime):
        end (datetime.datetime):
        practitioner (str):
        practitioner_name (str):
        location (str):
        offered (bool):
        removed_by (list[Removed]):
    """

    slot: Link
    start: datetime.datetime
    end: datetime.datetime
    practitioner: str
    practitioner_name: str
    location: str
    offered: bool
    removed_by: list[Removed]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.link import Link  # noqa: PLC0415
        from ..models.removed import Removed  # noqa: PLC0415

        slot = self.slot.to_dict()

        start = self.start.isoformat()

        end = self.end.isoformat()

        practitioner = self.practitioner

        practitioner_name = self.practitioner_name

        location = self.location

        offered = self.offered

        removed_by = []
        for removed_by_item_data in self.removed_by:
            removed_by_item = removed_by_item_data.to_dict()
            removed_by.append(removed_by_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "slot": slot,
                "start": start,
                "end": end,
                "practitioner": practitioner,
                "practitioner_name": practitioner_name,
                "location": location,
                "offered": offered,
                "removed_by": removed_by,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.link import Link  # noqa: PLC0415
        from ..models.removed import Removed  # noqa: PLC0415

        d = dict(src_dict)
        slot = Link.from_dict(d.pop("slot"))

        start = datetime.datetime.fromisoformat(d.pop("start"))

        end = datetime.datetime.fromisoformat(d.pop("end"))

        practitioner = d.pop("practitioner")

        practitioner_name = d.pop("practitioner_name")

        location = d.pop("location")

        offered = d.pop("offered")

        removed_by = []
        _removed_by = d.pop("removed_by")
        for removed_by_item_data in _removed_by:
            removed_by_item = Removed.from_dict(removed_by_item_data)

            removed_by.append(removed_by_item)

        slot_explained = cls(
            slot=slot,
            start=start,
            end=end,
            practitioner=practitioner,
            practitioner_name=practitioner_name,
            location=location,
            offered=offered,
            removed_by=removed_by,
        )

        slot_explained.additional_properties = d
        return slot_explained

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
