from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast
import datetime

if TYPE_CHECKING:
    from ..models.link import Link


T = TypeVar("T", bound="CampaignMember")


@_attrs_define
class CampaignMember:
    """One patient: `request` is the CommunicationRequest. `outcome` is `waiting` until there is one; `next` is when it
    is looked at, `why` why not before, or why it ended.

        Attributes:
            request (Link | None):
            patient (Link | None):
            run (Link | None):
            status (str):
            outcome (str):
            why (str):
            next_ (datetime.datetime | None):
            about (list[Link]):
    """

    request: Link | None
    patient: Link | None
    run: Link | None
    status: str
    outcome: str
    why: str
    next_: datetime.datetime | None
    about: list[Link]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.link import Link  # noqa: PLC0415

        request: dict[str, Any] | None
        if isinstance(self.request, Link):
            request = self.request.to_dict()
        else:
            request = self.request

        patient: dict[str, Any] | None
        if isinstance(self.patient, Link):
            patient = self.patient.to_dict()
        else:
            patient = self.patient

        run: dict[str, Any] | None
        if isinstance(self.run, Link):
            run = self.run.to_dict()
        else:
            run = self.run

        status = self.status

        outcome = self.outcome

        why = self.why

        next_: None | str
        if isinstance(self.next_, datetime.datetime):
            next_ = self.next_.isoformat()
        else:
            next_ = self.next_

        about = []
        for about_item_data in self.about:
            about_item = about_item_data.to_dict()
            about.append(about_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "request": request,
                "patient": patient,
                "run": run,
                "status": status,
                "outcome": outcome,
                "why": why,
                "next": next_,
                "about": about,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.link import Link  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_request(data: object) -> Link | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                request_type_0 = Link.from_dict(data)

                return request_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Link | None, data)

        request = _parse_request(d.pop("request"))

        def _parse_patient(data: object) -> Link | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                patient_type_0 = Link.from_dict(data)

                return patient_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Link | None, data)

        patient = _parse_patient(d.pop("patient"))

        def _parse_run(data: object) -> Link | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                run_type_0 = Link.from_dict(data)

                return run_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Link | None, data)

        run = _parse_run(d.pop("run"))

        status = d.pop("status")

        outcome = d.pop("outcome")

        why = d.pop("why")

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

        about = []
        _about = d.pop("about")
        for about_item_data in _about:
            about_item = Link.from_dict(about_item_data)

            about.append(about_item)

        campaign_member = cls(
            request=request,
            patient=patient,
            run=run,
            status=status,
            outcome=outcome,
            why=why,
            next_=next_,
            about=about,
        )

        campaign_member.additional_properties = d
        return campaign_member

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
