from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast

if TYPE_CHECKING:
    from ..models.sent_service_document import SentServiceDocument


T = TypeVar("T", bound="SentService")


@_attrs_define
class SentService:
    """The whole service; docs/chat.md says what its document may have. It holds public keys only.

    Attributes:
        title (str):
        document (SentServiceDocument):
        description (str | Unset):  Default: ''.
        active (bool | Unset):  Default: True.
    """

    title: str
    document: SentServiceDocument
    description: str | Unset = ""
    active: bool | Unset = True

    def to_dict(self) -> dict[str, Any]:
        from ..models.sent_service_document import SentServiceDocument  # noqa: PLC0415

        title = self.title

        document = self.document.to_dict()

        description = self.description

        active = self.active

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "title": title,
                "document": document,
            }
        )
        if description is not UNSET:
            field_dict["description"] = description
        if active is not UNSET:
            field_dict["active"] = active

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.sent_service_document import SentServiceDocument  # noqa: PLC0415

        d = dict(src_dict)
        title = d.pop("title")

        document = SentServiceDocument.from_dict(d.pop("document"))

        description = d.pop("description", UNSET)

        active = d.pop("active", UNSET)

        sent_service = cls(
            title=title,
            document=document,
            description=description,
            active=active,
        )

        return sent_service
