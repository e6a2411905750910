from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast


T = TypeVar("T", bound="PatientLimit")


@_attrs_define
class PatientLimit:
    """A patient has at most so many visits in any ``within_days`` days.

    Attributes:
        practitioners (list[str] | Unset):
        locations (list[str] | Unset):
        services (list[str] | Unset):
        most (int | Unset):  Default: 1.
        within_days (int | Unset):  Default: 30.
    """

    practitioners: list[str] | Unset = UNSET
    locations: list[str] | Unset = UNSET
    services: list[str] | Unset = UNSET
    most: int | Unset = 1
    within_days: int | Unset = 30

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

        within_days = self.within_days

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
        if within_days is not UNSET:
            field_dict["within_days"] = within_days

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        practitioners = cast(list[str], d.pop("practitioners", UNSET))

        locations = cast(list[str], d.pop("locations", UNSET))

        services = cast(list[str], d.pop("services", UNSET))

        most = d.pop("most", UNSET)

        within_days = d.pop("within_days", UNSET)

        patient_limit = cls(
            practitioners=practitioners,
            locations=locations,
            services=services,
            most=most,
            within_days=within_days,
        )

        return patient_limit
