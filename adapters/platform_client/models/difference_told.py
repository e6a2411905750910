from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.difference_told_kind import check_difference_told_kind
from ..models.difference_told_kind import DifferenceToldKind
from ..types import UNSET, Unset
from typing import cast


T = TypeVar("T", bound="DifferenceTold")


@_attrs_define
class DifferenceTold:
    """One place in which two documents differ; lists of named things are compared by name.

    Attributes:
        pointer (str):
        kind (DifferenceToldKind):
        before (Any | Unset):
        after (Any | Unset):
    """

    pointer: str
    kind: DifferenceToldKind
    before: Any | Unset = UNSET
    after: Any | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        pointer = self.pointer

        kind: str = self.kind

        before = self.before

        after = self.after

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "pointer": pointer,
                "kind": kind,
            }
        )
        if before is not UNSET:
            field_dict["before"] = before
        if after is not UNSET:
            field_dict["after"] = after

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        pointer = d.pop("pointer")

        kind = check_difference_told_kind(d.pop("kind"))

        before = d.pop("before", UNSET)

        after = d.pop("after", UNSET)

        difference_told = cls(
            pointer=pointer,
            kind=kind,
            before=before,
            after=after,
        )

        difference_told.additional_properties = d
        return difference_told

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
