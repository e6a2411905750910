from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.requirement_subject import check_requirement_subject
from ..models.requirement_subject import RequirementSubject
from ..types import UNSET, Unset
from typing import cast


T = TypeVar("T", bound="Requirement")


@_attrs_define
class Requirement:
    """One thing that is to be known.

    Attributes:
        subject (RequirementSubject):
        least (float | Unset):  Default: 0.5.
        older_than_days (int | Unset):  Default: 0.
        cool_down_days (int | Unset):  Default: 30.
        required (bool | Unset):  Default: False.
    """

    subject: RequirementSubject
    least: float | Unset = 0.5
    older_than_days: int | Unset = 0
    cool_down_days: int | Unset = 30
    required: bool | Unset = False

    def to_dict(self) -> dict[str, Any]:
        subject: str = self.subject

        least = self.least

        older_than_days = self.older_than_days

        cool_down_days = self.cool_down_days

        required = self.required

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "subject": subject,
            }
        )
        if least is not UNSET:
            field_dict["least"] = least
        if older_than_days is not UNSET:
            field_dict["older_than_days"] = older_than_days
        if cool_down_days is not UNSET:
            field_dict["cool_down_days"] = cool_down_days
        if required is not UNSET:
            field_dict["required"] = required

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        subject = check_requirement_subject(d.pop("subject"))

        least = d.pop("least", UNSET)

        older_than_days = d.pop("older_than_days", UNSET)

        cool_down_days = d.pop("cool_down_days", UNSET)

        required = d.pop("required", UNSET)

        requirement = cls(
            subject=subject,
            least=least,
            older_than_days=older_than_days,
            cool_down_days=cool_down_days,
            required=required,
        )

        return requirement
