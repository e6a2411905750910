from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.call_moment import CallMoment


T = TypeVar("T", bound="Timeline")


@_attrs_define
class Timeline:
    """What happened on a call. `live`: more may follow.

    Attributes:
        live (bool):
        moments (list[CallMoment]):
    """

    live: bool
    moments: list[CallMoment]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.call_moment import CallMoment  # noqa: PLC0415

        live = self.live

        moments = []
        for moments_item_data in self.moments:
            moments_item = moments_item_data.to_dict()
            moments.append(moments_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "live": live,
                "moments": moments,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.call_moment import CallMoment  # noqa: PLC0415

        d = dict(src_dict)
        live = d.pop("live")

        moments = []
        _moments = d.pop("moments")
        for moments_item_data in _moments:
            moments_item = CallMoment.from_dict(moments_item_data)

            moments.append(moments_item)

        timeline = cls(
            live=live,
            moments=moments,
        )

        timeline.additional_properties = d
        return timeline

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
