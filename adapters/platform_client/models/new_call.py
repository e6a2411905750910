from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.new_call_reason import check_new_call_reason
from ..models.new_call_reason import NewCallReason
from typing import cast


T = TypeVar("T", bound="NewCall")


@_attrs_define
class NewCall:
    """A call out: the agent calls a patient for a reason. `to` is a number of the patient's record.

    Attributes:
        to (str):
        patient (str):
        reason (NewCallReason):
    """

    to: str
    patient: str
    reason: NewCallReason

    def to_dict(self) -> dict[str, Any]:
        to = self.to

        patient = self.patient

        reason: str = self.reason

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "to": to,
                "patient": patient,
                "reason": reason,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        to = d.pop("to")

        patient = d.pop("patient")

        reason = check_new_call_reason(d.pop("reason"))

        new_call = cls(
            to=to,
            patient=patient,
            reason=reason,
        )

        return new_call
