from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast


T = TypeVar("T", bound="RollingDays")


@_attrs_define
class RollingDays:
    """Nothing further ahead than this many days, today being the first; the window moves on with every day.

    Attributes:
        practitioners (list[str] | Unset):
        locations (list[str] | Unset):
        services (list[str] | Unset):
        days (int | Unset):  Default: 90.
    """

    practitioners: list[str] | Unset = UNSET
    locations: list[str] | Unset = UNSET
    services: list[str] | Unset = UNSET
    days: int | Unset = 90

    def to_dict(self) -> dict[str, Any]:
        practitioners: list[str] | Unset = UNSET
        if not isinstance(self.practitioners, Unset):
            practitioners = self.practitioners

        locations: list[str] | Unset = UNSET
        if not isinstance(self.locations, Unset):
            locations = self.locations

        services: list[str] | Unset = UNSET
        if not isinstance(self.services, Unset):
            services = self.services

        days = self.days

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if practitioners is not UNSET:
            field_dict["practitioners"] = practitioners
        if locations is not UNSET:
            field_dict["locations"] = locations
        if services is not UNSET:
            field_dict["services"] = services
        if days is not UNSET:
            field_dict["days"] = days

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        practitioners = cast(list[str], d.pop("practitioners", UNSET))

        locations = cast(list[str], d.pop("locations", UNSET))

        services = cast(list[str], d.pop("services", UNSET))

        days = d.pop("days", UNSET)

        rolling_days = cls(
            practitioners=practitioners,
            locations=locations,
            services=services,
            days=days,
        )

        return rolling_days
