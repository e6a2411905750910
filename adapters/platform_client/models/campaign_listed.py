from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.campaign_listed_status import CampaignListedStatus
from ..models.campaign_listed_status import check_campaign_listed_status
from typing import cast

if TYPE_CHECKING:
    from ..models.link import Link


T = TypeVar("T", bound="CampaignListed")


@_attrs_define
class CampaignListed:
    """A campaign.

    Attributes:
        id (str):
        title (str):
        status (CampaignListedStatus):
        library (Link | None):
    """

    id: str
    title: str
    status: CampaignListedStatus
    library: Link | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.link import Link  # noqa: PLC0415

        id = self.id

        title = self.title

        status: str = self.status

        library: dict[str, Any] | None
        if isinstance(self.library, Link):
            library = self.library.to_dict()
        else:
            library = self.library

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "title": title,
                "status": status,
                "library": library,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.link import Link  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        title = d.pop("title")

        status = check_campaign_listed_status(d.pop("status"))

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

        campaign_listed = cls(
            id=id,
            title=title,
            status=status,
            library=library,
        )

        campaign_listed.additional_properties = d
        return campaign_listed

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
