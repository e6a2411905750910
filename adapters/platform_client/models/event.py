from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.link import Link


T = TypeVar("T", bound="Event")


@_attrs_define
class Event:
    """One event. `resource` is the version that it made (of a deletion the one that is no more), `related` what else
    it is about; `id` is the same wherever the event is told of, and greater than that of every event before.

        Attributes:
            id (str):
            type_ (str):
            change (str):
            at (str):
            resource (Link): A FHIR resource: what it says is read there, never here.
            provenance (Link): A FHIR resource: what it says is read there, never here.
            source (str):
            related (list[Link]):
    """

    id: str
    type_: str
    change: str
    at: str
    resource: Link
    provenance: Link
    source: str
    related: list[Link]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.link import Link  # noqa: PLC0415

        id = self.id

        type_ = self.type_

        change = self.change

        at = self.at

        resource = self.resource.to_dict()

        provenance = self.provenance.to_dict()

        source = self.source

        related = []
        for related_item_data in self.related:
            related_item = related_item_data.to_dict()
            related.append(related_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "type": type_,
                "change": change,
                "at": at,
                "resource": resource,
                "provenance": provenance,
                "source": source,
                "related": related,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.link import Link  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        type_ = d.pop("type")

        change = d.pop("change")

        at = d.pop("at")

        resource = Link.from_dict(d.pop("resource"))

        provenance = Link.from_dict(d.pop("provenance"))

        source = d.pop("source")

        related = []
        _related = d.pop("related")
        for related_item_data in _related:
            related_item = Link.from_dict(related_item_data)

            related.append(related_item)

        event = cls(
            id=id,
            type_=type_,
            change=change,
            at=at,
            resource=resource,
            provenance=provenance,
            source=source,
            related=related,
        )

        event.additional_properties = d
        return event

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
