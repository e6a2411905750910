from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset


T = TypeVar("T", bound="Asking")


@_attrs_define
class Asking:
    """Whom, and by which requirement set.

    Attributes:
        patient (str):
        requirements (str | Unset):  Default: 'missing-data'.
    """

    patient: str
    requirements: str | Unset = "missing-data"

    def to_dict(self) -> dict[str, Any]:
        patient = self.patient

        requirements = self.requirements

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "patient": patient,
            }
        )
        if requirements is not UNSET:
            field_dict["requirements"] = requirements

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        patient = d.pop("patient")

        requirements = d.pop("requirements", UNSET)

        asking = cls(
            patient=patient,
            requirements=requirements,
        )

        return asking
