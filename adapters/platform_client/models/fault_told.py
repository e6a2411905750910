from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.fault_told_severity import check_fault_told_severity
from ..models.fault_told_severity import FaultToldSeverity
from typing import cast


T = TypeVar("T", bound="FaultTold")


@_attrs_define
class FaultTold:
    """What is wrong with a document, and where (a JSON Pointer). A `warning` does not keep it from being put into
    force.

        Attributes:
            pointer (str):
            detail (str):
            severity (FaultToldSeverity):
    """

    pointer: str
    detail: str
    severity: FaultToldSeverity
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        pointer = self.pointer

        detail = self.detail

        severity: str = self.severity

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "pointer": pointer,
                "detail": detail,
                "severity": severity,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        pointer = d.pop("pointer")

        detail = d.pop("detail")

        severity = check_fault_told_severity(d.pop("severity"))

        fault_told = cls(
            pointer=pointer,
            detail=detail,
            severity=severity,
        )

        fault_told.additional_properties = d
        return fault_told

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
