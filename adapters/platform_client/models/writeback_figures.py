from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.measured import Measured


T = TypeVar("T", bound="WritebackFigures")


@_attrs_define
class WritebackFigures:
    """Figures of what was to be written to an EHR. `delay` is in seconds, until the EHR had it.

    Attributes:
        group (str):
        asked (int):
        completed (int):
        failed (int):
        waiting (int):
        delay (Measured | None):
    """

    group: str
    asked: int
    completed: int
    failed: int
    waiting: int
    delay: Measured | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.measured import Measured  # noqa: PLC0415

        group = self.group

        asked = self.asked

        completed = self.completed

        failed = self.failed

        waiting = self.waiting

        delay: dict[str, Any] | None
        if isinstance(self.delay, Measured):
            delay = self.delay.to_dict()
        else:
            delay = self.delay

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "group": group,
                "asked": asked,
                "completed": completed,
                "failed": failed,
                "waiting": waiting,
                "delay": delay,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.measured import Measured  # noqa: PLC0415

        d = dict(src_dict)
        group = d.pop("group")

        asked = d.pop("asked")

        completed = d.pop("completed")

        failed = d.pop("failed")

        waiting = d.pop("waiting")

        def _parse_delay(data: object) -> Measured | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                delay_type_0 = Measured.from_dict(data)

                return delay_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Measured | None, data)

        delay = _parse_delay(d.pop("delay"))

        writeback_figures = cls(
            group=group,
            asked=asked,
            completed=completed,
            failed=failed,
            waiting=waiting,
            delay=delay,
        )

        writeback_figures.additional_properties = d
        return writeback_figures

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
