from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.patient_kind_days_item import check_patient_kind_days_item
from ..models.patient_kind_days_item import PatientKindDaysItem
from ..models.patient_kind_patients import check_patient_kind_patients
from ..models.patient_kind_patients import PatientKindPatients
from ..types import UNSET, Unset
from typing import cast


T = TypeVar("T", bound="PatientKind")


@_attrs_define
class PatientKind:
    """Only for patients who are new, or only for those who have been seen before.

    Attributes:
        patients (PatientKindPatients):
        days (list[PatientKindDaysItem] | Unset):
        from_ (str | Unset):  Default: '00:00'.
        to (str | Unset):  Default: '24:00'.
        practitioners (list[str] | Unset):
        locations (list[str] | Unset):
        services (list[str] | Unset):
    """

    patients: PatientKindPatients
    days: list[PatientKindDaysItem] | Unset = UNSET
    from_: str | Unset = "00:00"
    to: str | Unset = "24:00"
    practitioners: list[str] | Unset = UNSET
    locations: list[str] | Unset = UNSET
    services: list[str] | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        patients: str = self.patients

        days: list[str] | Unset = UNSET
        if not isinstance(self.days, Unset):
            days = []
            for days_item_data in self.days:
                days_item: str = days_item_data
                days.append(days_item)

        from_ = self.from_

        to = self.to

        practitioners: list[str] | Unset = UNSET
        if not isinstance(self.practitioners, Unset):
            practitioners = self.practitioners

        locations: list[str] | Unset = UNSET
        if not isinstance(self.locations, Unset):
            locations = self.locations

        services: list[str] | Unset = UNSET
        if not isinstance(self.services, Unset):
            services = self.services

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "patients": patients,
            }
        )
        if days is not UNSET:
            field_dict["days"] = days
        if from_ is not UNSET:
            field_dict["from"] = from_
        if to is not UNSET:
            field_dict["to"] = to
        if practitioners is not UNSET:
            field_dict["practitioners"] = practitioners
        if locations is not UNSET:
            field_dict["locations"] = locations
        if services is not UNSET:
            field_dict["services"] = services

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        patients = check_patient_kind_patients(d.pop("patients"))

        _days = d.pop("days", UNSET)
        days: list[PatientKindDaysItem] | Unset = UNSET
        if _days is not UNSET:
            days = []
            for days_item_data in _days:
                days_item = check_patient_kind_days_item(days_item_data)

                days.append(days_item)

        from_ = d.pop("from", UNSET)

        to = d.pop("to", UNSET)

        practitioners = cast(list[str], d.pop("practitioners", UNSET))

        locations = cast(list[str], d.pop("locations", UNSET))

        services = cast(list[str], d.pop("services", UNSET))

        patient_kind = cls(
            patients=patients,
            days=days,
            from_=from_,
            to=to,
            practitioners=practitioners,
            locations=locations,
            services=services,
        )

        return patient_kind
