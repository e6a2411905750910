from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast
import datetime

if TYPE_CHECKING:
    from ..models.campaign_progress_channels import CampaignProgressChannels
    from ..models.campaign_progress_states import CampaignProgressStates
    from ..models.campaign_run import CampaignRun
    from ..models.campaign_standing import CampaignStanding


T = TypeVar("T", bound="CampaignProgress")


@_attrs_define
class CampaignProgress:
    """How far it has come: members by `waiting` or outcome, attempts by channel and status, when the next is due.

    Attributes:
        standing (CampaignStanding): How it stands: `none` (never started), `in-progress`, `on-hold`, `completed`,
            `cancelled`.
        members (int):
        states (CampaignProgressStates):
        channels (CampaignProgressChannels):
        next_ (datetime.datetime | None):
        runs (list[CampaignRun]):
    """

    standing: CampaignStanding
    members: int
    states: CampaignProgressStates
    channels: CampaignProgressChannels
    next_: datetime.datetime | None
    runs: list[CampaignRun]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.campaign_progress_channels import CampaignProgressChannels  # noqa: PLC0415
        from ..models.campaign_progress_states import CampaignProgressStates  # noqa: PLC0415
        from ..models.campaign_run import CampaignRun  # noqa: PLC0415
        from ..models.campaign_standing import CampaignStanding  # noqa: PLC0415

        standing = self.standing.to_dict()

        members = self.members

        states = self.states.to_dict()

        channels = self.channels.to_dict()

        next_: None | str
        if isinstance(self.next_, datetime.datetime):
            next_ = self.next_.isoformat()
        else:
            next_ = self.next_

        runs = []
        for runs_item_data in self.runs:
            runs_item = runs_item_data.to_dict()
            runs.append(runs_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "standing": standing,
                "members": members,
                "states": states,
                "channels": channels,
                "next": next_,
                "runs": runs,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.campaign_progress_channels import CampaignProgressChannels  # noqa: PLC0415
        from ..models.campaign_progress_states import CampaignProgressStates  # noqa: PLC0415
        from ..models.campaign_run import CampaignRun  # noqa: PLC0415
        from ..models.campaign_standing import CampaignStanding  # noqa: PLC0415

        d = dict(src_dict)
        standing = CampaignStanding.from_dict(d.pop("standing"))

        members = d.pop("members")

        states = CampaignProgressStates.from_dict(d.pop("states"))

        channels = CampaignProgressChannels.from_dict(d.pop("channels"))

        def _parse_next_(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                next_type_0 = datetime.datetime.fromisoformat(data)

                return next_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        next_ = _parse_next_(d.pop("next"))

        runs = []
        _runs = d.pop("runs")
        for runs_item_data in _runs:
            runs_item = CampaignRun.from_dict(runs_item_data)

            runs.append(runs_item)

        campaign_progress = cls(
            standing=standing,
            members=members,
            states=states,
            channels=channels,
            next_=next_,
            runs=runs,
        )

        campaign_progress.additional_properties = d
        return campaign_progress

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
