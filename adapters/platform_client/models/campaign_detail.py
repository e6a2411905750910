from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.campaign_detail_status import CampaignDetailStatus
from ..models.campaign_detail_status import check_campaign_detail_status
from typing import cast

if TYPE_CHECKING:
    from ..models.campaign_detail_document import CampaignDetailDocument
    from ..models.campaign_standing import CampaignStanding
    from ..models.link import Link


T = TypeVar("T", bound="CampaignDetail")


@_attrs_define
class CampaignDetail:
    """A campaign with its definition; `standing` is how the latest start of it stands.

    Attributes:
        id (str):
        title (str):
        status (CampaignDetailStatus):
        library (Link | None):
        description (str):
        version (str):
        document (CampaignDetailDocument):
        plan (Link | None):
        standing (CampaignStanding): How it stands: `none` (never started), `in-progress`, `on-hold`, `completed`,
            `cancelled`.
    """

    id: str
    title: str
    status: CampaignDetailStatus
    library: Link | None
    description: str
    version: str
    document: CampaignDetailDocument
    plan: Link | None
    standing: CampaignStanding
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.campaign_detail_document import CampaignDetailDocument  # noqa: PLC0415
        from ..models.campaign_standing import CampaignStanding  # noqa: PLC0415
        from ..models.link import Link  # noqa: PLC0415

        id = self.id

        title = self.title

        status: str = self.status

        library: dict[str, Any] | None
        if isinstance(self.library, Link):
            library = self.library.to_dict()
        else:
            library = self.library

        description = self.description

        version = self.version

        document = self.document.to_dict()

        plan: dict[str, Any] | None
        if isinstance(self.plan, Link):
            plan = self.plan.to_dict()
        else:
            plan = self.plan

        standing = self.standing.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "title": title,
                "status": status,
                "library": library,
                "description": description,
                "version": version,
                "document": document,
                "plan": plan,
                "standing": standing,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.campaign_detail_document import CampaignDetailDocument  # noqa: PLC0415
        from ..models.campaign_standing import CampaignStanding  # noqa: PLC0415
        from ..models.link import Link  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        title = d.pop("title")

        status = check_campaign_detail_status(d.pop("status"))

        def _parse_library(data: object) -> Link | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                library_type_0 = Link.from_dict(data)

                return library_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Link | None, data)

        library = _parse_library(d.pop("library"))

        description = d.pop("description")

        version = d.pop("version")

        document = CampaignDetailDocument.from_dict(d.pop("document"))

        def _parse_plan(data: object) -> Link | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                plan_type_0 = Link.from_dict(data)

                return plan_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Link | None, data)

        plan = _parse_plan(d.pop("plan"))

        standing = CampaignStanding.from_dict(d.pop("standing"))

        campaign_detail = cls(
            id=id,
            title=title,
            status=status,
            library=library,
            description=description,
            version=version,
            document=document,
            plan=plan,
            standing=standing,
        )

        campaign_detail.additional_properties = d
        return campaign_detail

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
