from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast
import datetime

if TYPE_CHECKING:
    from ..models.campaign_rehearsal_counts import CampaignRehearsalCounts
    from ..models.campaign_rehearsal_off import CampaignRehearsalOff
    from ..models.person_foreseen import PersonForeseen


T = TypeVar("T", bound="CampaignRehearsal")


@_attrs_define
class CampaignRehearsal:
    """What a dry run found: `found` is everyone of the audience, `counts` are over `people`, `off` are channels of the
    campaign that cannot be used, and why.

        Attributes:
            found (int):
            counts (CampaignRehearsalCounts):
            people (list[PersonForeseen]):
            next_runs (list[datetime.datetime]):
            off (CampaignRehearsalOff):
    """

    found: int
    counts: CampaignRehearsalCounts
    people: list[PersonForeseen]
    next_runs: list[datetime.datetime]
    off: CampaignRehearsalOff
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.campaign_rehearsal_counts import CampaignRehearsalCounts  # noqa: PLC0415
        from ..models.campaign_rehearsal_off import CampaignRehearsalOff  # noqa: PLC0415
        from ..models.person_foreseen import PersonForeseen  # noqa: PLC0415

        found = self.found

        counts = self.counts.to_dict()

        people = []
        for people_item_data in self.people:
            people_item = people_item_data.to_dict()
            people.append(people_item)

        next_runs = []
        for next_runs_item_data in self.next_runs:
            next_runs_item = next_runs_item_data.isoformat()
            next_runs.append(next_runs_item)

        off = self.off.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "found": found,
                "counts": counts,
                "people": people,
                "next_runs": next_runs,
                "off": off,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.campaign_rehearsal_counts import CampaignRehearsalCounts  # noqa: PLC0415
        from ..models.campaign_rehearsal_off import CampaignRehearsalOff  # noqa: PLC0415
        from ..models.person_foreseen import PersonForeseen  # noqa: PLC0415

        d = dict(src_dict)
        found = d.pop("found")

        counts = CampaignRehearsalCounts.from_dict(d.pop("counts"))

        people = []
        _people = d.pop("people")
        for people_item_data in _people:
            people_item = PersonForeseen.from_dict(people_item_data)

            people.append(people_item)

        next_runs = []
        _next_runs = d.pop("next_runs")
        for next_runs_item_data in _next_runs:
            next_runs_item = datetime.datetime.fromisoformat(next_runs_item_data)

            next_runs.append(next_runs_item)

        off = CampaignRehearsalOff.from_dict(d.pop("off"))

        campaign_rehearsal = cls(
            found=found,
            counts=counts,
            people=people,
            next_runs=next_runs,
            off=off,
        )

        campaign_rehearsal.additional_properties = d
        return campaign_rehearsal

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
