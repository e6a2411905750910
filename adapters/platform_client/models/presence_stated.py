from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.presence_stated_state import check_presence_stated_state
from ..models.presence_stated_state import PresenceStatedState
from ..types import UNSET, Unset
from typing import cast


T = TypeVar("T", bound="PresenceStated")


@_attrs_define
class PresenceStated:
    """How it is with who asks, for so long: say it again before it ends.

    Attributes:
        state (PresenceStatedState):
        for_seconds (int | Unset):  Default: 900.
    """

    state: PresenceStatedState
    for_seconds: int | Unset = 900

    def to_dict(self) -> dict[str, Any]:
        state: str = self.state

        for_seconds = self.for_seconds

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "state": state,
            }
        )
        if for_seconds is not UNSET:
            field_dict["for_seconds"] = for_seconds

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        state = check_presence_stated_state(d.pop("state"))

        for_seconds = d.pop("for_seconds", UNSET)

        presence_stated = cls(
            state=state,
            for_seconds=for_seconds,
        )

        return presence_stated
