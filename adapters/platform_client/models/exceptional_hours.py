from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast


T = TypeVar("T", bound="ExceptionalHours")


@_attrs_define
class ExceptionalHours:
    """Days on which other hours hold: none at all (``closed``), or these. ``name`` is what is told as the reason.

    Attributes:
        name (str):
        date (str):
        practitioners (list[str] | Unset):
        locations (list[str] | Unset):
        services (list[str] | Unset):
        until (str | Unset):  Default: ''.
        closed (bool | Unset):  Default: True.
        from_ (str | Unset):  Default: '00:00'.
        to (str | Unset):  Default: '24:00'.
    """

    name: str
    date: str
    practitioners: list[str] | Unset = UNSET
    locations: list[str] | Unset = UNSET
    services: list[str] | Unset = UNSET
    until: str | Unset = ""
    closed: bool | Unset = True
    from_: str | Unset = "00:00"
    to: str | Unset = "24:00"

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        date = self.date

        practitioners: list[str] | Unset = UNSET
        if not isinstance(self.practitioners, Unset):
            practitioners = self.practitioners

        locations: list[str] | Unset = UNSET
        if not isinstance(self.locations, Unset):
            locations = self.locations

        services: list[str] | Unset = UNSET
        if not isinstance(self.services, Unset):
            services = self.services

        until = self.until

        closed = self.closed

        from_ = self.from_

        to = self.to

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "name": name,
                "date": date,
            }
        )
        if practitioners is not UNSET:
            field_dict["practitioners"] = practitioners
        if locations is not UNSET:
            field_dict["locations"] = locations
        if services is not UNSET:
            field_dict["services"] = services
        if until is not UNSET:
            field_dict["until"] = until
        if closed is not UNSET:
            field_dict["closed"] = closed
        if from_ is not UNSET:
            field_dict["from"] = from_
        if to is not UNSET:
            field_dict["to"] = to

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        name = d.pop("name")

        date = d.pop("date")

        practitioners = cast(list[str], d.pop("practitioners", UNSET))

        locations = cast(list[str], d.pop("locations", UNSET))

        services = cast(list[str], d.pop("services", UNSET))

        until = d.pop("until", UNSET)

        closed = d.pop("closed", UNSET)

        from_ = d.pop("from", UNSET)

        to = d.pop("to", UNSET)

        exceptional_hours = cls(
            name=name,
            date=date,
            practitioners=practitioners,
            locations=locations,
            services=services,
            until=until,
            closed=closed,
            from_=from_,
            to=to,
        )

        return exceptional_hours
