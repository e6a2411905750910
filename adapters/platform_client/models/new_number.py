from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast


T = TypeVar("T", bound="NewNumber")


@_attrs_define
class NewNumber:
    """`number` in E.164, as Twilio has it.

    Attributes:
        title (str):
        number (str):
        agent (None | str | Unset):
        calls (bool | Unset):  Default: True.
        texts (bool | Unset):  Default: True.
    """

    title: str
    number: str
    agent: None | str | Unset = UNSET
    calls: bool | Unset = True
    texts: bool | Unset = True

    def to_dict(self) -> dict[str, Any]:
        title = self.title

        number = self.number

        agent: None | str | Unset
        if isinstance(self.agent, Unset):
            agent = UNSET
        else:
            agent = self.agent

        calls = self.calls

        texts = self.texts

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "title": title,
                "number": number,
            }
        )
        if agent is not UNSET:
            field_dict["agent"] = agent
        if calls is not UNSET:
            field_dict["calls"] = calls
        if texts is not UNSET:
            field_dict["texts"] = texts

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        title = d.pop("title")

        number = d.pop("number")

        def _parse_agent(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        agent = _parse_agent(d.pop("agent", UNSET))

        calls = d.pop("calls", UNSET)

        texts = d.pop("texts", UNSET)

        new_number = cls(
            title=title,
            number=number,
            agent=agent,
            calls=calls,
            texts=texts,
        )

        return new_number
