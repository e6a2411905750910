from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.link import Link
    from ..models.service_told_document import ServiceToldDocument


T = TypeVar("T", bound="ServiceTold")


@_attrs_define
class ServiceTold:
    """A chat service. One that is not `active` takes no conversations.

    Attributes:
        id (str):
        title (str):
        description (str):
        active (bool):
        document (ServiceToldDocument):
        library (Link): A FHIR resource: what it says is read there, never here.
    """

    id: str
    title: str
    description: str
    active: bool
    document: ServiceToldDocument
    library: Link
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.link import Link  # noqa: PLC0415
        from ..models.service_told_document import ServiceToldDocument  # noqa: PLC0415

        id = self.id

        title = self.title

        description = self.description

        active = self.active

        document = self.document.to_dict()

        library = self.library.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "title": title,
                "description": description,
                "active": active,
                "document": document,
                "library": library,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.link import Link  # noqa: PLC0415
        from ..models.service_told_document import ServiceToldDocument  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        title = d.pop("title")

        description = d.pop("description")

        active = d.pop("active")

        document = ServiceToldDocument.from_dict(d.pop("document"))

        library = Link.from_dict(d.pop("library"))

        service_told = cls(
            id=id,
            title=title,
            description=description,
            active=active,
            document=document,
            library=library,
        )

        service_told.additional_properties = d
        return service_told

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
