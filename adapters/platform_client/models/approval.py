from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast


T = TypeVar("T", bound="Approval")


@_attrs_define
class Approval:
    """Which claims: all of the item where no unit is named. `survivor`: of two patients who are one, who is left.

    Attributes:
        units (list[str] | Unset):
        survivor (str | Unset):  Default: ''.
    """

    units: list[str] | Unset = UNSET
    survivor: str | Unset = ""

    def to_dict(self) -> dict[str, Any]:
        units: list[str] | Unset = UNSET
        if not isinstance(self.units, Unset):
            units = self.units

        survivor = self.survivor

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if units is not UNSET:
            field_dict["units"] = units
        if survivor is not UNSET:
            field_dict["survivor"] = survivor

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        units = cast(list[str], d.pop("units", UNSET))

        survivor = d.pop("survivor", UNSET)

        approval = cls(
            units=units,
            survivor=survivor,
        )

        return approval
