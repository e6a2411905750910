from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast
import datetime


T = TypeVar("T", bound="NewWebhook")


@_attrs_define
class NewWebhook:
    """`types` are types of events or families (`appointment.*`), `resources` types of resources; none: all.

    `condition` is FHIRPath that must be true of the version that an event is about, with `%previous` and `%current`.
    `since`: begin with the first event at or after this moment; without, with what happens from now on.

        Attributes:
            url (str):
            types (list[str] | Unset):
            resources (list[str] | Unset):
            condition (str | Unset):  Default: ''.
            description (str | Unset):  Default: ''.
            since (datetime.datetime | None | Unset):
    """

    url: str
    types: list[str] | Unset = UNSET
    resources: list[str] | Unset = UNSET
    condition: str | Unset = ""
    description: str | Unset = ""
    since: datetime.datetime | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        url = self.url

        types: list[str] | Unset = UNSET
        if not isinstance(self.types, Unset):
            types = self.types

        resources: list[str] | Unset = UNSET
        if not isinstance(self.resources, Unset):
            resources = self.resources

        condition = self.condition

        description = self.description

        since: None | str | Unset
        if isinstance(self.since, Unset):
            since = UNSET
        elif isinstance(self.since, datetime.datetime):
            since = self.since.isoformat()
        else:
            since = self.since

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "url": url,
            }
        )
        if types is not UNSET:
            field_dict["types"] = types
        if resources is not UNSET:
            field_dict["resources"] = resources
        if condition is not UNSET:
            field_dict["condition"] = condition
        if description is not UNSET:
            field_dict["description"] = description
        if since is not UNSET:
            field_dict["since"] = since

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        url = d.pop("url")

        types = cast(list[str], d.pop("types", UNSET))

        resources = cast(list[str], d.pop("resources", UNSET))

        condition = d.pop("condition", UNSET)

        description = d.pop("description", UNSET)

        def _parse_since(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                since_type_0 = datetime.datetime.fromisoformat(data)

                return since_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        since = _parse_since(d.pop("since", UNSET))

        new_webhook = cls(
            url=url,
            types=types,
            resources=resources,
            condition=condition,
            description=description,
            since=since,
        )

        return new_webhook
