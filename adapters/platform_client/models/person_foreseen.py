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


T = TypeVar("T", bound="PersonForeseen")


@_attrs_define
class PersonForeseen:
    """What would happen with one patient: `reach`, `wait`, `settle` or `leave out`, and why.

    Attributes:
        patient (Link | None):
        what (str):
        why (str):
        channel (str):
        at (datetime.datetime | None):
        about (list[Link]):
        zones (list[str]):
    """

    patient: Link | None
    what: str
    why: str
    channel: str
    at: datetime.datetime | None
    about: list[Link]
    zones: list[str]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.link import Link  # noqa: PLC0415

        patient: dict[str, Any] | None
        if isinstance(self.patient, Link):
            patient = self.patient.to_dict()
        else:
            patient = self.patient

        what = self.what

        why = self.why

        channel = self.channel

        at: None | str
        if isinstance(self.at, datetime.datetime):
            at = self.at.isoformat()
        else:
            at = self.at

        about = []
        for about_item_data in self.about:
            about_item = about_item_data.to_dict()
            about.append(about_item)

        zones = self.zones

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "patient": patient,
                "what": what,
                "why": why,
                "channel": channel,
                "at": at,
                "about": about,
                "zones": zones,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.link import Link  # noqa: PLC0415

        d = dict(src_dict)

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

        what = d.pop("what")

        why = d.pop("why")

        channel = d.pop("channel")

        def _parse_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                at_type_0 = datetime.datetime.fromisoformat(data)

                return at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        at = _parse_at(d.pop("at"))

        about = []
        _about = d.pop("about")
        for about_item_data in _about:
            about_item = Link.from_dict(about_item_data)

            about.append(about_item)

        zones = cast(list[str], d.pop("zones"))

        person_foreseen = cls(
            patient=patient,
            what=what,
            why=why,
            channel=channel,
            at=at,
            about=about,
            zones=zones,
        )

        person_foreseen.additional_properties = d
        return person_foreseen

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
