from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.concurrent_start_block_per import check_concurrent_start_block_per
from ..models.concurrent_start_block_per import ConcurrentStartBlockPer
from ..types import UNSET, Unset
from typing import cast


T = TypeVar("T", bound="ConcurrentStartBlock")


@_attrs_define
class ConcurrentStartBlock:
    """Not more than ``most`` visits begin at the same time: of a practitioner, at a location, or in the practice.

    ``within_minutes``: so far apart still counts as the same time.

        Attributes:
            practitioners (list[str] | Unset):
            locations (list[str] | Unset):
            services (list[str] | Unset):
            most (int | Unset):  Default: 1.
            per (ConcurrentStartBlockPer | Unset):  Default: 'location'.
            within_minutes (int | Unset):  Default: 0.
    """

    practitioners: list[str] | Unset = UNSET
    locations: list[str] | Unset = UNSET
    services: list[str] | Unset = UNSET
    most: int | Unset = 1
    per: ConcurrentStartBlockPer | Unset = "location"
    within_minutes: int | Unset = 0

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

        most = self.most

        per: str | Unset = UNSET
        if not isinstance(self.per, Unset):
            per = self.per

        within_minutes = self.within_minutes

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if practitioners is not UNSET:
            field_dict["practitioners"] = practitioners
        if locations is not UNSET:
            field_dict["locations"] = locations
        if services is not UNSET:
            field_dict["services"] = services
        if most is not UNSET:
            field_dict["most"] = most
        if per is not UNSET:
            field_dict["per"] = per
        if within_minutes is not UNSET:
            field_dict["within_minutes"] = within_minutes

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        practitioners = cast(list[str], d.pop("practitioners", UNSET))

        locations = cast(list[str], d.pop("locations", UNSET))

        services = cast(list[str], d.pop("services", UNSET))

        most = d.pop("most", UNSET)

        _per = d.pop("per", UNSET)
        per: ConcurrentStartBlockPer | Unset
        if isinstance(_per, Unset):
            per = UNSET
        else:
            per = check_concurrent_start_block_per(_per)

        within_minutes = d.pop("within_minutes", UNSET)

        concurrent_start_block = cls(
            practitioners=practitioners,
            locations=locations,
            services=services,
            most=most,
            per=per,
            within_minutes=within_minutes,
        )

        return concurrent_start_block
