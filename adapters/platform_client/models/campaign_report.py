from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.campaign_figures import CampaignFigures


T = TypeVar("T", bound="CampaignReport")


@_attrs_define
class CampaignReport:
    """`position` is how far the log has been counted.

    Attributes:
        position (int):
        items (list[CampaignFigures]):
    """

    position: int
    items: list[CampaignFigures]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.campaign_figures import CampaignFigures  # noqa: PLC0415

        position = self.position

        items = []
        for items_item_data in self.items:
            items_item = items_item_data.to_dict()
            items.append(items_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "position": position,
                "items": items,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.campaign_figures import CampaignFigures  # noqa: PLC0415

        d = dict(src_dict)
        position = d.pop("position")

        items = []
        _items = d.pop("items")
        for items_item_data in _items:
            items_item = CampaignFigures.from_dict(items_item_data)

            items.append(items_item)

        campaign_report = cls(
            position=position,
            items=items,
        )

        campaign_report.additional_properties = d
        return campaign_report

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
