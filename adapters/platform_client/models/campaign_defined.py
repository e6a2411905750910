from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.campaign_defined_status import CampaignDefinedStatus
from ..models.campaign_defined_status import check_campaign_defined_status
from ..types import UNSET, Unset
from typing import cast

if TYPE_CHECKING:
    from ..models.campaign_defined_document import CampaignDefinedDocument


T = TypeVar("T", bound="CampaignDefined")


@_attrs_define
class CampaignDefined:
    """A definition to be kept. `version` is the author's own word for it.

    Attributes:
        title (str):
        document (CampaignDefinedDocument): The definition, as docs/campaigns.md describes it
        description (str | Unset):  Default: ''.
        version (str | Unset):  Default: ''.
        status (CampaignDefinedStatus | Unset):  Default: 'draft'.
    """

    title: str
    document: CampaignDefinedDocument
    description: str | Unset = ""
    version: str | Unset = ""
    status: CampaignDefinedStatus | Unset = "draft"

    def to_dict(self) -> dict[str, Any]:
        from ..models.campaign_defined_document import CampaignDefinedDocument  # noqa: PLC0415

        title = self.title

        document = self.document.to_dict()

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
        from ..models.campaign_defined_document import CampaignDefinedDocument  # noqa: PLC0415

        d = dict(src_dict)
        title = d.pop("title")

        document = CampaignDefinedDocument.from_dict(d.pop("document"))

        description = d.pop("description", UNSET)

        version = d.pop("version", UNSET)

        _status = d.pop("status", UNSET)
        status: CampaignDefinedStatus | Unset
        if isinstance(_status, Unset):
            status = UNSET
        else:
            status = check_campaign_defined_status(_status)

        campaign_defined = cls(
            title=title,
            document=document,
            description=description,
            version=version,
            status=status,
        )

        return campaign_defined
