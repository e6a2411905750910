from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.fault_told import FaultTold


T = TypeVar("T", bound="Validation")


@_attrs_define
class Validation:
    """`valid`: there is no error, though there may be warnings.

    Attributes:
        valid (bool):
        faults (list[FaultTold]):
    """

    valid: bool
    faults: list[FaultTold]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.fault_told import FaultTold  # noqa: PLC0415

        valid = self.valid

        faults = []
        for faults_item_data in self.faults:
            faults_item = faults_item_data.to_dict()
            faults.append(faults_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "valid": valid,
                "faults": faults,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.fault_told import FaultTold  # noqa: PLC0415

        d = dict(src_dict)
        valid = d.pop("valid")

        faults = []
        _faults = d.pop("faults")
        for faults_item_data in _faults:
            faults_item = FaultTold.from_dict(faults_item_data)

            faults.append(faults_item)

        validation = cls(
            valid=valid,
            faults=faults,
        )

        validation.additional_properties = d
        return validation

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
