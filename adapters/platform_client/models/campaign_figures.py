from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.campaign_figures_outcomes import CampaignFiguresOutcomes


T = TypeVar("T", bound="CampaignFigures")


@_attrs_define
class CampaignFigures:
    """Figures of a campaign. Nobody tried to reach those `left_out`; `attempts` reached somebody `reached` times.

    Attributes:
        group (str):
        patients (int):
        left_out (int):
        settled (int):
        attempts (int):
        reached (int):
        outcomes (CampaignFiguresOutcomes):
    """

    group: str
    patients: int
    left_out: int
    settled: int
    attempts: int
    reached: int
    outcomes: CampaignFiguresOutcomes
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.campaign_figures_outcomes import CampaignFiguresOutcomes  # noqa: PLC0415

        group = self.group

        patients = self.patients

        left_out = self.left_out

        settled = self.settled

        attempts = self.attempts

        reached = self.reached

        outcomes = self.outcomes.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "group": group,
                "patients": patients,
                "left_out": left_out,
                "settled": settled,
                "attempts": attempts,
                "reached": reached,
                "outcomes": outcomes,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.campaign_figures_outcomes import CampaignFiguresOutcomes  # noqa: PLC0415

        d = dict(src_dict)
        group = d.pop("group")

        patients = d.pop("patients")

        left_out = d.pop("left_out")

        settled = d.pop("settled")

        attempts = d.pop("attempts")

        reached = d.pop("reached")

        outcomes = CampaignFiguresOutcomes.from_dict(d.pop("outcomes"))

        campaign_figures = cls(
            group=group,
            patients=patients,
            left_out=left_out,
            settled=settled,
            attempts=attempts,
            reached=reached,
            outcomes=outcomes,
        )

        campaign_figures.additional_properties = d
        return campaign_figures

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
