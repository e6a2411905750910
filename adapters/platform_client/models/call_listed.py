from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.call_listed_channel_type_0 import CallListedChannelType0
from ..models.call_listed_channel_type_0 import check_call_listed_channel_type_0
from ..models.call_listed_direction import CallListedDirection
from ..models.call_listed_direction import check_call_listed_direction
from ..models.call_listed_status import CallListedStatus
from ..models.call_listed_status import check_call_listed_status
from ..types import UNSET, Unset
from typing import cast
import datetime

if TYPE_CHECKING:
    from ..models.link import Link


T = TypeVar("T", bound="CallListed")


@_attrs_define
class CallListed:
    """A call or conversation. `id` is that of its Communication; `why` says why nobody was reached, or what came of a
    call out; `live` is its id while it is under way.

        Attributes:
            id (str):
            direction (CallListedDirection):
            status (CallListedStatus):
            communication (Link): A FHIR resource: what it says is read there, never here.
            channel (CallListedChannelType0 | None | Unset):
            why (str | Unset):  Default: ''.
            started (datetime.datetime | None | Unset):
            ended (datetime.datetime | None | Unset):
            patient (Link | None | Unset):
            live (str | Unset):  Default: ''.
    """

    id: str
    direction: CallListedDirection
    status: CallListedStatus
    communication: Link
    channel: CallListedChannelType0 | None | Unset = UNSET
    why: str | Unset = ""
    started: datetime.datetime | None | Unset = UNSET
    ended: datetime.datetime | None | Unset = UNSET
    patient: Link | None | Unset = UNSET
    live: str | Unset = ""
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.link import Link  # noqa: PLC0415

        id = self.id

        direction: str = self.direction

        status: str = self.status

        communication = self.communication.to_dict()

        channel: None | str | Unset
        if isinstance(self.channel, Unset):
            channel = UNSET
        elif isinstance(self.channel, str):
            channel = self.channel
        else:
            channel = self.channel

        why = self.why

        started: None | str | Unset
        if isinstance(self.started, Unset):
            started = UNSET
        elif isinstance(self.started, datetime.datetime):
            started = self.started.isoformat()
        else:
            started = self.started

        ended: None | str | Unset
        if isinstance(self.ended, Unset):
            ended = UNSET
        elif isinstance(self.ended, datetime.datetime):
            ended = self.ended.isoformat()
        else:
            ended = self.ended

        patient: dict[str, Any] | None | Unset
        if isinstance(self.patient, Unset):
            patient = UNSET
        elif isinstance(self.patient, Link):
            patient = self.patient.to_dict()
        else:
            patient = self.patient

        live = self.live

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "direction": direction,
                "status": status,
                "communication": communication,
            }
        )
        if channel is not UNSET:
            field_dict["channel"] = channel
        if why is not UNSET:
            field_dict["why"] = why
        if started is not UNSET:
            field_dict["started"] = started
        if ended is not UNSET:
            field_dict["ended"] = ended
        if patient is not UNSET:
            field_dict["patient"] = patient
        if live is not UNSET:
            field_dict["live"] = live

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.link import Link  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        direction = check_call_listed_direction(d.pop("direction"))

        status = check_call_listed_status(d.pop("status"))

        communication = Link.from_dict(d.pop("communication"))

        def _parse_channel(data: object) -> CallListedChannelType0 | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                channel_type_0 = check_call_listed_channel_type_0(data)

                return channel_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(CallListedChannelType0 | None | Unset, data)

        channel = _parse_channel(d.pop("channel", UNSET))

        why = d.pop("why", UNSET)

        def _parse_started(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                started_type_0 = datetime.datetime.fromisoformat(data)

                return started_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        started = _parse_started(d.pop("started", UNSET))

        def _parse_ended(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                ended_type_0 = datetime.datetime.fromisoformat(data)

                return ended_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        ended = _parse_ended(d.pop("ended", UNSET))

        def _parse_patient(data: object) -> Link | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                patient_type_0 = Link.from_dict(data)

                return patient_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Link | None | Unset, data)

        patient = _parse_patient(d.pop("patient", UNSET))

        live = d.pop("live", UNSET)

        call_listed = cls(
            id=id,
            direction=direction,
            status=status,
            communication=communication,
            channel=channel,
            why=why,
            started=started,
            ended=ended,
            patient=patient,
            live=live,
        )

        call_listed.additional_properties = d
        return call_listed

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
