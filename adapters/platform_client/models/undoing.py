from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast


T = TypeVar("T", bound="Undoing")


@_attrs_define
class Undoing:
    """Which decisions are taken back.

    Attributes:
        units (list[str] | Unset):
        reason (str | Unset):  Default: ''.
    """

    units: list[str] | Unset = UNSET
    reason: str | Unset = ""

    def to_dict(self) -> dict[str, Any]:
        units: list[str] | Unset = UNSET
        if not isinstance(self.units, Unset):
            units = self.units

        reason = self.reason

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if units is not UNSET:
            field_dict["units"] = units
        if reason is not UNSET:
            field_dict["reason"] = reason

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        units = cast(list[str], d.pop("units", UNSET))

        reason = d.pop("reason", UNSET)

        undoing = cls(
            units=units,
            reason=reason,
        )

        return undoing
