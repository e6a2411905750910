from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.difference_told import DifferenceTold


T = TypeVar("T", bound="Comparison")


@_attrs_define
class Comparison:
    """What would change from one document to another.

    Attributes:
        before (str):
        after (str):
        differences (list[DifferenceTold]):
    """

    before: str
    after: str
    differences: list[DifferenceTold]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.difference_told import DifferenceTold  # noqa: PLC0415

        before = self.before

        after = self.after

        differences = []
        for differences_item_data in self.differences:
            differences_item = differences_item_data.to_dict()
            differences.append(differences_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "before": before,
                "after": after,
                "differences": differences,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.difference_told import DifferenceTold  # noqa: PLC0415

        d = dict(src_dict)
        before = d.pop("before")

        after = d.pop("after")

        differences = []
        _differences = d.pop("differences")
        for differences_item_data in _differences:
            differences_item = DifferenceTold.from_dict(differences_item_data)

            differences.append(differences_item)

        comparison = cls(
            before=before,
            after=after,
            differences=differences,
        )

        comparison.additional_properties = d
        return comparison

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
