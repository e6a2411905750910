from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast


T = TypeVar("T", bound="Letters")


@_attrs_define
class Letters:
    """Which dead letters; all of the connector where none is named.

    Attributes:
        tasks (list[str] | Unset):
    """

    tasks: list[str] | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        tasks: list[str] | Unset = UNSET
        if not isinstance(self.tasks, Unset):
            tasks = self.tasks

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if tasks is not UNSET:
            field_dict["tasks"] = tasks

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        tasks = cast(list[str], d.pop("tasks", UNSET))

        letters = cls(
            tasks=tasks,
        )

        return letters
