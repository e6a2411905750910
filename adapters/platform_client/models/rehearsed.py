from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.played import Played


T = TypeVar("T", bound="Rehearsed")


@_attrs_define
class Rehearsed:
    """`holds`: all were played and succeeded.

    Attributes:
        holds (bool):
        played (list[Played]):
        unfinished (list[str]):
        seconds (float):
    """

    holds: bool
    played: list[Played]
    unfinished: list[str]
    seconds: float
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.played import Played  # noqa: PLC0415

        holds = self.holds

        played = []
        for played_item_data in self.played:
            played_item = played_item_data.to_dict()
            played.append(played_item)

        unfinished = self.unfinished

        seconds = self.seconds

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "holds": holds,
                "played": played,
                "unfinished": unfinished,
                "seconds": seconds,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.played import Played  # noqa: PLC0415

        d = dict(src_dict)
        holds = d.pop("holds")

        played = []
        _played = d.pop("played")
        for played_item_data in _played:
            played_item = Played.from_dict(played_item_data)

            played.append(played_item)

        unfinished = cast(list[str], d.pop("unfinished"))

        seconds = d.pop("seconds")

        rehearsed = cls(
            holds=holds,
            played=played,
            unfinished=unfinished,
            seconds=seconds,
        )

        rehearsed.additional_properties = d
        return rehearsed

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
