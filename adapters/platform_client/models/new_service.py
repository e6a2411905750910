from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast

if TYPE_CHECKING:
    from ..models.new_service_document import NewServiceDocument


T = TypeVar("T", bound="NewService")


@_attrs_define
class NewService:
    """`id` stands in the addresses of its conversations.

    Attributes:
        title (str):
        document (NewServiceDocument):
        id (str):
        description (str | Unset):  Default: ''.
        active (bool | Unset):  Default: True.
    """

    title: str
    document: NewServiceDocument
    id: str
    description: str | Unset = ""
    active: bool | Unset = True

    def to_dict(self) -> dict[str, Any]:
        from ..models.new_service_document import NewServiceDocument  # noqa: PLC0415

        title = self.title

        document = self.document.to_dict()

        id = self.id

        description = self.description

        active = self.active

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "title": title,
                "document": document,
                "id": id,
            }
        )
        if description is not UNSET:
            field_dict["description"] = description
        if active is not UNSET:
            field_dict["active"] = active

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.new_service_document import NewServiceDocument  # noqa: PLC0415

        d = dict(src_dict)
        title = d.pop("title")

        document = NewServiceDocument.from_dict(d.pop("document"))

        id = d.pop("id")

        description = d.pop("description", UNSET)

        active = d.pop("active", UNSET)

        new_service = cls(
            title=title,
            document=document,
            id=id,
            description=description,
            active=active,
        )

        return new_service
