from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset


T = TypeVar("T", bound="Duration")


@_attrs_define
class Duration:
    """A visit of this kind needs at least so many minutes.

    Attributes:
        service (str):
        minutes (int):
    """

    service: str
    minutes: int

    def to_dict(self) -> dict[str, Any]:
        service = self.service

        minutes = self.minutes

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "service": service,
                "minutes": minutes,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        service = d.pop("service")

        minutes = d.pop("minutes")

        duration = cls(
            service=service,
            minutes=minutes,
        )

        return duration
