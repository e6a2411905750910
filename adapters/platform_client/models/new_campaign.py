from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.new_campaign_status import check_new_campaign_status
from ..models.new_campaign_status import NewCampaignStatus
from ..types import UNSET, Unset
from typing import cast

if TYPE_CHECKING:
    from ..models.new_campaign_document import NewCampaignDocument


T = TypeVar("T", bound="NewCampaign")


@_attrs_define
class NewCampaign:
    """The same with the id under which it is to be kept.

    Attributes:
        title (str):
        document (NewCampaignDocument): The definition, as docs/campaigns.md describes it
        id (str):
        description (str | Unset):  Default: ''.
        version (str | Unset):  Default: ''.
        status (NewCampaignStatus | Unset):  Default: 'draft'.
    """

    title: str
    document: NewCampaignDocument
    id: str
    description: str | Unset = ""
    version: str | Unset = ""
    status: NewCampaignStatus | Unset = "draft"

    def to_dict(self) -> dict[str, Any]:
        from ..models.new_campaign_document import NewCampaignDocument  # noqa: PLC0415

        title = self.title

        document = self.document.to_dict()

        id = self.id

        description = self.description

        version = self.version

        status: str | Unset = UNSET
        if not isinstance(self.status, Unset):
            status = self.status

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
        if version is not UNSET:
            field_dict["version"] = version
        if status is not UNSET:
            field_dict["status"] = status

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.new_campaign_document import NewCampaignDocument  # noqa: PLC0415

        d = dict(src_dict)
        title = d.pop("title")

        document = NewCampaignDocument.from_dict(d.pop("document"))

        id = d.pop("id")

        description = d.pop("description", UNSET)

        version = d.pop("version", UNSET)

        _status = d.pop("status", UNSET)
        status: NewCampaignStatus | Unset
        if isinstance(_status, Unset):
            status = UNSET
        else:
            status = check_new_campaign_status(_status)

        new_campaign = cls(
            title=title,
            document=document,
            id=id,
            description=description,
            version=version,
            status=status,
        )

        return new_campaign
