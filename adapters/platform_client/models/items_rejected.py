from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast


T = TypeVar("T", bound="ItemsRejected")


@_attrs_define
class ItemsRejected:
    """Several items that are wrong for one reason.

    Attributes:
        items (list[str]):
        reason (str):
    """

    items: list[str]
    reason: str

    def to_dict(self) -> dict[str, Any]:
        items = self.items

        reason = self.reason

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "items": items,
                "reason": reason,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        items = cast(list[str], d.pop("items"))

        reason = d.pop("reason")

        items_rejected = cls(
            items=items,
            reason=reason,
        )

        return items_rejected
