from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast

if TYPE_CHECKING:
    from ..models.exceptional_hours import ExceptionalHours
    from ..models.weekly_hours import WeeklyHours


T = TypeVar("T", bound="OpenHours")


@_attrs_define
class OpenHours:
    """A visit lies within the hours that are open. The narrowest that are about a slot hold for it; where none is,
    hours are no matter. On a day with an exception only that counts.

        Attributes:
            weekly (list[WeeklyHours] | Unset):
            exceptions (list[ExceptionalHours] | Unset):
    """

    weekly: list[WeeklyHours] | Unset = UNSET
    exceptions: list[ExceptionalHours] | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.exceptional_hours import ExceptionalHours  # noqa: PLC0415
        from ..models.weekly_hours import WeeklyHours  # noqa: PLC0415

        weekly: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.weekly, Unset):
            weekly = []
            for weekly_item_data in self.weekly:
                weekly_item = weekly_item_data.to_dict()
                weekly.append(weekly_item)

        exceptions: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.exceptions, Unset):
            exceptions = []
            for exceptions_item_data in self.exceptions:
                exceptions_item = exceptions_item_data.to_dict()
                exceptions.append(exceptions_item)

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if weekly is not UNSET:
            field_dict["weekly"] = weekly
        if exceptions is not UNSET:
            field_dict["exceptions"] = exceptions

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.exceptional_hours import ExceptionalHours  # noqa: PLC0415
        from ..models.weekly_hours import WeeklyHours  # noqa: PLC0415

        d = dict(src_dict)
        _weekly = d.pop("weekly", UNSET)
        weekly: list[WeeklyHours] | Unset = UNSET
        if _weekly is not UNSET:
            weekly = []
            for weekly_item_data in _weekly:
                weekly_item = WeeklyHours.from_dict(weekly_item_data)

                weekly.append(weekly_item)

        _exceptions = d.pop("exceptions", UNSET)
        exceptions: list[ExceptionalHours] | Unset = UNSET
        if _exceptions is not UNSET:
            exceptions = []
            for exceptions_item_data in _exceptions:
                exceptions_item = ExceptionalHours.from_dict(exceptions_item_data)

                exceptions.append(exceptions_item)

        open_hours = cls(
            weekly=weekly,
            exceptions=exceptions,
        )

        return open_hours
