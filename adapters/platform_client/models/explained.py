from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.explained_counts import ExplainedCounts
    from ..models.slot_explained import SlotExplained


T = TypeVar("T", bound="Explained")


@_attrs_define
class Explained:
    """`counts`: by rule, how many slots it takes away; several may take the same. `more`: not all are shown.

    Attributes:
        zone (str):
        slots (list[SlotExplained]):
        offered (int):
        counts (ExplainedCounts):
        more (bool):
    """

    zone: str
    slots: list[SlotExplained]
    offered: int
    counts: ExplainedCounts
    more: bool
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.explained_counts import ExplainedCounts  # noqa: PLC0415
        from ..models.slot_explained import SlotExplained  # noqa: PLC0415

        zone = self.zone

        slots = []
        for slots_item_data in self.slots:
            slots_item = slots_item_data.to_dict()
            slots.append(slots_item)

        offered = self.offered

        counts = self.counts.to_dict()

        more = self.more

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "zone": zone,
                "slots": slots,
                "offered": offered,
                "counts": counts,
                "more": more,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.explained_counts import ExplainedCounts  # noqa: PLC0415
        from ..models.slot_explained import SlotExplained  # noqa: PLC0415

        d = dict(src_dict)
        zone = d.pop("zone")

        slots = []
        _slots = d.pop("slots")
        for slots_item_data in _slots:
            slots_item = SlotExplained.from_dict(slots_item_data)

            slots.append(slots_item)

        offered = d.pop("offered")

        counts = ExplainedCounts.from_dict(d.pop("counts"))

        more = d.pop("more")

        explained = cls(
            zone=zone,
            slots=slots,
            offered=offered,
            counts=counts,
            more=more,
        )

        explained.additional_properties = d
        return explained

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
