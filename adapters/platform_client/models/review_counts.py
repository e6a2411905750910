from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast
import datetime

if TYPE_CHECKING:
    from ..models.review_counts_counts import ReviewCountsCounts
    from ..models.review_counts_seconds_to_decision import ReviewCountsSecondsToDecision
    from ..models.reviewer_counts import ReviewerCounts


T = TypeVar("T", bound="ReviewCounts")


@_attrs_define
class ReviewCounts:
    """The queue and the decisions on it, of the items made from `start` to `end`.

    Attributes:
        start (datetime.datetime):
        end (datetime.datetime):
        complete (bool):
        items (int):
        counts (ReviewCountsCounts):
        seconds_to_decision (ReviewCountsSecondsToDecision):
        reviewers (list[ReviewerCounts]):
    """

    start: datetime.datetime
    end: datetime.datetime
    complete: bool
    items: int
    counts: ReviewCountsCounts
    seconds_to_decision: ReviewCountsSecondsToDecision
    reviewers: list[ReviewerCounts]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.review_counts_counts import ReviewCountsCounts  # noqa: PLC0415
        from ..models.review_counts_seconds_to_decision import ReviewCountsSecondsToDecision  # noqa: PLC0415
        from ..models.reviewer_counts import ReviewerCounts  # noqa: PLC0415

        start = self.start.isoformat()

        end = self.end.isoformat()

        complete = self.complete

        items = self.items

        counts = self.counts.to_dict()

        seconds_to_decision = self.seconds_to_decision.to_dict()

        reviewers = []
        for reviewers_item_data in self.reviewers:
            reviewers_item = reviewers_item_data.to_dict()
            reviewers.append(reviewers_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "start": start,
                "end": end,
                "complete": complete,
                "items": items,
                "counts": counts,
                "seconds_to_decision": seconds_to_decision,
                "reviewers": reviewers,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.review_counts_counts import ReviewCountsCounts  # noqa: PLC0415
        from ..models.review_counts_seconds_to_decision import ReviewCountsSecondsToDecision  # noqa: PLC0415
        from ..models.reviewer_counts import ReviewerCounts  # noqa: PLC0415

        d = dict(src_dict)
        start = datetime.datetime.fromisoformat(d.pop("start"))

        end = datetime.datetime.fromisoformat(d.pop("end"))

        complete = d.pop("complete")

        items = d.pop("items")

        counts = ReviewCountsCounts.from_dict(d.pop("counts"))

        seconds_to_decision = ReviewCountsSecondsToDecision.from_dict(d.pop("seconds_to_decision"))

        reviewers = []
        _reviewers = d.pop("reviewers")
        for reviewers_item_data in _reviewers:
            reviewers_item = ReviewerCounts.from_dict(reviewers_item_data)

            reviewers.append(reviewers_item)

        review_counts = cls(
            start=start,
            end=end,
            complete=complete,
            items=items,
            counts=counts,
            seconds_to_decision=seconds_to_decision,
            reviewers=reviewers,
        )

        review_counts.additional_properties = d
        return review_counts

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
