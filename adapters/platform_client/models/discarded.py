from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast


T = TypeVar("T", bound="Discarded")


@_attrs_define
class Discarded:
    """Which dead letters nobody shall try again, and why.

    Attributes:
        tasks (list[str]):
        reason (str):
    """

    tasks: list[str]
    reason: str

    def to_dict(self) -> dict[str, Any]:
        tasks = self.tasks

        reason = self.reason

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "tasks": tasks,
                "reason": reason,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        tasks = cast(list[str], d.pop("tasks"))

        reason = d.pop("reason")

        discarded = cls(
            tasks=tasks,
            reason=reason,
        )

        return discarded
