from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.call_action_action import CallActionAction
from ..models.call_action_action import check_call_action_action
from ..models.call_action_disposition import CallActionDisposition
from ..models.call_action_disposition import check_call_action_disposition
from ..types import UNSET, Unset
from typing import cast


T = TypeVar("T", bound="CallAction")


@_attrs_define
class CallAction:
    """What an operator does on a live call. `say` speaks as the person who holds it, `guide` lets the agent say it;
    both and `wrap_up` need a `text`, `wrap_up` a `disposition` too.

        Attributes:
            action (CallActionAction):
            text (str | Unset):  Default: ''.
            disposition (CallActionDisposition | Unset):  Default: ''.
    """

    action: CallActionAction
    text: str | Unset = ""
    disposition: CallActionDisposition | Unset = ""

    def to_dict(self) -> dict[str, Any]:
        action: str = self.action

        text = self.text

        disposition: str | Unset = UNSET
        if not isinstance(self.disposition, Unset):
            disposition = self.disposition

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "action": action,
            }
        )
        if text is not UNSET:
            field_dict["text"] = text
        if disposition is not UNSET:
            field_dict["disposition"] = disposition

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        action = check_call_action_action(d.pop("action"))

        text = d.pop("text", UNSET)

        _disposition = d.pop("disposition", UNSET)
        disposition: CallActionDisposition | Unset
        if isinstance(_disposition, Unset):
            disposition = UNSET
        else:
            disposition = check_call_action_disposition(_disposition)

        call_action = cls(
            action=action,
            text=text,
            disposition=disposition,
        )

        return call_action
