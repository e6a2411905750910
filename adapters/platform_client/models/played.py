from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast


T = TypeVar("T", bound="Played")


@_attrs_define
class Played:
    """One scenario. It succeeds where nothing stands in `wrong`, `wrong_writes` and `disclosures`. `walk` names the
    states of the context graph that the conversation came to, in order.

        Attributes:
            scenario (str):
            success (bool):
            ended (str):
            wrong (list[str]):
            wrong_writes (list[str]):
            disclosures (list[str]):
            turns (int):
            transcript (list[str]):
            walk (list[str]):
    """

    scenario: str
    success: bool
    ended: str
    wrong: list[str]
    wrong_writes: list[str]
    disclosures: list[str]
    turns: int
    transcript: list[str]
    walk: list[str]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        scenario = self.scenario

        success = self.success

        ended = self.ended

        wrong = self.wrong

        wrong_writes = self.wrong_writes

        disclosures = self.disclosures

        turns = self.turns

        transcript = self.transcript

        walk = self.walk

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "scenario": scenario,
                "success": success,
                "ended": ended,
                "wrong": wrong,
                "wrong_writes": wrong_writes,
                "disclosures": disclosures,
                "turns": turns,
                "transcript": transcript,
                "walk": walk,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        scenario = d.pop("scenario")

        success = d.pop("success")

        ended = d.pop("ended")

        wrong = cast(list[str], d.pop("wrong"))

        wrong_writes = cast(list[str], d.pop("wrong_writes"))

        disclosures = cast(list[str], d.pop("disclosures"))

        turns = d.pop("turns")

        transcript = cast(list[str], d.pop("transcript"))

        walk = cast(list[str], d.pop("walk"))

        played = cls(
            scenario=scenario,
            success=success,
            ended=ended,
            wrong=wrong,
            wrong_writes=wrong_writes,
            disclosures=disclosures,
            turns=turns,
            transcript=transcript,
            walk=walk,
        )

        played.additional_properties = d
        return played

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
