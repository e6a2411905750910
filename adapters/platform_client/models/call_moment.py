from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast
import datetime


T = TypeVar("T", bound="CallMoment")


@_attrs_define
class CallMoment:
    """Something that happened, in order. `kind` is `turn` for words of a conversation that is over, and of `speaker`;
    `emotion` for how the caller's voice sounded; else one of those of a live call (docs/voice.md).

        Attributes:
            at (datetime.datetime):
            kind (str):
            speaker (str | Unset):  Default: ''.
            text (str | Unset):  Default: ''.
            turn (int | Unset):  Default: 0.
    """

    at: datetime.datetime
    kind: str
    speaker: str | Unset = ""
    text: str | Unset = ""
    turn: int | Unset = 0
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        at = self.at.isoformat()

        kind = self.kind

        speaker = self.speaker

        text = self.text

        turn = self.turn

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "at": at,
                "kind": kind,
            }
        )
        if speaker is not UNSET:
            field_dict["speaker"] = speaker
        if text is not UNSET:
            field_dict["text"] = text
        if turn is not UNSET:
            field_dict["turn"] = turn

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        at = datetime.datetime.fromisoformat(d.pop("at"))

        kind = d.pop("kind")

        speaker = d.pop("speaker", UNSET)

        text = d.pop("text", UNSET)

        turn = d.pop("turn", UNSET)

        call_moment = cls(
            at=at,
            kind=kind,
            speaker=speaker,
            text=text,
            turn=turn,
        )

        call_moment.additional_properties = d
        return call_moment

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
