from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.campaign_template_document import CampaignTemplateDocument


T = TypeVar("T", bound="CampaignTemplate")


@_attrs_define
class CampaignTemplate:
    """A campaign that is shipped; its document can be kept as it is.

    Attributes:
        id (str):
        title (str):
        description (str):
        document (CampaignTemplateDocument):
    """

    id: str
    title: str
    description: str
    document: CampaignTemplateDocument
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.campaign_template_document import CampaignTemplateDocument  # noqa: PLC0415

        id = self.id

        title = self.title

        description = self.description

        document = self.document.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "title": title,
                "description": description,
                "document": document,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.campaign_template_document import CampaignTemplateDocument  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        title = d.pop("title")

        description = d.pop("description")

        document = CampaignTemplateDocument.from_dict(d.pop("document"))

        campaign_template = cls(
            id=id,
            title=title,
            description=description,
            document=document,
        )

        campaign_template.additional_properties = d
        return campaign_template

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
