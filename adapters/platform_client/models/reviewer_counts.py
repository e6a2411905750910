from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.reviewer_counts_decisions import ReviewerCountsDecisions
    from ..models.reviewer_counts_seconds_to_decision import ReviewerCountsSecondsToDecision


T = TypeVar("T", bound="ReviewerCounts")


@_attrs_define
class ReviewerCounts:
    """What one reviewer did.

    Attributes:
        name (str):
        items (int):
        decisions (ReviewerCountsDecisions):
        seconds_to_decision (ReviewerCountsSecondsToDecision):
    """

    name: str
    items: int
    decisions: ReviewerCountsDecisions
    seconds_to_decision: ReviewerCountsSecondsToDecision
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.reviewer_counts_decisions import ReviewerCountsDecisions  # noqa: PLC0415
        from ..models.reviewer_counts_seconds_to_decision import ReviewerCountsSecondsToDecision  # noqa: PLC0415

        name = self.name

        items = self.items

        decisions = self.decisions.to_dict()

        seconds_to_decision = self.seconds_to_decision.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "items": items,
                "decisions": decisions,
                "seconds_to_decision": seconds_to_decision,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.reviewer_counts_decisions import ReviewerCountsDecisions  # noqa: PLC0415
        from ..models.reviewer_counts_seconds_to_decision import ReviewerCountsSecondsToDecision  # noqa: PLC0415

        d = dict(src_dict)
        name = d.pop("name")

        items = d.pop("items")

        decisions = ReviewerCountsDecisions.from_dict(d.pop("decisions"))

        seconds_to_decision = ReviewerCountsSecondsToDecision.from_dict(d.pop("seconds_to_decision"))

        reviewer_counts = cls(
            name=name,
            items=items,
            decisions=decisions,
            seconds_to_decision=seconds_to_decision,
        )

        reviewer_counts.additional_properties = d
        return reviewer_counts

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
