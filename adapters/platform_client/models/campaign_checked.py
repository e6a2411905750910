from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.campaign_checked_document import CampaignCheckedDocument


T = TypeVar("T", bound="CampaignChecked")


@_attrs_define
class CampaignChecked:
    """A definition to be looked at only.

    Attributes:
        document (CampaignCheckedDocument): The definition, as docs/campaigns.md describes it
    """

    document: CampaignCheckedDocument

    def to_dict(self) -> dict[str, Any]:
        from ..models.campaign_checked_document import CampaignCheckedDocument  # noqa: PLC0415

        document = self.document.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "document": document,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.campaign_checked_document import CampaignCheckedDocument  # noqa: PLC0415

        d = dict(src_dict)
        document = CampaignCheckedDocument.from_dict(d.pop("document"))

        campaign_checked = cls(
            document=document,
        )

        return campaign_checked
