from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast
import datetime


T = TypeVar("T", bound="Delivery")


@_attrs_define
class Delivery:
    """One attempt at one delivery. `status` is what was answered (0: nothing), `latency` in milliseconds, `reason` why
    it was not taken; `replay` says that it was asked for again.

        Attributes:
            at (datetime.datetime):
            event (str):
            type_ (str):
            number (int):
            status (int):
            latency (int):
            delivered (bool):
            reason (str):
            replay (bool):
    """

    at: datetime.datetime
    event: str
    type_: str
    number: int
    status: int
    latency: int
    delivered: bool
    reason: str
    replay: bool
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        at = self.at.isoformat()

        event = self.event

        type_ = self.type_

        number = self.number

        status = self.status

        latency = self.latency

        delivered = self.delivered

        reason = self.reason

        replay = self.replay

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "at": at,
                "event": event,
                "type": type_,
                "number": number,
                "status": status,
                "latency": latency,
                "delivered": delivered,
                "reason": reason,
                "replay": replay,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        at = datetime.datetime.fromisoformat(d.pop("at"))

        event = d.pop("event")

        type_ = d.pop("type")

        number = d.pop("number")

        status = d.pop("status")

        latency = d.pop("latency")

        delivered = d.pop("delivered")

        reason = d.pop("reason")

        replay = d.pop("replay")

        delivery = cls(
            at=at,
            event=event,
            type_=type_,
            number=number,
            status=status,
            latency=latency,
            delivered=delivered,
            reason=reason,
            replay=replay,
        )

        delivery.additional_properties = d
        return delivery

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
